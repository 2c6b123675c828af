"""Posts from the table that sequelize-cli makes, brought over and kept up to date.

The tutorial's own tool names it "Posts". It is only read. A post is known again by its id and the
moment of its creation, so this can be run as often as one likes until the old application is
switched off.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from ..database import quoted
from ..errors import MigrationError
from ..posts import slug_base
from .connection import NO_LIMIT
from .migrator import Migrator

BATCH: Final = 2000
"""Posts a statement. Each is a transaction of its own, so an interrupted run loses nothing."""

_COLUMNS: Final = {"id", "title", "content", "status", "createdAt", "updatedAt"}

# What ours asks for and theirs may lack: a title, a content, a known status.
_OLD: Final = """(
    SELECT id,
        CASE WHEN title ~ '[^[:space:]]' THEN title ELSE 'Untitled' END AS title,
        coalesce(content, '') AS content,
        CASE WHEN lower(btrim(status)) IN ('published', 'archived')
            THEN lower(btrim(status)) ELSE 'draft' END AS status,
        "createdAt" AS created_at,
        "updatedAt" AS updated_at
    FROM {table}) AS old"""

_MISSING: Final = """
    SELECT old.id, old.title
    FROM {old}
    WHERE old.id > $1::bigint AND NOT EXISTS (SELECT FROM posts WHERE posts.id = old.id)
    ORDER BY old.id
    LIMIT $2"""

_INSERT: Final = """
    INSERT INTO posts (id, title, content, slug, status, published_at, created_at, updated_at)
    SELECT id, title, content, slug, status,
        CASE WHEN status = 'published' THEN created_at END, created_at, updated_at
    FROM unnest($1::bigint[], $2::text[]) AS chosen (id, slug) JOIN {old} USING (id)
    ON CONFLICT (slug) DO NOTHING"""

# A post edited here later than there stays as it is: the last writer wins.
_CHANGED: Final = """
    posts.id = old.id AND posts.created_at = old.created_at
        AND posts.updated_at <= old.updated_at
        AND (posts.title, posts.content, posts.status, posts.updated_at)
            IS DISTINCT FROM (old.title, old.content, old.status, old.updated_at)"""

_UPDATE: Final = f"""
    UPDATE posts
    SET title = old.title, content = old.content, status = old.status,
        published_at = coalesce(posts.published_at,
            CASE WHEN old.status = 'published' THEN old.updated_at END),
        updated_at = old.updated_at
    FROM {{old}}
    WHERE {_CHANGED} AND posts.id IN (
        SELECT posts.id FROM posts JOIN {{old}} ON {_CHANGED}
        WHERE posts.id > $1 ORDER BY posts.id LIMIT $2)
    RETURNING posts.id"""

_CONTINUE_IDS: Final = """
    SELECT setval(pg_get_serial_sequence('posts', 'id'), greatest(
        (SELECT max(id) FROM posts), (SELECT max(id) FROM {table}),
        pg_sequence_last_value(pg_get_serial_sequence('posts', 'id')::regclass),
        pg_sequence_last_value(pg_get_serial_sequence('{table}', 'id')::regclass)))"""

_OTHERS: Final = """
    SELECT posts.id FROM posts JOIN {old} USING (id)
    WHERE posts.created_at <> old.created_at ORDER BY id"""

_ONLY_HERE: Final = """
    SELECT count(*) FROM posts
    WHERE NOT EXISTS (SELECT FROM {table} AS old WHERE old.id = posts.id)"""

_STATUSES: Final = """
    SELECT status, count(*) FROM {table}
    WHERE lower(btrim(status)) NOT IN ('draft', 'published', 'archived')
    GROUP BY status ORDER BY status"""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What a run did, and what somebody should look at.

    `others` are ids under which either side has a post of its own: those were not touched.
    `only_here` counts posts that the old table does not have: made here, or deleted there.
    `became_drafts` counts the posts of each status that we do not know.
    """

    created: int
    updated: int
    total: int
    others: tuple[int, ...]
    only_here: int
    became_drafts: dict[str, int]


