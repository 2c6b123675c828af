"""All SQL about posts. Each statement is built once for a service and then only looked up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from ..database import Command, Query, quoted
from .records import Order

COLUMNS: Final = "id, title, content, slug, status, published_at, version, created_at, updated_at"

_INSERTED: Final = "title, content, slug, status, published_at, created_at"

# Each order: the column it follows (ties go by id), and whether the greatest comes first.
ORDERS: Final[dict[Order, tuple[str, bool]]] = {
    "newest": ("created_at", True),
    "oldest": ("created_at", False),
    "published": ("published_at", True),
    "updated": ("updated_at", True),
}

FILTERS: Final[dict[str, str]] = {
    "status": "status = {}",
    "visible": "status = 'published' AND published_at <= now()",
    "created_before": "created_at < {}",
    "created_after": "created_at > {}",
    "dated": "published_at IS NOT NULL",
}


# The language that the trigger uses, too: see the migration that adds it.
_LANGUAGE: Final = """COALESCE(
    NULLIF(current_setting('blogsvc.search_language', true), ''), 'english')::regconfig"""

# The words of a title (A, the last) weigh ten times those of the content (B).
_WEIGHTS: Final = "'{0.1, 0.1, 0.1, 1.0}'"

# Matches stand between characters that are taken out of the text before.
_SNIPPET: Final = (
    "E'StartSel=\\x02, StopSel=\\x03, MaxFragments=2, MaxWords=20, MinWords=8, "
    'FragmentDelimiter=" … "\''
)


class Statements:
    """The SQL for the posts of one schema; None means the one that `search_path` finds."""

    def __init__(self, schema: str | None) -> None:
        table = f"{quoted(schema)}.posts" if schema else "posts"
        self._table = table
        self._upsert = lru_cache(maxsize=None)(self._build_upsert)
        self._search = lru_cache(maxsize=None)(self._build_search)
        self._listing = lru_cache(maxsize=None)(self._build_listing)
        self._count = lru_cache(maxsize=None)(self._build_count)
        self._update = lru_cache(maxsize=None)(self._build_update)

        self.get = Query(f"SELECT {COLUMNS} FROM {table} WHERE id = $1")
        self.get_locked = Query(f"{self.get} FOR UPDATE")
        self.get_by_slug = Query(f"SELECT {COLUMNS} FROM {table} WHERE slug = $1")
        self.get_many = Query(f"SELECT {COLUMNS} FROM {table} WHERE id = ANY($1::bigint[])")
        self.exists = Query(f"SELECT EXISTS (SELECT FROM {table} WHERE id = $1)")
        self.create = Command(f"""
            INSERT INTO {table} ({_INSERTED})
            VALUES ($1, $2, $3, $4::text,
                CASE WHEN $4::text = 'published' THEN COALESCE($5, now()) ELSE $5 END,
                COALESCE($6, now()))
            ON CONFLICT (slug) DO NOTHING
            RETURNING {COLUMNS}""")
        self.create_many = Command(f"""
            INSERT INTO {table} ({_INSERTED})
            SELECT title, content, slug, status,
                CASE WHEN status = 'published' THEN COALESCE(published, now()) ELSE published END,
                COALESCE(created, now())
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],
                    $5::timestamptz[], $6::timestamptz[])
                WITH ORDINALITY
                AS new (title, content, slug, status, published, created, place)
            ORDER BY place
            ON CONFLICT (slug) DO NOTHING
            RETURNING slug, id""")
        self.publish = self._change(
            "status = 'published', published_at = COALESCE($2, now())",
            "status <> 'published' OR published_at IS DISTINCT FROM COALESCE($2, published_at)",
        )
        self.unpublish = self._change("status = 'draft', published_at = NULL", "status <> 'draft'")
        self.archive = self._change("status = 'archived'", "status <> 'archived'")
        self.delete = Command(f"""
            DELETE FROM {table}
            WHERE id = $1 AND version = COALESCE($2, version)
            RETURNING id""")

    def update(self, fields: Sequence[str]) -> Command:
        """Set these fields ($3 and on) of the post $1, if it is at version $2 and they differ."""
        return self._update(tuple(fields))

    def listing(self, order: Order, filters: Sequence[str], *, after: bool) -> Query:
        """Read a slice: parameters are the filters', then position and id to start after, limit."""
        return self._listing(order, tuple(filters), after)

    def count(self, filters: Sequence[str]) -> Query:
        """Count what the filters let through."""
        return self._count(tuple(filters))

    def upsert(self, given: Sequence[str]) -> Command:
        """Insert, or set title ($1), content ($2) and the fields given ($4, $5) of slug $3."""
        return self._upsert(tuple(given))

    def search(self, *, visible: bool, after: bool) -> Query:
        """Rank what matches $1: see `_build_search` for the other parameters."""
        return self._search(visible, after)

    def _change(self, assignments: str, unless_already: str) -> Command:
        return Command(f"""
            UPDATE {self._table}
            SET {assignments}, version = version + 1, updated_at = now()
            WHERE id = $1 AND ({unless_already})
            RETURNING {COLUMNS}""")

    def _build_update(self, fields: tuple[str, ...]) -> Command:
        values = [f"${number}" for number in range(3, 3 + len(fields))]
        assignments = ", ".join(map(" = ".join, zip(fields, values, strict=True)))
        differs = f"({', '.join(fields)}) IS DISTINCT FROM ({', '.join(values)})"
        return self._change(assignments, f"version = COALESCE($2, version) AND {differs}")

    def _build_upsert(self, given: tuple[str, ...]) -> Command:
        values = {field: f"EXCLUDED.{field}" for field in ("title", "content", *given)}
        if "status" in given and "published_at" not in given:
            # A post that becomes published needs a time; one that has it keeps it.
            values["published_at"] = "COALESCE(stored.published_at, EXCLUDED.published_at)"
        assignments = ", ".join(f"{field} = {value}" for field, value in values.items())
        before = ", ".join(f"stored.{field}" for field in values)
        after = ", ".join(values.values())
        return Command(f"""
            INSERT INTO {self._table} AS stored (title, content, slug, status, published_at)
            VALUES ($1, $2, $3, COALESCE($4::text, 'draft'),
                CASE WHEN $4::text = 'published' THEN COALESCE($5, now()) ELSE $5 END)
            ON CONFLICT (slug) DO UPDATE
            SET {assignments}, version = stored.version + 1, updated_at = now()
            WHERE ({before}) IS DISTINCT FROM ({after})
            RETURNING {COLUMNS}""")

    def _build_search(self, visible: bool, after: bool) -> Query:
        """Rank the newest posts that match, of those with ids up to $2 (null: all there are).

        $3 is how many are ranked, $4 the limit, $5 how many of the newest posts are looked at
        first, $6 and $7 the rank and id to go on after. One row comes back at least: its first
        column is what $2 was, or would have been.

        What share of the newest posts matches tells how far back enough of them are, and which way
        there is the shortest: `met` goes back post by post, where every fifth one matches, or the
        index knows nothing of such a query (only -words); `windowed` combines the search index
        with the ids that far back, where every hundredth matches; `indexed` takes all that the
        search index has, where few match, or the others met too few. IS TRUE and OFFSET 0 keep
        PostgreSQL from mixing them, and a way that is not taken costs nothing.
        """
        shown = f"AND {FILTERS['visible']}" if visible else ""
        going_on = "WHERE (rank, id) < ($6::real, $7::bigint)" if after else ""
        newest = f"SELECT * FROM {self._table} WHERE id <= (SELECT id FROM upto) ORDER BY id DESC"
        return Query(f"""
            WITH query AS MATERIALIZED (
                SELECT websearch_to_tsquery({_LANGUAGE}, $1) AS words
            ), upto AS MATERIALIZED (
                SELECT COALESCE($2::bigint, (SELECT max(id) FROM {self._table})) AS id
            ), sample AS MATERIALIZED (
                SELECT NULLIF(count(*), 0) / $5::float8 AS share
                FROM ({newest} LIMIT $5::bigint) AS newest
                WHERE (search @@ (SELECT words FROM query)) IS TRUE {shown}
            ), reach AS MATERIALIZED (
                SELECT COALESCE(ceil(2 * $3::bigint / share), 0)::bigint AS posts,
                    share > 0.2 OR querytree(words) = 'T' AS step_by_step,
                    share > 0.01 AS near_enough
                FROM sample, query
            ), met AS MATERIALIZED (
                SELECT id, search
                FROM ({newest} LIMIT (SELECT posts FROM reach)) AS newest
                WHERE (search @@ (SELECT words FROM query)) IS TRUE {shown}
                    AND (SELECT step_by_step FROM reach)
                LIMIT $3::bigint
            ), windowed AS MATERIALIZED (
                SELECT id, search
                FROM (
                    SELECT id, search FROM {self._table}
                    WHERE search @@ (SELECT words FROM query) {shown}
                        AND id > (SELECT upto.id - posts FROM upto, reach)
                        AND (SELECT near_enough AND NOT step_by_step FROM reach)
                    OFFSET 0
                ) AS matching
                WHERE id <= (SELECT id FROM upto)
                ORDER BY id DESC LIMIT $3::bigint
            ), near AS MATERIALIZED (
                SELECT * FROM met UNION ALL SELECT * FROM windowed
            ), indexed AS MATERIALIZED (
                SELECT id, search
                FROM (
                    SELECT id, search FROM {self._table}
                    WHERE search @@ (SELECT words FROM query) {shown}
                        AND (SELECT count(*) < $3::bigint FROM near)
                    OFFSET 0
                ) AS matching
                WHERE id <= (SELECT id FROM upto)
                ORDER BY id DESC LIMIT $3::bigint
            ), ranked AS (
                SELECT id, ts_rank({_WEIGHTS}, search, words) AS rank
                FROM query, (
                    SELECT * FROM near WHERE (SELECT count(*) = $3::bigint FROM near)
                    UNION ALL SELECT * FROM indexed
                ) AS found
            ), page AS (
                SELECT id, rank FROM ranked {going_on} ORDER BY rank DESC, id DESC LIMIT $4::bigint
            )
            SELECT (SELECT id FROM upto) AS upto, rank,
                ts_headline({_LANGUAGE},
                    translate(left(content, 100000), E'\\x02\\x03', ''), words, {_SNIPPET}),
                {COLUMNS}
            FROM query LEFT JOIN (page JOIN {self._table} USING (id)) ON true
            ORDER BY rank DESC, id DESC""")

    def _build_listing(self, order: Order, filters: tuple[str, ...], after: bool) -> Query:
        column, descending = ORDERS[order]
        conditions, used = _conditions(filters)
        if after:
            sign = "<" if descending else ">"
            conditions.append(f"({column}, id) {sign} (${used + 1}, ${used + 2})")
            used += 2
        way = "DESC" if descending else "ASC"
        return Query(f"""
            SELECT {COLUMNS} FROM {self._table}
            WHERE {" AND ".join(conditions) or "true"}
            ORDER BY {column} {way}, id {way}
            LIMIT ${used + 1}""")

    def _build_count(self, filters: tuple[str, ...]) -> Query:
        conditions, _ = _conditions(filters)
        return Query(
            f"SELECT count(*) FROM {self._table} WHERE {' AND '.join(conditions) or 'true'}"
        )


def _conditions(filters: tuple[str, ...]) -> tuple[list[str], int]:
    """Return the conditions, and how many parameters they use; some use none."""
    conditions: list[str] = []
    used = 0
    for name in filters:
        used += "{}" in FILTERS[name]
        conditions.append(FILTERS[name].format(f"${used}"))
    return conditions, used
