"""Any number of migrating processes at once: one works, the others wait and find nothing to do."""

from __future__ import annotations

import asyncio

import pytest

from blogsvc.errors import LockedError
from blogsvc.migrator import Migrator, files

from ..support import run
from .migrating import execute, fetch, recorded

ALL = [file.version for file in files.all_files()]


@pytest.mark.parametrize("round", [1, 2, 3])
async def test_sixteen_at_once_apply_each_version_once(empty_database: str, round: int) -> None:
    commands = [("aerich", "upgrade"), ("blogsvc", "upgrade")] * 8
    ended = await asyncio.gather(*(run(*command, url=empty_database) for command in commands))
    assert [one.output for one in ended if one.status] == []
    assert await recorded(empty_database) == ALL
    said = "".join(one.output for one in ended)
    for file in files.all_files():
        stock = said.count(f"Success upgrading to {file.version}")
        assert stock + said.count(f"== {file.label}: migrated (") == 1


async def test_many_migrators_in_one_process_wait_for_one_another(empty_database: str) -> None:
    done = await asyncio.gather(*(Migrator(empty_database).upgrade() for _ in range(8)))
    assert sorted(map(len, done)) == [0] * 7 + [len(ALL)]


async def test_who_waits_in_vain_is_told_who_holds_the_lock(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOGSVC_MIGRATION_WAIT", "0.1")
    async with Migrator(empty_database).session() as holder:
        pid = await holder.fetchval("SELECT pg_backend_pid()")
        with pytest.raises(LockedError) as told:
            await Migrator(empty_database).upgrade()
    assert f"(pid {pid}, application 'blogsvc migrations', connected since 20" in str(told.value)


async def test_stock_aerich_waits_no_longer_than_it_may(empty_database: str) -> None:
    async with Migrator(empty_database).session():
        ended = await run("aerich", "upgrade", url=empty_database, BLOGSVC_MIGRATION_WAIT="0.1")
    assert ended.status == 1
    assert ended.is_one_line, ended.output
    assert "more than 0.1 s (pid " in ended.output


async def test_looking_needs_no_lock(empty_database: str) -> None:
    async with Migrator(empty_database).session():
        assert {found.state for found in await Migrator(empty_database).status()} == {"pending"}


async def test_another_schema_has_a_lock_of_its_own(empty_database: str) -> None:
    async with Migrator(empty_database, schema="alice").session():
        await Migrator(empty_database, schema="bob").upgrade("0")


async def test_no_runner_can_record_a_version_twice(empty_database: str) -> None:
    await Migrator(empty_database).upgrade("0")
    unique = (
        "SELECT indisunique FROM pg_index WHERE indexrelid = 'aerich_blogsvc_version_key'::regclass"
    )
    assert await fetch(empty_database, unique) == [(True,)]


async def test_a_hosts_own_rows_in_the_table_stop_nothing(empty_database: str) -> None:
    """Aerich itself allows a version twice, and a host may have such rows."""
    theirs = "('0_theirs.py', 'models', '{}')"
    await execute(
        empty_database,
        'CREATE TABLE aerich (id SERIAL PRIMARY KEY, "version" VARCHAR(255) NOT NULL,'
        ' "app" VARCHAR(100) NOT NULL, "content" JSONB NOT NULL);'
        f"INSERT INTO aerich (version, app, content) VALUES {theirs}, {theirs}",
    )
    for command in (("aerich", "upgrade"), ("blogsvc", "upgrade")):
        ended = await run(*command, url=empty_database)
        assert ended.status == 0, ended.output
    assert await recorded(empty_database) == ["0_theirs.py", "0_theirs.py", *ALL]
    assert not (await Migrator(empty_database).check()).drifted
    await Migrator(empty_database).downgrade(steps=None)
    assert await recorded(empty_database) == ["0_theirs.py", "0_theirs.py"]
