"""The tags of a post: none is blank, none is there twice, none has over 255 characters.

The rule holds for what is written from now on; a later version looks at the rows that are there.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" ADD COLUMN "tags" TEXT[] NOT NULL DEFAULT '{}';
    CREATE FUNCTION "posts_texts_valid"("texts" TEXT[]) RETURNS BOOLEAN
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $function$
        SELECT array_ndims("texts") = 1 AND count(*) = count(DISTINCT "one")
            AND bool_and("one" ~ '[^[:space:]]' AND char_length("one") <= 255)
        FROM unnest("texts") AS "one"
    $function$;
    ALTER TABLE "posts" ADD CONSTRAINT "posts_tags_valid"
        CHECK ("tags"::text = '{}' OR "posts_texts_valid"("tags")) NOT VALID;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    ALTER TABLE "posts" DROP COLUMN "tags";
    DROP FUNCTION "posts_texts_valid"(TEXT[]);
    """
