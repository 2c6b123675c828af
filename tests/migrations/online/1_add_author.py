"""A new column that may be empty at first: no row is written."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD COLUMN "author" TEXT;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP COLUMN "author";
    """
