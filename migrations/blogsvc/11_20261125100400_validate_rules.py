"""The rules for tags, metadata and former slugs hold for every row.

The scan lets readers and writers through.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" VALIDATE CONSTRAINT "posts_tags_valid";
    ALTER TABLE "posts" VALIDATE CONSTRAINT "posts_metadata_object";
    ALTER TABLE "posts" VALIDATE CONSTRAINT "posts_former_slugs_valid";
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP CONSTRAINT "posts_former_slugs_valid";
    ALTER TABLE "posts" ADD CONSTRAINT "posts_former_slugs_valid"
        CHECK ("former_slugs"::text = '{}' OR "posts_texts_valid"("former_slugs")) NOT VALID;
    ALTER TABLE "posts" DROP CONSTRAINT "posts_metadata_object";
    ALTER TABLE "posts" ADD CONSTRAINT "posts_metadata_object"
        CHECK (jsonb_typeof("metadata") = 'object') NOT VALID;
    ALTER TABLE "posts" DROP CONSTRAINT "posts_tags_valid";
    ALTER TABLE "posts" ADD CONSTRAINT "posts_tags_valid"
        CHECK ("tags"::text = '{}' OR "posts_texts_valid"("tags")) NOT VALID;
    """
