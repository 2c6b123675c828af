"""All SQL about posts: one function a statement, each built once for a table and then looked up.

Whoever may create in a schema on the search_path can put an operator or a function there that fits
our arguments better than PostgreSQL's own, and it would run with our rights. An exact fit cannot be
beaten. VARCHAR has no operators of its own, so it is compared as text, which costs nothing and uses
the same indexes; a function that takes any type is called by its schema. (`unnest` of several
arrays is a word of SQL, and no call.)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal

from ..database import ByKey, Command, Query, quoted
from .excerpts import SLICE
from .records import STATUSES, Order

# Of a post without tags and metadata NULLs are sent, which cost the driver nothing to read. The
# metadata of others is sent as text: on a host's pool there may be a codec for jsonb.
COLUMNS: Final = (
    "id, title, content, slug, status, published_at, version, created_at, updated_at, "
    "CASE WHEN pg_catalog.cardinality(tags) > 0 THEN tags END, nullif(metadata, '{}')::text"
)

# Of a content that stands outside of its row (TOAST), PostgreSQL reads only the slice.
SUMMARY: Final = COLUMNS.replace("content", f"left(content, {SLICE})")

# What has to be told of a parameter's type.
_SENT_AS: Final = {"metadata": "text::jsonb", "tags": "text[]", "former_slugs": "text[]"}

# Each order: the column it follows (ties go by id), and whether the greatest comes first.
ORDERS: Final[dict[Order, tuple[str, bool]]] = {
    "newest": ("created_at", True),
    "oldest": ("created_at", False),
    "published": ("published_at", True),
    "updated": ("updated_at", True),
}

# Each filter, with the place of its parameter. A status is a part of the statement, so that the
# planner knows how many posts have it.
FILTERS: Final[dict[str, str]] = {
    **{status: f"status::text = '{status}'" for status in STATUSES},
    "past": "published_at <= now()",
    "visible": "status::text = 'published' AND published_at <= now()",
    "created_before": "created_at < {}",
    "created_after": "created_at > {}",
    "published_before": "published_at < {}",
    "published_after": "published_at > {}",
    "dated": "published_at IS NOT NULL",
    "tag": "tags OPERATOR(pg_catalog.@>) ARRAY[{}::text]",
    "metadata": "metadata @> {}::text::jsonb AND metadata <> '{{}}'",
}

# The column that a filter is about; as (filter, greatest first), those that a cursor implies.
_BOUNDS: Final = {
    "past": "published_at",
    "dated": "published_at",
    "published_before": "published_at",
    "published_after": "published_at",
    "created_before": "created_at",
    "created_after": "created_at",
}
_IMPLIED: Final = {
    True: {"past", "published_before", "created_before"},
    False: {"published_after", "created_after"},
}

NEAR: Final = 1000
"""Posts that are looked at along an order before the index of a tag or of metadata is asked."""

FAR: Final = 10_000
"""The same, before an index of another time or of the status is asked: more posts have these."""

# What PostgreSQL's own operators compare: arrays and VARCHAR have none that fit exactly.
_COMPARED_AS_TEXT: Final = ("title", "slug", "status", "tags", "former_slugs")

_ALIKE: Final = 240
"""Characters in which a slug begins as its numbered variants do: the longest ones are cut there."""

Way = Literal["steps", "window", "index"]

# The language that the trigger uses, too: see the migration that adds it.
_LANGUAGE: Final = """COALESCE(
    NULLIF(current_setting('blogsvc.search_language', true), ''), 'english')::regconfig"""

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


# Bounded, since a schema's name may come from the address that a visitor types.
cache = lru_cache(maxsize=10_000)


def table_of(schema: str | None) -> str:
    """Return the table's name in SQL; None stands for the schema that `search_path` finds."""
    return f"{quoted(schema)}.posts" if schema else "posts"


@cache
def get_locked(table: str) -> Query:
    """Read the post $1; nobody else changes it until the transaction ends."""
    return Query(f"SELECT {COLUMNS} FROM {table} WHERE id = $1 FOR UPDATE")


@cache
def get(table: str) -> ByKey:
    """Read posts by their ids."""
    return ByKey(
        Query(f"SELECT {COLUMNS} FROM {table} WHERE id = $1"),
        Query(f"SELECT id, {COLUMNS} FROM {table} WHERE id = ANY($1::text[]::bigint[])"),
    )


