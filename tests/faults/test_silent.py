"""A network that goes silent, or breaks, under what migrates or looks: told, and never a hang."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.errors import BlogError, MigrationError, OperationTimeout, OutcomeUnknown, Unavailable
from blogsvc.migrator import Migrator, connection, running, schemas_with_blogs, take_over
from blogsvc.migrator.connection import NO_LIMIT

from ..database.proxy import BEGUN, IDLE
from ..migrations.migrating import HEAD, execute, fetch, recorded
from ..support import PATIENCE, becomes_true, run
from ..tortoise.test_repair import MADE_BY_0_1_0
from .proxy import Fate, UnreliableProxy, unreliable_proxy_to

Work = Callable[[str], Awaitable[object]]

LOOKS: dict[str, Work] = {
    "status": lambda url: Migrator(url).status(),
    "check": lambda url: Migrator(url).check(),
    "describe": lambda url: Migrator(url).describe(),
    "plan": lambda url: Migrator(url).plan(),
    "sql": lambda url: Migrator(url).sql(),
    "plan_repair": lambda url: Migrator(url).plan_repair(),
    "schemas": lambda url: schemas_with_blogs(url),
    "import-sequelize": lambda url: take_over(Migrator(url)),  # looks first
}

WORKS: dict[str, Work] = {
    "upgrade": lambda url: Migrator(url).upgrade(),
    "rehearse": lambda url: Migrator(url).rehearse(),
    "downgrade": lambda url: Migrator(url).downgrade(),
    "adopt": lambda url: Migrator(url).adopt("0"),
    "repair": lambda url: Migrator(url).repair(),
    "BlogService(migrate=True)": lambda url: BlogService(url, migrate=True).open(),
}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every wait short; that of a service as well as that of a migration."""
    monkeypatch.setitem(connection.OPTIONS, "command_timeout", 0.5)
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 0.5)
    monkeypatch.setattr(connection, "CLEANUP_TIMEOUT", 0.2)
    monkeypatch.setattr(connection, "LIFE_SIGN", 0.3)


async def failure(work: Work, url: str) -> str:
    """Return what a call tells that must fail, in our words, and in time."""
    with pytest.raises(BlogError) as caught:
        await asyncio.wait_for(asyncio.ensure_future(work(url)), PATIENCE)
    return str(caught.value)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("kind", ["swallow", "cut"])
@pytest.mark.parametrize("work", [*LOOKS.values(), *WORKS.values()], ids=[*LOOKS, *WORKS])
async def test_a_network_that_fails_is_told_in_one_line_with_where_things_stand(
    proxy: UnreliableProxy, kind: Any, work: Work
) -> None:
    proxy.answers = lambda: Fate(kind, 700)
    told = await failure(work, proxy.url)
    assert "\n" not in told
    wanted = "only looks" if work in LOOKS.values() else "`blogsvc status` shows where you are"
    assert wanted in told


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("kind", ["swallow", "cut"])
async def test_wherever_the_network_fails_the_upgrade_can_be_finished(
    empty_database: str, kind: Any
) -> None:
    failed = 0
    async with unreliable_proxy_to(empty_database) as proxy:
        for after in range(0, 4000, 400):
            proxy.answers = lambda after=after: Fate(kind, after)  # type: ignore[misc]
            try:
                await asyncio.wait_for(Migrator(proxy.url).upgrade(), PATIENCE)
            except BlogError:
                failed += 1
    assert failed
    await Migrator(empty_database).upgrade()
    assert (await recorded(empty_database))[-1] == HEAD.version
    assert (await Migrator(empty_database).check()).drift == ()


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("kind", ["swallow", "cut"])
async def test_wherever_the_network_fails_a_repair_is_all_or_nothing(
    empty_database: str, kind: Any
) -> None:
    await execute(
        empty_database,
        f"""{MADE_BY_0_1_0};
        INSERT INTO posts (title, content, slug, status, version)
            SELECT 'T', 'C', n, 'draft', 1 FROM generate_series(1, 9) AS n""",
    )
    failed = 0
    async with unreliable_proxy_to(empty_database) as proxy:
        for after in range(0, 40_000, 4000):
            proxy.answers = lambda after=after: Fate(kind, after)  # type: ignore[misc]
            try:
                await asyncio.wait_for(Migrator(proxy.url).repair(), PATIENCE)
            except BlogError:
                failed += 1
            assert await fetch(empty_database, "SELECT count(*) FROM posts") == [(9,)]
    assert failed
    await Migrator(empty_database).repair()
    assert (await Migrator(empty_database).check()).drift == ()
    assert await fetch(empty_database, "SELECT count(*) FROM posts") == [(9,)]


async def test_the_commands_end_with_one_line(proxy: UnreliableProxy) -> None:
    proxy.answers = lambda: Fate("swallow", 700)
    commands = [
        ("aerich", "upgrade"),
        ("aerich", "heads"),
        ("blogsvc", "upgrade"),
        ("blogsvc", "status"),
        ("blogsvc", "status", "--all-schemas"),
        ("blogsvc", "adopt", "--repair", "--yes"),
        ("blogsvc", "list"),
    ]
    for ended in await asyncio.gather(*(run(*command, url=proxy.url) for command in commands)):
        assert (ended.status, ended.is_one_line) == (1, True), ended.output


async def test_wherever_the_network_breaks_the_stock_command_shows_no_traceback(
    empty_database: str,
) -> None:
    failed = 0
    async with unreliable_proxy_to(empty_database) as proxy:
        for after in range(1000, 7000, 1000):
            proxy.answers = lambda after=after: Fate("cut", after)  # type: ignore[misc]
            ended = await run("aerich", "upgrade", url=proxy.url)
            assert "Traceback" not in ended.output, (after, ended.output)
            failed += ended.status
    assert failed
    ended = await run("aerich", "upgrade", url=empty_database)
    assert ended.status == 0, ended.output


