"""Our Tortoise engine, and the configuration with which Aerich migrates through it.

The URL goes to asyncpg as it is, and migrations run one at a time.

Every name of Tortoise that is not public stands in this module.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import asyncclick
import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionContext, TransactionContextPooled
from tortoise.exceptions import OperationalError

from ..database import CONNECT_TIMEOUT, DatabaseURL, Endpoint, close_pool, create_pool, leave_as_is
from ..errors import BlogError, MigrationError
from . import connection as connections
from . import files, history, lock, plan, running
from .connection import MigratingConnection

_ONLY_READ = ("heads", "history", "inspectdb", "migrate")


class _RunsMigrations(AsyncpgDBClient):
    """What Aerich asks of a client while it migrates, done with care for everybody else."""

    _root: BlogClient
    _in_a_transaction = False

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        with self._root.speaking_our_errors():
            try:
                return await super()._translate_exceptions(func, *args, **kwargs)
            except OperationalError as error:
                # Where a migration's own statements need no right, recording it may need one.
                denied = isinstance(error.args[0], asyncpg.InsufficientPrivilegeError)
                if denied and self._root.migrating:
                    raise error.args[0] from None
                raise

    async def execute_script(self, query: str) -> None:
        if not self._root.migrating:
            await super().execute_script(query)
            return
        started = time.perf_counter()
        run = running.run_in_transaction if self._in_a_transaction else running.run_alone
        with self._root.speaking_our_errors():
            async with self.acquire_connection() as connection:
                try:
                    await run(connection, query)
                except BlogError as error:
                    raise self._root.stopped(query, error) from error
        self._root.script_seconds = time.perf_counter() - started

    async def execute_insert(self, query: str, values: list[Any]) -> asyncpg.Record | None:
        row = await super().execute_insert(query, values)
        if self._root.migrating and history.records_a_version(query):
            seconds, self._root.script_seconds = self._root.script_seconds, 0.0
            with self._root.speaking_our_errors():
                async with self.acquire_connection() as connection:
                    await history.stamp(connection, values[0], seconds)
            self._root.recorded.append(values[0])
        return row


class BlogClient(_RunsMigrations):
    """A Tortoise client for any libpq URL; `dsn=None` is the embedded PostgreSQL.

    With `migrating`, as in `blogsvc.config.TORTOISE_ORM`, it is fit for the two Aerich commands:
    its one connection holds the migration lock, waits only briefly for the locks of tables, and
    has no time limit for a statement.
    """

    def __init__(
        self,
        dsn: str | None = None,
        *,
        schema: str | None = None,
        migrating: bool = False,
        connect_timeout: float = CONNECT_TIMEOUT,
        command_timeout: float | None = 10.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._root = self
        self._endpoint = Endpoint(dsn)
        self._search_path = schema
        self._connect_timeout = connect_timeout
        self._command_timeout = command_timeout
        self.migrating = migrating
        self.script_seconds = 0.0
        self.recorded: list[str] = []

    async def create_connection(self, with_db: bool) -> None:
        try:
            with _for_the_command_line():
                self._pool = await self._connect(await self._endpoint.hold())
        except BaseException:
            await self._endpoint.release()
            raise
        await self._post_connect()

    async def _connect(self, url: str) -> asyncpg.Pool:
        if not self.migrating:
            return await create_pool(
                url,
                min_size=self.pool_minsize,
                max_size=self.pool_maxsize,
                connect_timeout=self._connect_timeout,
                command_timeout=self._command_timeout,
                settings=lock.search_path(self._search_path),
                again=self._endpoint.start_again,
            )

        async def prepare(connection: MigratingConnection) -> None:
            only_reads = _only_reads()
            schema = self._search_path
            with connections.saying_where_things_stand(locked=not only_reads):
                await connections.prepare(connection, url, schema, locked=not only_reads)
                if not only_reads:
                    await history.create_table(connection)
                    known = files.all_files()
                    versions = plan.compare(known, await history.read(connection))
                    plan.refuse_unsafe(versions, going_up=_command() != "downgrade")

        return await create_pool(
            url,
            min_size=1,
            max_size=1,
            connect_timeout=self._connect_timeout,
            settings=lock.settings(self._search_path),
            init=prepare,
            reset=leave_as_is,
            **connections.OPTIONS,
        )

    @contextlib.contextmanager
    def speaking_our_errors(self) -> Iterator[None]:
        """Where this client migrates, let nothing of the driver reach the command line."""
        if not self.migrating:
            yield
            return
        with (
            _for_the_command_line(),
            connections.saying_where_things_stand(locked=not _only_reads()),
        ):
            yield

    def stopped(self, query: str, error: BlogError) -> MigrationError:
        """Return what to say when a migration fails: Aerich tells neither which nor what is in."""
        failed = next(
            (file.label for file in files.all_files() if query in (file.up, file.down)),
            "the migration",
        )
        kept = ", ".join(map(files.label, self.recorded)) or "nothing"
        return MigrationError(
            f"{failed} stopped: {error}\n"
            f"  Applied before it and kept: {kept}\n"
            "Fix the cause and run the same command again; `blogsvc status` shows where you are."
        )

    async def _close(self) -> None:
        pool, self._pool = self._pool, None
        try:
            if pool is not None:
                await close_pool(pool)
        finally:
            await self._endpoint.release()

    def _in_transaction(self) -> TransactionContext:
        return TransactionContextPooled(BlogTransaction(self), self._pool_init_lock)


class BlogTransaction(_RunsMigrations, TransactionWrapper):
    """A transaction of a `BlogClient`."""

    _in_a_transaction = True

    def __init__(self, parent: BlogClient) -> None:
        super().__init__(parent)
        self._root = parent

    async def commit(self) -> None:
        with self._root.speaking_our_errors():
            await super().commit()

    async def rollback(self) -> None:
        # A lost connection is rolled back already; a complaint would hide how it was lost.
        with contextlib.suppress(BlogError, asyncpg.InterfaceError, OSError):
            await super().rollback()


client_class = BlogClient


def tortoise_config(url: str | None, schema: str | None) -> dict[str, Any]:
    """Return the Tortoise configuration with which Aerich migrates `url`."""
    return {
        "connections": {
            files.APP: {
                "engine": __name__,
                "credentials": {
                    "dsn": DatabaseURL(url) if url else None,
                    "schema": schema,
                    "migrating": True,
                },
            }
        },
        "apps": {
            files.APP: {
                "models": ["blogsvc.models", "aerich.models"],
                "default_connection": files.APP,
            },
        },
        "use_tz": True,
        "timezone": "UTC",
    }


def _only_reads() -> bool:
    """Whether an Aerich command runs that changes nothing, and so needs no migration lock."""
    return _command() in _ONLY_READ


def _command() -> str | None:
    context = asyncclick.get_current_context(silent=True)
    return context.find_root().invoked_subcommand if context else None


@contextlib.contextmanager
def _for_the_command_line() -> Iterator[None]:
    """Have an error shown in one line where a command runs; elsewhere it is raised as it is."""
    try:
        yield
    except BlogError as error:
        if asyncclick.get_current_context(silent=True) is None:
            raise
        raise asyncclick.ClickException(str(error)) from error
