"""Posts that were published between the backfill and the rule get their time, too.

By writers that do not know the column: they went on until the rule was there. In batches, so that
nobody waits for one of these rows until the end of a long scan.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DO $mend$
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
            UPDATE "posts" SET "published_at" = "created_at"
                WHERE "id" > done AND "id" <= upto
                    AND "status" = 'published' AND "published_at" IS NULL;
            COMMIT;
            done := upto;
        END LOOP;
    END
    $mend$;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    SELECT 'the mended times stay until the column goes';
    """
