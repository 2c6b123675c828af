"""The rules hold for the rows that were there before, too.

The scan lets readers and writers through. It fails on a row that breaks a rule: mend the row,
then upgrade again. There is nothing to undo that the step before does not undo.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" VALIDATE CONSTRAINT "posts_title_not_blank";
    ALTER TABLE "posts" VALIDATE CONSTRAINT "posts_status_known";
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP CONSTRAINT "posts_status_known";
    ALTER TABLE "posts" DROP CONSTRAINT "posts_title_not_blank";
    ALTER TABLE "posts" ADD CONSTRAINT "posts_title_not_blank"
        CHECK ("title" ~ '[^[:space:]]') NOT VALID;
    ALTER TABLE "posts" ADD CONSTRAINT "posts_status_known"
        CHECK ("status" IN ('draft', 'published', 'archived')) NOT VALID;
    """
