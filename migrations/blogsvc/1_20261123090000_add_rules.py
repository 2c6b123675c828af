"""A title is not blank and a status is one of three: from now on, for every writer."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD CONSTRAINT "posts_title_not_blank"
        CHECK ("title" ~ '[^[:space:]]') NOT VALID;
    ALTER TABLE "posts" ADD CONSTRAINT "posts_status_known"
        CHECK ("status" IN ('draft', 'published', 'archived')) NOT VALID;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP CONSTRAINT "posts_status_known";
    ALTER TABLE "posts" DROP CONSTRAINT "posts_title_not_blank";
    """
