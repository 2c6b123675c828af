"""The session that migrates: its settings, and the migration lock, held by one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final

import asyncpg

from .. import config
from ..database import check_target, pauses, quoted
from ..errors import LockedError, MigrationError, Unavailable

LOCK_TIMEOUT: Final = 2.0
"""Seconds a statement waits for a table's lock, at most; behind some, every reader would queue."""

# One key for each database and schema. Blocking for it would hold a snapshot, for which
# CREATE INDEX CONCURRENTLY waits: so it is polled.
KEY: Final = (
    "hashtextextended('blogsvc migrations ' || coalesce(current_schema()::text, ''), 0::bigint)"
)

# Without the first, the statement of a killed client keeps running and holds the lock; it is not
# known on every system. The second came with PostgreSQL 17.
_WHERE_KNOWN: Final = ("client_connection_check_interval = '1s'", "transaction_timeout = 0")

# What this session would read and change, where that is not in the schema that it makes tables in.
_ELSEWHERE: Final = """
    SELECT nspname::text, relname::text FROM pg_catalog.pg_class
    JOIN pg_catalog.pg_namespace AS "schema" ON "schema".oid = relnamespace
    WHERE pg_class.oid IN (to_regclass('posts')::oid, to_regclass('aerich')::oid)
        AND nspname::text <> current_schema()::text
    ORDER BY relname::text DESC
    LIMIT 1"""

_MAY_CHANGE: Final = """
    SELECT pg_catalog.current_setting('transaction_read_only'::text)::text = 'on'::text,
        (SELECT pg_catalog.pg_get_userbyid(relowner)::text FROM pg_catalog.pg_class
        WHERE oid = to_regclass('posts')::oid
            AND NOT pg_catalog.pg_has_role(relowner, 'USAGE'::text)),
        current_user::text"""

_HOLDER: Final = f"""
    SELECT held.pid, application_name, backend_start
    FROM pg_locks AS held LEFT JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND ((classid::bigint << 32) | objid::bigint) = {KEY}"""


def search_path(schema: str | None) -> dict[str, str]:
    """Return the session settings that make plain table names mean those of a schema."""
    check_target(None, schema)
    return {"search_path": quoted(schema)} if schema else {}


def settings(schema: str | None) -> dict[str, str]:
    """Return the settings of a migrating session."""
    return {
        **search_path(schema),
        "application_name": "blogsvc migrations",
        "lock_timeout": f"{LOCK_TIMEOUT * 1000:.0f}",
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
        "client_min_messages": "warning",
        "standard_conforming_strings": "on",  # a migration may have backslashes
    }


async def prepare(
    connection: asyncpg.Connection,
    schema: str | None,
    *,
    locked: bool = True,
    create_schema: bool = True,
) -> None:
    """Check that this session can migrate, and wait for the migration lock.

    The lock ends with the connection, however that ends. Raises `LockedError`, which names the
    holder, when it cannot be had in time, and `Unavailable` or `MigrationError` where migrations
    cannot run or what is applied cannot be known. A session that is not `locked` is for reading,
    on a standby too.
    """
    if locked:
        await _check_that_it_can_write(connection, schema, create_schema)
    await _check_that_it_can_read(connection, schema)
    if locked:
        await _acquire(connection)


async def check_that_it_may_change(connection: asyncpg.Connection) -> None:
    """Raise an error, with the cure, where what is planned would be refused before it has begun."""
    takes_no_writes, owner, role = await connection.fetchrow(_MAY_CHANGE)
    if takes_no_writes:
        raise Unavailable(
            "This session takes no writes: default_transaction_read_only is on, for the server, "
            "the database or the role. Migrate where it is off."
        )
    if owner is not None:
        raise MigrationError(
            f"The table posts belongs to the role {owner}, and only its owner may change it. "
            f"Migrate as that role, or as a member of it: GRANT {quoted(owner)} TO {quoted(role)}. "
            "Nothing was changed."
        )


