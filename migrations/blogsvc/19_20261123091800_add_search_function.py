"""What a post can be found by: its title (weight A) and its content (weight B).

The language is english unless the database says another, with ALTER DATABASE ... SET
blogsvc.search_language. Only the first 100,000 characters count: a text vector holds at most 1 MB,
and a longer post must not be refused for that.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE FUNCTION "posts_set_search"() RETURNS TRIGGER LANGUAGE plpgsql AS $function$
    DECLARE
        language REGCONFIG := coalesce(
            nullif(current_setting('blogsvc.search_language', true), ''), 'english');
    BEGIN
        NEW."search" :=
            setweight(to_tsvector(language, NEW."title"), 'A')
            || setweight(to_tsvector(language, left(NEW."content", 100000)), 'B');
        RETURN NEW;
    END
    $function$;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DROP FUNCTION "posts_set_search"();
    """
