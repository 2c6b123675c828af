"""Full-text search: a vector of the words of title and content, and its index.

The trigger keeps the vector; a title has weight A, content B. The language is english unless the
database says another one, with ALTER DATABASE ... SET blogsvc.search_language; an `UPDATE posts
SET search = NULL` makes the vectors anew and changes nothing else. Only the first 100,000
characters count: a vector holds at most 1 MB, and a longer post must not be refused for that.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD COLUMN "search" TSVECTOR;
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
    UPDATE "posts" SET "search" = NULL;
    CREATE INDEX "posts_search_idx" ON "posts" USING gin ("search");
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DROP INDEX "posts_search_idx";
    CREATE OR REPLACE FUNCTION "posts_keep_rules"() RETURNS TRIGGER LANGUAGE plpgsql
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
    ALTER TABLE "posts" DROP COLUMN "search";
    """


MODELS_STATE = (
    "eJztWOtv2zYQ/1cIfUoBz3Cch7N+c12v8dbYRSNsRZdBpiVaJiyRKkn5gcz/+46UZT0cO1bnJGtXIAis4z3I3z14vHtr"
    "FHBfztz6By6V9RrdWwyHBH4UF2rIwlGUI2uKwqPAsEbAIg3PSCqBXa1ojANJgOQR6QoaKcqZZm0jweeIj5GaEGQUoKER"
    "H9bQmAsgc0nQfMKRiBmyuVCcAgG4Q0mCGZF1bcfjLhiizD+Oyjt2xzqCYAUblngG/7/ERCxrCDMPRZwypRUR6jM0JUuJ"
    "sEJU1ZG9sTclJJJoOCNCwjmHRs7shoZEGjV3bKg1DxGY8aQxjkbYndZR57rb+Q25nGnowBTwG1FBfZ+ITBVZKDQjroIT"
    "BXRGEGWafsdC6gus4ZWIs2D5OjvhBEvEOJpzARYTJEho8IsZhRM6ivsEaAJQ/PMvIFPmkQWR+vPeGlMSeOa35RpsPAeb"
    "QKCepZnJIhJE6vPKVD4NHYO+k0k51IO/hYmZZWRYLKMBTmw+VjVUMBhH3lcYzKQqG4ziUUDlpLLJvFxlo1JhFZu8+TqA"
    "E/lKOGsl0dQxmyhkO9iEJUN3Utk31O8x9Yvh1Uk3clwexCHL+KMlJBfbCED0aqpPGBF6S0BTItZVgMVBsK4WaWFIYjBj"
    "SYIvJ+ORMY4DXUu0dLKBjGY5Tn9gO7dd23GsrTqTSuTqxJqUSzQDgK+38NPPzebZWavZOLu8ujhvtS6uGlfAa/a7vdRa"
    "JZvJ0EpUGcx673p9W2+IQyFMyqMmrIwMVtjJAiBDX1EFrFsO6EyweBj+jUDJA3C0sgdSvPe5ICVkPsjK93M4IcQLJyDM"
    "VxP4bF5c7AH49/bHznX74wlwvSrC3F8vNZO1lUm3FGGwqEgSnkWMbciOhzHOiXwXKO8B1e5+MjEbSvklyGN5ctP+ZGAO"
    "l+uV94P+u5Q9h33n/eBNCXIZxH6VmE75jwP2y1aVpw/o7PI4GN+NxPOFs+UJPFbW88DcOATlxm6QG2WMy11BEem3gJVu"
    "8B5GuyxbwtxbC9fTHwd4YB3B30I96d10b+32zYdCUXnbtrt6pVkoKCn15LLkmY0S9EfPvkb6E30e9LsGTWiAfGEsZnz2"
    "Z91iWThW3GF87mAvj0lKTkkFT687920n72yAchKPd0HHSqfTp+2CmqfnrfOrs8vzTfOzoezredL+JnfbFvrZKmlTlDxC"
    "0hzvFu7z+cmrH/libBUfaFUcXJT84eD/kIP143A8zT1QNEEPKeZYeM7WCm/yXbzbS2EzLFMww75xj0ZT7zOdOLWJoO7E"
    "emgYtV6q7R1H4YzpsXnUbt8+PiKp9Jb+vzyk/+UVsvuJvPOG3t3w7r6iv80H3DO8KnRWVUB4zf4donvaOOQ1AVw70TVr"
    "Bw4hfr0d9KsOITzqKvQ3gkfGk7WbL/N40GDsH0aU5w6l+08r0MOIF73PVv8AYH4Yrg=="
)
