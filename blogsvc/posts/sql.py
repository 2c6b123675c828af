"""All SQL about posts: one function a statement, each built once for a table and then looked up.

Whoever may create in a schema on the search_path can put an operator or a function there that fits
our arguments better than PostgreSQL's own, and it would run with our rights. An exact fit cannot be
beaten. VARCHAR has no operators of its own, so it is compared as text, which costs nothing and uses
the same indexes; a function that takes any type is called by its schema. (`unnest` of several
arrays is a word of SQL, and no call.)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, Literal

from ..database import Command, Query, quoted
from .excerpts import SLICE
from .records import STATUSES, Order

# Of a post without tags and metadata NULLs are sent, which cost the driver nothing to read.
COLUMNS: Final = (
    "id, title, content, slug, status, published_at, version, created_at, updated_at, "
    "CASE WHEN pg_catalog.cardinality(tags) > 0 THEN tags END, nullif(metadata, '{}')"
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

Way = Literal["steps", "window", "index"]

# The language that the trigger uses, too: see the migration that adds it.
_LANGUAGE: Final = """COALESCE(
    NULLIF(current_setting('blogsvc.search_language', true), ''), 'english')::regconfig"""

_MATCHES: Final = "search @@ (SELECT words FROM query)"

# Three ways to the newest matches: which posts to take first, and which of those to keep. LIMIT and
# OFFSET 0 stop PostgreSQL from mixing the two, as it cannot tell how common the words of a prepared
# statement will be: where few posts match, it would read all ids. `window` is bounded anyway.
_WAYS: Final[dict[Way, tuple[str, str]]] = {
    "steps": ("id <= $2 ORDER BY id DESC LIMIT $6", _MATCHES),
    "window": (f"{_MATCHES} AND id > $2 - $6::bigint", "id <= $2"),
    "index": (f"{_MATCHES} OFFSET 0", "id <= $2"),
}

# The words of a title (A, the last) weigh ten times those of the content (B).
_WEIGHTS: Final = "'{0.1, 0.1, 0.1, 1.0}'::real[]"

# Matches stand between characters that are taken out of the text before.
_SNIPPET: Final = (
    "E'StartSel=\\x02, StopSel=\\x03, MaxFragments=2, MaxWords=20, MinWords=8, "
    'FragmentDelimiter=" … "\''
)


def table_of(schema: str | None) -> str:
    """Return the table's name in SQL; None stands for the schema that `search_path` finds."""
    return f"{quoted(schema)}.posts" if schema else "posts"


@cache
def get(table: str, *, lock: bool = False) -> Query:
    """Read the post $1; with `lock`, nobody else changes it until the transaction ends."""
    return Query(f"SELECT {COLUMNS} FROM {table} WHERE id = $1{' FOR UPDATE' if lock else ''}")


@cache
def get_by_slug(table: str) -> Query:
    """Read the post whose slug is $1, or else the newest of those that had it before."""
    return Query(f"""
        SELECT {COLUMNS} FROM {table} WHERE slug::text = $1
        UNION ALL (
            SELECT {COLUMNS} FROM {table}
            WHERE former_slugs OPERATOR(pg_catalog.@>) ARRAY[$1::text]
            ORDER BY id DESC LIMIT 1
        )
        LIMIT 1""")


@cache
def get_many(table: str) -> Query:
    """Read the posts whose ids are in $1."""
    return Query(f"SELECT {COLUMNS} FROM {table} WHERE id = ANY($1::text[]::bigint[])")


@cache
def exists(table: str) -> Query:
    """Tell whether there is a post $1."""
    return Query(f"SELECT EXISTS (SELECT FROM {table} WHERE id = $1)")


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
def sample(table: str, number: int, *, visible: bool) -> Query:
    """Look at the newest `number` posts with ids up to $2; no row where there are none.

    Returns the greatest id, how many match the query $1, and whether the search index is of use:
    it knows which posts have a word, and not which ones lack it.
    """
    shown = f"AND {FILTERS['visible']}" if visible else ""
    return Query(f"""
        WITH query AS (
            SELECT websearch_to_tsquery({_LANGUAGE}, $1) AS words
        )
        SELECT max(id), count(*) FILTER (WHERE {_MATCHES} {shown}),
            (SELECT querytree(words) <> 'T' FROM query)
        FROM (SELECT * FROM {table} WHERE id <= $2 ORDER BY id DESC LIMIT {number}) AS newest
        HAVING count(*) > 0""")


@cache
def search(table: str, way: Way, ranked: int, *, visible: bool) -> Query:
    """Rank the newest posts with ids up to $2 that match the query $1, at most `ranked` of them.

    Returns the best $5 of those after the rank $3 and the id $4; the first column says how many
    were ranked. Each way finds the same posts, if $6, how far back to look, was enough.
    """
    first, then = _WAYS[way]
    shown = f"AND {FILTERS['visible']}" if visible else ""
    return Query(f"""
        WITH query AS (
            SELECT websearch_to_tsquery({_LANGUAGE}, $1) AS words
        ), ranked AS (
            SELECT id, ts_rank({_WEIGHTS}, search, words) AS rank
            FROM query, (
                SELECT id, search FROM (SELECT * FROM {table} WHERE {first}) AS first
                WHERE {then} {shown}
                ORDER BY id DESC LIMIT {ranked}
            ) AS matching
        ), page AS (
            SELECT id, rank FROM ranked WHERE (rank, id) < ($3::real, $4::bigint)
            ORDER BY rank DESC, id DESC LIMIT $5::bigint
        )
        SELECT (SELECT count(*) FROM ranked), rank,
            ts_headline({_LANGUAGE},
                translate(left(content, 100000), E'\\x02\\x03', ''), words, {_SNIPPET}),
            {COLUMNS}
        FROM query, page JOIN {table} USING (id)
        ORDER BY rank DESC, id DESC""")


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
    meant = ({"status", "published_at"}, {"slug", "former_slugs"})
    return ["version = NULL"] if any(fields_meant <= {*fields} for fields_meant in meant) else []


def _conditions(filters: tuple[str, ...]) -> tuple[dict[str, str], int]:
    """Return the conditions by name, and how many parameters they use; some use none."""
    conditions: dict[str, str] = {}
    used = 0
    for name in filters:
        used += "{}" in FILTERS[name]
        conditions[name] = FILTERS[name].format(f"${used}")
    return conditions, used
