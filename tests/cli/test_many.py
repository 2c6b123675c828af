"""`upgrade`, `check` and `status` on many blogs at once."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal

import pytest

from blogsvc.cli import many
from blogsvc.errors import MigrationError, Unavailable
from blogsvc.migrator import Migrator, files, in_each, schemas_with_blogs

from ..migrations.migrating import BREAKING, NEWER, connected, execute, fetch
from ..support import PATIENCE, becomes_true, run, start
from .test_ctrl_c import MIGRATING, interrupted

ALL = len(files.all_files())
HEAD = files.all_files()[-1].label


async def several(url: str) -> None:
    """Make four blogs: up to date, behind, emptied, and one whose table somebody changed."""
    await Migrator(url, schema="alice").upgrade()
    await Migrator(url, schema="bob's").upgrade("5")
    await Migrator(url, schema="carol").upgrade("0")
    await Migrator(url, schema="carol").downgrade(steps=None)
    await Migrator(url, schema="dave").upgrade()
    await execute(url, "ALTER TABLE dave.posts ALTER content DROP NOT NULL")


async def test_all_blogs_of_a_database_are_upgraded_and_summed_up(empty_database: str) -> None:
    await several(empty_database)
    ended = await run("blogsvc", "upgrade", "--all-schemas", url=empty_database)
    *lines, last = ended.output.splitlines()
    assert sorted(lines) == [
        "alice: up to date",
        f"bob's: {ALL - 6} migrations applied, up to {HEAD}",
        f"carol: {ALL} migrations applied, up to {HEAD}",
        "dave: up to date",
    ]
    assert (last, ended.status) == ("4 blogs: 2 up to date, 2 migrated", 0)


async def test_what_is_asked_of_one_blog_only_is_told_once(empty_database: str) -> None:
    schemas = [f"--schema={name}" for name in "abcd"]
    ended = await run("blogsvc", "status", "--json", *schemas, url=empty_database)
    assert ended.status == 2
    assert ended.output.splitlines()[-1] == "Error: --json is for one blog."


async def test_a_blog_that_fails_keeps_no_other_from_its_turn(empty_database: str) -> None:
    await several(empty_database)
    await execute(empty_database, "DELETE FROM alice.aerich WHERE version LIKE '3%'")
    ended = await run(
        *("blogsvc", "upgrade", "--schema", "alice", "--schema", "bob's", "--schema", "new"),
        url=empty_database,
    )
    lines = ended.output.splitlines()
    assert lines[-1] == "3 blogs: 2 migrated, 1 failed"
    [failed] = [line for line in lines if "migrations applied" not in line][:-1]
    assert failed.startswith("alice: ")
    assert "3_20261125090200_add_publishing" in failed
    assert ended.status == 1


@pytest.mark.parametrize(
    ("schemas", "status"),
    [
        (["alice"], 0),
        (["alice", "newer"], 4),
        (["alice", "newer", "bob's"], 2),
        (["alice", "newer", "bob's", "dave"], 3),
        (["alice", "breaking", "carol"], 3),
    ],
)
async def test_check_exits_by_the_worst_blog(
    empty_database: str, schemas: list[str], status: int
) -> None:
    await several(empty_database)
    for schema, statement in {"newer": NEWER, "breaking": BREAKING}.items():
        await Migrator(empty_database, schema=schema).upgrade()
        await execute(empty_database, f"SET search_path = {schema}; {statement}")
    named = [word for schema in schemas for word in ("--schema", schema)]
    ended = await run("blogsvc", "check", *named, url=empty_database)
    assert ended.status == status, ended.output


async def test_what_cannot_be_seen_is_the_worst(empty_database: str) -> None:
    await several(empty_database)
    await execute(empty_database, "ALTER TABLE alice.aerich RENAME version TO number")
    ended = await run("blogsvc", "check", "--all-schemas", url=empty_database)
    assert "alice: The table aerich has no column 'version'" in ended.output
    assert ended.output.splitlines()[-1] == ("4 blogs: 2 behind, 1 failed, 1 different"), (
        ended.output
    )
    assert ended.status == 1


async def test_a_blog_that_goes_in_the_midst_is_not_made_again(empty_database: str) -> None:
    for name in "abcde":
        await Migrator(empty_database, schema=name).upgrade("5")
    async with contextlib.AsyncExitStack() as held:
        for name in "abcd":  # as many as are worked on at once
            await held.enter_async_context(Migrator(empty_database, schema=name).session())
        process = await start("blogsvc", "upgrade", "--all-schemas", url=empty_database)

        async def all_wait() -> bool:
            [(waiting,)] = await fetch(empty_database, MIGRATING)
            return bool(waiting == 8)  # four that wait for those that hold the lock here

        await becomes_true(all_wait)
        await execute(empty_database, "DROP SCHEMA e CASCADE")
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    *lines, last = output.decode().splitlines()
    assert "e: gone since this began" in lines
    assert last == "5 blogs: 4 migrated, 1 gone"
    assert process.returncode == 0
    assert await fetch(empty_database, "SELECT to_regnamespace('e')") == [(None,)]


async def test_where_nobody_can_ask_what_is_there_each_failure_has_its_line(
    empty_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = 0

    async def once(url: str) -> list[str]:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise Unavailable("No connection is left.")
        return await schemas_with_blogs(url)

    await several(empty_database)
    monkeypatch.setattr(many, "schemas_with_blogs", once)
    with pytest.raises(SystemExit) as ended:
        await many._in_each(empty_database, (), fail)
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert sorted(told.err.splitlines()) == [
        f"{name}: It is broken." for name in ("alice", "bob's", "carol", "dave")
    ]
    assert told.out == "4 blogs: 4 failed\n"


async def fail(migrator: Migrator) -> many.Found:
    raise MigrationError("It is broken.")


async def test_ctrl_c_leaves_a_sum_of_what_was_done(empty_database: str) -> None:
    for name in "abc":
        await Migrator(empty_database, schema=name).upgrade("5")
    stuck = f"""
        SELECT FROM pg_locks WHERE NOT granted AND relation = to_regclass('b.posts')
            AND (SELECT count(*) FROM a.aerich) + (SELECT count(*) FROM c.aerich) = {2 * ALL}
            AND ({MIGRATING}) = 1"""
    async with connected(empty_database) as other:
        await other.execute("BEGIN; LOCK TABLE b.posts IN EXCLUSIVE MODE")
        output = await interrupted(empty_database, "upgrade", "--all-schemas", stuck=stuck)
    assert re.search(r"^Only [12] of 3 blogs: [12] migrated$", output, re.MULTILINE), output
    assert "Stopped. What was applied is kept" in output


async def test_what_was_killed_is_finished_and_two_may_do_it_at_once(empty_database: str) -> None:
    for name in "abcdefgh":
        await Migrator(empty_database, schema=name).upgrade("5")
    process = await start("blogsvc", "upgrade", "--all-schemas", url=empty_database)
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), PATIENCE)
    process.kill()
    await process.communicate()
    assert process.returncode == -signal.SIGKILL
    again = (run("blogsvc", "upgrade", "--all-schemas", url=empty_database) for _ in range(2))
    for ended in await asyncio.gather(*again):
        assert ended.status == 0, ended.output
    checked = await run("blogsvc", "check", "--all-schemas", url=empty_database)
    assert checked.output.splitlines()[-1] == "8 blogs: 8 up to date"


async def test_one_blog_of_several_that_are_named_is_one(empty_database: str) -> None:
    named = ("--schema", "a", "--schema", "a")
    ended = await run("blogsvc", "upgrade", *named, url=empty_database)
    assert ended.output.splitlines()[-1] == "1 blog: 1 migrated"
    await Migrator(empty_database, schema="a").downgrade("5")
    ended = await run("blogsvc", "check", *named, url=empty_database)
    sixth = files.all_files()[6].label
    assert ended.output.splitlines()[0] == f"a: pending: {sixth} and {ALL - 7} more"


async def test_status_tells_each_blog_in_a_line(empty_database: str) -> None:
    await several(empty_database)
    ended = await run("blogsvc", "status", "--all-schemas", url=empty_database)
    fifth = files.all_files()[5].label
    assert sorted(ended.output.splitlines()[:-1]) == [
        f"alice: {ALL} applied; newest: {HEAD}",
        f"bob's: {ALL - 6} pending, 6 applied; newest: {fifth}",
        f"carol: {ALL} pending; newest: none",
        f"dave: {ALL} applied; newest: {HEAD}",
    ]


async def test_a_database_without_a_blog_says_so(empty_database: str) -> None:
    ended = await run("blogsvc", "check", "--all-schemas", url=empty_database)
    assert (ended.output, ended.status) == ("There is no blog in this database.\n", 0)


async def test_all_and_some_are_not_asked_for_together(empty_database: str) -> None:
    ended = await run("blogsvc", "check", "--all-schemas", "--schema", "alice", url=empty_database)
    assert "Give one of --schema and --all-schemas" in ended.output
    assert ended.status == 2


async def test_only_schemas_with_a_history_of_ours_are_blogs(empty_database: str) -> None:
    await several(empty_database)
    await execute(
        empty_database,
        "CREATE SCHEMA host; CREATE TABLE host.aerich (id int, app text, version text)",
    )
    assert await schemas_with_blogs(empty_database) == ["alice", "bob's", "carol", "dave"]


async def test_few_are_at_work_at_once_and_whoever_stops_ends_them() -> None:
    at_work: set[str] = set()
    most = 0

    async def action(schema: str) -> str:
        nonlocal most
        at_work.add(schema)
        most = max(most, len(at_work))
        try:
            await asyncio.sleep(0)
            if schema == "3":
                raise MigrationError("no")
            if schema == "9":
                await asyncio.Event().wait()
            return schema
        finally:
            at_work.discard(schema)

    seen = []
    outcomes = in_each([str(number) for number in range(20)], action)
    async for schema, result, error in outcomes:
        seen.append(schema)
        assert (result == schema) != isinstance(error, MigrationError)
        if len(seen) == 15:
            break
    await outcomes.aclose()  # type: ignore[attr-defined] # it is a generator
    assert (most, at_work) == (4, set())
    assert "3" in seen
