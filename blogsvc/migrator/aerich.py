"""Our Tortoise engine: for a host's own queries, and for Aerich, which migrates through it.

The URL goes to asyncpg as it is, migrations run one at a time, and no table `posts` is ever made
from the model.

Every name of Tortoise that is not public stands in this module.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

import asyncclick
import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.asyncpg.schema_generator import AsyncpgSchemaGenerator
from tortoise.backends.base.client import TransactionContext, TransactionContextPooled
from tortoise.exceptions import OperationalError
from tortoise.models import Model

from ..database import (
    CONNECT_TIMEOUT,
    DatabaseURL,
    Endpoint,
    close_pool,
    create_pool,
    target_of,
)
from ..errors import BlogError, MigrationError
from . import aerich_commands as commands
from . import connection as connections
from . import files, history, lock, plan, repair, running
from .connection import MigratingConnection

_MAKES_POSTS = re.compile(r'CREATE\s+TABLE\s+(IF\s+NOT\s+EXISTS\s+)?"posts"', re.IGNORECASE)
_ASK_WHAT_IS_APPLIED = ("heads", "downgrade")


class _LeavesPostsAlone(AsyncpgSchemaGenerator):
    """Makes every table of the models but `posts`, and foreign keys to that one, too."""

    def _get_table_sql(self, model: type[Model], safe: bool = True) -> dict[str, Any]:
        found: dict[str, Any] = super()._get_table_sql(model, safe)
        if found["table"] == "posts":
            # No references either: it is there before all the others.
            return {**found, "table_creation_string": "", "references": set()}
        return found


class _RunsMigrations(AsyncpgDBClient):
    """What Aerich asks of a client while it migrates, done with care for everybody else."""

    _root: BlogClient
    _in_a_transaction = False

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        with self._root.speaking_our_errors(), _naming_who_makes_posts():
            try:
                return await super()._translate_exceptions(func, *args, **kwargs)
            except OperationalError as error:
                # Where a migration's own statements need no right, recording it may need one.
                denied = isinstance(error.args[0], asyncpg.InsufficientPrivilegeError)
                if denied and self._root.migrating:
                    raise error.args[0] from None
                raise

    async def execute_query(
        self, query: str, values: list[Any] | None = None
    ) -> tuple[int, list[dict[Any, Any]]]:
        try:
            found: tuple[int, list[dict[Any, Any]]] = await super().execute_query(query, values)
        except OperationalError as error:
            if _asks_what_is_applied_of_nothing(error):
                return 0, []
            raise
        return found

    async def execute_script(self, query: str) -> None:
        if not self._root.migrating:
            await self._refuse_to_make_posts(query)
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
        self._ran(query)

    async def _refuse_to_make_posts(self, script: str) -> None:
        """Refuse a migration of the host's that would make `posts` from the model."""
        if commands.running() is None or not _MAKES_POSTS.search(script):
            return
        # Where the table is there, IF NOT EXISTS passes over it.
        rows = await self.execute_query_dict("SELECT to_regclass('posts') IS NULL AS missing")
        if rows[0]["missing"]:
            raise asyncclick.ClickException(
                "This migration would make the table posts from the model, without its rules. "
                f"Type `aerich --app {files.APP} upgrade` first, and take what is about posts out "
                "of the file, save for REFERENCES: see docs/tortoise.md. Nothing of it was run."
            )

    def _ran(self, script: str) -> None:
        """Take note of a script that has been run."""

    async def execute_insert(self, query: str, values: list[Any]) -> asyncpg.Record | None:
        records = self._root.migrating and history.records_a_version(query)
        if records:
            self._root.refuse_options()
        row = await super().execute_insert(query, values)
        if records:
            seconds, self._root.script_seconds = self._root.script_seconds, 0.0
            with self._root.speaking_our_errors():
                async with self.acquire_connection() as connection:
                    await history.stamp(connection, values[0], seconds)
            self._root.applied.append(values[0])
        return row


