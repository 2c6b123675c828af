"""The watchdog: starts the server, waits for its last user to exit (even by kill -9), stops it.

It is a script of its own, which runs as long as the server does and imports the standard library
only. Each user holds a shared lock on `users.lock`, which the kernel releases when the process
ends; so whoever gets the exclusive lock knows that no user is left. The watchdog also starts the
server, so that it stops the server even when the user is killed during the start.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import re
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

CLUSTER: Final = "pgdata"
SOCKETS_PREFIX: Final = "blogsvc-"
PORT: Final = 5432
"""Only part of a socket's name: the server listens on no port."""

_SOCKET: Final = f".s.PGSQL.{PORT}"

_SOCKETS: Final = re.compile(rf"/[\w/.-]{{1,60}}/{SOCKETS_PREFIX}\w+", re.ASCII)
"""A socket directory: the path is short, and no configuration has to quote it."""

_SERVER_LOCKS: Final = ("start.lock", "server.lock")

_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)
"""The shortest message that a server answers: the question whether it speaks TLS."""

START_TIMEOUT: Final = 120
"""Seconds to wait while another process starts or stops the server, or while it recovers."""

STOP_TIMEOUT: Final = 60
"""Seconds that a server which answers gets to stop, at most."""

_A_MOMENT: Final = 2
"""Seconds for the last processes of a server that was killed, and for one that does not answer."""


def open_lock(data_dir: Path, name: str) -> int:
    """Open a lock file of the data directory."""
    return os.open(data_dir / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


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


def read_end(path: Path, size: int = 4096, *, owner: int | None = None) -> str:
    """Return the end of a file, if it is one and no link, and the account's that is asked for.

    The server's account can write it. Root must neither follow it elsewhere and tell what is there,
    nor wait for what somebody puts into a pipe, nor read without end. Raises `OSError`.
    """
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        entry = os.fstat(file)
        if not stat.S_ISREG(entry.st_mode) or owner not in (None, entry.st_uid):
            raise PermissionError(f"{path} is not a file of the server's account")
        return os.pread(file, size, max(entry.st_size - size, 0)).decode(errors="replace")
    finally:
        os.close(file)


def recorded(cluster: Path) -> tuple[int, Path] | None:
    """Return the process and the socket directory that the server wrote down, killed or not."""
    try:
        lines = read_end(cluster / "postmaster.pid").splitlines()
        process, sockets = int(lines[0]), lines[4]
    except (OSError, ValueError, IndexError):
        return None
    return (process, Path(sockets)) if _SOCKETS.fullmatch(sockets) else None


def recorded_sockets(cluster: Path) -> Path | None:
    """Return the socket directory that the server wrote down, if it is there and surely ours."""
    written = recorded(cluster)
    if written is None:
        return None
    try:
        os.close(open_sockets(written[1], cluster.stat().st_uid))
    except OSError:
        return None
    return written[1]


def open_sockets(sockets: Path, uid: int) -> int:
    """Open a socket directory, which must be no link and the account's alone. Raises `OSError`."""
    directory = os.open(sockets, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    entry = os.fstat(directory)
    if (entry.st_uid, entry.st_mode & 0o777) != (uid, 0o700):
        os.close(directory)
        raise PermissionError(f"{sockets} is not a directory of the server's account alone")
    return directory


def is_our_place(directory: Path) -> bool:
    """Whether we make socket directories there."""
    return directory in (Path(tempfile.gettempdir()), Path("/tmp"))


def empty_sockets(sockets: Path, uid: int) -> None:
    """Remove the socket, and PostgreSQL's lock file for it, from a socket directory."""
    directory = open_sockets(sockets, uid)
    try:
        for name in (_SOCKET, f"{_SOCKET}.lock"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory)
    finally:
        os.close(directory)


def remove_sockets(sockets: Path, uid: int) -> None:
    """Remove a socket directory, if it is surely ours and holds nothing else.

    Its name comes from a file that the server's account can write, and root may be asked to follow.
    """
    if uid != os.geteuid() and not is_our_place(sockets.parent):
        return
    with contextlib.suppress(OSError):
        empty_sockets(sockets, uid)
        sockets.rmdir()  # fails where there is anything in it, and where it has become a link


def lost_its_socket(cluster: Path) -> bool:
    """Whether the server runs and its socket is gone for everybody, not only out of our reach.

    Only Linux can tell: elsewhere, a process number may be that of another program by now. In
    another container, or with another /tmp, the server may serve somebody that we do not see.
    """
    written = recorded(cluster)
    if written is None:
        return False
    process = Path("/proc", str(written[0]))
    root = process / "root"
    try:
        if not (process / "cwd").samefile(cluster):
            return False
        root.stat()
    except OSError:
        return False  # it has ended, or the number is that of a process in another container
    try:
        (root / str(written[1] / _SOCKET).lstrip("/")).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def answers(sockets: Path) -> bool:
    """Whether a server answers there; a connection alone proves nothing after a kill."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(sockets / _SOCKET))
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
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    empty_sockets(sockets, cluster.stat().st_uid)
    # pg_ctl passes its paths to the shell and quotes them badly, so we give it relative ones.
    options = f"-c listen_addresses= -c port={PORT} -c unix_socket_directories={sockets}"
    options += " -c cluster_name=blogsvc"
    arguments = ["-w", "-t", str(START_TIMEOUT), "-l", "../postgres.log", "-o", options, "start"]
    return _pg_ctl(pg_ctl, cluster, *arguments, pass_fds=[server], start_new_session=True)


def stop_server(
    data_dir: Path, pg_ctl: Path, former: Path | None, patience: float = math.inf
) -> None:
    """Stop the server of `data_dir`, if one runs; open transactions are rolled back.

    `patience` is how many seconds to wait for somebody who starts it, and for its end. One that
    has not stopped by then has been told to, and does so when it can. `former` is the socket
    directory that the caller knows, where somebody else has stopped the server already.
    """
    cluster = data_dir / CLUSTER
    with contextlib.ExitStack() as locks:
        try:
            start, server = (locks.enter_context(_there(data_dir / n)) for n in _SERVER_LOCKS)
        except OSError:
            return  # nothing was ever started, or the directory has been deleted
        if not lock_within(patience, start, fcntl.LOCK_EX) or not cluster.exists():
            return
        sockets = recorded_sockets(cluster) or former
        if not try_lock(server, fcntl.LOCK_EX):
            # The last processes of a server end a moment after the first.
            lives = sockets is not None and answers(sockets)
            if lives or not lock_within(_A_MOMENT, server, fcntl.LOCK_EX):
                timeout = min(patience, STOP_TIMEOUT) if lives else _A_MOMENT
                tell_to_stop(data_dir, pg_ctl, timeout)
                if not lock_within(_A_MOMENT, server, fcntl.LOCK_EX):
                    return
        if sockets is not None:
            remove_sockets(sockets, cluster.stat().st_uid)


def tell_to_stop(data_dir: Path, pg_ctl: Path, timeout: float) -> None:
    """Have the server end every session and stop, and wait for so many seconds."""
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    arguments = ["-m", "fast", "-w", "-t", f"{timeout:.0f}", "stop"]
    _pg_ctl(pg_ctl, data_dir / CLUSTER, *arguments, **quiet)


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
    stop_server(data_dir, pg_ctl, sockets)
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
    file = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
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
