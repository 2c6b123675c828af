"""Pages by creation, last change and publishing, and pages of one status, read from an index."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE INDEX "posts_created_at_id_idx" ON "posts" ("created_at", "id");
    CREATE INDEX "posts_updated_at_id_idx" ON "posts" ("updated_at", "id");
    CREATE INDEX "posts_published_at_id_idx" ON "posts" ("published_at", "id");
    CREATE INDEX "posts_status_created_at_id_idx" ON "posts" ("status", "created_at", "id");
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DROP INDEX "posts_status_created_at_id_idx";
    DROP INDEX "posts_published_at_id_idx";
    DROP INDEX "posts_updated_at_id_idx";
    DROP INDEX "posts_created_at_id_idx";
    """
