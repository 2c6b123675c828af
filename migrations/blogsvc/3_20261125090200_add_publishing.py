"""When a post was, or will be, published; a published post has such a time.

Posts that are published already count as published when they were created.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD COLUMN "published_at" TIMESTAMPTZ;
    UPDATE "posts" SET "published_at" = "created_at" WHERE "status"::text = 'published';
    ALTER TABLE "posts" ADD CONSTRAINT "posts_published_has_time"
        CHECK ("status"::text <> 'published' OR "published_at" IS NOT NULL);
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP COLUMN "published_at";
    """
