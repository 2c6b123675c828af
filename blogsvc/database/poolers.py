"""Poolers: none of them may bring one client's statement to another client.

A pooler in transaction mode gives each transaction to whichever connection to the server is free,
and prepared statements stay where they were made. asyncpg names them by a counter, so that two
processes use the same names: one could run the statement that the other has prepared. Which mode a
pooler is in cannot be seen from outside; so each one is taken for one in transaction mode.

Every private name of asyncpg that this rests on stands in this module.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg

from .dialing import Dialer, Host

_PROBE: Final = "SELECT FROM pg_catalog.pg_prepared_statements WHERE name = $1"

Opener = Callable[..., Awaitable["Connection"]]
"""Opens a connection with the options of `asyncpg.connect` that it is given."""


class Connection(asyncpg.Connection):  # type: ignore[misc] # asyncpg is untyped
    """A connection whose prepared statements no other one, in any process, calls by their names.

    Where a pooler hides from `open_through_any`, a wrong statement can so be missing, but never be
    somebody else's.
    """

    behind_pooler = False
    """Whether something in between speaks the protocol and may change servers."""

    seen = 0
    """A position in the write-ahead log that the server has passed; see `positions`."""

    host: Host | None = None
    """Where it leads to, if a network is in between."""

    def __init__(self, protocol: Any, transport: Any, loop: Any, *args: Any) -> None:
        # It keeps its dialer, so that a request to cancel goes to the address that it has itself,
        # and not to another server of the same name.
        super().__init__(protocol, transport, loop, *args)
        if isinstance(loop, Dialer):
            self.host = loop.host
        mine = secrets.token_hex(8)
        self._names = (f"blogsvc_{mine}_{number:x}" for number in itertools.count(1))

    def _get_unique_id(self, prefix: str) -> str:
        return next(self._names)

    async def reset(self, *, timeout: float | None = None) -> None:
        """Leave the session as it is when the pool gets this back, and spare a round trip.

        No statement of ours changes it. Only a transaction that was left open is rolled back, and
        listeners are taken off.
        """
        if self.is_in_transaction():
            await super().reset(timeout=timeout)
        else:
            await self._reset()

    def get_reset_query(self) -> str:
        """Return no statement: see `reset`."""
        return ""

    async def _cancel(self, *waiters: Any) -> None:
        try:
            await super()._cancel(*waiters)
        finally:
            # asyncpg looks for this task among those of its loop, and a dialer has none.
            self._cancellations.discard(asyncio.current_task())

    def note(self, position: int) -> None:
        """Remember a position that the server has passed, unless a pooler may change servers."""
        if not self.behind_pooler:
            self.seen = position


def loop_of(pool: asyncpg.Pool) -> asyncio.AbstractEventLoop:
    """Return the event loop that a pool belongs to."""
    loop: asyncio.AbstractEventLoop = pool._loop
    return loop


async def release(
    pool: asyncpg.Pool, connection: asyncpg.Connection, *, timeout: float, answered: bool
) -> None:
    """As the pool's own `release`, which makes a task to be safe where its caller is cancelled.

    For a connection of ours whose last statement was `answered` there is nothing to wait for, and
    so no moment to be cancelled at.
    """
    if answered and _is_ours(connection):
        connection._con._on_release()
        await connection._holder.release(timeout)
    else:
        await pool.release(connection, timeout=timeout)


def _is_ours(connection: asyncpg.Connection) -> bool:
    # To isinstance() each connection of asyncpg's is one of every class of them.
    return issubclass(type(connection._con), Connection)


async def open_through_any(open_one: Opener, *, timeout: float) -> Connection:
    """Open a connection that is safe whatever is in between, within `timeout` seconds.

    Asks one question. Behind a pooler that does not follow prepared statements, each statement is
    unnamed and sent whole at each call; it costs a second round trip.
    """
    async with asyncio.timeout(timeout):
        connection = await open_one()
        try:
            if await _speaks_to_the_server(connection):
                return connection
            follows = await _follows_statements(connection, next(connection._names))
        except BaseException:
            connection.terminate()
            raise
        if not follows:
            connection.terminate()
            connection = await open_one(statement_cache_size=0)
        connection.behind_pooler = True
        return connection


async def names_are_safe(connection: asyncpg.Connection) -> bool:
    """Whether no other client's statement can be run on a connection of the host's.

    The driver's own names are not unique, and asyncpg makes some unless it keeps no statements.
    """
    if _is_ours(connection) or not connection._config.statement_cache_size:
        return True
    if await _speaks_to_the_server(connection):
        return True
    with contextlib.suppress(asyncpg.InterfaceError):
        return await _follows_statements(connection, f"blogsvc_{secrets.token_hex(8)}")
    return False


async def _speaks_to_the_server(connection: asyncpg.Connection) -> bool:
    """Whether the process that the connection was announced to be is the one that answers."""
    # As a simple query, which prepares nothing, and whose status tells how many rows there are.
    pid = connection.get_server_pid()
    status: str = await connection.execute(f"SELECT WHERE pg_catalog.pg_backend_pid() = {pid}")
    return status == "SELECT 1"


async def _follows_statements(connection: asyncpg.Connection, name: str) -> bool:
    """Whether the pooler gives prepared statements names of its own, and knows whose they are.

    Then the one that is running here is not to be found under the name that we gave it. Notices
    where a transaction is not kept with one server, if chance shows it.
    """
    follows = kept = False
    await connection.execute("BEGIN")
    with contextlib.suppress(asyncpg.InvalidSQLStatementNameError):
        statement = await connection.prepare(_PROBE, name=name)
        follows = not await statement.fetch(name)
        if not follows:
            await connection.execute(f"DEALLOCATE {name}")
        kept = connection.is_in_transaction()  # says the server, with its answer
    if not kept:
        raise asyncpg.InterfaceError("statement pooling: another server answered after BEGIN")
    await connection.execute("COMMIT")
    return follows
