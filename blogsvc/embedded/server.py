"""A real PostgreSQL from a wheel, started when no URL is given and stopped with its last user.

The data directory holds `pgdata` (the cluster), `postgres.log`, sometimes `programs` (a copy of the
wheel's, see `programs`) and four lock files. `start.lock` is held to start and to stop the server;
each process that uses the server holds `users.lock` shared; the watchdog that will stop the server
holds `watchdog.lock` (see `watchdog`); every process of the server itself holds `server.lock`. The
kernel releases a lock when the process dies, so a `kill -9` leaves nothing to clean up.

Only the account that owns the data, and root, can connect: the server listens on no port, only on a
unix socket in a directory of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import config
from ..errors import EmbeddedUnavailable
from . import programs, watchdog
from .account import Account, check_way_to, may, server_account
from .watchdog import (
    CLUSTER,
    PORT,
    SOCKETS_PREFIX,
    answers,
    lock_within,
    lost_its_socket,
    open_sockets,
    read_end,
    recorded_sockets,
    remove_sockets,
    run_as,
    stop_server,
    tell_to_stop,
    try_lock,
)

logger = logging.getLogger(__name__)

START_TIMEOUT: float = watchdog.START_TIMEOUT

GONE_TIMEOUT = 10.0
"""Seconds to wait for the last processes of a server that does not answer any more."""

STOP_TIMEOUT = 10.0
"""Seconds to wait for the end of the server; if it takes longer, the watchdog goes on waiting."""

_ANOTHER_DIRECTORY = "Name a directory of your own in BLOGSVC_DATA_DIR."
_BUSY = "another process has been starting or stopping it. Look at postgres.log there."
_OUT_OF_REACH = (
    "a server has been running there that does not answer: it hangs, or still has a statement to "
    "finish, or it runs in another container. It stops when the last program that uses it ends. "
    "Look at postgres.log there, or name another directory in BLOGSVC_DATA_DIR."
)

_TOLD = 8192
"""Bytes of what a program or a log said that are passed on, at most."""

_servers: dict[Path, _Server] = {}
_servers_lock = threading.Lock()


class EmbeddedServer:
    """One use of the embedded PostgreSQL, which runs at least until `release`."""

    def __init__(self, server: _Server) -> None:
        self._server: _Server | None = server
        self.url = ""

    def start_again(self) -> None:
        """Start the server once more if it has gone; `url` may be another one then.

        Blocks, as `start` does. Raises `EmbeddedUnavailable` where it does not start, or where the
        data are gone, too.
        """
        server = self._server
        if server is None:
            return
        with _told(server.data_dir):
            self.url = server.join(again=True)

    def release(self) -> None:
        """End this use, and stop the server if it was the last one of all. Idempotent.

        Returns within seconds: the watchdog stops a server that takes longer.
        """
        server, self._server = self._server, None
        if server is None:
            return
        with _servers_lock:
            server.uses -= 1
            if server.uses > 0 or _servers.get(server.data_dir) is not server:
                return
            del _servers[server.data_dir]
        # Without the lock: whoever opens another one, or this one anew, need not wait for us.
        server.leave()


def start(data_dir: Path | None = None) -> EmbeddedServer:
    """Start the embedded PostgreSQL, or join the one that runs, and return a use of it.

    Blocks: call it in a thread. Any number of processes and threads may call it at once. Raises
    `EmbeddedUnavailable`, with the server's own words where it does not start.
    """
    programs.installed()
    data_dir = data_dir or config.data_dir()
    with _told(data_dir):
        data_dir = data_dir.resolve()
        bin_dir = programs.programs_for(data_dir / CLUSTER)
        with _servers_lock:
            server = _servers.setdefault(data_dir, _Server(data_dir, bin_dir))
            server.uses += 1
        use = EmbeddedServer(server)
        try:
            use.url = server.join()
        except BaseException:
            use.release()
            raise
        return use


def running_url(data_dir: Path | None = None) -> str | None:
    """Return the URL of the embedded PostgreSQL if it runs; nothing is started, nor used."""
    sockets = recorded_sockets((data_dir or config.data_dir()).resolve() / CLUSTER)
    return _url(sockets) if sockets is not None and answers(sockets) else None


@contextlib.contextmanager
def _told(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise EmbeddedUnavailable(
            f"The embedded PostgreSQL cannot use the directory {data_dir}: {error}. "
            f"{_ANOTHER_DIRECTORY}"
        ) from error


def _forget_after_fork() -> None:
    """In a forked child, forget the servers: those uses are its parent's."""
    global _servers_lock
    _servers_lock = threading.Lock()
    for server in _servers.values():
        server.forget()
    _servers.clear()


os.register_at_fork(after_in_child=_forget_after_fork)


