"""A slug for each post: the column, and a default for writers that do not know it.

The default is set after the column is there: a volatile default in ADD COLUMN rewrites the table.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD COLUMN "slug" VARCHAR(255);
    ALTER TABLE "posts" ALTER COLUMN "slug" SET DEFAULT 'post-' || gen_random_uuid();
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP COLUMN "slug";
    """
