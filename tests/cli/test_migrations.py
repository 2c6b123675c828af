"""`blogsvc upgrade`, `downgrade`, `status` and `sql`: what they say, and that they do just that."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from blogsvc.embedded import programs
from blogsvc.errors import MigrationError
from blogsvc.migrator import Migrator, Step, files

from ..migrations.migrating import (
    HEAD,
    add_migration,
    execute,
    facts,
    fetch,
    make_checkout,
    recorded,
)
from ..support import run

FILES = files.all_files()


async def test_progress_speaks_as_the_tutorials_tool_did(empty_database: str) -> None:
    up = await run("blogsvc", "upgrade", "--to", "1", url=empty_database)
    down = await run("blogsvc", "downgrade", "--yes", url=empty_database)
    assert re.sub(r"\d+\.\d{3}s", "0.023s", up.output + down.output).splitlines() == [
        "== 0_20251120123456_create_posts: migrating =======",
        "== 0_20251120123456_create_posts: migrated (0.023s)",
        "",
        "== 1_20261125090000_add_rules: migrating =======",
        "== 1_20261125090000_add_rules: migrated (0.023s)",
        "",
        "This will be undone, with the data that it added:",
        "  1_20261125090000_add_rules",
        "== 1_20261125090000_add_rules: reverting =======",
        "== 1_20261125090000_add_rules: reverted (0.023s)",
        "",
    ]


async def test_progress_is_told_as_it_happens(empty_database: str) -> None:
    seen: list[tuple[Step, bool]] = []

    def look(step: Step) -> None:
        seen.append((step, step.seconds is not None))

    await Migrator(empty_database, on_step=look).upgrade("1")
    assert [(step.label.partition("_")[0], over) for step, over in seen] == [
        ("0", False),
        ("0", True),
        ("1", False),
        ("1", True),
    ]


async def test_after_to_that_version_is_the_newest_applied(empty_database: str) -> None:
    migrator = Migrator(empty_database)
    for to in ("3", FILES[5].label, FILES[6].version):
        await migrator.upgrade(to)
        assert (await recorded(empty_database))[-1] == files.find(FILES, to).version
    for to in (FILES[4].version, "2"):
        await migrator.downgrade(to)
        assert (await recorded(empty_database))[-1] == files.find(FILES, to).version


async def test_a_downgrade_of_steps_and_of_all(empty_database: str) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade("4")
    await migrator.downgrade()
    await migrator.downgrade(steps=2)
    assert await recorded(empty_database) == [file.version for file in FILES[:2]]
    ended = await run("blogsvc", "downgrade", "--all", "--yes", url=empty_database)
    assert ended.status == 0, ended.output
    assert await recorded(empty_database) == []
    assert await facts(empty_database) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("upgrade", "--to", "99"), "There is no migration '99'"),
        (("upgrade", "--to", "1"), "is behind: 2_20261125090100_add_slug is applied"),
        (("downgrade", "--to", "99", "--yes"), "There is no migration '99'"),
        (("downgrade", "--to", "5", "--yes"), "is not applied, so there is no way down to it"),
        (("downgrade", "--to", "1", "--all"), "Give one of --to, --steps and --all"),
        (("sql", "--all"), "--steps and --all belong to --down"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    empty_database: str, arguments: tuple[str, ...], said: str
) -> None:
    await Migrator(empty_database).upgrade("2")
    ended = await run("blogsvc", *arguments, url=empty_database)
    assert ended.status != 0
    assert said in ended.output
    assert len(await recorded(empty_database)) == 3


async def test_nobody_who_was_not_asked_loses_anything(empty_database: str) -> None:
    await Migrator(empty_database).upgrade("2")
    ended = await run("blogsvc", "downgrade", url=empty_database)
    assert ended.status == 1
    assert ended.output.rstrip().endswith("Aborted! Nothing was changed.")
    assert len(await recorded(empty_database)) == 3


async def test_only_what_was_agreed_to_is_undone(empty_database: str) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade("2")
    agreed = await migrator.plan(down=True)
    await migrator.upgrade("3")
    with pytest.raises(MigrationError, match="Another process has migrated"):
        await migrator.downgrade(expect=agreed)
    assert len(await recorded(empty_database)) == 4


@pytest.mark.parametrize("command", ["aerich", "blogsvc"])
async def test_a_failure_says_what_is_in_what_is_out_and_what_to_type(
    empty_database: str, tmp_path: Path, command: str
) -> None:
    folder = make_checkout(tmp_path) / "migrations/blogsvc"
    first = add_migration(folder, "first", "SELECT 1;")
    second = add_migration(folder, "second", "ALTER TABLE posts ADD CHECK (content <> '');")
    third, fourth = (add_migration(folder, name, f"SELECT {name};") for name in ("3", "4"))
    await Migrator(empty_database).upgrade()
    await execute(empty_database, "INSERT INTO posts (title, content) VALUES ('A', '')")
    ended = await run(command, "upgrade", url=empty_database, checkout=tmp_path)
    assert ended.status == 1
    assert "Traceback" not in ended.output
    told = " ".join(ended.output.split())
    assert 'check constraint "posts_content_check" of relation "posts" is violated' in told
    if command == "aerich":
        assert f"Applied before it and kept: {first}" in told
    else:
        assert (
            f"Applied and kept: {first} Failed: {second}, which was rolled back "
            f"Never ran: {third} to {fourth} (2)"
        ) in told
    assert "again; `blogsvc status` shows where you are." in told
    await execute(empty_database, "UPDATE posts SET content = 'Fixed'")
    assert (await run(command, "upgrade", url=empty_database, checkout=tmp_path)).status == 0


async def test_a_lost_server_is_told_without_a_traceback(
    empty_database: str, tmp_path: Path
) -> None:
    checkout = make_checkout(tmp_path)
    folder = checkout / "migrations/blogsvc"
    label = add_migration(folder, "end", "SELECT pg_terminate_backend(pg_backend_pid());")
    await Migrator(empty_database).upgrade()
    for command in ("aerich", "blogsvc"):
        ended = await run(command, "upgrade", url=empty_database, checkout=checkout)
        assert ended.status == 1
        assert "Traceback" not in ended.output, ended.output
        assert label in ended.output


async def test_a_status_tells_when_and_how_long_whoever_applied_it(empty_database: str) -> None:
    await run("aerich", "upgrade", url=empty_database)
    await run("aerich", "downgrade", "--yes", url=empty_database)
    ended = await run("blogsvc", "status", "--json", url=empty_database)
    rows = json.loads(ended.output)
    assert [row["version"] for row in rows] == [file.version for file in FILES]
    assert {row["state"] for row in rows[:-1]} == {"applied"}
    assert all(row["applied_at"].endswith("+00:00") for row in rows[:-1])
    assert all(0 < row["duration_ms"] < 60_000 for row in rows[:-1])
    assert rows[-1] == {
        "version": HEAD.version,
        "state": "pending",
        "applied_at": None,
        "duration_ms": None,
        "breaking": False,
    }


async def test_the_printed_script_does_in_psql_what_upgrade_and_downgrade_do(
    empty_database: str,
) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade("2")
    before = await facts(empty_database)
    await pipe(empty_database, "sql")
    assert {version.state for version in await migrator.status()} == {"applied"}
    assert (await migrator.check()).drift == ()
    await pipe(empty_database, "sql", "--down", "--to", "2")
    assert await facts(empty_database) == before
    assert len(await recorded(empty_database)) == 3
    assert await pipe(empty_database, "sql", "--to", "2") == "-- Nothing to do.\n"


async def test_a_printed_script_stops_while_somebody_migrates(empty_database: str) -> None:
    script = (await run("blogsvc", "sql", url=empty_database)).output
    async with Migrator(empty_database).session():
        status, output = await psql(empty_database, script)
    assert status == 3
    assert "Another migration is running" in output
    assert await fetch(empty_database, "SELECT to_regclass('posts')") == [(None,)]


async def test_a_printed_script_holds_the_text_of_the_files(empty_database: str) -> None:
    script = (await run("blogsvc", "sql", url=empty_database)).output
    places = [script.index(file.up.strip()) for file in FILES]
    assert places == sorted(places)


async def pipe(url: str, *arguments: str) -> str:
    printed = await run("blogsvc", *arguments, url=url)
    assert printed.status == 0, printed.output
    status, output = await psql(url, printed.output)
    assert status == 0, output
    return printed.output


async def psql(url: str, script: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        str(programs.program("psql")),
        "--quiet",
        "--no-psqlrc",
        url.replace("&target_session_attrs=any", ""),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(script.encode())
    return process.returncode, output.decode()
