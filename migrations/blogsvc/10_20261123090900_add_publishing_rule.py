"""A published post has a time of publishing: from now on, for every writer."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD CONSTRAINT "posts_published_has_time"
        CHECK ("status" <> 'published' OR "published_at" IS NOT NULL) NOT VALID;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP CONSTRAINT "posts_published_has_time";
    """