async def take_over(
    migrator: Migrator, on_progress: Callable[[int], None] = lambda created: None
) -> TakenOver:
    """Upgrade the schema, then bring over what is new or changed in "Posts".

    Ids, times and every row are kept; a slug is made from the title. Raises `MigrationError` when
    there is no such table.
    """
    await migrator.upgrade()
    async with migrator.session() as connection:
        table = await _find(connection)
        old = _OLD.format(table=table)
        created = await _insert(connection, old, on_progress)
        updated = await _update(connection, old)
        if await connection.fetchval(f"SELECT max(id) FROM {table}", timeout=NO_LIMIT) is not None:
            await connection.execute(_CONTINUE_IDS.format(table=table), timeout=NO_LIMIT)
        others = await connection.fetch(_OTHERS.format(old=old), timeout=NO_LIMIT)
        return TakenOver(
            created=created,
            updated=updated,
            total=await connection.fetchval(f"SELECT count(*) FROM {table}", timeout=NO_LIMIT),
            others=tuple(row[0] for row in others),
            only_here=await connection.fetchval(_ONLY_HERE.format(table=table), timeout=NO_LIMIT),
            became_drafts=dict(
                await connection.fetch(_STATUSES.format(table=table), timeout=NO_LIMIT)
            ),
        )


async def _find(connection: asyncpg.Connection) -> str:
    """Return the name of the old table, ready for SQL."""
    found = await connection.fetch(
        """
        SELECT relnamespace::regnamespace::text, attname FROM pg_class
            JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE pg_class.oid = coalesce(to_regclass('"Posts"'), to_regclass('public."Posts"'))
            AND attnum > 0 AND NOT attisdropped"""
    )
    missing = sorted(_COLUMNS - {row[1] for row in found})
    if not found:
        raise MigrationError(
            'There is no table "Posts" in this schema or in public. Name the database that '
            "sequelize-cli migrated, in DATABASE_URL or with --url."
        )
    if missing:
        raise MigrationError(
            f'The table "Posts" has no column {", ".join(missing)}: it is not the one that the '
            "tutorial's migration makes. Nothing was copied."
        )
    return f"{found[0][0]}.{quoted('Posts')}"


async def _insert(
    connection: asyncpg.Connection, old: str, on_progress: Callable[[int], None]
) -> int:
    created, done = 0, -(2**63)
    while rows := await connection.fetch(_MISSING.format(old=old), done, BATCH, timeout=NO_LIMIT):
        slugs = await _choose_slugs(connection, rows)
        ids = [row["id"] for row in rows]
        tag = await connection.execute(_INSERT.format(old=old), ids, slugs, timeout=NO_LIMIT)
        inserted = int(tag.rpartition(" ")[2])
        created += inserted
        on_progress(created)
        if inserted == len(rows):
            done = ids[-1]  # else somebody took a slug meanwhile: the same ones again
    return created


async def _update(connection: asyncpg.Connection, old: str) -> int:
    updated, done = 0, -(2**63)
    while rows := await connection.fetch(_UPDATE.format(old=old), done, BATCH, timeout=NO_LIMIT):
        updated += len(rows)
        done = max(row["id"] for row in rows)
    return updated


async def _choose_slugs(
    connection: asyncpg.Connection, rows: Sequence[asyncpg.Record]
) -> list[str]:
    """Return a free slug for each post: from its title, with its id where that is taken."""
    bases = [slug_base(row["title"]) for row in rows]
    wanted = [*bases, *(f"{base}-{row['id']}" for base, row in zip(bases, rows, strict=True))]
    taken = {
        row[0]
        for row in await connection.fetch("SELECT slug FROM posts WHERE slug = ANY($1)", wanted)
    }
    chosen = []
    for base, row in zip(bases, rows, strict=True):
        slug = next(
            (slug for slug in (base, f"{base}-{row['id']}") if slug not in taken),
            f"{base}-{secrets.token_hex(4)}",
        )
        taken.add(slug)
        chosen.append(slug)
    return chosen
