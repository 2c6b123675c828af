"""A blog in a PostgreSQL schema of its own, beside others in one database."""

from __future__ import annotations

import asyncio

import pytest

from blogsvc import BlogService
from blogsvc.errors import MigrationError, SchemaOutOfDate
from blogsvc.migrator import Migrator, files

from ..support import becomes_true, run
from .migrating import BREAKING, NEWER, connected, execute, fetch

HEAD = files.all_versions()[-1]


async def versions(url: str, schema: str) -> int:
    (row,) = await fetch(url, f'SELECT count(*) FROM "{schema}".aerich')
    return int(row[0])


async def test_two_schemas_are_migrated_each_by_itself(empty_database: str) -> None:
    alice, bob = (Migrator(empty_database, schema=name) for name in ("alice", "bob's blog"))
    await alice.upgrade()
    await bob.upgrade("3")
    assert (
        await versions(empty_database, "alice"),
        await versions(empty_database, "bob's blog"),
    ) == (
        len(files.all_files()),
        4,
    )
    await bob.downgrade(steps=None)
    report = await alice.check()
    assert (report.pending, report.drifted) == (False, False)
    assert await fetch(empty_database, "SELECT to_regclass('public.aerich')") == [(None,)]


async def test_an_upgrade_in_one_schema_does_not_wait_for_another(empty_database: str) -> None:
    async with Migrator(empty_database, schema="alice").session():
        await Migrator(empty_database, schema="bob").upgrade()


async def test_both_commands_know_the_schema(empty_database: str) -> None:
    stock = await run("aerich", "upgrade", url=empty_database, BLOGSVC_SCHEMA="alice")
    ours = await run("blogsvc", "upgrade", "--schema", "bob", url=empty_database)
    assert (stock.status, ours.status) == (0, 0), stock.output + ours.output
    assert await versions(empty_database, "alice") == await versions(empty_database, "bob")
    for schema in ("alice", "bob"):
        ended = await run("blogsvc", "check", "--schema", schema, url=empty_database)
        assert ended.status == 0, ended.output
    down = await run("aerich", "downgrade", "--yes", url=empty_database, BLOGSVC_SCHEMA="alice")
    assert down.status == 0, down.output
    assert await versions(empty_database, "bob") == await versions(empty_database, "alice") + 1


async def test_a_schema_that_is_not_there_is_all_pending(empty_database: str) -> None:
    states = {found.state for found in await Migrator(empty_database, schema="none").status()}
    assert states == {"pending"}


async def test_a_schema_that_two_make_at_the_same_moment_is_made_once(empty_database: str) -> None:
    async with connected(empty_database) as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute("CREATE SCHEMA alice")
        upgrading = asyncio.create_task(Migrator(empty_database, schema="alice").upgrade())

        async def it_waits() -> bool:
            waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            return await fetch(empty_database, f"{waiting} AND query LIKE 'CREATE SCHEMA%'") != []

        await becomes_true(it_waits)
        await transaction.commit()
    assert len(await upgrading) == len(files.all_files())


@pytest.mark.parametrize(
    ("schema", "command"),
    [(None, "`blogsvc upgrade`"), ("alice", "`blogsvc upgrade --schema alice`")],
)
async def test_a_service_on_a_schema_that_is_behind_says_what_to_type(
    empty_database: str, schema: str | None, command: str
) -> None:
    await Migrator(empty_database, schema=schema).upgrade("3")
    with pytest.raises(SchemaOutOfDate) as told:
        await BlogService(empty_database, schema=schema).open()
    assert command in str(told.value)
    assert "4_20261125090300_add_version" in str(told.value)
    assert told.value.pending[-1] == HEAD


async def test_a_service_on_a_newer_schema_opens_and_warns(
    empty_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    await Migrator(empty_database).upgrade()
    await execute(empty_database, NEWER)
    for migrate in (False, True):
        caplog.clear()
        async with BlogService(empty_database, migrate=migrate) as blog:
            await blog.posts.create("A title", "")
        (record,) = caplog.records
        assert record.levelname == "WARNING"
        assert "does not know 99_later" in record.message


async def test_a_service_refuses_a_newer_schema_on_which_it_cannot_run(empty_database: str) -> None:
    await Migrator(empty_database).upgrade()
    await execute(empty_database, BREAKING)
    for migrate, error in ((False, SchemaOutOfDate), (True, MigrationError)):
        with pytest.raises(error, match="99_later"):
            await BlogService(empty_database, migrate=migrate).open()


async def test_a_service_refuses_a_schema_that_is_ahead_and_behind(empty_database: str) -> None:
    await Migrator(empty_database).upgrade("3")
    await execute(empty_database, NEWER)
    with pytest.raises(SchemaOutOfDate, match="cannot run on 99_later") as told:
        await BlogService(empty_database).open()
    assert told.value.missing == ("99_later.py",)
    assert told.value.pending[-1] == HEAD


@pytest.mark.parametrize(
    "command", [("blogsvc", "upgrade"), ("blogsvc", "check"), ("aerich", "upgrade")]
)
async def test_a_search_path_that_leads_to_two_schemas_is_refused(
    empty_database: str, command: tuple[str, ...]
) -> None:
    await Migrator(empty_database, schema="second").upgrade()
    await execute(empty_database, "CREATE SCHEMA first")
    (name,) = await fetch(empty_database, "SELECT current_database()")
    await execute(empty_database, f"ALTER DATABASE {name[0]} SET search_path = first, second")
    ended = await run(*command, url=empty_database)
    assert ended.status == 1
    assert "Say which schema has the blog: --schema second or --schema first" in ended.output
    assert ended.is_one_line, ended.output
    named = await run(*command, url=empty_database, BLOGSVC_SCHEMA="second")
    assert named.status == 0, named.output
    assert await fetch(empty_database, "SELECT to_regclass('first.posts')") == [(None,)]
