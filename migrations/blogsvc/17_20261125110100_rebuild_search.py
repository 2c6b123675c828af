"""The vectors of the posts that are there get the words that the version before knows.

Only posts that have such words are written, and only where their vectors lack them: run again, it
goes on where it stopped. A batch is 25 posts, or fewer where they are long, as a writer waits for
it. And it clears the search index's list of new entries early, so that no writer has to clear what
the rebuild has filled. It is no change of a post: version and time stay.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    DO $rebuild$
    DECLARE
        done BIGINT := (SELECT pg_catalog.min("id") - 1 FROM "posts");
        upto BIGINT;
        language REGCONFIG := coalesce(
            nullif(pg_catalog.current_setting('blogsvc.search_language', true), ''), 'english');
    BEGIN
        LOOP
            SELECT pg_catalog.max("id") INTO upto
                FROM (
                    SELECT "id",
                        pg_catalog.sum(pg_catalog.octet_length("content")) OVER (ORDER BY "id")
                            AS "bytes",
                        pg_catalog.row_number() OVER (ORDER BY "id") AS "place"
                    FROM (
                        SELECT "id", "content" FROM "posts" WHERE "id" > done
                        ORDER BY "id" LIMIT 25
                    ) AS "next"
                ) AS "batch"
                WHERE "bytes" <= 100000 OR "place" = 1;
            EXIT WHEN upto IS NULL;
            PERFORM pg_catalog.set_config('gin_pending_list_limit', '256', true);
            UPDATE "posts" SET "search" = NULL
                FROM (
                    SELECT "id" AS "which",
                        "posts_search_words"("title"::text, true) AS "of_title",
                        "posts_search_words"(pg_catalog.left("content", 100000), true)
                            AS "of_content"
                    FROM "posts" WHERE "id" > done AND "id" <= upto OFFSET 0
                ) AS "words"
                WHERE "id" = "which" AND ("of_title" <> '' OR "of_content" <> '')
                    AND "search" IS DISTINCT FROM
                        pg_catalog.setweight(
                            pg_catalog.to_tsvector(language, "title"::text), 'A')
                        || pg_catalog.setweight(pg_catalog.to_tsvector(
                            language, pg_catalog.left("content", 100000)), 'B')
                        || pg_catalog.setweight(pg_catalog.to_tsvector(language, "of_title"), 'A')
                        || pg_catalog.setweight(
                            pg_catalog.to_tsvector(language, "of_content"), 'B');
            COMMIT;
            done := upto;
        END LOOP;
    END
    $rebuild$;
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    SELECT 'a vector with more words is right for older versions, too';
    """


MODELS_STATE = (
    "eJztWHlv2zYU/yqE/koBz3CUw1lRDHBdr/HW2EUjbEWbQqYlWiYskSpJ+UDm716SkqzDlmN3jrNmBYLAenwH+XsHH9+9"
    "MfSpx6dO/T3lwngJ7g0CAyR/FBdqwIBhmCMrioBDX7OGkoVrniEXDDpK0Qj6HEmSi7jDcCgwJYq1BRidAToCYoyAVgAG"
    "WnxQAyPKJJlyBGZjClhEgEWZoFgSJHfAkT9FvK7suNSRhjDxDqPyjtyRNkNQyA1zOJX/v0aILWoAEheEFBOhFCHsETBB"
    "Cw6gAFjUgbWyN0Eo5GAwRYzLcw60nN4NDhDXau7IQGkeAGnG5do4GEJnUgft6077T+BQoqCTpiS/FmXY8xDLVKG5AFPk"
    "CHkiH08RwETR70iAPQYVvBxQ4i9eZiccQw4IBTPKpMUYCRRo/CKC5QltQT0kaUyi+PmLJGPiojni6vPeGGHku/q34Whs"
    "XBvqQMCuoZjRPGSIq/PyVD4NHY2+nUnZ2JV/cx0zi1CzGFqDPLH+WNZAwWAUut9hMJPa22AYDX3Mx3ubzMvtbZQLKCKd"
    "N98HcCy/F85KSTix9SYK2S5tyiVNt1PZ19jrEvG75lVJN7Qd6kcByfjDhUwushKQ0auoHiKIqS1JmmCRqgIk8v2kWqSF"
    "IY7BjCUOvpyMi0Yw8lUtUdLxBjKaYdu9vmXfdizbNtbqTCqRqxMJKZdoGgBPbeGXX03z7KxpNs4ury7Om82Lq8aV5NX7"
    "XV9qLuPNZGjFqjRm3bfdnqU2RGUhjMujIiy1DBTQzgIgQ19gIVnXHNAeQ7YZ/pVAyQPyaGUPpHhvc0FKyHyQle9jOCGA"
    "c9tHxBNj+WleXGwB+K/Wh/Z168OJ5HpRhLmXLJnx2lKnW4qwtChQHJ5FjC2ZHZsxzok8C5S3gGp1PuqYDTj/6uexPLlp"
    "fdQwB4tk5V2/9zZlz2Hfftd/XYKc+5G3T0yn/IcB+2mryuMHdHZ57IzvSuJ44Wy4DI6EcRyYG7ug3KgGuVHGuNwVFJF+"
    "I7FSDd5mtMuyJczdRLie/tjBA0kE/wj1pHvTubVaN+8LReVNy+qoFbNQUFLqyWXJMysl4O+udQ3UJ/jU73U0mrIB8pi2"
    "mPFZn1SLZcBIUJvQmQ3dPCYpOSUVPJ107utOrmyAchIPd0GHSqfTx+2CzNPz5vnV2eX5qvlZUbb1PGl/k7ttC/3sPmlT"
    "lDxA0hzuFu7R2cmLn/mibRUfaPs4uCj508H/UQcL6G1oLlqMwUXFiyQRKHlU3oGPVg2NV6OIOMpLYBhhX2DC68reb4/V"
    "bzzQQX/+UiqDARJQvfnWgfzjtt/bjGNeppwd2BHgH3BsSJXZp4BUYbT9UVJ+f5TyQClQjxI19BhNcg9vRVDDtxlkrr22"
    "Qk1axbu+FJhBmQIJ9DS86sTqfOkktYUYdsbGpiFrslTbOmaFGdNDc9Zq/B8e/e01I/q/DIj+ZWtUPfqp7DyrH3LVreeP"
    "OZg4wmtZZdUeCCfszxDd08Yur2TJVYmuXttxuFZ9zVUP145wyz3No/h53GfLbwHlA3g="
)
