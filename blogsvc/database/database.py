"""What runs on a database: statements that read and write, alone or in a task's transaction.

It knows SQL and connections, and nothing of posts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, NewType, TypeVar

import asyncpg

from ..errors import ConfigurationError, NotOpen, TransactionConflict
from . import borrowed, positions
from .batching import Batching, ByKey, Key, Kind, Query, Same, Statement
from .borrowed import Lender
from .pool import Pool
from .speaking import told_of
from .transactions import Isolation, begin_statement, is_in_transaction, savepoint, transaction
from .waiting import pauses

Command = NewType("Command", str)
"""A statement that writes: a lost answer to it raises `OutcomeUnknown`."""

T = TypeVar("T")


class Database:
    """One database, reached through a pool. What the driver raises comes out as `BlogError`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._batching: Batching | None = None
        # By task and not by context: a child task must not join by accident.
        self._transactions: dict[asyncio.Task[Any] | None, asyncpg.Connection] = {}

    async def open(
        self, url: str, again: Callable[[], Awaitable[str | None]] | None = None
    ) -> None:
        """Connect; see `Pool.open`."""
        await self._pool.open(url, again)
        self._begin_batching()

    async def use_lent(self) -> None:
        """Take the pool that is lent, if it can serve us."""
        await self._pool.use_lent()
        self._begin_batching()

    def _begin_batching(self) -> None:
        self._batching = Batching(
            self._run,
            self._pool.none_free,
            size=self._pool.size,
            acquire_timeout=self._pool.acquire_timeout,
        )

    def check_open(self) -> asyncpg.Pool:
        """Return asyncpg's pool. Raises `NotOpen`, and `WrongEventLoop` for that of another one."""
        return self._pool.check_open()

    async def close(self) -> None:
        """Close every connection; those still at work after a moment are cut off. Idempotent."""
        # Transactions stay bound: what follows in their tasks must fail, and not be stored alone.
        batching, self._batching = self._batching, None
        if batching is not None and self._pool.is_of_this_loop:
            batching.close()
        await self._pool.close()

    async def ping(self) -> None:
        """Ask the server for an answer."""
        await self.read(Query("SELECT 1"))

    def read(
        self, query: Query, *args: object, costly: bool = False
    ) -> Coroutine[Any, Any, list[asyncpg.Record]]:
        """Return the rows of a query, run in this task's transaction or by itself.

        Equal reads that wait are one: see `batching`. Those with a list among their arguments are
        not compared. At most half of the pool's connections are at work for costly ones.
        """
        return self._read(Same(query, args, costly), ())

    def read_by_key(
        self, kind: ByKey, keys: Sequence[Key]
    ) -> Coroutine[Any, Any, Mapping[Key, Sequence[Any]]]:
        """Return the rows with these keys, and perhaps others, that were read with them."""
        return self._read(kind, keys)

    def _read(self, kind: Kind, keys: Sequence[Key]) -> Coroutine[Any, Any, Any]:
        joined = self._joined()
        if joined is not None:
            return self._read_inside(joined, kind, keys)
        self._pool.check_open()
        if self._batching is None:
            raise NotOpen  # it is being opened
        if positions.wanted(self._pool) is not None:
            # What this task has to see on a standby, a statement for others would not wait for.
            return self._batching.read_alone(kind, keys)
        return self._batching.read(kind, keys)

    async def _read_inside(
        self, connection: asyncpg.Connection, kind: Kind, keys: Sequence[Key]
    ) -> Any:
        return kind.answer(keys, await self._fetch(connection, kind.statement(keys)))

    async def write(self, command: Command, *args: object) -> list[asyncpg.Record]:
        """Run a command, in this task's transaction or by itself, and return its rows.

        Raises `OutcomeUnknown` where it may have been committed and the answer was lost.
        """
        joined = self._joined()
        if joined is not None:
            # Nothing is committed yet, whatever became of the statement.
            return await self._fetch(joined, (command, args))
        return await self._run(lambda: (command, args), write=True)

    async def write_token(self) -> str:
        """Return the position in the log up to which this server has written, or replayed."""
        if self.in_transaction:
            raise ConfigurationError(
                "A transaction is in the log when it is committed: ask for the token after the "
                "block."
            )
        rows = await self.read(Query(positions.HERE))
        return str(rows[0][0])

    async def wait_for(self, token: str, timeout: float) -> None:
        """Have this task's reads see all up to a position; see `Blog.wait_for`."""
        position = positions.Position.of(token)
        if self.in_transaction:
            raise ConfigurationError(
                "A transaction may go on to see what it saw when it began: wait for the token "
                "before the block."
            )
        await self._pool.wait_for(position, timeout)

    async def _run(
        self,
        statement: Callable[[], Statement | None],
        costly: bool = False,
        *,
        write: bool = False,
    ) -> list[asyncpg.Record]:
        """Get a connection, and run on it what `statement` says then."""
        if costly:
            async with self._pool.room_for_costly():
                return await self._run(statement)
        connection = await self._pool.acquire()
        answered = False
        try:
            said = statement()
            rows = [] if said is None else await self._fetch(connection, said, write=write)
            answered = True
        finally:
            await self._pool.release(connection, answered=answered)
        return rows

    async def _fetch(
        self, connection: asyncpg.Connection, statement: Statement, *, write: bool = False
    ) -> list[asyncpg.Record]:
        sql, args = statement
        try:
            rows: list[asyncpg.Record] = await connection.fetch(
                sql, *args, timeout=self._pool.command_timeout
            )
        except Exception as error:
            raise told_of(connection, error, write=write) from error
        return rows

    @property
    def in_transaction(self) -> bool:
        """Whether the current task is inside `transaction()`."""
        return self._joined() is not None

    @contextlib.asynccontextmanager
    async def transaction(
        self,
        isolation: Isolation | None = None,
        readonly: bool = False,
        connection: asyncpg.Connection | Lender | None = None,
    ) -> AsyncIterator[None]:
        """Make the statements of this task one unit; see `BlogService.transaction`."""
        task = asyncio.current_task()
        outer = self._joined()
        if connection is not None:
            connection = await borrowed.borrow(connection, self._pool.acquire_timeout)
        if outer is not None:
            if isolation or readonly or (connection and not borrowed.is_same(connection, outer)):
                raise ConfigurationError(
                    "A transaction inside another one is a savepoint of it: isolation, readonly "
                    "and connection are said by the outermost block."
                )
            inner = connection or outer
            async with savepoint(inner, self._pool.command_timeout), self._bound(task, inner):
                yield
            return
        if connection is not None:
            if isolation or readonly or not is_in_transaction(connection):
                raise ConfigurationError(
                    "The connection given must be in a transaction already, and whoever began "
                    "that one has said isolation and readonly."
                )
            self._pool.check_open()
            limit = self._pool.command_timeout
            async with savepoint(connection, limit), self._bound(task, connection):
                yield
            return
        begin = begin_statement(isolation, readonly)
        acquired = await self._pool.acquire()
        try:
            limit = self._pool.command_timeout
            async with transaction(acquired, begin, limit), self._bound(task, acquired):
                yield
        finally:
            await self._pool.release(acquired)

    async def run_transaction(
        self, body: Callable[[], Awaitable[T]], isolation: Isolation | None, attempts: int
    ) -> T:
        """Run `body` in a transaction, and again after a conflict; see `BlogService`."""
        for pause, _ in zip(pauses(0.01, 0.5), range(attempts - 1), strict=False):
            try:
                async with self.transaction(isolation):
                    return await body()
            except TransactionConflict:
                if self.in_transaction:
                    raise  # only the outermost one can be run again
            await asyncio.sleep(pause)
        async with self.transaction(isolation):
            return await body()

    @contextlib.asynccontextmanager
    async def _bound(
        self, task: asyncio.Task[Any] | None, connection: asyncpg.Connection
    ) -> AsyncIterator[None]:
        outer = self._transactions.get(task)
        self._transactions[task] = connection
        try:
            yield
        finally:
            if outer is None:
                self._transactions.pop(task, None)
            else:
                self._transactions[task] = outer

    def _joined(self) -> asyncpg.Connection | None:
        if not self._transactions:
            return None
        return self._transactions.get(asyncio.current_task())
