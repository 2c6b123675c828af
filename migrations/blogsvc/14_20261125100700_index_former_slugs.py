"""Posts by the addresses that they had."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE INDEX CONCURRENTLY "posts_former_slugs_idx" ON "posts" USING gin ("former_slugs");
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DROP INDEX "posts_former_slugs_idx";
    """
