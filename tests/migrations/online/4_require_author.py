"""The rule holds for the rows that were there before, too, and the column is NOT NULL.

The scan of VALIDATE lets readers and writers through, and SET NOT NULL takes the valid CHECK for
its proof, so that it scans nothing.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" VALIDATE CONSTRAINT "posts_author_present";
    ALTER TABLE "posts" ALTER COLUMN "author" SET NOT NULL;
    ALTER TABLE "posts" DROP CONSTRAINT "posts_author_present";
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD CONSTRAINT "posts_author_present"
        CHECK ("author" IS NOT NULL) NOT VALID;
    ALTER TABLE "posts" ALTER COLUMN "author" DROP NOT NULL;
    """
