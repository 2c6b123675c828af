"""A slug is present and not blank: from now on, for every writer."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD CONSTRAINT "posts_slug_present"
        CHECK ("slug" IS NOT NULL) NOT VALID;
    ALTER TABLE "posts" ADD CONSTRAINT "posts_slug_not_blank"
        CHECK ("slug" ~ '[^[:space:]]') NOT VALID;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP CONSTRAINT "posts_slug_not_blank";
    ALTER TABLE "posts" DROP CONSTRAINT "posts_slug_present";
    """
