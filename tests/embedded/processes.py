"""Processes that use the embedded PostgreSQL, for tests that end them in every way."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import pwd
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from blogsvc import embedded
from blogsvc.embedded import program
from blogsvc.embedded.account import may, server_account
from blogsvc.errors import EmbeddedUnavailable

from ..support import PATIENCE, ROOT, eventually

_USE = """
import sys
from pathlib import Path
from blogsvc import embedded

server = embedded.start(Path(sys.argv[1]))
print(server.url, flush=True)
sys.stdin.read()
server.release()
"""


class User:
    """A process that uses the embedded server of a data directory until it is told to end."""

    def __init__(self, data_dir: Path, **options: Any) -> None:
        python = options.pop("python", sys.executable)
        self.process = subprocess.Popen(
            [python, "-c", _USE, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **{"cwd": ROOT, **options},
        )

    @functools.cached_property
    def url(self) -> str:
        """Wait until the server runs, and return its URL."""
        assert self.process.stdout is not None
        url = str(self.process.stdout.readline()).strip()
        if url:
            return url
        raise AssertionError(self.process.communicate()[1])

    def let_go(self) -> None:
        """Tell it to end, without waiting."""
        stdin, self.process.stdin = self.process.stdin, None
        if stdin is not None:
            stdin.close()

    def end(self) -> None:
        self.let_go()
        if self.process.stdout is not None and not self.process.stdout.closed:
            self.process.communicate(timeout=PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.end()


@contextlib.contextmanager
def users(data_dir: Path, number: int = 1, **options: Any) -> Iterator[list[User]]:
    """Start processes at the same moment; those that are still there at the end are ended."""
    started = [User(data_dir, **options) for _ in range(number)]
    try:
        yield started
    finally:
        for user in started:
            user.end()


@contextlib.contextmanager
def reachable_directory() -> Iterator[Path]:
    """Make a directory that every account can pass through, for a server that root starts."""
    with tempfile.TemporaryDirectory(
        prefix="blogsvc-test-", ignore_cleanup_errors=True
    ) as directory:
        os.chmod(directory, 0o711)
        yield Path(directory).resolve()


def ask(url: str, statement: str) -> object:
    async def answer() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(answer())


def embedded_url(data_dir: Path) -> str:
    """Join the server that runs and leave it again."""
    use = embedded.start(data_dir)
    use.release()
    return use.url


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "pgdata" / "postmaster.pid").read_text().splitlines()[0])


def sockets_of(data_dir: Path) -> Path:
    """Return the directory in which the server of a data directory has its socket."""
    return Path((data_dir / "pgdata" / "postmaster.pid").read_text().splitlines()[4])


def server_processes(data_dir: Path) -> list[int]:
    """Return the numbers of the living processes of the server itself."""
    return [
        int(line.split()[0])
        for line in processes_of(data_dir)
        if "watchdog.py" not in line and "pg_ctl" not in line
    ]


def times_started(data_dir: Path) -> int:
    """Return how many times a server has been started there, by its log."""
    return (data_dir / "postgres.log").read_text().count("starting PostgreSQL")


def refusal(data_dir: Path) -> str:
    """Return what the error says where the server cannot be started."""
    with pytest.raises(EmbeddedUnavailable) as caught:
        embedded.start(data_dir)
    return str(caught.value)


def the_account_can_read_the_programs() -> bool:
    return may(server_account(), "rx", program("postgres"))


def processes_of(data_dir: Path) -> list[str]:
    """Return every living process that works in the data directory or for it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            works_there = (entry / "cwd").readlink().is_relative_to(data_dir)
            if state != "Z" and (works_there or str(data_dir) in command):
                found.append(f"{entry.name} {command}")
    return found


def nothing_left(data_dir: Path) -> bool:
    """Wait until no process of the embedded server is left, and say whether that is so."""
    return eventually(lambda: not processes_of(data_dir))


def ordinary_user() -> dict[str, Any]:
    """Return the options of `User` that make it an ordinary account's process.

    Skips the test where we cannot become one, or where that account cannot run this Python.
    """
    if os.geteuid() != 0:
        pytest.skip("not root: every other test here runs as an ordinary user already")
    account = pwd.getpwnam("nobody")
    packages = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    for python in (sys.executable, "/usr/bin/python3"):
        options: dict[str, Any] = {
            "user": account.pw_uid,
            "group": account.pw_gid,
            "extra_groups": [],
            "env": without_home(PYTHONPATH=packages),
        }
        with contextlib.suppress(OSError):
            probe = [python, "-c", "import asyncpg, blogsvc.service"]
            if not subprocess.run(probe, capture_output=True, check=False, **options).returncode:
                return {"python": python, **options}
    pytest.skip("the account nobody has no Python that fits this environment")


def without_home(**more: str) -> Mapping[str, str]:
    """Return the environment without what says where the account's own files are."""
    kept = {k: v for k, v in os.environ.items() if k not in ("HOME", "XDG_DATA_HOME", "USER")}
    return {**kept, **more}
