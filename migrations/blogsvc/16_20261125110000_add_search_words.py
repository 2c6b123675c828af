"""Words that PostgreSQL's parser does not see: the same for the texts of posts and for queries.

It takes a run of Chinese for one word, `Node.js` for the name of a host, and `C++` for a C. What a
post has of such words is added to its vector, after all that was there before: so an older release
finds what it found. From here on every post that is written has them; a later version rebuilds the
vectors that are there.

- A script without blanks between words (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese,
  Tibetan) is cut into pairs of neighbours: `abcd` becomes `ab,bc,cd`. A word of two characters is
  found wherever it stands, and a longer one as a phrase. The comma makes phrases in queries, too.
- `Node.js`, a URL, a path: what stands between the marks, as a phrase.
- `e-mail` is `email`, `C++` is `Cplusplus`, `C#` is `Csharp`, `.NET` is `dotnet`.
- Letters without their accents; wide and narrow forms in the usual one.

A vector holds at most 1 MB, so no more than 40,000 characters of such words count: they cannot come
to more than half of it. The trigger names the function by the schema of its table, as it looks
nowhere but in pg_catalog.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    CREATE FUNCTION "posts_search_words"("given" TEXT, "stored" BOOLEAN) RETURNS TEXT
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $function$
    DECLARE
        -- Letters of scripts without blanks, and the marks that belong to the letter before.
        letters CONSTANT TEXT := '\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3'
            '\u0ebd-\u0ec6\u0edc-\u0edf\u0f40-\u0f6c\u1000-\u102a\u103f\u1050-\u1055\u1780-\u17b3'
            '\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f'
            '\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua48c\uac00-\ud7a3'
            '\uf900-\ufaff\U00020000-\U0003ffff';
        marks CONSTANT TEXT := '\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd'
            '\u0f71-\u0fbc\u102b-\u103e\u1056-\u109d\u17b4-\u17d3\u3099\u309a';
        one CONSTANT TEXT := '[' || letters || '][' || marks || ']*';
        -- Accented Latin and Greek, the letter yo, combining accents, wide and narrow forms, and
        -- what is not seen: soft hyphens, blanks without width.
        other CONSTANT TEXT := '\u00ad\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0300-\u036f'
            '\u0386-\u0390\u03aa-\u03b0\u03ca-\u03ce\u0401\u0451\u1100-\u11ff\u1e00-\u1fff\u200b'
            '\u2010\u2011\ufb00-\ufb06\ufe00-\ufe0f\ufeff\uff01-\uffee';
        odd CONSTANT TEXT := '[[:alnum:]](?:[-./@][[:alnum:]]|\+\+)|[A-Za-z]#|\.NET|\.net'
            '|\m[a-z]+[0-9]*[A-Z]|[' || other || letters || ']';
        words TEXT := "given";
        parts TEXT := '';
    BEGIN
        IF "stored" THEN
            -- Only what PostgreSQL's parser reads in another way, without the tags of HTML.
            IF words ~ '<[A-Za-z/]' THEN
                words := regexp_replace(words, '</?[A-Za-z][A-Za-z0-9-]*(\s[^<>]*)?/?>', ' ', 'g');
            END IF;
            words := (SELECT string_agg(piece[1], ' ')
                FROM regexp_matches(words, '\S*(?:' || odd || ')\S*', 'g') AS piece);
            IF words IS NULL THEN
                RETURN '';
            END IF;
        END IF;
        IF octet_length(words) > char_length(words) THEN
            words := translate(normalize(words, NFKC),
                U&'\2010\00AD\200B\FEFF' || chr(1) || chr(2), '-');
            words := regexp_replace(normalize(words, NFD),
                '([A-Za-z\u0370-\u03ff\u0415\u0435])[\u0300-\u036f]+|[\ufe00-\ufe0f]', '\1', 'g');
            words := translate(normalize(words, NFC), 'øØłŁđĐıħĦðÐ', 'oOlLdDihHdD');
            IF words ~ '[ßẞæÆœŒþÞ]' THEN
                words := replace(replace(replace(replace(words, 'ß', 'ss'), 'ẞ', 'SS'),
                    'æ', 'ae'), 'Æ', 'AE');
                words := replace(replace(replace(replace(words, 'œ', 'oe'), 'Œ', 'OE'),
                    'þ', 'th'), 'Þ', 'TH');
            END IF;
        END IF;
        IF "stored" THEN
            words := left(words, 40000);
            -- What stands alone only in texts: the parts of names with a hyphen, of camelCase, and
            -- the last letter of a run, which begins no pair.
            parts := concat_ws(' ',
                (SELECT string_agg(regexp_replace(piece[1], '[^[:alnum:]]+', ' ', 'g'), ' ')
                    FROM regexp_matches(words, '\S*[./@]\S*', 'g') AS piece
                    WHERE piece[1] LIKE '%-%'),
                (SELECT string_agg(regexp_replace(piece[1], '([a-z0-9])([A-Z])', '\1 \2', 'g'), ' ')
                    FROM regexp_matches(words, '\m[a-z]+[0-9]*[A-Z][A-Za-z0-9]*\M', 'g')
                    AS piece),
                (SELECT string_agg(piece[1], ' ')
                    FROM regexp_matches(words, one || '(?![' || letters || marks || '])',
                        'g') AS piece));
        ELSE
            -- What is unwanted is unwanted as a whole.
            words := regexp_replace(words,
                '(^|\s)-([^\s"]*[' || letters || '][^\s"]*)', '\1-"\2"', 'g');
        END IF;
        words := regexp_replace(words, '([[:alnum:]])\+\+', '\1plusplus,', 'g');
        words := regexp_replace(words, '\m([A-Za-z])#', '\1sharp,', 'g');
        words := regexp_replace(words, '([[:alnum:]])\.NET\M', '\1.NET dotnet', 'g');
        words := regexp_replace(words, '(^|[^[:alnum:]])\.net\M', '\1dotnet', 'gi');
        words := regexp_replace(words, '\m(?:https?|ftp)://(?:www\.)?', '', 'gi');
        words := regexp_replace(words, '([0-9])-(?=[0-9])', '\1,', 'g');
        words := regexp_replace(words, '([[:alnum:]])-(?=[[:alnum:]])', '\1', 'g');
        words := regexp_replace(words, '[./@_:~?&=%#\\]+', ',', 'g');
        IF words ~ ('[' || letters || ']') THEN
            -- From abcd over a,ab,bc,cd,d to ab,bc,cd: between marks that no text has.
            words := regexp_replace(words, '(?:' || one || ')+', chr(1) || '\&' || chr(2), 'g');
            words := regexp_replace(words, '([[:alnum:]])' || chr(1), '\1 ' || chr(1), 'g');
            words := regexp_replace(words, one, '\&,\&', 'g');
            words := regexp_replace(words, chr(1) || '[^,]+,', '', 'g');
            words := regexp_replace(words, '(,[^,]+)?' || chr(2), ' ', 'g');
        END IF;
        RETURN CASE WHEN parts = '' THEN words ELSE words || ' ' || parts END;
    END
    $function$;
    CREATE OR REPLACE FUNCTION "posts_keep_rules"() RETURNS TRIGGER LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $function$
    DECLARE
        language REGCONFIG;
        more TEXT[];
        odd CONSTANT TEXT := '[[:alnum:]][-./@+][[:alnum:]+]|[A-Za-z]#|\.NET|\.net|[a-z0-9][A-Z]'
            '|[^\x01-\x7f]';
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
            -- Most of plain English has no such words: to see that is cheap.
            IF NEW."title" ~ odd OR left(NEW."content", 100000) ~ odd THEN
                EXECUTE format(
                    'SELECT ARRAY[%1$I."posts_search_words"($1, true), '
                        '%1$I."posts_search_words"($2, true)]', TG_TABLE_SCHEMA)
                    INTO more USING NEW."title"::text, left(NEW."content", 100000);
                NEW."search" := NEW."search"
                    || setweight(to_tsvector(language, more[1]), 'A')
                    || setweight(to_tsvector(language, more[2]), 'B');
            END IF;
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
    DROP FUNCTION "posts_search_words"(TEXT, BOOLEAN);
    """
