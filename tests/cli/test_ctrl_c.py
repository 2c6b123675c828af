"""Ctrl-C ends a command with one line, which says what is kept; in psql it belongs to psql."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
from pathlib import Path

import pytest

from blogsvc import Migrator
from blogsvc.cli import _KEPT, cli
from blogsvc.migrator.files import all_files

from ..migrations.migrating import connected, execute, fetch, recorded
from ..support import PATIENCE, ROOT, becomes_true, start
from ..tortoise.test_repair import MADE_BY_0_1_0

READ_ONLY = {"sql", "status", "check", "describe", "list", "psql"}
MIGRATING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'blogsvc migrations'"""


def test_every_command_that_changes_something_says_what_is_kept() -> None:
    assert set(cli.commands) == {*_KEPT, *READ_ONLY}


async def interrupted(url: str, *arguments: str, stuck: str) -> str:
    """Start a command, press Ctrl-C when a query says that it is stuck, and return its output."""
    process = await start("blogsvc", *arguments, url=url)

    async def is_stuck() -> bool:
        assert process.returncode is None
        return await fetch(url, stuck) != []

    await becomes_true(is_stuck)
    process.send_signal(signal.SIGINT)
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 130, output.decode()
    return output.decode()


async def test_an_upgrade_says_where_it_goes_on(empty_database: str) -> None:
    await Migrator(empty_database).upgrade("1")
    stuck = "SELECT FROM pg_locks WHERE NOT granted AND relation = to_regclass('posts')"
    async with connected(empty_database) as other:
        await other.execute("BEGIN; LOCK TABLE posts IN EXCLUSIVE MODE")
        output = await interrupted(empty_database, "upgrade", stuck=stuck)
    assert output.splitlines() == [
        "== 2_20261125090100_add_slug: migrating =======",
        "",
        "Stopped. What was applied is kept; `blogsvc upgrade` goes on from there.",
    ]
    assert len(await recorded(empty_database)) == 2
    assert len(await Migrator(empty_database).upgrade()) == len(all_files()) - 2


async def test_an_import_says_that_it_can_go_on(blog_url: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: A\n---\n", encoding="utf-8")
    async with connected(blog_url) as other:
        await other.execute("BEGIN; LOCK TABLE posts")
        stuck = "SELECT FROM pg_locks WHERE NOT granted"
        output = await interrupted(blog_url, "import", str(tmp_path), stuck=stuck)
    assert output == f"\nStopped. {_KEPT['import']}\n"


async def test_what_only_reads_has_changed_nothing(blog_url: str) -> None:
    async with connected(blog_url) as other:
        await other.execute("BEGIN; LOCK TABLE posts")
        stuck = "SELECT FROM pg_locks WHERE NOT granted"
        output = await interrupted(blog_url, "list", stuck=stuck)
    assert output == "\nStopped. Nothing was changed.\n"


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, url: str, *arguments: str) -> None:
        self.number, terminal = pty.openpty()
        self.said = ""
        self._starting = asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "blogsvc", *arguments),
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url, "TERM": "dumb"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        self._terminal = terminal

    async def __aenter__(self) -> Terminal:
        self.process = await self._starting
        os.close(self._terminal)
        return self

    async def __aexit__(self, *raised: object) -> None:
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
        os.close(self.number)

    def type(self, text: str) -> None:
        os.write(self.number, text.encode())

    def press_ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    async def says(self, text: str) -> None:
        """Read until the command has printed a text."""
        async with asyncio.timeout(PATIENCE):
            while text not in self.said:
                self.said += (await asyncio.to_thread(os.read, self.number, 4096)).decode()

    async def ends(self) -> int:
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


async def test_ctrl_c_at_the_question_is_a_no(empty_database: str) -> None:
    await Migrator(empty_database).upgrade("2")
    async with Terminal(empty_database, "downgrade") as terminal:
        await terminal.says("Go on?")
        terminal.press_ctrl_c()
        await terminal.says("Aborted! Nothing was changed.")
        assert await terminal.ends() == 1
    assert len(await recorded(empty_database)) == 3


async def test_ctrl_c_before_a_repair_is_a_no(empty_database: str) -> None:
    await execute(empty_database, MADE_BY_0_1_0)
    async with Terminal(empty_database, "adopt", "--repair") as terminal:
        await terminal.says("Go on?")
        terminal.press_ctrl_c()
        await terminal.says("Aborted! Nothing was changed.")
        assert await terminal.ends() == 1
    assert await fetch(empty_database, "SELECT to_regclass('aerich')") == [(None,)]


async def test_ctrl_c_in_psql_ends_the_query_and_not_the_shell(empty_database: str) -> None:
    sleeping = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query ~ 'here'"

    async def sleeps() -> bool:
        return await fetch(empty_database, sleeping) != []

    async with Terminal(empty_database, "psql", "-X", "-n", "-P", "pager=off") as terminal:
        terminal.type("SELECT pg_sleep(600) /* here */;\n")
        await becomes_true(sleeps)
        terminal.press_ctrl_c()
        await terminal.says("canceling statement due to user request")
        terminal.type("SELECT 'still' || ' there';\n")
        await terminal.says("still there")
        terminal.type("\\q\n")
        assert await terminal.ends() == 0


@pytest.mark.parametrize("presses", [1, 2])
async def test_there_is_no_traceback_however_often_it_is_pressed(
    empty_database: str, presses: int
) -> None:
    await execute(empty_database, "SELECT 1")
    async with Migrator(empty_database).session():
        process = await start("blogsvc", "upgrade", url=empty_database)

        async def waits() -> bool:
            return await fetch(empty_database, MIGRATING) == [(2,)]

        await becomes_true(waits)
        for _ in range(presses):
            process.send_signal(signal.SIGINT)
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 130
    assert b"Traceback" not in output