# What a migration's own SQL has instead of a time limit.


async def own_sql(url: str, sql: str) -> None:
    async with Migrator(url).session() as migrating:
        await migrating.execute(sql, timeout=NO_LIMIT)


@pytest.mark.usefixtures("hasty")
async def test_a_migration_whose_answer_is_swallowed_ends(proxy: UnreliableProxy) -> None:
    async with Migrator(proxy.url).session() as migrating:
        proxy.hold(IDLE)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(migrating.execute("SELECT 1", timeout=NO_LIMIT), PATIENCE)


@pytest.mark.usefixtures("hasty")
async def test_a_migration_whose_server_answers_nobody_ends(proxy: UnreliableProxy) -> None:
    async with Migrator(proxy.url).session() as migrating:
        proxy.hold(IDLE)
        proxy.answers = lambda: Fate("swallow", 0)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(migrating.execute("SELECT 1", timeout=NO_LIMIT), PATIENCE)


@pytest.mark.usefixtures("hasty")
async def test_a_migration_whose_backend_is_gone_ends(
    proxy: UnreliableProxy, sql: asyncpg.Connection
) -> None:
    async with Migrator(proxy.url).session() as migrating:
        pid = await migrating.fetchval("SELECT pg_backend_pid()")
        proxy.hold(IDLE)
        working = asyncio.ensure_future(migrating.execute("SELECT 1", timeout=NO_LIMIT))
        await proxy.answer_is_held()
        await sql.execute(f"SELECT pg_terminate_backend({pid})")
        with pytest.raises(Unavailable):
            await asyncio.wait_for(working, PATIENCE)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("connections", ["are taken", "are refused"])
async def test_a_migration_that_takes_its_time_is_let_alone(
    proxy: UnreliableProxy,
    server: str,
    sql: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    connections: str,
) -> None:
    looks: list[object] = []
    look = connection._look

    async def counted(*args: Any) -> Any:
        looks.append(await look(*args))
        return looks[-1]

    monkeypatch.setattr(connection, "_look", counted)
    name = await sql.fetchval("SELECT current_database()")
    await sql.execute("SELECT pg_advisory_lock(42)")
    working = asyncio.create_task(own_sql(proxy.url, "SELECT pg_advisory_xact_lock(42)"))
    waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND objid = 42"
    await becomes_true(lambda: sql.fetch(waits))
    if connections == "are refused":
        await execute(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        await becomes_true(lambda: asyncio.sleep(0, len(looks) > 4))
    finally:
        await execute(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await sql.execute("SELECT pg_advisory_unlock(42)")
    await working


async def test_a_migration_has_no_time_limit_and_what_is_around_it_has_one(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.OPTIONS, "command_timeout", 0.5)
    async with Migrator(empty_database).session() as migrating:
        await running.run_alone(migrating, "SELECT pg_sleep(1)")
        async with running.begun(migrating):
            await running.run_in_transaction(migrating, "SELECT pg_sleep(1)")
        with pytest.raises(OperationTimeout):
            await migrating.execute("SELECT pg_sleep(60)")
        assert migrating.is_closed()  # no more is asked where an answer is late


async def test_a_commit_has_no_time_limit(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.OPTIONS, "command_timeout", 0.5)
    late = """
        CREATE TABLE late (id INT);
        CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER sleeps AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION sleep();
        INSERT INTO late VALUES (1)"""
    async with Migrator(empty_database).session() as migrating, running.begun(migrating):
        await running.run_in_transaction(migrating, late)
    assert await fetch(empty_database, "SELECT id FROM late") == [(1,)]


async def test_the_system_notices_when_the_servers_machine_is_gone(proxy: UnreliableProxy) -> None:
    async with Migrator(proxy.url).session() as migrating:
        peer = migrating._transport.get_extra_info("socket")
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # not on every system
            assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000


@pytest.mark.usefixtures("hasty")
async def test_a_commit_whose_answer_is_lost_is_told_as_one_that_may_be_in(
    empty_database: str,
) -> None:
    await Migrator(empty_database).upgrade("0")
    async with unreliable_proxy_to(empty_database) as proxy:
        migrator = Migrator(proxy.url, on_step=lambda step: proxy.hold(BEGUN))
        upgrading = asyncio.ensure_future(migrator.upgrade("1"))
        await proxy.answer_is_held()
        proxy.hold(IDLE)
        proxy.pass_on()
        with pytest.raises(MigrationError, match="may be in or not") as told:
            await asyncio.wait_for(upgrading, PATIENCE)
    assert isinstance(told.value.__cause__, OutcomeUnknown)
    assert len(await fetch(empty_database, "SELECT 1 FROM aerich")) == 2


async def test_a_commit_during_which_the_server_is_shut_down_may_be_in(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Migrator(empty_database).upgrade("0")
    run_it = asyncpg.Connection.execute

    async def shut_down(self: asyncpg.Connection, sql: str, *args: Any, **options: Any) -> str:
        status = str(await run_it(self, sql, *args, **options))
        if sql == "COMMIT":
            raise asyncpg.AdminShutdownError("terminating connection")
        return status

    monkeypatch.setattr(asyncpg.Connection, "execute", shut_down)
    with pytest.raises(MigrationError, match="may be in or not"):
        await Migrator(empty_database).upgrade("1")
