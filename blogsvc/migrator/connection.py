"""The connection that migrates, or looks: none of its waits is without an end.

What only looks has a time limit, as every other call has. A migration may take as long as it takes:
it is bounded by signs of life, so that a network that has gone silent does not hang it for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import asyncpg

from ..database import (
    CLEANUP_TIMEOUT,
    CONNECT_TIMEOUT,
    Connection,
    connect,
    connect_to,
    speaking_our_errors,
    target_of,
    translate,
)
from ..errors import (
    BlogError,
    ConfigurationError,
    OperationTimeout,
    OutcomeUnknown,
    Unavailable,
)
from . import lock

COMMAND_TIMEOUT: Final = 10.0
"""Seconds for a statement that is no migration."""

NO_LIMIT: Final = 365 * 86_400.0
"""As `timeout` of a statement that may take as long as it takes: asyncpg has no word for it."""

LIFE_SIGN: Final = 30.0
"""Seconds between two looks, from another connection, at whether a migration is still at work."""

# The system asks a peer that says nothing, and gives it up after a minute.
_KEEPALIVE: Final = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
_USER_TIMEOUT: Final = {"TCP_USER_TIMEOUT": 60_000}

# Only a server connection that was made for this client has been given its settings at the start.
_IS_OURS: Final = """
    SELECT source = 'client' AND setting = $1 FROM pg_catalog.pg_settings
    WHERE name = 'lock_timeout'"""

_AT_WORK: Final = "SELECT state, state_change FROM pg_stat_activity WHERE pid = $1"


class MigratingConnection(Connection):
    """Raises a `BlogError` where the connection is lost or its answer, and is closed then.

    What the server refuses is raised as it is: who migrates reads PostgreSQL's own words, and runs
    some of it again.
    """

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        commits = query.startswith("COMMIT")
        with self._closed_when_lost(write=commits):
            limit = NO_LIMIT if commits else timeout
            return str(await super().execute(query, *args, timeout=limit))

    async def fetch(self, *args: Any, **options: Any) -> Any:
        with self._closed_when_lost():
            return await super().fetch(*args, **options)

    async def fetchrow(self, *args: Any, **options: Any) -> Any:
        with self._closed_when_lost():
            return await super().fetchrow(*args, **options)

    async def fetchval(self, *args: Any, **options: Any) -> Any:
        with self._closed_when_lost():
            return await super().fetchval(*args, **options)

    @contextlib.contextmanager
    def _closed_when_lost(self, *, write: bool = False) -> Iterator[None]:
        try:
            with speaking_our_errors(self, write=write):
                yield
        except BlogError as error:
            cause = error.__cause__
            if isinstance(error, OutcomeUnknown):
                self.terminate()
                raise OutcomeUnknown(
                    "The connection was lost before the COMMIT was answered: it may be done or not."
                ) from cause
            if isinstance(cause, asyncpg.PostgresError) and not self.is_closed():
                raise cause from None
            self.terminate()
            raise

    def keep_alive(self) -> None:
        """Have the system notice that the server's machine is gone."""
        peer: socket.socket = self._transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in {**_KEEPALIVE, **_USER_TIMEOUT}.items():
            if hasattr(socket, name):  # not on every system
                peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


OPTIONS: Final[dict[str, Any]] = {
    "connection_class": MigratingConnection,
    "command_timeout": COMMAND_TIMEOUT,
}
"""For `connect` and `create_pool`, where the connection is to migrate."""


@contextlib.asynccontextmanager
async def opened(
    url: str, schema: str | None, *, locked: bool, create_schema: bool = True
) -> AsyncIterator[MigratingConnection]:
    """Open the connection that migrates or, where it is not `locked`, looks."""
    connection = await connect(
        url, timeout=CONNECT_TIMEOUT, settings=lock.settings(schema), **OPTIONS
    )
    try:
        with saying_where_things_stand(locked=locked):
            await prepare(connection, url, schema, locked=locked, create_schema=create_schema)
            yield connection
    finally:
        await _close(connection)


async def prepare(
    connection: MigratingConnection,
    url: str,
    schema: str | None,
    *,
    locked: bool,
    create_schema: bool = True,
) -> None:
    """Make a new connection fit for migrating; see `lock.prepare`.

    Raises `ConfigurationError` where a pooler is in between: it may give another client the session
    that holds the migration lock.
    """
    if connection.behind_pooler and not await _is_ours(connection):
        raise ConfigurationError(
            "This URL leads to a pooler, which may share the session that holds the migration lock "
            "with others. Give the migrations a direct connection to PostgreSQL: see "
            "docs/scaling.md. Nothing was changed."
        )
    if locked and connection.host is not None:
        connection.keep_alive()
        await _watch(connection, url)
    await lock.prepare(connection, schema, locked=locked, create_schema=create_schema)


@contextlib.contextmanager
def saying_where_things_stand(*, locked: bool) -> Iterator[None]:
    """Let nothing of the driver escape; where the connection is lost, say what that leaves."""
    where = (
        "What was committed before is kept; `blogsvc status` shows where you are."
        if locked
        else "Nothing was changed: this only looks."
    )
    try:
        yield
    except asyncpg.PostgresError as error:
        raise translate(error) from error
    except (Unavailable, OperationTimeout, OutcomeUnknown) as error:
        error.args = (f"{error} {where}",)
        raise


async def _is_ours(connection: MigratingConnection) -> bool:
    limit = lock.settings(None)["lock_timeout"]
    return bool(await connection.fetchval(_IS_OURS, limit))


async def _watch(connection: MigratingConnection, url: str) -> None:
    """Close the connection when the server does not work for it any more, until it is closed."""
    pid = await connection.fetchval("SELECT pg_backend_pid()")
    watching = asyncio.create_task(_close_when_lost(connection, url, pid))
    connection.add_termination_listener(lambda closed: watching.cancel())


async def _close_when_lost(connection: MigratingConnection, url: str, pid: int) -> None:
    missed = 0
    before: object = None
    while missed < 2:
        await asyncio.sleep(LIFE_SIGN)
        found = await _look(connection, url, pid)
        # Idle since the same moment as at the last look: what it answered has not come through.
        lost = found is None or (found[0].startswith("idle") and found == before)
        missed, before = (missed + 1 if lost else 0), found
    connection.terminate()


async def _look(connection: MigratingConnection, url: str, pid: int) -> tuple[str, object] | None:
    """Return what the backend is doing and since when; None where there is none, or no answer."""
    assert connection.host is not None
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT):
            other = await connect_to(target_of(url), connection.host, timeout=CONNECT_TIMEOUT)
            try:
                row = await other.fetchrow(_AT_WORK, pid)
            finally:
                other.terminate()
    except asyncpg.PostgresError:
        return "unknown", None  # a server that refuses one more connection is alive
    except Exception:  # noqa: BLE001 - whatever it is, it is no answer
        return None
    return (row[0] or "unknown", row[1]) if row else None


async def _close(connection: MigratingConnection) -> None:
    # Also when the server hangs: the migration lock ends with the connection, on its side too.
    try:
        await connection.close(timeout=CLEANUP_TIMEOUT)
    except Exception:  # noqa: BLE001 - what went wrong before is what is told
        connection.terminate()