@cache
def get_by_slug(table: str) -> ByKey:
    """Read the post whose slug is $1, or else the newest of those that had it before.

    OFFSET 0 has the index of former slugs asked. PostgreSQL expects that one of 200 posts had a
    slug, whichever it is, and would go back from the newest post to find the first: for a slug that
    nobody had, through the whole table.
    """

    def found(columns: str, slug: str) -> str:
        return f"""
            SELECT {columns} FROM {table} WHERE slug::text = {slug}
            UNION ALL (
                SELECT {columns} FROM (
                    SELECT * FROM {table}
                    WHERE former_slugs OPERATOR(pg_catalog.@>) ARRAY[{slug}::text] OFFSET 0
                ) AS before
                ORDER BY id DESC LIMIT 1
            )
            LIMIT 1"""

    return ByKey(
        Query(found(COLUMNS, "$1")),
        Query(f"""
            SELECT wanted.address, {COLUMNS}
            FROM pg_catalog.unnest($1::text[]) AS wanted (address)
            CROSS JOIN LATERAL ({found("*", "wanted.address")}) AS found"""),
    )


@cache
def exists(table: str) -> ByKey:
    """Read which of some ids there are."""
    return ByKey(
        Query(f"SELECT FROM {table} WHERE id = $1"),
        Query(f"SELECT id FROM {table} WHERE id = ANY($1::text[]::bigint[])"),
    )


@cache
def count(table: str, filters: tuple[str, ...]) -> Query:
    """Count what the filters let through; the parameters are theirs."""
    conditions, _ = _conditions(filters)
    wanted = " AND ".join(conditions.values()) or "true"
    return Query(f"SELECT count(*) FROM {table} WHERE {wanted}")


@cache
def listing(
    table: str, columns: str, order: Order, filters: tuple[str, ...], *, after: bool
) -> Query:
    """Read a slice: parameters are the filters', then position and id to start after, limit."""
    column, descending = ORDERS[order]
    conditions, used = _conditions(filters)
    bounds = {name for name in filters if _BOUNDS.get(name) == column}
    cursor = "true"
    if after:
        sign = "<" if descending else ">"
        cursor = f"({column}, id) {sign} (${used + 1}, ${used + 2})"
        used += 2
        for name in bounds & _IMPLIED[descending]:
            # An index has one beginning. As IS TRUE this is none, and the cursor is.
            conditions[name] = f"({conditions[name]}) IS TRUE"
    way = "DESC" if descending else "ASC"
    wanted = " AND ".join([cursor, *conditions.values()])
    ordered = f"ORDER BY {column} {way}, id {way}"
    limit = f"LIMIT ${used + 1}"
    reach = _reach(column, {*filters} - bounds)
    if reach is None:
        return Query(f"SELECT {columns} FROM {table} WHERE {wanted} {ordered} {limit}")
    # A plan that walks along the order is right where many posts match and reads the whole table
    # where few do; one that asks the filters' indexes is right where few do. The planner cannot
    # know for a prepared statement. So walk a little way first. OFFSET 0 keeps the two apart.
    start = " AND ".join([cursor, *(conditions[name] for name in filters if name in bounds)])
    return Query(f"""
        WITH near AS MATERIALIZED (
            SELECT id FROM (SELECT * FROM {table} WHERE {start} {ordered} LIMIT {reach}) AS walked
            WHERE {wanted} {ordered} {limit}
        ), far AS MATERIALIZED (
            SELECT id FROM (SELECT id, {column} FROM {table} WHERE {wanted} OFFSET 0) AS matching
            WHERE (SELECT count(*) FROM near) < ${used + 1}
            {ordered} {limit}
        )
        SELECT {columns} FROM {table}
        WHERE id IN (SELECT id FROM near UNION ALL SELECT id FROM far)
        {ordered} {limit}""")


def _reach(column: str, filters: set[str]) -> int | None:
    """Return how many posts to look at along an order before the filters' indexes are asked.

    None says that there is no need for them: the order's own index serves, or that of the status,
    or most posts are expected to match.
    """
    if filters & {"tag", "metadata"}:
        return NEAR
    if filters & _BOUNDS.keys() - {"past", "dated"}:
        return FAR
    if filters & {"draft", "archived"} and column != "created_at":
        return FAR
    return None


@cache
def neighbours(table: str, *, visible: bool) -> Query:
    """Read the posts before and after the post $1 by the time of publishing, ties by id.

    No row says that there is no such post. Else there are up to two, whose first column says
    whether it is the newer one, or one in which that is NULL.
    """
    wanted = FILTERS["visible"] if visible else "true"
    older, newer = (
        f"""(
                SELECT {newer} AS newer, * FROM {table}
                WHERE (published_at, id) {sign} (post.at, post.post_id) AND {shown}
                ORDER BY published_at {way}, id {way} LIMIT 1
            )"""
        # As in a listing: back in time, the index has to begin at the post.
        for newer, sign, way, shown in (
            ("false", "<", "DESC", f"({wanted}) IS TRUE"),
            ("true", ">", "ASC", wanted),
        )
    )
    return Query(f"""
        SELECT newer, {SUMMARY}
        FROM (SELECT published_at AS at, id AS post_id FROM {table} WHERE id = $1) AS post
        LEFT JOIN LATERAL ({older} UNION ALL {newer}) AS neighbour ON true""")


