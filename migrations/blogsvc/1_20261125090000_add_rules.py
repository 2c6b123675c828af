"""A title is not blank, and a status is one of three."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD CONSTRAINT "posts_title_not_blank"
        CHECK ("title"::text ~ '[^[:space:]]');
    ALTER TABLE "posts" ADD CONSTRAINT "posts_status_known"
        CHECK ("status"::text IN ('draft', 'published', 'archived'));
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP CONSTRAINT "posts_status_known";
    ALTER TABLE "posts" DROP CONSTRAINT "posts_title_not_blank";
    """