async def _check_that_it_can_write(
    connection: asyncpg.Connection, schema: str | None, create_schema: bool
) -> None:
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        raise Unavailable(
            "This server is a standby and takes no migrations. Name the primary in the URL, or "
            "all hosts and target_session_attrs=read-write."
        )
    if schema and not await _exists(connection, schema):
        if not create_schema:
            raise MigrationError(f"There is no schema {schema}. Nothing was changed.")
        try:
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
        except (asyncpg.UniqueViolationError, asyncpg.DuplicateSchemaError):
            pass  # another one has made it at the same moment, which IF NOT EXISTS does not see
        except asyncpg.InsufficientPrivilegeError as error:
            raise MigrationError(
                f"There is no schema {schema}, and this role may not create one ({error}). As the "
                f"database's owner: CREATE SCHEMA {quoted(schema)} AUTHORIZATION "
                f"{quoted(await connection.fetchval('SELECT current_user::text'))}"
            ) from error
    for setting in _WHERE_KNOWN:
        with contextlib.suppress(asyncpg.PostgresError):
            await connection.execute(f"SET {setting}")


async def _check_that_it_can_read(connection: asyncpg.Connection, schema: str | None) -> None:
    here = await connection.fetchval("SELECT current_schema()")
    if here is None and schema and await _exists(connection, schema):
        raise MigrationError(
            f"This role may not use the schema {schema}, so what is applied cannot be known. "
            "Migrate as the tables' owner, or GRANT USAGE ON SCHEMA to this role."
        )
    if here is None and not schema:
        path = await connection.fetchval("SHOW search_path")
        raise MigrationError(
            f"No schema of the search_path of this role ({path or 'which is empty'}) is there and "
            "may be used by it. Say which schema has the blog, with --schema or BLOGSVC_SCHEMA, or "
            "GRANT USAGE ON SCHEMA to this role."
        )
    if schema and here not in (schema, None):
        raise MigrationError(
            f"The session is in the schema {here}, not in {schema}: something on the way, such as "
            "a pooler, has dropped its search_path. Migrate over a direct connection."
        )
    elsewhere = await connection.fetchrow(_ELSEWHERE)
    if elsewhere:
        raise MigrationError(
            f"The search_path of this role begins with the schema {here}, and leads to the table "
            f"{elsewhere[1]} in {elsewhere[0]}. Say which schema has the blog: --schema "
            f"{elsewhere[0]} or --schema {here}, or BLOGSVC_SCHEMA."
        )
    if await connection.fetchval(
        "SELECT NOT has_table_privilege(to_regclass('aerich')::oid, 'SELECT')"
    ):
        raise MigrationError(
            "This role may not read the table aerich, so what is applied cannot be known. Migrate "
            "as the tables' owner, or GRANT SELECT ON aerich to this role."
        )


async def _exists(connection: asyncpg.Connection, schema: str) -> bool:
    # Asked first: CREATE SCHEMA needs a right that only its creator must have.
    found = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)"
    return bool(await connection.fetchval(found, schema))


async def _acquire(connection: asyncpg.Connection) -> None:
    wait = config.migration_wait()
    deadline = time.monotonic() + wait
    for pause in pauses(0.02, 0.5):
        if await connection.fetchval(f"SELECT pg_try_advisory_lock({KEY})"):
            return
        if time.monotonic() >= deadline:
            raise LockedError(
                f"Another migration has been running for more than {wait:g} s "
                f"({await _holder(connection)}). Wait for it and run this again; nothing was "
                "changed. BLOGSVC_MIGRATION_WAIT sets how long to wait, in seconds."
            )
        await asyncio.sleep(min(pause, max(deadline - time.monotonic(), 0)))


async def _holder(connection: asyncpg.Connection) -> str:
    row = await connection.fetchrow(_HOLDER)
    if row is None:
        return "it has just ended"
    pid, application, since = row
    if since is None:
        return f"pid {pid}, of another role: more is shown to members of pg_monitor"
    return f"pid {pid}, application {application!r}, connected since {since:%Y-%m-%d %H:%M:%S %Z}"