@cache
def tags(table: str, *, visible: bool) -> Query:
    """Read each tag and how many posts have it, most used first."""
    return Query(f"""
        SELECT tag, count(*) FROM {table}, pg_catalog.unnest(tags) AS tag
        WHERE {FILTERS["visible"] if visible else "true"}
        GROUP BY tag
        ORDER BY 2 DESC, tag""")


@cache
def create(table: str, fields: tuple[str, ...]) -> Command:
    """Store a post under the slug $1 with these fields ($2 and on); no row where that is taken.

    A taken slug is looked for before the row is made, so that it costs no id. Two that choose the
    same slug at once are told apart by ON CONFLICT: the later one gets no row.
    """
    return Command(f"""
        INSERT INTO {table} (slug, {", ".join(fields)})
        SELECT $1::text, {", ".join(_placeholders(fields, 2))}
        WHERE NOT EXISTS (SELECT FROM {table} WHERE slug::text = $1::text)
        ON CONFLICT (slug) DO NOTHING
        RETURNING {COLUMNS}""")


@cache
def create_many(table: str) -> Command:
    """Store the posts whose slugs are free, in their order, and return slugs and ids."""
    return Command(f"""
        INSERT INTO {table} (title, content, slug, status, published_at, created_at,
            tags, metadata, updated_at, former_slugs, source)
        SELECT title, content, slug, status, published_at, created_at,
            tags::text[], metadata::jsonb, updated_at, former_slugs::text[], source
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],
                $5::text[]::timestamptz[], $6::text[]::timestamptz[], $7::text[], $8::text[],
                $9::text[]::timestamptz[], $10::text[], $11::text[]) WITH ORDINALITY
            AS new (title, content, slug, status, published_at, created_at,
                tags, metadata, updated_at, former_slugs, source, place)
            {_taken(table)}
        WHERE taken IS NULL
        ORDER BY place
        ON CONFLICT (slug) DO NOTHING
        RETURNING slug, id""")


@cache
def update(table: str, fields: tuple[str, ...]) -> Command:
    """Set these fields ($3 and on) of the post $1, if it is at version $2 and they differ."""
    values = _placeholders(fields, 3)
    assignments = map(" = ".join, zip(fields, values, strict=True))
    before, after = _comparable(fields, fields), _comparable(fields, values)
    return Command(f"""
        UPDATE {table}
        SET {", ".join([*assignments, *_as_meant(fields)])}
        WHERE id = $1 AND version = COALESCE($2, version)
            AND ({before}) IS DISTINCT FROM ({after})
        RETURNING {COLUMNS}""")


@cache
def upsert(table: str, fields: tuple[str, ...]) -> Command:
    """Store these fields under the slug $1, or set them, if they differ, where it is there."""
    values = ", ".join(_placeholders(fields, 2))
    assignments = [f"{field} = EXCLUDED.{field}" for field in fields]
    before = _comparable(fields, [f"stored.{field}" for field in fields])
    after = _comparable(fields, [f"EXCLUDED.{field}" for field in fields])
    return Command(f"""
        INSERT INTO {table} AS stored (slug, {", ".join(fields)})
        VALUES ($1, {values})
        ON CONFLICT (slug) DO UPDATE
        SET {", ".join([*assignments, *_as_meant(fields)])}
        WHERE ({before}) IS DISTINCT FROM ({after})
        RETURNING {COLUMNS}""")


@cache
def delete(table: str) -> Command:
    """Delete the post $1, if it is at version $2."""
    return Command(f"""
        DELETE FROM {table}
        WHERE id = $1 AND version = COALESCE($2, version)
        RETURNING id""")


@cache
def sample(table: str, number: int, *, visible: bool, tagged: bool) -> Query:
    """Look at the newest `number` posts with ids up to $2; no row where there are none.

    Returns the greatest id, how many match the query $1 (and have the tag $3), and whether the
    search index is of use: it knows which posts have a word, and not which ones lack it.
    """
    return Query(f"""
        WITH {_asked(table)}
        SELECT max(id), count(*) FILTER (WHERE {_MATCHES} {_shown(visible)} {_tagged(tagged, 3)}),
            (SELECT querytree(words) <> 'T' FROM query)
        FROM (SELECT * FROM {table} WHERE id <= $2 ORDER BY id DESC LIMIT {number}) AS newest
        HAVING count(*) > 0""")


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


