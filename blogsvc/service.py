"""`BlogService`: opens and closes, owns the pool, hands out transactions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

import asyncpg

from .database import (
    Database,
    Endpoint,
    Isolation,
    Lender,
    Pool,
    check_seconds,
    check_sizes,
    check_target,
    is_whole,
    shown,
)
from .errors import ConfigurationError, InvalidQuery
from .migrator import Migrator, applied_versions, check_versions
from .posts import PostRepository

T = TypeVar("T")


class Blog:
    """One blog: its posts, and transactions on the database that holds them.

    It is had from a service, and open as long as that one is.
    """

    def __init__(self, database: Database, schema: str | None) -> None:
        self._database = database
        self.posts = PostRepository(database, schema)

    def in_schema(self, schema: str) -> Blog:
        """Return the blog in another PostgreSQL schema of the same database.

        It shares the connections, and the transactions: what a task does with several blogs inside
        of one block is one unit. Costs nothing, and asks the server nothing: a schema that is not
        there, or not up to date, is told by the first call that needs it, as `SchemaOutOfDate`.
        Raises `ConfigurationError` for what cannot be the name of one.
        """
        if schema is None:
            raise ConfigurationError("schema is None; write the name of a schema.")
        check_target(None, schema)
        return Blog(self._database, schema)

    async def ping(self) -> None:
        """Ask the database for an answer. Raises `Unavailable` or `OperationTimeout`."""
        await self._database.ping()

    async def write_token(self) -> str:
        """Return a token of all that was written before: text, for `wait_for` of any process.

        From a standby it stands for what that one has replayed. Inside a transaction it raises
        `ConfigurationError`: what is not committed cannot be waited for.
        """
        return await self._database.write_token()

    async def wait_for(self, token: str, *, timeout: float = 5.0) -> None:
        """Wait until a standby has what a token stands for; on a primary there is nothing to wait.

        From then on every call of this task sees it, and those of tasks that it starts from now on,
        whichever standby a connection leads to. Raises `OperationTimeout` after `timeout` seconds,
        and the calls that follow wait for nothing then; `InvalidQuery` for a token that is none.
        """
        check_seconds("timeout", timeout)
        await self._database.wait_for(token, timeout)

    @contextlib.asynccontextmanager
    async def transaction(
        self,
        isolation: Isolation | None = None,
        readonly: bool = False,
        connection: asyncpg.Connection | Lender | None = None,
    ) -> AsyncIterator[None]:
        """Make the calls of this task inside the block one unit: all of it is stored, or nothing.

        It belongs to the task that opened it: a task started inside does not join it. A block in a
        block is a savepoint. `isolation` is `read committed`, `repeatable read` or `serializable`.

        With `connection`, an asyncpg connection of yours that is in a transaction, or what
        Tortoise's `in_transaction()` yields, the calls are part of that transaction, and are stored
        when you commit it. Yours may come between them in any order.

        Raises `TransactionConflict` when it conflicted with another one and must be run again, and
        `OutcomeUnknown` when the answer to the commit was lost.
        """
        async with self._database.transaction(isolation, readonly, connection):
            yield

    async def run_transaction(
        self,
        body: Callable[[], Awaitable[T]],
        *,
        isolation: Isolation | None = None,
        attempts: int = 5,
    ) -> T:
        """Run `body` in a transaction, and again, from its start, after a conflict.

        For bodies that may be run several times: they read again what they decide upon. Between
        two attempts it waits for a moment, longer each time. Raises `TransactionConflict` after
        the last attempt, and whatever else `body` raises at once.
        """
        if not callable(body):
            raise InvalidQuery("body", f"is a {type(body).__name__}, not a function")
        if not is_whole(attempts) or attempts < 1:
            raise InvalidQuery("attempts", f"is {shown(attempts)}, not a whole number from 1 on")
        return await self._database.run_transaction(body, isolation, attempts)


class BlogService(Blog):
    """The way in: one blog in one PostgreSQL, for the event loop that opens it.

    `url` is any libpq URL: several hosts, `target_session_attrs`, `sslmode`, `passfile`. None
    stands for `$DATABASE_URL`, and without that for the embedded PostgreSQL. `schema` is the
    PostgreSQL schema of this blog; None, the first one of the server's `search_path`.

    `migrate` says whether opening upgrades the schema: None, only an embedded database that was
    never migrated; True, always; False, never. A schema that is behind or ahead then raises
    `SchemaOutOfDate`: what a downgrade has undone is not applied again by who only reads.

    Times are in seconds: `connect_timeout` for each host, `acquire_timeout` for a free connection
    of the pool (`min_size` to `max_size`), `command_timeout` for a statement; None, no limit.

    `pool` is a pool of yours, in the place of a `url`: it is used, with its own sizes and settings,
    and never closed. The two timeouts of a call hold there, too; migrate with a `Migrator`.

    Raises `ConfigurationError` for an argument that is out of bounds.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        pool: asyncpg.Pool | None = None,
        schema: str | None = None,
        min_size: int = 1,
        max_size: int = 10,
        command_timeout: float | None = 10.0,
        connect_timeout: float = 3.0,
        acquire_timeout: float = 5.0,
        migrate: bool | None = None,
    ) -> None:
        check_target(url, schema)
        check_sizes(min_size, max_size)
        check_seconds("connect_timeout", connect_timeout)
        check_seconds("acquire_timeout", acquire_timeout)
        if command_timeout is not None:
            check_seconds("command_timeout", command_timeout)
        if pool is not None:
            _check_pool(pool, url, migrate)
        self._pool = pool
        self._endpoint = Endpoint(url)
        self._schema = schema
        self._migrate = migrate
        self._opening_or_closing = asyncio.Lock()
        self._ready = False
        connections = Pool(
            min_size=min_size,
            max_size=max_size,
            command_timeout=command_timeout,
            connect_timeout=connect_timeout,
            acquire_timeout=acquire_timeout,
            lent=pool,
        )
        super().__init__(Database(connections), schema)

    @property
    def is_open(self) -> bool:
        """Whether `open` has been awaited and `close` has not."""
        return self._ready

    async def open(self) -> Self:
        """Connect, and see that the schema is the one that this blogsvc needs.

        Idempotent. Raises `Unavailable`, `ConfigurationError`, `SchemaOutOfDate`,
        `EmbeddedUnavailable`; then nothing stays open.
        """
        async with self._opening_or_closing:
            if not self._ready:
                await self._open()
        self._database.check_open()
        return self

    async def _open(self) -> None:
        try:
            if self._pool is not None:
                await self._database.use_lent()
            else:
                await self._connect()
            check_versions(await applied_versions(self._database, self._schema), self._schema)
            self._ready = True
        except BaseException:
            await self._close()
            raise

    async def _connect(self) -> None:
        url = await self._endpoint.hold()
        if self._migrate:
            await Migrator(url, schema=self._schema).upgrade()
        elif self._migrate is None and self._endpoint.is_embedded:
            await Migrator(url, schema=self._schema).upgrade_new()
        await self._database.open(url, self._endpoint.start_again)

    async def close(self) -> None:
        """Close every connection; the service can be opened again. Idempotent.

        Calls that are still at work after two seconds are cut off, their transactions rolled back.
        """
        async with self._opening_or_closing:
            await self._close()

    async def _close(self) -> None:
        self._ready = False
        try:
            await self._database.close()
        finally:
            await self._endpoint.release()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def _check_pool(pool: object, url: str | None, migrate: bool | None) -> None:
    if not isinstance(pool, asyncpg.Pool):
        raise ConfigurationError(
            f"pool is a {type(pool).__name__}; give an asyncpg.Pool. That of Tortoise is "
            "await blogsvc.models.tortoise_pool()."
        )
    if url is not None:
        raise ConfigurationError("Give a url or a pool: the pool knows its database.")
    if migrate:
        raise ConfigurationError(
            "Migrations need a connection of their own, which a pool is not: give a url, or "
            "await Migrator(url).upgrade() before."
        )
