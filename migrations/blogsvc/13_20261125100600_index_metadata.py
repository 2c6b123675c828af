"""Posts by what their metadata contains; those without any cost the index nothing."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE INDEX CONCURRENTLY "posts_metadata_idx" ON "posts" USING gin ("metadata" jsonb_path_ops)
        WHERE "metadata" <> '{}';
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DROP INDEX "posts_metadata_idx";
    """