@cache
def of_files(table: str) -> Query:
    """Look for the posts that may be those of files; see `sources.find_stored`.

    The files are $1 to $6. Posts are looked for by pairs of a file's place and a source ($7, $8),
    or a slug ($9, $10), and by a file's date and a slug that begins as its own. A row for each file
    and post has facts, and whether title, content, tags and metadata are the same: the content does
    not leave the server. Each LIMIT keeps PostgreSQL from joining the whole table, as in `_taken`.
    """
    return Query(f"""
        WITH file AS (
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
                $6::text[]) WITH ORDINALITY
                AS file (slug, date, title, digest, tags, metadata, place)
        ), found AS (
            SELECT place, id FROM unnest($7::text[]::bigint[], $8::text[]) AS wanted (place, source)
            CROSS JOIN LATERAL (
                SELECT id FROM {table} AS one WHERE one.source = wanted.source LIMIT 100
            ) AS by_source
            UNION
            SELECT place, id FROM unnest($9::text[]::bigint[], $10::text[]) AS wanted (place, slug)
            CROSS JOIN LATERAL (
                SELECT id FROM {table} AS one WHERE one.slug::text = wanted.slug LIMIT 1
            ) AS by_slug
            UNION
            SELECT place, id FROM file
            CROSS JOIN LATERAL (
                SELECT id FROM {table} AS one
                WHERE one.created_at = file.date::timestamptz
                    AND left(one.slug::text, length(left(file.slug, {_ALIKE})))
                        = left(file.slug, {_ALIKE})
                LIMIT 100
            ) AS by_date
        )
        SELECT found.place, stored.id, version, stored.slug, source, status, published_at,
            created_at, updated_at, former_slugs,
            stored.title::text = file.title,
            encode(sha256(convert_to(content, 'UTF8'::name)), 'hex'::text) = digest,
            stored.tags::text = file.tags::text[]::text,
            stored.metadata = file.metadata::jsonb
        FROM found
        JOIN file ON file.place = found.place
        CROSS JOIN LATERAL (SELECT * FROM {table} AS one WHERE one.id = found.id LIMIT 1) AS stored
        ORDER BY found.place, stored.id""")


@cache
def taken_slugs(table: str) -> Query:
    """Read which of the slugs $1 are taken."""
    return Query(f"SELECT slug FROM {table} WHERE slug::text = ANY($1::text[])")


@cache
def former_slugs(table: str) -> Query:
    """Read the former slugs of those of the posts $1 that have some."""
    return Query(f"""
        SELECT id, former_slugs FROM {table}
        WHERE id = ANY($1::text[]::bigint[]) AND former_slugs::text <> '{{}}'""")


@cache
def update_seen(table: str, fields: tuple[str, ...]) -> Command:
    """Set these fields ($4 and on) of the post $1, if it is at version $2 and of the source $3."""
    assignments = map(" = ".join, zip(fields, _placeholders(fields, 4), strict=True))
    return Command(f"""
        UPDATE {table}
        SET {", ".join([*assignments, *_as_meant(fields)])}
        WHERE id = $1 AND version = $2 AND source IS NOT DISTINCT FROM $3::text
        RETURNING id""")


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


def _placeholders(fields: Sequence[str], first: int) -> list[str]:
    """Return the parameters for these fields, numbered from `first` on."""
    return [
        f"${number}::{_SENT_AS[field]}" if field in _SENT_AS else f"${number}"
        for number, field in enumerate(fields, first)
    ]


def _taken(table: str) -> str:
    """Look in the index whether the slug of each row `new` is taken.

    LIMIT keeps PostgreSQL from joining the whole table, as a plan made while the table was empty
    would go on doing.
    """
    return f"""LEFT JOIN LATERAL (
            SELECT true AS taken FROM {table} AS stored WHERE stored.slug::text = new.slug LIMIT 1
        ) AS stored ON true"""


def _comparable(fields: Sequence[str], values: Sequence[str]) -> str:
    """Return the values of these fields as what PostgreSQL's own operators compare."""
    return ", ".join(
        f"{value}::text" if field in _COMPARED_AS_TEXT else value
        for field, value in zip(fields, values, strict=True)
    )


def _as_meant(fields: tuple[str, ...]) -> list[str]:
    """Tell the trigger that what is set is meant, also where it would know better.

    See the migrations that add it: it clears the time of a post that becomes a draft, and keeps the
    slug that a post gives up.
    """
    given = {*fields}
    if {"slug", "former_slugs"} <= given:
        return ["version = NULL"]
    if not {"status", "published_at"} <= given:
        return []
    if "slug" not in given:
        return ["version = NULL"]
    # The trigger would not keep the old slug then. It takes out the present one.
    kept = "pg_catalog.array_remove(former_slugs, slug::text)"
    return ["version = NULL", f"former_slugs = pg_catalog.array_append({kept}, slug::text)"]


def _conditions(filters: tuple[str, ...]) -> tuple[dict[str, str], int]:
    """Return the conditions by name, and how many parameters they use; some use none."""
    conditions: dict[str, str] = {}
    used = 0
    for name in filters:
        used += "{}" in FILTERS[name]
        conditions[name] = FILTERS[name].format(f"${used}")
    return conditions, used
