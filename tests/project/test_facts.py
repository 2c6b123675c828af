"""What we rely on in the internals of others: an upgrade that changes a fact fails here."""

from __future__ import annotations

import fcntl
import inspect
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aerich.cli import cli as aerich_cli
from asyncpg import connect_utils
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionContext, TransactionContextPooled
from tortoise.context import TortoiseContext

from blogsvc import embedded
from blogsvc.database.poolers import Connection
from blogsvc.database.url import _NO_ARGUMENTS, _PARSED
from blogsvc.embedded import programs, watchdog
from blogsvc.migrator import aerich, aerich_commands

from ..support import eventually

URL = "postgresql://us%40er:pa%3Ass@one:1,two/d%2Fb?target_session_attrs=read-write&work_mem=1MB"


def parse(url: str) -> tuple[Any, Any]:
    addresses, parameters, _ = connect_utils._parse_connect_arguments(dsn=url, **_NO_ARGUMENTS)
    return addresses, parameters


def parameters_of(function: Callable[..., object]) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_parser_of_asyncpg_takes_what_we_give_it() -> None:
    taken = set(parameters_of(connect_utils._parse_connect_arguments))
    assert taken == {"dsn", "host", "port", *_NO_ARGUMENTS}
    assert set(_PARSED) <= set(_NO_ARGUMENTS)


def test_the_parser_of_asyncpg_answers_with_hosts_and_settings() -> None:
    addresses, parameters = parse(URL)
    assert addresses == [("one", 1), ("two", 5432)]
    assert parameters.target_session_attrs.value == "read-write"
    assert parameters.server_settings == {"work_mem": "1MB"}
    assert (parameters.user, parameters.password, parameters.database) == ("us@er", "pa:ss", "d/b")


def test_the_parser_of_asyncpg_names_a_unix_socket_by_its_path() -> None:
    addresses, _ = parse("postgresql://u@/db?host=/some/dir&port=7")
    assert addresses == ["/some/dir/.s.PGSQL.7"]


async def test_asyncpg_gives_one_time_limit_to_all_hosts_together() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hosts = ["127.0.0.1", "/does/not/matter"]
        ports = [silent.getsockname()[1], 1]
        with pytest.raises(TimeoutError):
            await asyncpg.connect(host=hosts, port=ports, user="u", timeout=0.2)


def test_a_server_that_is_not_what_was_asked_for_is_an_internal_error_of_asyncpg() -> None:
    assert issubclass(asyncpg.TargetServerAttributeNotMatched, asyncpg.InternalClientError)
    assert not issubclass(asyncpg.InternalClientError, asyncpg.InterfaceError | OSError)


async def test_asyncpg_asks_the_connection_for_the_names_of_its_statements(server: str) -> None:
    assert parameters_of(asyncpg.Connection._get_unique_id) == ["self", "prefix"]
    connection = await asyncpg.connect(server, connection_class=Connection)
    try:
        await connection.fetch("SELECT 1")
        rows = await connection.fetch("SELECT name FROM pg_prepared_statements")
    finally:
        await connection.close()
    assert len(rows) == 2
    assert all(row["name"].startswith("blogsvc_") for row in rows)


async def test_the_pool_of_asyncpg_connects_as_we_say_and_ends_transactions(
    server: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*args: object) -> None:
        raise OSError("no BEGIN")

    given: list[dict[str, Any]] = []

    async def connect_one(dsn: str, **options: Any) -> asyncpg.Connection:
        given.append({"dsn": dsn, **options})
        return await asyncpg.connect(dsn, **options)

    pool = await asyncpg.create_pool(
        server,
        connect=connect_one,
        connection_class=Connection,
        min_size=1,
        max_size=2,
        command_timeout=5,
    )
    try:
        async with pool.acquire() as connection:
            await connection.execute("SET application_name = 'left as is'")
        async with pool.acquire() as connection:
            assert await connection.fetchval("SHOW application_name") == "left as is"
            await connection.execute("BEGIN")
        async with pool.acquire() as connection:
            assert not connection.is_in_transaction()
            assert "Resetting connection with an active transaction" in caplog.text
            assert pool.get_size() == 1
            with monkeypatch.context() as patched, pytest.raises(OSError, match="no BEGIN"):
                patched.setattr(Connection, "execute", fail)
                await connection.transaction().start()
        async with pool.acquire() as connection, connection.transaction():
            assert await connection.fetchval("SELECT 1") == 1
    finally:
        await pool.close()
    assert given[0]["dsn"] == server
    assert given[0]["command_timeout"] == 5


