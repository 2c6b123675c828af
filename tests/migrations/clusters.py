"""PostgreSQL servers of every version that this machine has programs for."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from blogsvc.embedded.account import may, server_account
from blogsvc.embedded.programs import installed
from blogsvc.embedded.watchdog import run_as


@lru_cache
def programs() -> dict[int, Path]:
    """Return the directories of programs by version: the wheel's, and those of the system."""
    wheel = next(iter(installed().values())).parents[1]
    places = [*wheel.glob("pginstall*/bin"), *Path("/usr/lib/postgresql").glob("*/bin")]
    account = server_account()
    return {version_of(place): place for place in places if may(account, "rx", place / "postgres")}


def version_of(place: Path) -> int:
    said = subprocess.run(
        [place / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.match(r"postgres \(PostgreSQL\) (\d+)", said)
    assert found is not None, said
    return int(found[1])


@contextmanager
def running(version: int, directory: Path) -> Iterator[str]:
    """Start a new server in a directory that its account can reach, and yield its URL."""
    place = programs()[version]
    account = server_account()
    options: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, **run_as(*account)}
    data = directory / str(version)
    data.mkdir(mode=0o700)
    subprocess.run(["chown", f"{account.uid}:{account.gid}", data], check=True)
    initdb = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
    subprocess.run([place / "initdb", *initdb, "-D", data / "db"], cwd=data, **options)
    settings = f"-c listen_addresses='' -c unix_socket_directories={data} -c fsync=off"
    control = (place / "pg_ctl", "-D", data / "db", "-w")
    log = ("-l", data / "log")
    subprocess.run([*control, *log, "-o", settings, "start"], cwd=data, **options)
    try:
        yield f"postgresql://postgres@/postgres?host={quote(str(data), safe='')}&sslmode=disable"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], cwd=data, **options)
