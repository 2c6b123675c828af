"""A new column that is empty at first: no row is written.

The default comes after it, for the rows that are stored from now on, also by writers that do not
know the column.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD COLUMN "author" TEXT;
    ALTER TABLE "posts" ALTER COLUMN "author" SET DEFAULT 'Nobody';
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP COLUMN "author";
    """
