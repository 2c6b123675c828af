"""A pool that speaks our errors, and the transactions that tasks open on it.

It knows SQL and connections, and nothing of posts.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Mapping,
    Sequence,
)
from typing import Any, Final, Literal, NewType, TypeVar

import asyncpg

from ..errors import (
    BlogError,
    ConfigurationError,
    NotOpen,
    OperationTimeout,
    OutcomeUnknown,
    TransactionAborted,
    TransactionConflict,
    Unavailable,
    WrongEventLoop,
)
from . import borrowed, positions
from .arguments import shown
from .batching import Batching, ByKey, Key, Kind, Query, Same, Statement
from .borrowed import Lender
from .connections import (
    CLEANUP_TIMEOUT,
    check_encoding,
    close_pool,
    create_pool,
    drop_frames,
)
from .poolers import release
from .speaking import cut_off, is_gone, speaking_our_errors, told_of, what_it_means
from .waiting import pauses, within

Command = NewType("Command", str)
"""A statement that writes: a lost answer to it raises `OutcomeUnknown`."""

Isolation = Literal["read committed", "repeatable read", "serializable"]

T = TypeVar("T")

_ISOLATIONS: Final = ("read committed", "repeatable read", "serializable")


class Database:
    """One database: a pool bound to the event loop that opened it.

    Every wait is bounded: `connect_timeout` seconds a host, `acquire_timeout` for a free
    connection, `command_timeout` for a statement. What the driver raises comes out as `BlogError`.

    `lent` is a pool of the host's, which is used and never closed.
    """

    def __init__(
        self,
        *,
        min_size: int,
        max_size: int,
        command_timeout: float | None,
        connect_timeout: float,
        acquire_timeout: float,
        lent: asyncpg.Pool | None = None,
    ) -> None:
        self._lent = lent
        self._min_size = min_size
        self._max_size = max_size
        self._command_timeout = command_timeout
        self._connect_timeout = connect_timeout
        self._acquire_timeout = acquire_timeout
        self._pool: asyncpg.Pool | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._batching: Batching | None = None
        self._limits: set[asyncio.Timeout] = set()  # of those who wait for a connection
        # By task and not by context: a child task must not join by accident.
        self._transactions: dict[asyncio.Task[Any] | None, asyncpg.Connection] = {}
        self._savepoints = itertools.count(1)

    async def open(
        self, url: str, again: Callable[[], Awaitable[str | None]] | None = None
    ) -> None:
        """Connect `min_size` connections; `again` is as in `create_pool`."""
        self._use(await self._connect(url, again))

    async def use_lent(self) -> None:
        """Take the pool that is lent, if it can serve us."""
        assert self._lent is not None
        borrowed.check_loop(self._lent)
        self._use(self._lent)
        connection = await self._acquire_any()
        try:
            check_encoding(connection)
        finally:
            await self._release(connection)

    def _use(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        # Half of the connections remain for what is not costly.
        self._turns = asyncio.Semaphore(max(1, pool.get_max_size() // 2))
        self._batching = Batching(
            self._run,
            lambda: self._none_free(pool),
            size=pool.get_max_size(),
            acquire_timeout=self._acquire_timeout,
        )

    async def _connect(
        self, url: str, again: Callable[[], Awaitable[str | None]] | None
    ) -> asyncpg.Pool:
        return await create_pool(
            url,
            min_size=self._min_size,
            max_size=self._max_size,
            connect_timeout=self._connect_timeout,
            command_timeout=self._command_timeout,
            again=again,
        )

    async def close(self) -> None:
        """Close every connection; those still at work after a moment are cut off. Idempotent."""
        # Transactions stay bound: what follows in their tasks must fail, and not be stored alone.
        pool, self._pool = self._pool, None
        batching, self._batching = self._batching, None
        same_loop = self._loop is asyncio.get_running_loop()
        if batching is not None and same_loop:
            batching.close()
            for limit in self._limits:  # nobody will be given a connection any more
                if not limit.expired():
                    limit.reschedule(0)
        if pool is not None and pool is not self._lent:
            await close_pool(pool, same_loop=same_loop)

    def check_open(self) -> asyncpg.Pool:
        """Return the pool. Raises `NotOpen`, and `WrongEventLoop` where it was opened elsewhere."""
        if self._pool is None:
            raise NotOpen
        if self._loop is not asyncio.get_running_loop():
            raise WrongEventLoop
        return self._pool

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
        self.check_open()
        assert self._batching is not None  # as long as there is a pool
        if positions.wanted(self) is not None:
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
        connection = await self._acquire_any()
        try:
            await _catch_up(connection, position, timeout)
        finally:
            await self._release(connection)
        positions.want(self, position)

    async def _run(
        self,
        statement: Callable[[], Statement | None],
        costly: bool = False,
        *,
        write: bool = False,
    ) -> list[asyncpg.Record]:
        """Get a connection, and run on it what `statement` says then."""
        if costly:
            return await self._run_in_turn(statement)
        connection = await self._acquire()
        answered = False
        try:
            said = statement()
            rows = [] if said is None else await self._fetch(connection, said, write=write)
            answered = True
        finally:
            await self._release(connection, answered=answered)
        return rows

    async def _run_in_turn(self, statement: Callable[[], Statement | None]) -> list[asyncpg.Record]:
        pool = self.check_open()
        turns = self._turns
        try:
            await within(self._acquire_timeout, turns.acquire(), self._limits)
        except TimeoutError as error:
            raise (self._none_free(pool) if pool is self._pool else NotOpen()) from error
        try:
            return await self._run(statement)
        finally:
            turns.release()

    async def _fetch(
        self, connection: asyncpg.Connection, statement: Statement, *, write: bool = False
    ) -> list[asyncpg.Record]:
        sql, args = statement
        try:
            rows: list[asyncpg.Record] = await connection.fetch(
                sql, *args, timeout=self._command_timeout
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
            connection = await borrowed.borrow(connection, self._acquire_timeout)
        if outer is not None:
            if isolation or readonly or (connection and not borrowed.is_same(connection, outer)):
                raise ConfigurationError(
                    "A transaction inside another one is a savepoint of it: isolation, readonly "
                    "and connection are said by the outermost block."
                )
            inner = connection or outer
            async with self._bound(task, inner), self._savepoint(inner):
                yield
            return
        if connection is not None:
            if isolation or readonly or not _in_transaction(connection):
                raise ConfigurationError(
                    "The connection given must be in a transaction already, and whoever began "
                    "that one has said isolation and readonly."
                )
            self.check_open()
            async with self._bound(task, connection), self._savepoint(connection):
                yield
            return
        begin = _begin_statement(isolation, readonly)
        acquired = await self._acquire()
        try:
            await _begin(acquired, begin, self._command_timeout)
            async with self._bound(task, acquired):
                try:
                    yield
                except BaseException:
                    await _roll_back(acquired, "ROLLBACK")
                    raise
                await _commit(acquired, self._command_timeout)
        finally:
            await self._release(acquired)

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

    @contextlib.asynccontextmanager
    async def _savepoint(self, connection: asyncpg.Connection) -> AsyncIterator[None]:
        name = f"blogsvc_{next(self._savepoints)}"
        with speaking_our_errors(connection):
            await connection.execute(f"SAVEPOINT {name}", timeout=self._command_timeout)
        try:
            yield
        except BaseException:
            await _roll_back(connection, f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}")
            raise
        try:
            with speaking_our_errors(connection):
                await connection.execute(f"RELEASE SAVEPOINT {name}", timeout=self._command_timeout)
        except BlogError:
            # An error inside was swallowed: undo the block, so that what is around it can go on.
            await _roll_back(connection, f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}")
            raise

    def _joined(self) -> asyncpg.Connection | None:
        if not self._transactions:
            return None
        return self._transactions.get(asyncio.current_task())

    async def _acquire(self) -> asyncpg.Connection:
        connection = await self._acquire_any()
        position = positions.wanted(self)
        if position is not None:
            try:
                await _catch_up(connection, position, self._acquire_timeout)
            except BaseException:
                await self._release(connection)
                raise
        return connection

    async def _acquire_any(self) -> asyncpg.Connection:
        pool = self.check_open()
        try:
            return await within(self._acquire_timeout, pool.acquire(), self._limits)
        except TimeoutError as error:
            drop_frames(error)  # those of a host's connection hold its password
            if pool is not self._pool:
                raise NotOpen from error
            raise self._none_free(pool) from error
        except BlogError:
            raise
        except Exception as error:
            if self._lent is not None:
                raise borrowed.refused(error) from error
            raise what_it_means(error, write=False) from error

    def _none_free(self, pool: asyncpg.Pool) -> Unavailable:
        if pool.get_size() < pool.get_max_size():
            return Unavailable(
                f"No connection could be made within {self._acquire_timeout:g} s. Check that "
                "the server runs, or raise acquire_timeout."
            )
        return Unavailable(
            f"No connection was free within {self._acquire_timeout:g} s: all "
            f"{pool.get_max_size()} are at work. Raise max_size, or look for transactions that "
            "stay open."
        )

    async def _release(self, connection: asyncpg.Connection, *, answered: bool = False) -> None:
        pool = self._pool or self._lent  # which goes on when we are closed
        if pool is None:
            cut_off(connection)
            return
        try:
            await release(pool, connection, timeout=CLEANUP_TIMEOUT, answered=answered)
        except Exception:  # noqa: BLE001 - the driver's; the call itself has its result
            # The pool has cut it off already and will make another one.
            cut_off(connection)


async def _catch_up(
    connection: asyncpg.Connection, position: positions.Position, timeout: float
) -> None:
    try:
        async with asyncio.timeout(timeout):
            with speaking_our_errors(connection):
                await positions.reach(connection, position)
    except TimeoutError as error:
        raise OperationTimeout(
            f"The standby had not replayed the token within {timeout:g} s. Wait longer, or read "
            "from the primary."
        ) from error


def _begin_statement(isolation: Isolation | None, readonly: bool) -> str:
    if isolation is not None and isolation not in _ISOLATIONS:
        raise ConfigurationError(
            f"There is no isolation level {shown(isolation)}. Use one of {', '.join(_ISOLATIONS)}."
        )
    level = f" ISOLATION LEVEL {isolation.upper()}" if isolation else ""
    return f"BEGIN{level}{' READ ONLY' if readonly else ''}"


async def _begin(connection: asyncpg.Connection, statement: str, timeout: float | None) -> None:
    try:
        with speaking_our_errors(connection):
            await connection.execute(statement, timeout=timeout)
    except BaseException:
        # It may have begun all the same.
        cut_off(connection)
        raise


def _in_transaction(connection: asyncpg.Connection) -> bool:
    try:
        return bool(connection.is_in_transaction())
    except asyncpg.InterfaceError:
        return False  # it is back in its pool


async def _commit(connection: asyncpg.Connection, timeout: float | None) -> None:
    if is_gone(connection):
        raise Unavailable("The connection was lost, and the transaction with it. Run it again.")
    try:
        with speaking_our_errors(connection, write=True):
            status = await connection.execute("COMMIT", timeout=timeout)
    except BaseException as error:
        if not isinstance(error.__cause__, asyncpg.PostgresError):
            cut_off(connection)  # it may be on its way still
        raise
    if status == "ROLLBACK":
        raise TransactionAborted(sqlstate="25P02")
    if status != "COMMIT":
        cut_off(connection)
        raise OutcomeUnknown


async def _roll_back(connection: asyncpg.Connection, statement: str) -> None:
    """Undo; where that fails, cut the connection off, and the server undoes it all."""
    try:
        async with asyncio.timeout(CLEANUP_TIMEOUT):
            await connection.execute(statement)
    except Exception:  # noqa: BLE001 - the driver's; what the block raised is told
        cut_off(connection)
    except BaseException:
        cut_off(connection)
        raise
