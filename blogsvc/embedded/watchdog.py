"""The watchdog: starts the server, waits for its last user to exit (even by kill -9), stops it.

It is a script of its own, which runs as long as the server does and imports the standard library
only. Each user holds a shared lock on `users.lock`, which the kernel releases when the process
ends; so whoever gets the exclusive lock knows that no user is left. The watchdog also starts the
server, so that it stops the server even when the user is killed during the start.
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
"""The shortest message that a server answers: the question whether it speaks TLS."""

START_TIMEOUT: Final = 120
"""Seconds to wait while another process starts or stops the server, or while it recovers."""


def open_lock(data_dir: Path, name: str) -> int:
    """Open a lock file of the data directory."""
    return os.open(data_dir / name, os.O_RDWR | os.O_CREAT, 0o600)


def try_lock(file: int, mode: int) -> bool:
    """Take or change a lock without waiting. If that returns False, no lock is held at all."""
    try:
        fcntl.flock(file, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_within(seconds: float, file: int, mode: int) -> bool:
    """Take or change a lock, waiting for so many seconds at most, and say whether it is held."""
    deadline = time.monotonic() + seconds
    while not try_lock(file, mode):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def run_as(uid: int, gid: int) -> dict[str, Any]:
    """Return the arguments that make `subprocess` run a program as that account."""
    return {} if uid == os.geteuid() else {"user": uid, "group": gid, "extra_groups": []}


def recorded_sockets(cluster: Path) -> Path | None:
    """Return the socket directory that the server wrote down; it may have been killed since."""
    try:
        return Path(os.fsdecode((cluster / "postmaster.pid").read_bytes()).splitlines()[4])
    except (OSError, IndexError):
        return None


def answers(sockets: Path) -> bool:
    """Whether a server answers there; a connection alone proves nothing after a kill."""
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
    # We hold the lock, so no server runs. If one was killed, its postmaster.pid is still there, and
    # the process id in it may belong to another program by now.
    cluster = data_dir / CLUSTER
    for stale in (cluster / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)
    # pg_ctl passes its paths to the shell and quotes them badly, so we give it relative ones.
    options = f"-c listen_addresses= -c port={PORT} -c unix_socket_directories={sockets}"
    options += " -c cluster_name=blogsvc"
    arguments = ["-w", "-t", str(START_TIMEOUT), "-l", "../postgres.log", "-o", options, "start"]
    return _pg_ctl(pg_ctl, cluster, *arguments, pass_fds=[server], start_new_session=True)


def stop_server(data_dir: Path, pg_ctl: Path) -> None:
    """Stop the server of `data_dir`, if one runs; open transactions are rolled back."""
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
            # The last processes of a server end a moment after the first.
            was_killed = not answers(sockets) and lock_within(5, server, fcntl.LOCK_EX)
            if not was_killed:
                quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                _pg_ctl(pg_ctl, cluster, "-m", "fast", "-w", "-t", "60", "stop", **quiet)
                if not lock_within(5, server, fcntl.LOCK_EX):
                    return
        if sockets.name.startswith(SOCKETS_PREFIX):
            shutil.rmtree(sockets, ignore_errors=True)


def main(
    data_dir: Path, pg_ctl: Path, sockets: Path | None = None, server: int = -1, start: int = -1
) -> int:
    """Start the server, if `sockets` is given, then leave a watchdog in the background.

    Returns once both run; where there is a watchdog already, no second one is started. `start` is
    `start.lock`, held: nobody else can start the server before this returns.
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
        # The child shares the lock, so the caller finds it held at once.
        return 0
    os.setsid()
    for file in (server, start):
        if file >= 0:
            os.close(file)
    fcntl.flock(users, fcntl.LOCK_EX)
    stop_server(data_dir, pg_ctl)
    # In this order: the next user must not take this one for a watchdog that still waits.
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


@contextlib.contextmanager
def _there(lock: Path) -> Iterator[int]:
    """Open a lock file, but make none: the data directory may be in the middle of its deletion."""
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
