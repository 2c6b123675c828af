"""Pages in the order `updated`."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE INDEX CONCURRENTLY "posts_updated_at_id_idx" ON "posts" ("updated_at", "id");
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DROP INDEX "posts_updated_at_id_idx";
    """