def test_the_client_of_tortoise_has_what_our_engine_overrides() -> None:
    for name in ("create_connection", "_close", "_in_transaction", "execute_script"):
        ours, theirs = getattr(aerich.BlogClient, name), getattr(AsyncpgDBClient, name)
        assert parameters_of(ours) == parameters_of(theirs), name
        assert inspect.iscoroutinefunction(ours) == inspect.iscoroutinefunction(theirs), name
    insert = AsyncpgDBClient.execute_insert
    assert parameters_of(aerich.BlogClient.execute_insert) == parameters_of(insert)


def test_the_client_of_tortoise_has_what_our_engine_uses() -> None:
    client = aerich.BlogClient(connection_name="c")
    for name in ("_pool", "_pool_init_lock", "pool_minsize", "pool_maxsize"):
        assert hasattr(client, name), name
    assert inspect.iscoroutinefunction(client._post_connect)
    assert callable(client.acquire_connection)
    assert parameters_of(TransactionWrapper) == ["connection"]
    assert parameters_of(TransactionContextPooled) == ["client", "pool_init_lock"]
    assert issubclass(TransactionContextPooled, TransactionContext)


async def test_an_engine_of_tortoise_is_a_module_with_a_client_class(server: str) -> None:
    async def query() -> Any:
        with TortoiseContext() as context:
            await context.init(
                config={
                    "connections": {
                        "c": {"engine": "blogsvc.migrator.aerich", "credentials": {"dsn": server}}
                    },
                    "apps": {"blogsvc": {"models": ["blogsvc.models"], "default_connection": "c"}},
                }
            )
            try:
                connection = context.connections.get("c")
                assert isinstance(connection, aerich.client_class)
                return await connection.execute_query_dict("SELECT 1 AS one")
            finally:
                await context.close_connections()

    with pytest.MonkeyPatch.context() as patch:
        for name in ("USE_TZ", "TIMEZONE"):
            patch.setenv(name, "")
        assert [dict(row) for row in await query()] == [{"one": 1}]
        # This is why the service keeps away from it in a host's process.
        assert os.environ["USE_TZ"] != ""


def test_the_commands_of_aerich_that_only_read_are_called_so() -> None:
    named = {*aerich_commands.ONLY_READ, *aerich_commands._REFUSED}
    assert named <= set(aerich_cli.commands)


def test_the_wheel_has_its_programs_where_we_look() -> None:
    [bin_dir] = programs.installed().values()
    for name in ("initdb", "pg_ctl", "postgres", "psql"):
        assert os.access(bin_dir / name, os.X_OK), name
    for name in ("lib", "share"):
        assert bin_dir.with_name(name).is_dir()
    assert bin_dir.parent.name.removeprefix("pginstall").isdigit()


def test_the_server_writes_where_its_socket_is_and_keeps_a_lock_that_it_inherits(
    reachable: Path,
) -> None:
    use = embedded.start(reachable)
    try:
        lines = (reachable / "pgdata" / "postmaster.pid").read_text().splitlines()
        assert lines[3] == str(watchdog.PORT)
        assert (Path(lines[4]) / f".s.PGSQL.{watchdog.PORT}").is_socket()
        file = watchdog.open_lock(reachable, "server.lock")
        assert not watchdog.try_lock(file, fcntl.LOCK_EX)
    finally:
        use.release()
    assert eventually(lambda: watchdog.try_lock(file, fcntl.LOCK_EX))
    os.close(file)


def test_a_server_answers_a_question_for_tls_with_one_letter(reachable: Path) -> None:
    use = embedded.start(reachable)
    try:
        sockets = (reachable / "pgdata" / "postmaster.pid").read_text().splitlines()[4]
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(f"{sockets}/.s.PGSQL.{watchdog.PORT}")
            asking.sendall(struct.pack("!II", 8, 80877103))
            assert asking.recv(1) in (b"N", b"S")
    finally:
        use.release()
