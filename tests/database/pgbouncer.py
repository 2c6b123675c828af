"""A real PgBouncer in front of the tests' server: Debian's, or BLOGSVC_TEST_PGBOUNCER."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from blogsvc.database.url import target_of
from blogsvc.embedded.account import server_account
from blogsvc.embedded.watchdog import run_as

from ..embedded.processes import reachable_directory
from ..support import eventually

PROGRAM = os.environ.get("BLOGSVC_TEST_PGBOUNCER") or shutil.which(
    "pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin"
)

MISSING = "there is no PgBouncer here: apt install pgbouncer"


def version() -> tuple[int, ...]:
    """Return the version of the program, such as `(1, 18, 0)`."""
    assert PROGRAM is not None
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"PgBouncer (\d+)\.(\d+)\.(\d+)", said.stdout)
    assert found is not None
    return tuple(map(int, found.groups()))


@contextlib.contextmanager
def pgbouncer(
    server: str, *, database: object = "*", more: object = "", **settings: object
) -> Iterator[str]:
    """Run one that leads to the server of a URL; its own URL leads to the same database.

    `database` is the only one that it knows, and `more` what it is told of that one.
    """
    assert PROGRAM is not None
    parts = urlsplit(server)
    [(host, server_port), *_] = target_of(server).hosts
    password = f" password={unquote(parts.password)}" if parts.password else ""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lines = [
        "[databases]",
        f"{database} = host={host} port={server_port} user={parts.username}{password} {more}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = any",
        *(f"{name} = {value}" for name, value in settings.items()),
    ]
    with reachable_directory() as directory:
        file = Path(directory, "pgbouncer.ini")
        file.write_text("\n".join(lines) + "\n")
        process = subprocess.Popen([PROGRAM, "-q", file], cwd="/", **run_as(*server_account()))
        try:
            assert eventually(lambda: _listens(port))
            account = parts.netloc.rpartition("@")[0]
            netloc = f"{account}@127.0.0.1:{port}"
            yield parts._replace(netloc=netloc, query="sslmode=disable").geturl()
        finally:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
