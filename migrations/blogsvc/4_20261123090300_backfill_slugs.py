"""A slug from the title for the posts that were there before, a thousand rows a transaction.

The id at the end makes it unique. Run again after an interruption, it goes on where it stopped.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DO $backfill$
    DECLARE
        done BIGINT := (SELECT min("id") - 1 FROM "posts");
        upto BIGINT;
    BEGIN
        LOOP
            SELECT max("id") INTO upto
                FROM (
                    SELECT "id" FROM "posts" WHERE "id" > done ORDER BY "id" LIMIT 1000
                ) AS "batch";
            EXIT WHEN upto IS NULL;
            UPDATE "posts"
                SET "slug" = concat_ws(
                    '-',
                    nullif(trim('-' FROM left(
                        regexp_replace(lower("title"), '[^a-z0-9]+', '-', 'g'), 80)), ''),
                    "id")
                WHERE "id" > done AND "id" <= upto AND "slug" IS NULL;
            COMMIT;
            done := upto;
        END LOOP;
    END
    $backfill$;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    SELECT 'the slugs stay until the column goes';
    """
