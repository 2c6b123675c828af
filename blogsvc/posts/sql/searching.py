"""Posts by their words: see `posts.search` for how the statements go together."""

from __future__ import annotations

from typing import Final, Literal

from ...database import Query
from .table import COLUMNS, FILTERS, cache

Way = Literal["steps", "window", "index"]

UNSPACED: Final = (
    r"\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf"
    r"\u0f40-\u0f6c\u1000-\u102a\u103f\u1050-\u1055\u1780-\u17b3\u3005-\u3007\u3041-\u3096"
    r"\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\ua000-\ua48c\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Letters of scripts without blanks between words, for regular expressions of both languages.

The table has the same in `posts_search_words`, which cuts them into pairs.
"""

UNSPACED_MARKS: Final = (
    r"\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u0f71-\u0fbc\u102b-\u103e"
    r"\u1056-\u109d\u17b4-\u17d3\u3099\u309a"
)
"""The marks that belong to the letter before."""

# The language that the trigger uses, too: see the migration that adds it.
_LANGUAGE: Final = """COALESCE(
    NULLIF(current_setting('blogsvc.search_language', true), ''), 'english')::regconfig"""

_MATCHES: Final = "search @@ (SELECT words FROM query)"

# Three ways to the newest matches: which posts to take first, and which of those to keep. LIMIT and
# OFFSET 0 stop PostgreSQL from mixing the two, as it cannot tell how common the words of a prepared
# statement will be: where few posts match, it would read all ids. `window` is bounded anyway. A tag
# has an index, too, so it is asked for beside the words.
_WAYS: Final[dict[Way, tuple[str, str]]] = {
    "steps": ("id <= $2 ORDER BY id DESC LIMIT $6", f"{_MATCHES} {{tagged}}"),
    "window": (f"{_MATCHES} {{tagged}} AND id > $2 - $6::bigint", "id <= $2"),
    "index": (f"{_MATCHES} {{tagged}} OFFSET 0", "id <= $2"),
}

# The words of a title (A, the last) weigh ten times those of the content (B).
_WEIGHTS: Final = "'{0.1, 0.1, 0.1, 1.0}'::real[]"

_NEARNESS: Final = 7
"""Words, and operators between them, up to which a rank counts how near the words stand.

That takes the square of the words and of their places: four words of a long post are compared in a
millisecond, a hundred of them in seconds.
"""

_SEEN: Final = 4000
"""Characters of a post that its snippet is cut from."""


@cache
def sample(table: str, number: int, *, visible: bool, tagged: bool) -> Query:
    """Look at the newest `number` posts with ids up to $2; no row where there are none.

    Returns the greatest id, how many match the query $1 (and have the tag $3), and whether the
    search index is of use: it knows which posts have a word, and not which ones lack it. As with
    `KEYS`, the planner is not to see $2, or it would plan each search anew.
    """
    return Query(f"""
        WITH {_asked(table)}
        SELECT max(id), count(*) FILTER (WHERE {_MATCHES} {_shown(visible)} {_tagged(tagged, 3)}),
            (SELECT querytree(words) <> 'T' FROM query)
        FROM (
            SELECT * FROM {table} WHERE id <= (SELECT $2::bigint) ORDER BY id DESC LIMIT {number}
        ) AS newest
        HAVING count(*) > 0""")


@cache
def matches(table: str, most: int, *, tagged: bool) -> Query:
    """Count the posts that match the query $1 (and have the tag $2), `most` at most."""
    return Query(f"""
        WITH {_asked(table)}
        SELECT count(*) FROM (
            SELECT FROM (
                SELECT FROM {table} WHERE {_MATCHES} {_tagged(tagged, 2)} OFFSET 0
            ) AS matching
            LIMIT {most}
        ) AS counted""")


@cache
def search(table: str, way: Way, ranked: int, *, visible: bool, tagged: bool) -> Query:
    """Rank the newest posts with ids up to $2 that match the query $1, at most `ranked` of them.

    Returns the best $5 of those after the rank $3 and the id $4; the first column says how many
    were ranked. Each way finds the same posts, if $6, how far back to look, was enough. A tag is
    the last parameter.

    The third column is a piece of the content, its matches between characters that are taken out of
    the text before. Of a long content it is the piece around the word that comes last, when each is
    looked for from the start: the others are commoner, and so hardly far. So it costs no more for a
    long one.
    """
    tag = _tagged(tagged, 6 if way == "index" else 7)
    first, then = (part.format(tagged=tag) for part in _WAYS[way])
    return Query(f"""
        WITH {_asked(table)}, ranking AS (
            SELECT CASE WHEN pg_catalog.numnode(words) <= {_NEARNESS} THEN words
                ELSE words || words END AS words
            FROM query
        ), ranked AS (
            SELECT id, ts_rank({_WEIGHTS}, search, words) AS rank
            FROM ranking, (
                SELECT id, search FROM (SELECT * FROM {table} WHERE {first}) AS first
                WHERE {then} {_shown(visible)}
                ORDER BY id DESC LIMIT {ranked}
            ) AS matching
        ), page AS (
            SELECT id, rank FROM ranked WHERE (rank, id) < ($3::real, $4::bigint)
            ORDER BY rank DESC, id DESC LIMIT $5::bigint
        ), lexemes AS MATERIALIZED (
            SELECT found[1] AS lexeme
            FROM query, pg_catalog.regexp_matches(
                querytree(words), '''((?:[^'']|'''')+)'''::text, 'g'::text) AS found
            ORDER BY pg_catalog.length(found[1]) DESC LIMIT 8
        )
        SELECT (SELECT count(*) FROM ranked), rank,
            ts_headline({_LANGUAGE},
                pg_catalog.translate(
                    pg_catalog.substr(content, greatest(place - 500, 1), {_SEEN}),
                    E'\\x02\\x03'::text, ''::text),
                words, E'HighlightAll=true, StartSel=\\x02, StopSel=\\x03'),
            {COLUMNS}
        FROM query, page JOIN {table} USING (id), LATERAL (
            SELECT CASE WHEN pg_catalog.length(content) <= {_SEEN} THEN 1 ELSE (
                SELECT max(pg_catalog.strpos(lowered, lexeme))
                FROM lexemes, (
                    SELECT pg_catalog.lower(pg_catalog.left(content, 100000)) AS lowered OFFSET 0
                ) AS long
            ) END AS place OFFSET 0
        ) AS around
        ORDER BY rank DESC, id DESC""")


def _asked(table: str) -> str:
    """Return what the query $1 asks for: the column `words` of a table `query`.

    The table's own function reads it as it reads the texts of posts. What it reads in another way
    than PostgreSQL does is looked for in both ways: a phrase in quotes may hold words of both
    kinds. But `C++` is no C. A letter alone, of a script without blanks, begins pairs.
    """
    return rf"""query AS (
            SELECT CASE WHEN said = $1::text OR meant::text = plain::text THEN plain
                ELSE meant || (plain && named) END AS words
            FROM (
                SELECT said, websearch_to_tsquery({_LANGUAGE}, $1) AS plain,
                    pg_catalog.regexp_replace(websearch_to_tsquery({_LANGUAGE}, said)::text,
                        '''([{UNSPACED}][{UNSPACED_MARKS}]*)'''::text, '''\1'':*'::text, 'g'::text
                    )::tsquery AS meant,
                    websearch_to_tsquery({_LANGUAGE}, COALESCE((
                        SELECT pg_catalog.string_agg(found[1], ' '::text)
                        FROM pg_catalog.regexp_matches(
                            said, '\m(\w*(?:plusplus|sharp)|dotnet)\M'::text, 'g'::text) AS found
                    ), '')) AS named
                FROM (SELECT {table}_search_words($1::text, false) AS said OFFSET 0) AS heard
            ) AS read
        )"""


def _shown(visible: bool) -> str:
    return f"AND {FILTERS['visible']}" if visible else ""


def _tagged(tagged: bool, number: int) -> str:
    return f"AND {FILTERS['tag']}".format(f"${number}") if tagged else ""