class _Server:
    """The server of one data directory, as this process uses it."""

    def __init__(self, data_dir: Path, bin_dir: Path) -> None:
        self.data_dir = data_dir
        self.bin_dir = bin_dir
        self.cluster = data_dir / CLUSTER
        self.uses = 0
        self._joining = threading.Lock()
        self._sockets: Path | None = None
        self._users = -1

    def join(self, *, again: bool = False) -> str:
        """Count this process among the users, see that server and watchdog run; return the URL.

        With `again` there must be data already: nobody who holds a server wants an empty one.
        """
        with self._joining:
            if self._users < 0:
                self._make_data_dir()
                self._users = self._open("users.lock")
            self._lock(self._users, fcntl.LOCK_SH)
            with self._locked("start.lock") as start:
                account = self._account()
                self.bin_dir = programs.within_reach(self.bin_dir, account, self.data_dir)
                if not self._initialised():
                    if again:
                        raise EmbeddedUnavailable(
                            f"The data of the embedded PostgreSQL are gone from {self.data_dir}. "
                            "Put them back, or start this program anew with an empty database; "
                            "BLOGSVC_DATA_DIR names the directory."
                        )
                    self._initialise(start, account)
                sockets = self._live_sockets()
                if sockets is None:
                    sockets = self._start(start, account)
                elif not self._watchdog_runs():
                    self._run_watchdog()
                former, self._sockets = self._sockets, sockets
                if former is not None and former != sockets:
                    remove_sockets(former, account.uid)
        return _url(sockets)

    def leave(self) -> None:
        """Stop using the server; the last user stops it and waits for its end, within reason."""
        with self._joining:
            users, self._users = self._users, -1
        if users < 0:
            return
        try:
            if try_lock(users, fcntl.LOCK_EX):
                stop_server(self.data_dir, self.bin_dir / "pg_ctl", self._sockets, STOP_TIMEOUT)
            elif not try_lock(users, fcntl.LOCK_SH):
                # The watchdog was faster and is stopping it: wait until it has.
                lock_within(STOP_TIMEOUT, users, fcntl.LOCK_SH)
        finally:
            os.close(users)

    def forget(self) -> None:
        """Close the lock file in a forked child, without stopping the server."""
        users, self._users = self._users, -1
        if users >= 0:
            os.close(users)

    def _open(self, name: str) -> int:
        return watchdog.open_lock(self.data_dir, name)

    def _lock(
        self, file: int, mode: int, timeout: float | None = None, otherwise: str = _BUSY
    ) -> None:
        seconds = START_TIMEOUT if timeout is None else timeout
        if not lock_within(seconds, file, mode):
            raise EmbeddedUnavailable(
                f"The embedded PostgreSQL in {self.data_dir} did not start: for "
                f"{seconds:g} seconds {otherwise}"
            )

    @contextlib.contextmanager
    def _locked(
        self, name: str, timeout: float | None = None, otherwise: str = _BUSY
    ) -> Iterator[int]:
        file = self._open(name)
        try:
            self._lock(file, fcntl.LOCK_EX, timeout, otherwise)
            yield file
        finally:
            os.close(file)

    def _make_data_dir(self) -> None:
        account = self._account()
        if account.uid != os.geteuid():
            check_way_to(self.data_dir, account)
            # A missing directory must let the account pass from the moment it exists, whatever our
            # umask is. A program makes it, because all threads of a process share one umask.
            command = ["mkdir", "-p", "--", str(self.data_dir)]
            subprocess.run(command, umask=0o066, capture_output=True, check=False)
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _initialised(self) -> bool:
        return (self.cluster / "PG_VERSION").exists()

    def _account(self) -> Account:
        """Return who runs the server: the owner of the data, where there are any."""
        if not self._initialised():
            return server_account()
        owner = self.cluster.stat()
        if os.geteuid() not in (0, owner.st_uid):
            raise EmbeddedUnavailable(
                f"The embedded PostgreSQL in {self.data_dir} belongs to another account "
                f"(uid {owner.st_uid}). {_ANOTHER_DIRECTORY}"
            )
        if owner.st_uid == 0:
            raise EmbeddedUnavailable(
                f"The data in {self.cluster} belong to root, and PostgreSQL refuses to run as "
                "root. Give them to another account: "
                f"chown -R {server_account().uid} {shlex.quote(str(self.cluster))}"
            )
        return Account(owner.st_uid, owner.st_gid)

    def _initialise(self, start: int, account: Account) -> None:
        """Make the cluster beside its place and move it there whole.

        `initdb` inherits `start.lock`: if we are killed, the next process waits for its end.
        """
        fresh = self.data_dir / "pgdata.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        _give(fresh, account)
        options = "--username=postgres --auth=trust --encoding=UTF8 --text-search-config=english"
        locale = "--locale-provider=builtin --locale=C.UTF-8 --lc-messages=C"
        command = [
            str(self.bin_dir / "initdb"),
            *options.split(),
            *locale.split(),
            "-D",
            str(fresh),
        ]
        self._run(command, cwd=fresh, pass_fds=[start], **run_as(*account))
        fresh.rename(self.cluster)

    def _live_sockets(self) -> Path | None:
        """Return the socket directory of the server, if one answers there."""
        sockets = recorded_sockets(self.cluster)
        return sockets if sockets is not None and answers(sockets) else None

    def _start(self, start: int, account: Account) -> Path:
        if lost_its_socket(self.cluster):
            logger.warning("The embedded PostgreSQL in %s has lost its socket", self.data_dir)
            tell_to_stop(self.data_dir, self.bin_dir / "pg_ctl", watchdog.STOP_TIMEOUT)
        # server.lock is free when, and only when, no process of a server is left.
        with self._locked("server.lock", GONE_TIMEOUT, _OUT_OF_REACH) as server:
            sockets = self._socket_directory(account)
            self._make_log(account)
            logger.info("Starting the embedded PostgreSQL in %s", self.data_dir)
            try:
                self._run_watchdog(str(sockets), str(server), str(start), pass_fds=[server, start])
            except BaseException:
                remove_sockets(sockets, account.uid)
                raise
        return sockets

    def _make_log(self, account: Account) -> None:
        """Make the server's log, in the place of whatever is not a log of the account."""
        log = self.data_dir / "postgres.log"
        with contextlib.suppress(OSError):
            read_end(log, 0, owner=account.uid)
            return
        log.unlink(missing_ok=True)
        # New for certain: what somebody has put in its place meanwhile must not become theirs.
        os.close(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        _give(log, account)

    def _socket_directory(self, account: Account) -> Path:
        """Return a directory for the socket that only the account can enter.

        After a kill of the server it is the same one again, so that the URLs in use stay right. It
        is not in the data directory, because the path of a unix socket holds about 100 bytes only.
        """
        for former in (self._sockets, recorded_sockets(self.cluster)):
            with contextlib.suppress(OSError):
                if former is not None:
                    os.close(open_sockets(former, account.uid))
                    return former
        root = Path(tempfile.gettempdir())
        place = root if _fits(root) and may(account, "x", root) else Path("/tmp")
        sockets = Path(tempfile.mkdtemp(prefix=SOCKETS_PREFIX, dir=place))
        _give(sockets, account)
        return sockets

    def _watchdog_runs(self) -> bool:
        file = self._open("watchdog.lock")
        try:
            return not try_lock(file, fcntl.LOCK_EX)
        finally:
            os.close(file)

    def _run_watchdog(self, *arguments: str, **options: Any) -> None:
        script = str(Path(watchdog.__file__).resolve())
        command = [sys.executable, "-I", "-S", script, str(self.data_dir)]
        self._run([*command, str(self.bin_dir / "pg_ctl"), *arguments], cwd="/", **options)

    def _run(self, command: Sequence[str], **options: Any) -> None:
        # PostgreSQL's own variables are meant for other servers.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        with tempfile.TemporaryFile() as output:
            # A file, not a pipe: the server inherits it, and a pipe would stay open.
            status = subprocess.run(
                command,
                **options,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**environment, "LC_ALL": "C"},
                start_new_session=True,
                check=False,
            ).returncode
            if status == 0:
                return
            size = output.seek(0, os.SEEK_END)
            said = os.pread(output.fileno(), _TOLD, max(size - _TOLD, 0)).decode(errors="replace")
        with contextlib.suppress(OSError):
            log = read_end(self.data_dir / "postgres.log", _TOLD, owner=self._account().uid)
            said = "\n".join([said.strip(), *log.splitlines()[-10:]])
        raise EmbeddedUnavailable(
            f"The embedded PostgreSQL in {self.data_dir} did not start (status {status}). Fix what "
            "it says, or name another directory in BLOGSVC_DATA_DIR. It "
            f"said:\n{_printable(said.strip())}"
        )


def _url(sockets: Path) -> str:
    # In full, so that no variable of the environment fills in anything else.
    return (
        f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='')}&port={PORT}"
        "&sslmode=disable&target_session_attrs=any"
    )


def _give(path: Path, account: Account) -> None:
    """Give the account a file or directory that we have just made, and never what a link names."""
    if account.uid == os.geteuid():
        return
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if os.fstat(file).st_uid != os.geteuid():
            raise PermissionError(f"somebody has put something else in the place of {path}")
        os.fchown(file, *account)
    finally:
        os.close(file)


def _printable(said: str) -> str:
    """Return what a program said without what a terminal would take for commands."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in said
    )


def _fits(directory: Path) -> bool:
    """Whether sockets can be there: the path is short, and no configuration has to quote it."""
    return re.fullmatch(r"/[\w/.-]{1,60}", str(directory), re.ASCII) is not None
