"""The addresses that a post had before, oldest first, so that they still lead to it.

From here on a change of tags and metadata is a change of the post, which moves its version. The
trigger adds the slug that a post gives up, unless the statement says with `version = NULL` that
it means what it sets. It stands in the row, and not in a table of its own, as a trigger that writes
elsewhere is not possible on Citus.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD COLUMN "former_slugs" TEXT[] NOT NULL DEFAULT '{}';
    ALTER TABLE "posts" ADD CONSTRAINT "posts_former_slugs_valid"
        CHECK ("former_slugs"::text = '{}' OR "posts_texts_valid"("former_slugs")) NOT VALID;
    CREATE OR REPLACE FUNCTION "posts_keep_rules"() RETURNS TRIGGER LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $function$
    DECLARE
        language REGCONFIG;
        text_changed BOOLEAN := (NEW."title", NEW."content")
            IS DISTINCT FROM (OLD."title", OLD."content");
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
        IF NEW."slug" <> OLD."slug" AND NEW."version" IS NOT NULL THEN
            NEW."former_slugs" := array_append(
                array_remove(NEW."former_slugs", OLD."slug"::text), OLD."slug"::text);
        END IF;
        IF NEW."former_slugs" <> '{}' THEN
            NEW."former_slugs" := array_remove(NEW."former_slugs", NEW."slug"::text);
        END IF;
        IF TG_OP = 'UPDATE' THEN
            NEW."version" := OLD."version";
            IF text_changed OR
                (NEW."id", NEW."slug", NEW."status",
                    NEW."published_at", NEW."created_at", NEW."updated_at",
                    NEW."tags", NEW."metadata", NEW."former_slugs")
                IS DISTINCT FROM
                (OLD."id", OLD."slug", OLD."status",
                    OLD."published_at", OLD."created_at", OLD."updated_at",
                    OLD."tags", OLD."metadata", OLD."former_slugs")
            THEN
                NEW."version" := OLD."version" + 1;
                IF NEW."updated_at" = OLD."updated_at" THEN
                    NEW."updated_at" := now();
                END IF;
            END IF;
        END IF;
        IF text_changed OR NEW."search" IS NULL OR NEW."search" IS DISTINCT FROM OLD."search" THEN
            language := coalesce(
                nullif(current_setting('blogsvc.search_language', true), ''), 'english');
            NEW."search" :=
                setweight(to_tsvector(language, NEW."title"), 'A')
                || setweight(to_tsvector(language, left(NEW."content", 100000)), 'B');
        END IF;
        RETURN NEW;
    END
    $function$;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE OR REPLACE FUNCTION "posts_keep_rules"() RETURNS TRIGGER LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $function$
    DECLARE
        language REGCONFIG;
        text_changed BOOLEAN := (NEW."title", NEW."content")
            IS DISTINCT FROM (OLD."title", OLD."content");
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
            IF text_changed OR
                (NEW."id", NEW."slug", NEW."status",
                    NEW."published_at", NEW."created_at", NEW."updated_at")
                IS DISTINCT FROM
                (OLD."id", OLD."slug", OLD."status",
                    OLD."published_at", OLD."created_at", OLD."updated_at")
            THEN
                NEW."version" := OLD."version" + 1;
                IF NEW."updated_at" = OLD."updated_at" THEN
                    NEW."updated_at" := now();
                END IF;
            END IF;
        END IF;
        IF text_changed OR NEW."search" IS NULL OR NEW."search" IS DISTINCT FROM OLD."search" THEN
            language := coalesce(
                nullif(current_setting('blogsvc.search_language', true), ''), 'english');
            NEW."search" :=
                setweight(to_tsvector(language, NEW."title"), 'A')
                || setweight(to_tsvector(language, left(NEW."content", 100000)), 'B');
        END IF;
        RETURN NEW;
    END
    $function$;
    ALTER TABLE "posts" DROP COLUMN "former_slugs";
    """
