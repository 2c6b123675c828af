"""Posts by id or slug, read and written."""

from __future__ import annotations

from typing import Literal

from ...database import ByKey, Command, Query
from .table import COLUMNS, KEYS, as_meant, cache, differ, placeholders, taken


@cache
def get_locked(table: str) -> Query:
    """Read the post $1; nobody else changes it until the transaction ends."""
    return Query(f"SELECT {COLUMNS} FROM {table} WHERE id = $1 FOR UPDATE")


@cache
def get(table: str) -> ByKey:
    """Read posts by their ids."""
    return ByKey(
        Query(f"SELECT {COLUMNS} FROM {table} WHERE id = $1"),
        Query(f"SELECT id, {COLUMNS} FROM {table} WHERE id = ANY({KEYS}::bigint[])"),
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
        Query(found(COLUMNS, "(SELECT $1::text)")),
        Query(f"""
            SELECT wanted.address, {COLUMNS}
            FROM pg_catalog.unnest({KEYS}) AS wanted (address)
            CROSS JOIN LATERAL ({found("*", "wanted.address")}) AS found"""),
    )


@cache
def exists(table: str) -> ByKey:
    """Read which of some ids there are."""
    return ByKey(
        Query(f"SELECT FROM {table} WHERE id = $1"),
        Query(f"SELECT id FROM {table} WHERE id = ANY({KEYS}::bigint[])"),
    )


@cache
def create(table: str, fields: tuple[str, ...]) -> Command:
    """Store a post under the slug $1 with these fields ($2 and on); no row where that is taken.

    A taken slug is looked for before the row is made, so that it costs no id. Two that choose the
    same slug at once are told apart by ON CONFLICT: the later one gets no row.
    """
    return Command(f"""
        INSERT INTO {table} (slug, {", ".join(fields)})
        SELECT $1::text, {", ".join(placeholders(fields, 2))}
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
            {taken(table)}
        WHERE taken IS NULL
        ORDER BY place
        ON CONFLICT (slug) DO NOTHING
        RETURNING slug, id""")


@cache
def update(table: str, fields: tuple[str, ...]) -> Command:
    """Set these fields ($3 and on) of the post $1, if it is at version $2 and they differ."""
    values = placeholders(fields, 3)
    assignments = map(" = ".join, zip(fields, values, strict=True))
    return Command(f"""
        UPDATE {table}
        SET {", ".join([*assignments, *as_meant(fields)])}
        WHERE id = $1 AND version = COALESCE($2, version)
            AND ({differ(fields, fields, values)})
        RETURNING {COLUMNS}""")


@cache
def compare(table: str, key: Literal["id", "slug"], fields: tuple[str, ...]) -> Query:
    """Read the post with the key $1; the last column says whether these fields equal $2 and on."""
    return Query(f"""
        SELECT {COLUMNS}, NOT ({differ(fields, fields, placeholders(fields, 2))})
        FROM {table} WHERE {"slug::text" if key == "slug" else key} = $1""")


@cache
def upsert(table: str, fields: tuple[str, ...]) -> Command:
    """Store these fields under the slug $1, or set them, if they differ, where it is there."""
    values = ", ".join(placeholders(fields, 2))
    assignments = [f"{field} = EXCLUDED.{field}" for field in fields]
    stored, new = ([f"{row}.{field}" for field in fields] for row in ("stored", "EXCLUDED"))
    return Command(f"""
        INSERT INTO {table} AS stored (slug, {", ".join(fields)})
        VALUES ($1, {values})
        ON CONFLICT (slug) DO UPDATE
        SET {", ".join([*assignments, *as_meant(fields)])}
        WHERE {differ(fields, stored, new)}
        RETURNING {COLUMNS}""")


@cache
def delete(table: str) -> Command:
    """Delete the post $1, if it is at version $2."""
    return Command(f"""
        DELETE FROM {table}
        WHERE id = $1 AND version = COALESCE($2, version)
        RETURNING id""")
