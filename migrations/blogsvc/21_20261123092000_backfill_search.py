"""A text vector for the posts that were there before, a hundred rows a transaction.

Long posts take about a millisecond each, and a writer of one of them waits for its batch.
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
                    SELECT "id" FROM "posts" WHERE "id" > done ORDER BY "id" LIMIT 100
                ) AS "batch";
            EXIT WHEN upto IS NULL;
            -- The trigger does the work.
            UPDATE "posts" SET "title" = "title"
                WHERE "id" > done AND "id" <= upto AND "search" IS NULL;
            COMMIT;
            done := upto;
        END LOOP;
    END
    $backfill$;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    SELECT 'the vectors stay until the column goes';
    """
