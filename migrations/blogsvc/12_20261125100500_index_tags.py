"""Posts by their tags."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE INDEX CONCURRENTLY "posts_tags_idx" ON "posts" USING gin ("tags");
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DROP INDEX "posts_tags_idx";
    """
