"""An index, built beside the traffic and alone in its file."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE INDEX CONCURRENTLY "posts_author_id_idx" ON "posts" ("author", "id");
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DROP INDEX "posts_author_id_idx";
    """
