"""Starts the embedded PostgreSQL, and stops it when its last user is gone, however it went.

Run as a script of its own, with the standard library only: it stands by for as long as the server
runs. Each user holds a shared lock on `users.lock`, which the kernel drops with the process; who
gets the exclusive lock knows that nobody is left. Starting is its work too, and not the user's:
a user that is killed halfway leaves somebody who ends what was begun.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

CLUSTER: Final = "pgdata"
SOCKETS_PREFIX: Final = "blogsvc-"
PORT: Final = 5432
"""Only part of a socket's name: the server listens on no port."""

_SERVER_LOCKS: Final = ("start.lock", "server.lock")

_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)
"""The shortest question that a server answers: whether it speaks TLS."""

START_TIMEOUT: Final = 120
"""Seconds to wait for others that start or stop the server, and for a recovery after a crash."""


def open_lock(data_dir: Path, name: str) -> int:
    """Open a lock file of the data directory."""
    return os.open(data_dir / name, os.O_RDWR | os.O_CREAT, 0o600)


def try_lock(file: int, mode: int) -> bool:
    """Take or change a lock, if it can be had now; where it cannot, none is held."""
    try:
        fcntl.flock(file, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def run_as(uid: int, gid: int) -> dict[str, Any]:
    """Return the arguments that make `subprocess` run a program as the owner of the data."""
    return {} if uid == os.geteuid() else {"user": uid, "group": gid, "extra_groups": []}


def recorded_sockets(cluster: Path) -> Path | None:
    """Return the socket directory of the server that runs, or that ran until it was killed."""
    try:
        return Path(os.fsdecode((cluster / "postmaster.pid").read_bytes()).splitlines()[4])
    except (OSError, IndexError):
        return None


def answers(sockets: Path) -> bool:
    """Whether a server answers there. One that was killed may still take a connection."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(sockets / f".s.PGSQL.{PORT}"))
            probe.sendall(_SSL_REQUEST)
            return probe.recv(1) != b""
        except OSError:
            return False


def start_server(data_dir: Path, pg_ctl: Path, sockets: Path, server: int) -> int:
    """Start the server of `data_dir` and return the status of `pg_ctl`.

    `server` is `server.lock`, held: every process of the server inherits it, so that it is free
    when, and only when, the last of them has ended.
    """
    # The lock tells that no server is left. What one that was killed wrote about itself must go:
    # the process id in it may be anybody's by now.
    cluster = data_dir / CLUSTER
    for stale in (cluster / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)
    # pg_ctl hands its paths to the shell and quotes them badly: it gets relative ones.
    options = f"-c listen_addresses= -c port={PORT} -c unix_socket_directories={sockets}"
    options += " -c cluster_name=blogsvc"
    arguments = ["-w", "-t", str(START_TIMEOUT), "-l", "../postgres.log", "-o", options, "start"]
    return _pg_ctl(pg_ctl, cluster, *arguments, pass_fds=[server], start_new_session=True)


def stop_server(data_dir: Path, pg_ctl: Path) -> None:
    """Stop the server of `data_dir`, if one runs; open sessions are rolled back."""
    cluster = data_dir / CLUSTER
    with contextlib.ExitStack() as locks:
        try:
            start, server = (locks.enter_context(_there(data_dir / n)) for n in _SERVER_LOCKS)
        except FileNotFoundError:
            return  # nothing was ever started, or the directory has been deleted
        fcntl.flock(start, fcntl.LOCK_EX)
        sockets = recorded_sockets(cluster)
        if sockets is None:
            return
        if not try_lock(server, fcntl.LOCK_EX):
            was_killed = not answers(sockets) and _lock_soon(server)
            if not was_killed:
                quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                _pg_ctl(pg_ctl, cluster, "-m", "fast", "-w", "-t", "60", "stop", **quiet)
                if not _lock_soon(server):
                    return
        if sockets.name.startswith(SOCKETS_PREFIX):
            shutil.rmtree(sockets, ignore_errors=True)


def main(
    data_dir: Path, pg_ctl: Path, sockets: Path | None = None, server: int = -1, start: int = -1
) -> int:
    """Start the server, if asked to, and stand by until the last user is gone, then stop it.

    Returns when the server runs and a watchdog stands by; there is at most one. `start` is
    `start.lock`, held: it is passed on so that nobody else starts before this is done.
    """
    if sockets is not None:
        status = start_server(data_dir, pg_ctl, sockets, server)
        if status:
            return status
    users = open_lock(data_dir, "users.lock")
    watchdog = open_lock(data_dir, "watchdog.lock")
    if not try_lock(watchdog, fcntl.LOCK_EX):
        return 0
    if os.fork():
        # The child shares the lock, so it holds from before the caller goes on.
        return 0
    os.setsid()
    for file in (server, start):
        if file >= 0:
            os.close(file)
    fcntl.flock(users, fcntl.LOCK_EX)
    stop_server(data_dir, pg_ctl)
    # In this order: whoever comes next must find that no watchdog stands by.
    os.close(watchdog)
    os.close(users)
    return 0


def _pg_ctl(pg_ctl: Path, cluster: Path, *arguments: str, **options: Any) -> int:
    owner = cluster.stat()
    return subprocess.run(
        [str(pg_ctl), "-D", ".", *arguments],
        cwd=cluster,
        stdin=subprocess.DEVNULL,
        check=False,
        **run_as(owner.st_uid, owner.st_gid),
        **options,
    ).returncode


def _lock_soon(file: int) -> bool:
    """Wait for a server's last processes, which end a moment after the first."""
    deadline = time.monotonic() + 5
    while not try_lock(file, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@contextlib.contextmanager
def _there(lock: Path) -> Iterator[int]:
    """Open a lock file that is there; a directory that is being deleted gets no new one."""
    file = os.open(lock, os.O_RDWR)
    try:
        yield file
    finally:
        os.close(file)


if __name__ == "__main__":
    _data_dir, _program, *_rest = sys.argv[1:]
    if _rest:
        _sockets, _server, _start = _rest
        sys.exit(main(Path(_data_dir), Path(_program), Path(_sockets), int(_server), int(_start)))
    sys.exit(main(Path(_data_dir), Path(_program)))
