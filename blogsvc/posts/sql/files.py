"""The posts of Markdown files, and what an import changes of them."""

from __future__ import annotations

from typing import Final

from ...database import Command, Query
from .table import as_meant, cache, placeholders

_ALIKE: Final = 240
"""Characters in which a slug begins as its numbered variants do: the longest ones are cut there."""


@cache
def of_files(table: str) -> Query:
    """Look for the posts that may be those of files; see `sources.find_stored`.

    The files are $1 to $6. Posts are looked for by pairs of a file's place and a source ($7, $8),
    or a slug ($9, $10), and by a file's date and a slug that begins as its own. A row for each file
    and post has facts, and whether title, content, tags and metadata are the same: the content does
    not leave the server. Each LIMIT keeps PostgreSQL from joining the whole table, as in `taken`.
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
    assignments = map(" = ".join, zip(fields, placeholders(fields, 4), strict=True))
    return Command(f"""
        UPDATE {table}
        SET {", ".join([*assignments, *as_meant(fields)])}
        WHERE id = $1 AND version = $2 AND source IS NOT DISTINCT FROM $3::text
        RETURNING id""")
