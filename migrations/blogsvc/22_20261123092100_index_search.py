"""Full text search over the text vectors.

Without the list of pending entries that PostgreSQL keeps by default: while the index is built, the
writer who fills that list works it off for all, and at a million posts that takes a second.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE INDEX CONCURRENTLY "posts_search_idx" ON "posts" USING gin ("search")
        WITH (fastupdate = off);
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DROP INDEX "posts_search_idx";
    """
