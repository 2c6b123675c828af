"""An address for each post, which no other post has.

Posts that are there get theirs from the title, and the id makes it unique. Writers that do not know
the column get one by default.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD COLUMN "slug" VARCHAR(255);
    UPDATE "posts" SET "slug" = pg_catalog.concat_ws(
        '-',
        nullif(trim('-' FROM left(
            regexp_replace(lower("title"::text), '[^a-z0-9]+', '-', 'g'), 80)), ''),
        "id");
    ALTER TABLE "posts" ALTER COLUMN "slug" SET NOT NULL;
    ALTER TABLE "posts" ALTER COLUMN "slug" SET DEFAULT 'post-' || gen_random_uuid()::text;
    ALTER TABLE "posts" ADD CONSTRAINT "posts_slug_not_blank"
        CHECK ("slug"::text ~ '[^[:space:]]');
    CREATE UNIQUE INDEX "posts_slug_key" ON "posts" ("slug");
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP COLUMN "slug";
    """
