"""Posts that were published before count as published when they were created."""

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
            UPDATE "posts" SET "published_at" = "created_at"
                WHERE "id" > done AND "id" <= upto
                    AND "status" = 'published' AND "published_at" IS NULL;
            COMMIT;
            done := upto;
        END LOOP;
    END
    $backfill$;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    SELECT 'the times stay until the column goes';
    """
