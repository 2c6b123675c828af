"""A new column with a constant default: no row is written, though each has the value at once."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD COLUMN "reads" BIGINT NOT NULL DEFAULT 0;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP COLUMN "reads";
    """
