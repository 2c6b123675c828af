"""What the owner of a blog keeps with a post: a JSON object of any names and values.

The rule holds for what is written from now on; a later version looks at the rows that are there.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD COLUMN "metadata" JSONB NOT NULL DEFAULT '{}';
    ALTER TABLE "posts" ADD CONSTRAINT "posts_metadata_object"
        CHECK (jsonb_typeof("metadata") = 'object') NOT VALID;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP COLUMN "metadata";
    """