class BlogClient(_RunsMigrations):
    """A Tortoise client for any libpq URL; `dsn=None` is the embedded PostgreSQL.

    With `migrating`, as in `blogsvc.config.TORTOISE_ORM`, and wherever a command of Aerich's works
    on our migrations, it is fit for that: its one connection holds the migration lock, waits only
    briefly for the locks of tables, and has no time limit for a statement.
    """

    schema_generator = _LeavesPostsAlone

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
        self.schema = schema
        self._connect_timeout = connect_timeout
        now = commands.running()
        # The host's own migrations may take as long as they take.
        self._command_timeout = None if now else command_timeout
        self.migrating = migrating or (now is not None and now.is_ours)
        self.script_seconds = 0.0
        self.applied: list[str] = []
        self.undone: list[str] = []
        if dsn:
            with _for_the_command_line():
                self._tell_where(dsn)

    def _tell_where(self, url: str) -> None:
        """Fill in what others read of a Tortoise client, such as Aerich, which asks for tables."""
        target = target_of(url)
        self.user, self.database = target.user, target.database
        self.host, self.port = target.hosts[0]
        self.server_settings = {**lock.search_path(self.schema), **target.settings}

    async def open_pool(self) -> asyncpg.Pool:
        """Return the pool of this connection, connected: `BlogService(pool=...)` may share it."""
        async with self.acquire_connection():
            return self._pool

    async def create_connection(self, with_db: bool) -> None:
        try:
            with _for_the_command_line():
                url = await self._endpoint.hold()
                self._tell_where(url)
                self._pool = await self._connect(url)
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
                settings=lock.search_path(self.schema),
                again=self._endpoint.start_again,
            )

        async def prepare(connection: MigratingConnection) -> None:
            only_reads = _only_reads()
            with connections.saying_where_things_stand(locked=not only_reads):
                await connections.prepare(connection, url, self.schema, locked=not only_reads)
                await _check_what_is_applied(connection, only_reads=only_reads)

        return await create_pool(
            url,
            min_size=1,
            max_size=1,
            connect_timeout=self._connect_timeout,
            settings=lock.settings(self.schema),
            init=prepare,
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
        failed = next((file for file in files.all_files() if query in (file.up, file.down)), None)
        going_down = failed is not None and query == failed.down
        past, done = ("Undone", self.undone) if going_down else ("Applied", self.applied)
        return MigrationError(
            f"{failed.label if failed else 'the migration'} stopped: {error}\n"
            f"  {past} before it and kept: {', '.join(map(files.label, done)) or 'nothing'}\n"
            "Fix the cause and run the same command again; `blogsvc status` shows where you are."
        )

    def refuse_options(self) -> None:
        """Refuse an option of Aerich's with which the history would tell what is not so."""
        with _for_the_command_line():
            commands.refuse_options()

    async def _close(self) -> None:
        pool, self._pool = self._pool, None
        try:
            if pool is not None:
                await close_pool(pool)
        finally:
            await self._endpoint.release()

    def _in_transaction(self) -> TransactionContext:
        if self.migrating:
            self.refuse_options()
        return TransactionContextPooled(BlogTransaction(self), self._pool_init_lock)


class BlogTransaction(_RunsMigrations, TransactionWrapper):
    """A transaction of a `BlogClient`."""

    _in_a_transaction = True

    def __init__(self, parent: BlogClient) -> None:
        super().__init__(parent)
        self._root = parent
        self._undoes: list[str] = []

    def _ran(self, script: str) -> None:
        self._undoes += [file.version for file in files.all_files() if file.down == script]

    async def commit(self) -> None:
        with self._root.speaking_our_errors():
            await super().commit()
        self._root.undone += self._undoes

    async def rollback(self) -> None:
        # A lost connection is rolled back already; a complaint would hide how it was lost.
        with contextlib.suppress(BlogError, asyncpg.InterfaceError, OSError):
            await super().rollback()


client_class = BlogClient


def tortoise_config(url: str | None, schema: str | None) -> dict[str, Any]:
    """Return the Tortoise configuration with which Aerich migrates `url`."""
    commands.fit_aerich()
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


async def _check_what_is_applied(connection: MigratingConnection, *, only_reads: bool) -> None:
    now = commands.running()
    if not only_reads:
        applied = await history.read(connection)
        going_up = now is None or now.command != "downgrade"
        versions = plan.compare(files.all_files(), applied)
        plan.refuse_unsafe(versions, going_up=going_up)
        if going_up:
            await repair.refuse_posts_of_others(connection, applied)
        if not going_up or any(version.state == "pending" for version in versions):
            await lock.check_that_it_may_change(connection)
        if going_up:
            await history.create_table(connection)
    elif now is not None and now.command == "migrate":
        commands.refuse_a_draft(await history.read(connection))


def _only_reads() -> bool:
    """Whether an Aerich command runs that changes nothing, and so needs no migration lock."""
    now = commands.running()
    return now is not None and now.only_reads


def _asks_what_is_applied_of_nothing(error: OperationalError) -> bool:
    """Whether Aerich asks what is applied where nothing ever was: there is no table yet."""
    now = commands.running()
    return _is_of_a_missing_table(error) and now is not None and now.command in _ASK_WHAT_IS_APPLIED


def _is_of_a_missing_table(error: OperationalError) -> bool:
    # As its argument: not every version of Tortoise keeps the driver's error as its cause.
    return isinstance(error.args[0], asyncpg.UndefinedTableError)


@contextlib.contextmanager
def _naming_who_makes_posts() -> Iterator[None]:
    """Where a migration of the host's points at `posts` too early, say what to do first."""
    try:
        yield
    except OperationalError as error:
        missing = _is_of_a_missing_table(error) and '"posts"' in str(error)
        if not missing or commands.running() is None:
            raise
        raise asyncclick.ClickException(
            f"{error}. The migrations of blogsvc make this table: type `aerich --app "
            f"{files.APP} upgrade`, then this again. The migration that stopped has changed "
            "nothing in the database."
        ) from error


@contextlib.contextmanager
def _for_the_command_line() -> Iterator[None]:
    """Have an error shown in one line where Aerich runs; elsewhere it is raised as it is."""
    try:
        yield
    except BlogError as error:
        if commands.running() is None:
            raise
        raise asyncclick.ClickException(str(error)) from error
