"""What belongs to the host and is lent to us: a connection in a transaction of its own, a pool."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Protocol

import asyncpg

from ..errors import BlogError, ConfigurationError, Unavailable, WrongEventLoop
from .connections import check_encoding, drop_frames
from .poolers import loop_of, names_are_safe
from .refusals import unreachable
from .speaking import speaking_our_errors, what_it_means
from .sqlstates import DRIVER_ERRORS


class Lender(Protocol):
    """What Tortoise's `in_transaction()` yields: it lends its connection for a statement."""

    def acquire_connection(self) -> Any:
        """Return an asynchronous context manager that yields the connection."""


class SharedConnection:
    """A connection that its owner uses, too, so that it is taken for one statement at a time.

    Held for longer, the owner's next statement would wait for us, and we for the owner.
    """

    def __init__(self, lender: Lender, connection: asyncpg.Connection, timeout: float) -> None:
        self.connection = connection
        self._lender = lender
        self._timeout = timeout
        self.is_in_transaction = connection.is_in_transaction
        self.is_closed = connection.is_closed
        self.terminate = connection.terminate

    async def fetch(self, *args: Any, **options: Any) -> Any:
        async with self._taken() as connection:
            return await connection.fetch(*args, **options)

    async def execute(self, *args: Any, **options: Any) -> str:
        async with self._taken() as connection:
            return str(await connection.execute(*args, **options))

    @contextlib.asynccontextmanager
    async def _taken(self) -> AsyncIterator[asyncpg.Connection]:
        lent = self._lender.acquire_connection()
        async with asyncio.timeout(self._timeout):
            connection = await lent.__aenter__()
        try:
            yield connection
        finally:
            await lent.__aexit__(None, None, None)


async def check_pooler(connection: asyncpg.Connection, timeout: float) -> None:
    """Raise `ConfigurationError` where a pooler could run another client's statement for us."""
    with speaking_our_errors(connection):
        async with asyncio.timeout(timeout):
            safe = await names_are_safe(connection)
    if not safe:
        raise ConfigurationError(
            "The pool leads through a pooler that does not follow prepared statements. In "
            "transaction mode, it could run one of another client. Create the pool with "
            "statement_cache_size=0, or set max_prepared_statements of PgBouncer 1.21 or later."
        )


async def borrow(given: Any, timeout: float) -> asyncpg.Connection | SharedConnection:
    """Return what runs our statements on a connection of the host's.

    Raises `ConfigurationError` for what is no connection of asyncpg's, and lends none.
    """
    if isinstance(given, asyncpg.Connection):
        _check(given)
        return given
    if not hasattr(given, "acquire_connection"):
        raise ConfigurationError(
            f"connection is a {type(given).__name__}; give an asyncpg connection, or what "
            "Tortoise's in_transaction() yields."
        )
    try:
        async with asyncio.timeout(timeout), given.acquire_connection() as connection:
            if isinstance(connection, asyncpg.Connection):
                _check(connection)
                return SharedConnection(given, connection, timeout)
    except BlogError:
        raise
    except Exception as error:
        raise what_it_means(error, write=False) from error
    raise ConfigurationError(
        f"connection leads to a {type(connection).__module__} connection; posts are kept over "
        "asyncpg. Use the engine tortoise.backends.asyncpg, or blogsvc.models.tortoise_connection."
    )


def check_loop(pool: asyncpg.Pool) -> None:
    """Raise `WrongEventLoop` where a pool was not made in the event loop that runs."""
    if loop_of(pool) is not asyncio.get_running_loop():
        raise WrongEventLoop(
            "The pool that was given belongs to another event loop. Make it in the one that opens "
            "this service."
        )


def refused(error: Exception) -> BlogError:
    """Return what it means that a pool of the host's gives no connection."""
    if isinstance(error, asyncpg.InterfaceError) and str(error).startswith("pool is "):
        return Unavailable(
            f"The pool that was given cannot be used: {error}. Open it before this service "
            "(await asyncpg.create_pool(...)), and close it after."
        )
    if not isinstance(error, DRIVER_ERRORS):
        return Unavailable(
            "The pool that was given makes no connection: what it calls for that failed "
            f"({type(error).__name__}: {error})."
        )
    drop_frames(error)
    return unreachable({"the server of the pool that was given": error}, "any", 0)


def _check(connection: asyncpg.Connection) -> None:
    with contextlib.suppress(asyncpg.InterfaceError):  # it is back in its pool, which is told later
        check_encoding(connection)


def is_same(one: Any, other: Any) -> bool:
    """Whether two connections, shared ones too, are the same one of the driver's."""
    return getattr(one, "connection", one) is getattr(other, "connection", other)
