"""Its values, a hundred rows a transaction.

Run again after an interruption, it takes the rows that still have none. A row that changes is
written to every index, the one for search among them: a thousand would keep a writer waiting.
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
            UPDATE "posts" SET "author" = 'Nobody'
                WHERE "id" > done AND "id" <= upto AND "author" IS NULL;
            COMMIT;
            done := upto;
        END LOOP;
    END
    $backfill$;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    SELECT 'the authors stay until the column goes';
    """
