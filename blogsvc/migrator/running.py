"""Running one migration's SQL, with short lock timeouts and retries."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

import asyncpg

from ..database import DRIVER_ERRORS, is_gone, pauses, quoted, translate
from ..errors import BlogError, LockedError, MigrationError, OperationTimeout, Unavailable
from .connection import NO_LIMIT
from .statements import statements

ATTEMPTS: Final = 15
LONGEST_PAUSE: Final = 5.0

FIRST_LOCK_TIMEOUT: Final = 0.1
"""Seconds of the first attempt. It doubles with each, up to the session's own `lock_timeout`."""

KEEP_OFF_AUTOVACUUM: Final = (
    "DO $$ BEGIN IF to_regclass('posts') IS NOT NULL THEN "
    "LOCK TABLE posts IN SHARE UPDATE EXCLUSIVE MODE; END IF; END $$;"
)
"""Nobody queues behind this lock. Taken first, it sends an autovacuum away, for which the stronger
lock of an ALTER TABLE would wait a second, with every reader behind it.
"""

_BUSY: Final = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
_INDEX: Final = re.compile(
    r'\A\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:"(?P<quoted>[^"]+)"|(?P<plain>\w+))',
    re.IGNORECASE,
)

_CHANGES_ROWS: Final = re.compile(r'UPDATE\s+"?posts"?\s', re.IGNORECASE)

_IN_THE_WAY: Final = """
    SELECT pid, application_name, state, xact_start
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE relation = to_regclass('posts')::oid AND granted AND pid <> pg_backend_pid()
    ORDER BY xact_start
    LIMIT 1"""


@contextlib.asynccontextmanager
async def begun(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Run the block in a transaction that its statements may roll back and begin again."""
    await connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        if not is_gone(connection):
            # Where that fails, the connection is lost, and all of it is rolled back with it.
            with contextlib.suppress(BlogError, *DRIVER_ERRORS):
                await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")


async def run_each(connection: asyncpg.Connection, sql: str) -> None:
    """Run the statements of a script one after another, each without a time limit.

    One that changes rows is left out where there are none: Citus refuses one that was released, of
    an empty table, too.
    """
    for statement in statements(sql):
        if _CHANGES_ROWS.match(statement):
            rows = await connection.fetch("SELECT 1 FROM posts LIMIT 1")
            if not rows:
                continue
        await connection.execute(statement, timeout=NO_LIMIT)


async def run_in_transaction(connection: asyncpg.Connection, sql: str) -> None:
    """Run SQL as the first thing in a transaction that is open, beginning it again as needed."""

    async def run(lock_timeout: str) -> None:
        await connection.execute(KEEP_OFF_AUTOVACUUM, timeout=NO_LIMIT)
        await connection.execute(f"SET LOCAL lock_timeout = '{lock_timeout}'")
        await run_each(connection, sql)

    await _retried(connection, run, again=("ROLLBACK", "BEGIN"))


async def run_alone(connection: asyncpg.Connection, sql: str) -> None:
    """Run SQL outside of a transaction: a batched DO block, or one CONCURRENTLY statement.

    What a failed run left of an index is removed first, and a new index is valid in the end.
    """
    limit = await connection.fetchval("SELECT current_setting('lock_timeout')")
    index = index_name(sql)

    async def run(lock_timeout: str) -> None:
        # A batch that waits for a row keeps others from its rows. CONCURRENTLY waits for old
        # transactions as long as they take, and is in nobody's way.
        await connection.execute(f"SET lock_timeout = '{lock_timeout if index is None else '0'}'")
        if index is not None:
            # The version is not recorded, so an index of this name is what a failed run left.
            drop = f"DROP INDEX CONCURRENTLY IF EXISTS {quoted(index)}"
            await connection.execute(drop, timeout=NO_LIMIT)
        await run_each(connection, sql)

    try:
        await _retried(connection, run)
    finally:
        if not is_gone(connection):
            await connection.execute(f"SET lock_timeout = '{limit}'")
    valid = "SELECT indisvalid AND indisready FROM pg_index WHERE indexrelid = to_regclass($1)::oid"
    if index is not None and not await connection.fetchval(valid, quoted(index)):
        raise MigrationError(
            f"The index {index} was built but is not valid. Run the upgrade again."
        )


def index_name(sql: str) -> str | None:
    """Return the name of the index that a CREATE INDEX CONCURRENTLY makes."""
    index = _INDEX.match(sql)
    return (index["quoted"] or index["plain"].lower()) if index else None


async def _retried(
    connection: asyncpg.Connection,
    run: Callable[[str], Awaitable[None]],
    again: Sequence[str] = (),
) -> None:
    """Run with a lock timeout, and run again where somebody else's lock was in the way."""
    longest = await connection.fetchval(
        "SELECT setting::float / 1000::float FROM pg_settings WHERE name = 'lock_timeout'"
    )
    timeout = FIRST_LOCK_TIMEOUT
    for attempt, pause in enumerate(pauses(0.1, LONGEST_PAUSE), start=1):
        try:
            await run(f"{min(timeout, longest or timeout) * 1000:.0f}ms")
        except _BUSY as error:
            for statement in again:
                await connection.execute(statement)
            if attempt == ATTEMPTS:
                raise LockedError(
                    f"The migration could not get its locks in {ATTEMPTS} attempts "
                    f"({await _in_the_way(connection)}). Wait for that transaction or end it, with "
                    "SELECT pg_terminate_backend(pid), and run this again."
                ) from error
            await asyncio.sleep(pause)
            timeout *= 2
        except DRIVER_ERRORS as error:
            raise what_stopped_it(error) from error
        else:
            return


async def _in_the_way(connection: asyncpg.Connection) -> str:
    row = await connection.fetchrow(_IN_THE_WAY)
    if row is None:
        return "nobody holds them now"
    pid, application, state, since = row
    return (
        f"pid {pid}, application {application!r}, {state or 'state not shown to this role'}"
        f"{f' since {since:%Y-%m-%d %H:%M:%S %Z}' if since else ''}"
    )


def what_stopped_it(error: BaseException) -> BlogError:
    """Return the error for somebody who migrates: PostgreSQL's own words, not a rule of a post."""
    known = translate(error)
    if isinstance(known, Unavailable | OperationTimeout):
        return known
    # Not all of its text: there is a hint in it, such as to drop with CASCADE what is a host's.
    message, detail = getattr(error, "message", None) or error, getattr(error, "detail", None)
    cure = ""
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        cure = ". Migrate as the role that owns the schema and its tables, or as a member of it"
    return MigrationError(f"{message}{f' ({detail})' if detail else ''}{cure}")
