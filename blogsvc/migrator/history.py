"""Aerich's table: what has been applied, when, how long it took, and from which text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from ..database import Database, Query, quoted
from ..errors import MigrationError, SchemaOutOfDate
from . import files, running

_RECORD: Final = 'INSERT INTO "aerich"'

_OURS: Final = "aerich_blogsvc_version_key"

TABLE: Final = f"""
    CREATE TABLE IF NOT EXISTS "aerich" (
        "id" SERIAL PRIMARY KEY,
        "version" VARCHAR(255) NOT NULL,
        "app" VARCHAR(100) NOT NULL,
        "content" JSONB NOT NULL
    );
    ALTER TABLE "aerich" ADD COLUMN IF NOT EXISTS "applied_at" TIMESTAMPTZ;
    ALTER TABLE "aerich" ALTER COLUMN "applied_at" SET DEFAULT clock_timestamp();
    ALTER TABLE "aerich" ADD COLUMN IF NOT EXISTS "duration_ms" DOUBLE PRECISION;
    ALTER TABLE "aerich" ADD COLUMN IF NOT EXISTS "checksum" TEXT;
    ALTER TABLE "aerich" ADD COLUMN IF NOT EXISTS "breaking" BOOLEAN;
    CREATE UNIQUE INDEX IF NOT EXISTS "{_OURS}" ON "aerich" ("version")
        WHERE "app"::text = '{files.APP}';
"""
"""Aerich's own table, with what we add to it. It may be a host's, with its rows and its duplicates:
the columns are nullable and unknown to Aerich's model, and the index counts our rows only.
"""

_COMPLETE: Final = f"""
    SELECT to_regclass('{_OURS}') IS NOT NULL AND EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = to_regclass('aerich')::oid AND attname::text = 'breaking')"""


_SCHEMAS: Final = f"""
    SELECT nspname::text FROM pg_catalog.pg_class
    JOIN pg_catalog.pg_namespace AS "schema" ON "schema".oid = relnamespace
    WHERE relname::text = '{_OURS}'
    ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class Applied:
    """A row of the table `aerich`: a version that has been applied."""

    version: str
    applied_at: datetime | None
    duration_ms: float | None
    checksum: str | None
    breaking: bool


async def exists(connection: asyncpg.Connection) -> bool:
    """Whether there is a history, even an empty one: then somebody has migrated here before."""
    return bool(await connection.fetchval("SELECT to_regclass('aerich') IS NOT NULL"))


async def read(connection: asyncpg.Connection) -> list[Applied]:
    """Return the applied versions, oldest first; none where there is no table."""
    if not await exists(connection):
        return []
    # As JSON: the table may be a host's, without the columns that are ours.
    rows = await connection.fetch(
        "SELECT pg_catalog.to_jsonb(aerich) - 'content'::text FROM aerich "
        "WHERE app::text = $1 ORDER BY id",
        files.APP,
    )
    try:
        return [_applied(json.loads(row[0])) for row in rows]
    except KeyError as error:
        raise MigrationError(
            f"The table aerich has no column {error}, so it is not Aerich's, and what is applied "
            "cannot be known. Give the blog a schema of its own, with --schema."
        ) from error


async def applied_versions(database: Database, schema: str | None) -> dict[str, bool]:
    """Return the applied versions as an open service reads them; none where there is no table.

    The values say which of them are breaking.
    """
    table = f"{quoted(schema)}.aerich" if schema else "aerich"
    try:
        rows = await database.read(
            Query(f"SELECT version, breaking IS TRUE FROM {table} WHERE app::text = $1"), files.APP
        )
    except SchemaOutOfDate:
        return {}
    return dict(rows)


async def schemas(connection: asyncpg.Connection) -> list[str]:
    """Return the schemas of this database that have a history of ours, also an empty one."""
    return [row[0] for row in await connection.fetch(_SCHEMAS)]


async def create_table(connection: asyncpg.Connection) -> None:
    """Make Aerich's table, or add to it what we need; where it is there already, only look."""
    if not await connection.fetchval(_COMPLETE):
        async with running.begun(connection):
            await running.run_in_transaction(connection, TABLE)


async def record(connection: asyncpg.Connection, file: files.MigrationFile, seconds: float) -> None:
    """Write that a version has just been applied."""
    await connection.execute(
        f"{_RECORD} (version, app, content, checksum, breaking, duration_ms) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        file.version,
        files.APP,
        _models(),
        file.checksum,
        file.breaking,
        seconds * 1000,
    )


async def accept(connection: asyncpg.Connection, file: files.MigrationFile) -> None:
    """Write that a version's work is there, whoever did it, as the newest one.

    A row of it that is there gets the file's checksum, and moves to the end: by that order the
    stock command undoes.
    """
    await connection.execute(
        f"{_RECORD} (version, app, content, checksum, breaking) VALUES ($1, $2, $3, $4, $5) "
        f"ON CONFLICT (version) WHERE app::text = '{files.APP}' DO UPDATE "
        "SET id = excluded.id, checksum = excluded.checksum, breaking = excluded.breaking",
        file.version,
        files.APP,
        _models(),
        file.checksum,
        file.breaking,
    )


def models_sql() -> str:
    """Return a statement that keeps what `record_sql` needs, for a script."""
    return f"SET blogsvc.models = {_literal(_models())};"


def record_sql(file: files.MigrationFile) -> str:
    """Return a statement that writes that a version is applied, for a script."""
    version, app, checksum = map(_literal, (file.version, files.APP, file.checksum))
    return (
        f"{_RECORD} (version, app, content, checksum, breaking)\n"
        f"    VALUES ({version}, {app}, current_setting('blogsvc.models')::jsonb, {checksum}, "
        f"{str(file.breaking).lower()});"
    )


async def stamp(connection: asyncpg.Connection, version: str, seconds: float) -> None:
    """Add to a row that Aerich wrote what Aerich does not know."""
    file = files.find(files.all_files(), version)
    await connection.execute(
        "UPDATE aerich SET checksum = $3, breaking = $4, duration_ms = $5 "
        "WHERE app::text = $1 AND version::text = $2",
        files.APP,
        version,
        file.checksum,
        file.breaking,
        seconds * 1000,
    )


async def erase(connection: asyncpg.Connection, version: str) -> None:
    """Write that a version is not applied any more."""
    await connection.execute(
        "DELETE FROM aerich WHERE app::text = $1 AND version::text = $2", files.APP, version
    )


def erase_sql(version: str) -> str:
    """Return a statement that writes that a version is not applied any more, for a script."""
    app = _literal(files.APP)
    return f"DELETE FROM aerich WHERE app::text = {app} AND version::text = {_literal(version)};"


def records_a_version(query: str) -> bool:
    """Whether a statement of Aerich's writes that a version is applied."""
    return query.startswith(_RECORD)


def _models() -> str:
    return json.dumps(files.models_state(files.all_files()))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _applied(row: dict[str, Any]) -> Applied:
    moment = row.get("applied_at")
    return Applied(
        version=row["version"],
        applied_at=datetime.fromisoformat(moment).astimezone(UTC) if moment else None,
        duration_ms=row.get("duration_ms"),
        checksum=row.get("checksum"),
        breaking=bool(row.get("breaking")),
    )
