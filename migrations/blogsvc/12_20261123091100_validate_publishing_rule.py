"""The publishing rule holds for the rows that were there before, too."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" VALIDATE CONSTRAINT "posts_published_has_time";
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP CONSTRAINT "posts_published_has_time";
    ALTER TABLE "posts" ADD CONSTRAINT "posts_published_has_time"
        CHECK ("status" <> 'published' OR "published_at" IS NOT NULL) NOT VALID;
    """
