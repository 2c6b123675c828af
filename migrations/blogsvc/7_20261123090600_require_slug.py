"""The slug rules hold for the rows that were there before, too, and the slug is NOT NULL.

The scans let readers and writers through, and SET NOT NULL takes the valid CHECK for its proof.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" VALIDATE CONSTRAINT "posts_slug_present";
    ALTER TABLE "posts" VALIDATE CONSTRAINT "posts_slug_not_blank";
    ALTER TABLE "posts" ALTER COLUMN "slug" SET NOT NULL;
    ALTER TABLE "posts" DROP CONSTRAINT "posts_slug_present";
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD CONSTRAINT "posts_slug_present"
        CHECK ("slug" IS NOT NULL) NOT VALID;
    ALTER TABLE "posts" ALTER COLUMN "slug" DROP NOT NULL;
    ALTER TABLE "posts" DROP CONSTRAINT "posts_slug_not_blank";
    ALTER TABLE "posts" ADD CONSTRAINT "posts_slug_not_blank"
        CHECK ("slug" ~ '[^[:space:]]') NOT VALID;
    """
