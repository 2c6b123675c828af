"""What statements share: the table, its columns, and how fields are sent and compared."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from ...database import quoted
from ..excerpts import SLICE
from ..records import STATUSES

# Of a post without tags and metadata NULLs are sent, which cost the driver nothing to read. The
# metadata of others is sent as text: on a host's pool there may be a codec for jsonb.
COLUMNS: Final = (
    "id, title, content, slug, status, published_at, version, created_at, updated_at, "
    "CASE WHEN pg_catalog.cardinality(tags) > 0 THEN tags END, nullif(metadata, '{}')::text"
)

# Of a content that stands outside of its row (TOAST), PostgreSQL reads only the slice.
SUMMARY: Final = COLUMNS.replace("content", f"left(content, {SLICE})")

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

# What has to be told of a parameter's type.
SENT_AS: Final = {"metadata": "text::jsonb", "tags": "text[]", "former_slugs": "text[]"}

# What PostgreSQL's own operators compare as text: VARCHAR has none that fit exactly.
_VARCHARS: Final = ("title", "slug", "status")

# An array as text is a STABLE function's answer, which Citus does not take where rows are changed.
_ARRAYS: Final = ("tags", "former_slugs")

KEYS: Final = "(SELECT $1::text[])"
"""The keys of a statement for several reads.

PostgreSQL sees how many there are only when it runs the statement. Else it would plan each one anew
for a few keys, which takes longer than reading them.
"""

# Bounded, since a schema's name may come from the address that a visitor types.
cache = lru_cache(maxsize=10_000)


def table_of(schema: str | None) -> str:
    """Return the table's name in SQL; None stands for the schema that `search_path` finds."""
    return f"{quoted(schema)}.posts" if schema else "posts"


def placeholders(fields: Sequence[str], first: int) -> list[str]:
    """Return the parameters for these fields, numbered from `first` on."""
    return [
        f"${number}::{SENT_AS[field]}" if field in SENT_AS else f"${number}"
        for number, field in enumerate(fields, first)
    ]


def differ(fields: Sequence[str], before: Sequence[str], after: Sequence[str]) -> str:
    """Say that one of these fields has another value after than before, by PostgreSQL's operators.

    An array is never NULL.
    """
    pairs = [*zip(fields, before, after, strict=True)]
    arrays = [f"{old} OPERATOR(pg_catalog.<>) {new}" for name, old, new in pairs if name in _ARRAYS]
    others = [
        (f"{old}::text", f"{new}::text") if name in _VARCHARS else (old, new)
        for name, old, new in pairs
        if name not in _ARRAYS
    ]
    if not others:
        return " OR ".join(arrays)
    old, new = (", ".join(values) for values in zip(*others, strict=True))
    return " OR ".join([f"({old}) IS DISTINCT FROM ({new})", *arrays])


def as_meant(fields: tuple[str, ...]) -> list[str]:
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


def taken(table: str) -> str:
    """Look in the index whether the slug of each row `new` is taken.

    LIMIT keeps PostgreSQL from joining the whole table, as a plan made while the table was empty
    would go on doing.
    """
    return f"""LEFT JOIN LATERAL (
            SELECT true AS taken FROM {table} AS stored WHERE stored.slug::text = new.slug LIMIT 1
        ) AS stored ON true"""
