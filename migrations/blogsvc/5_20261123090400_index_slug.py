"""No two posts share a slug: the index, built beside the traffic."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE UNIQUE INDEX CONCURRENTLY "posts_slug_key" ON "posts" ("slug");
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DROP INDEX "posts_slug_key";
    """
