"""The trigger that keeps version and times, whoever writes.

- A change moves `version` by one and `updated_at` to now; an `updated_at` that the statement sets
  is kept. A write that changes nothing moves nothing.
- A write that brings an older `version` than the stored one is refused: it would overwrite what its
  writer has not seen. Those who do not write the column are not asked.
- A published post without a time of publishing gets now. A post that becomes a draft again loses a
  time that lies in the past, unless the statement sets one; a planned time stays. A trigger sees
  values only, so a statement that sets the very time that is stored says so with `version = NULL`.

The setting is for Citus, where a trigger on a distributed table has to be allowed; elsewhere it
means nothing. The trigger touches its own row only, so it is safe there.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD COLUMN "version" INT NOT NULL DEFAULT 1;
    ALTER TABLE "posts" ADD CONSTRAINT "posts_version_positive" CHECK ("version" > 0);
    CREATE FUNCTION "posts_keep_rules"() RETURNS TRIGGER LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $function$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            NEW."created_at" := coalesce(NEW."created_at", now());
            NEW."updated_at" := coalesce(NEW."updated_at", now());
        ELSIF NEW."version" < OLD."version" THEN
            RAISE EXCEPTION 'post % is at version %, and this write is based on version %',
                OLD."id", OLD."version", NEW."version"
                USING ERRCODE = 'serialization_failure',
                HINT = 'Somebody else changed it first: read it again, redo the change, retry.';
        ELSIF NEW."status" = 'draft' AND OLD."status" <> 'draft'
                AND NEW."published_at" = OLD."published_at" AND NEW."published_at" <= now()
                AND NEW."version" IS NOT NULL THEN
            NEW."published_at" := NULL;
        END IF;
        IF NEW."status" = 'published' THEN
            NEW."published_at" := coalesce(NEW."published_at", now());
        END IF;
        IF TG_OP = 'UPDATE' THEN
            NEW."version" := OLD."version";
            IF (NEW."id", NEW."title", NEW."content", NEW."slug", NEW."status",
                    NEW."published_at", NEW."created_at", NEW."updated_at")
                IS DISTINCT FROM
                (OLD."id", OLD."title", OLD."content", OLD."slug", OLD."status",
                    OLD."published_at", OLD."created_at", OLD."updated_at")
            THEN
                NEW."version" := OLD."version" + 1;
                IF NEW."updated_at" = OLD."updated_at" THEN
                    NEW."updated_at" := now();
                END IF;
            END IF;
        END IF;
        RETURN NEW;
    END
    $function$;
    SET LOCAL citus.enable_unsafe_triggers = on;
    CREATE TRIGGER "posts_keep_rules" BEFORE INSERT OR UPDATE ON "posts"
        FOR EACH ROW EXECUTE FUNCTION "posts_keep_rules"();
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    SET LOCAL citus.enable_unsafe_triggers = on;
    DROP TRIGGER "posts_keep_rules" ON "posts";
    DROP FUNCTION "posts_keep_rules"();
    ALTER TABLE "posts" DROP COLUMN "version";
    """
