"""Pages of one status, newest or oldest first."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE INDEX CONCURRENTLY "posts_status_created_at_id_idx"
        ON "posts" ("status", "created_at", "id");
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DROP INDEX "posts_status_created_at_id_idx";
    """
