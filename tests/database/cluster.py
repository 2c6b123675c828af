"""A primary with standbys, made from the wheel's programs: streaming replication needs no more."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import asyncpg

from blogsvc import embedded
from blogsvc.database.url import target_of
from blogsvc.embedded import program
from blogsvc.embedded.account import server_account

from ..embedded.processes import reachable_directory
from ..migrations.migrating import connected, execute


class Cluster(NamedTuple):
    """The URLs of one server each."""

    primary: str
    standbys: list[str]

    @property
    def all_standbys(self) -> str:
        """A URL that names every standby, and the primary, and wants a standby."""
        places = [target_of(url).hosts[0] for url in [self.primary, *self.standbys]]
        hosts, ports = (
            ",".join(host for host, _ in places),
            ",".join(str(port) for _, port in places),
        )
        database = self.primary.partition("?")[0]
        return f"{database}?host={hosts}&port={ports}&target_session_attrs=prefer-standby"


@contextlib.contextmanager
def replicated(standbys: int) -> Iterator[Cluster]:
    """Start a primary and standbys that follow it."""
    with reachable_directory() as directory, contextlib.ExitStack() as running:
        primary = embedded.start(directory / "primary")
        running.callback(primary.release)
        urls = []
        for number in range(standbys):
            data = directory / f"standby{number}"
            _copy(primary.url, data)
            standby = embedded.start(data)
            running.callback(standby.release)
            urls.append(standby.url)
        yield Cluster(primary.url, urls)


@contextlib.asynccontextmanager
async def paused(standby: str) -> AsyncIterator[None]:
    """Have a standby receive what the primary writes, and replay nothing of it."""
    await execute(standby, "SELECT pg_wal_replay_pause()")
    try:
        yield
    finally:
        await execute(standby, "SELECT pg_wal_replay_resume()")


async def crash(url: str) -> None:
    """Kill a process of a server, so that it ends every connection and recovers."""
    async with connected(url) as connection:
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(asyncpg.PostgresError, OSError, asyncpg.InterfaceError):
            await connection.execute("SELECT 1")


def _copy(primary: str, data: Path) -> None:
    """Copy a primary's cluster to where a standby of it is to start."""
    data.mkdir(mode=0o711)
    target = data / "pgdata"
    command = [str(program("pg_basebackup")), f"--dbname={primary}", f"--pgdata={target}"]
    subprocess.run(
        [*command, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"],
        check=True,
        capture_output=True,
    )
    account = server_account()
    if os.geteuid() == 0:
        for path in (target, *target.rglob("*")):
            os.chown(path, *account, follow_symlinks=False)
