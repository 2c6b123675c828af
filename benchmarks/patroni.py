"""A cluster of three PostgreSQL servers that Patroni keeps, with etcd, on this machine.

Everything runs below one directory of its own, which is how its processes are known and ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import asyncpg

from blogsvc.embedded import program
from blogsvc.embedded.account import Account, may, server_account

NODES: Final = 3
PATIENCE: Final = 120.0
"""Seconds that a cluster has to come up, or to have a new primary."""

# The shortest that Patroni takes: the time after which a leader that says nothing is replaced.
_TIMES: Final = {"ttl": 20, "loop_wait": 2, "retry_timeout": 9}


class Cluster:
    """The running cluster; `url` names its hosts and wants the primary."""

    def __init__(self, directory: Path, ports: list[int]) -> None:
        self._directory = directory
        self.ports = ports
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        self.url = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"

    async def wait_for_standbys(self, *, synchronous: bool) -> None:
        """Wait until every standby follows, and one of them synchronously where that is wanted."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    kinds = [
                        kind
                        for (kind,) in await self._ask(
                            "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'"
                        )
                    ]
                    if len(kinds) == NODES - 1 and ("sync" in kinds) is synchronous:
                        return
                await asyncio.sleep(0.5)

    async def primary(self) -> int:
        """Return the number of the node that is the primary."""
        [(port,)] = await self._ask("SELECT inet_server_port()")
        return self.ports.index(port)

    async def cut_off(self) -> None:
        """Let the primary send nothing to its standbys any more."""
        for (pid,) in await self._ask("SELECT pid FROM pg_stat_replication"):
            os.kill(pid, signal.SIGSTOP)

    async def _ask(self, query: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.url, timeout=3)
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    def kill(self, node: int) -> None:
        """End every process of a node at once, as if its machine had lost its power."""
        _kill_below(_home(self._directory, node))


@contextlib.contextmanager
def running(*, synchronous: bool) -> Iterator[Cluster]:
    """Start a cluster; nothing of it is left afterwards. Exits where something is missing."""
    etcd = shutil.which("etcd")
    if etcd is None or find_spec("patroni") is None or not Path("/proc/self/cwd").exists():
        sys.exit(
            'This needs Linux, Patroni and etcd: pip install "patroni[etcd3]", apt install '
            "etcd-server."
        )
    account = server_account()
    python = _python_for(account)
    with tempfile.TemporaryDirectory(prefix="blogsvc-", ignore_cleanup_errors=True) as name:
        directory = Path(name).resolve()
        directory.chmod(0o711)
        started: list[subprocess.Popen[bytes]] = []

        def start(home: Path, *command: str) -> None:
            home.mkdir(mode=0o700)
            os.chown(home, *account)
            ours = os.geteuid() == account.uid
            with (directory / f"{home.name}.log").open("wb") as log:
                started.append(
                    subprocess.Popen(
                        command,
                        cwd=home,
                        env={"PATH": os.defpath, "PYTHONPATH": sysconfig.get_path("purelib")},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,  # Ctrl-C is for us: we end them
                        **({} if ours else _as(account)),
                    )
                )

        ports = _free_ports(2 + 2 * NODES)
        client, peer, *ports = ports
        try:
            home = directory / "etcd"
            start(home, etcd, *_etcd_options(home, client, peer))
            for node in range(NODES):
                home = _home(directory, node)
                config = directory / f"{home.name}.json"
                config.write_text(
                    json.dumps(_config(home, client, ports[2 * node :][:2], synchronous))
                )
                start(home, python, "-m", "patroni", str(config))
            yield Cluster(directory, ports[::2])
        finally:
            _kill_below(directory)
            for process in started:
                process.wait()


def _home(directory: Path, node: int) -> Path:
    return directory / f"node{node}"


def _etcd_options(home: Path, client: int, peer: int) -> list[str]:
    here, there = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    return [
        *("--data-dir", str(home / "data"), "--initial-cluster", f"default={there}"),
        *("--listen-client-urls", here, "--advertise-client-urls", here),
        *("--listen-peer-urls", there, "--initial-advertise-peer-urls", there),
    ]


def _config(home: Path, etcd: int, ports: list[int], synchronous: bool) -> dict[str, Any]:
    own, api = (f"127.0.0.1:{port}" for port in ports)
    return {
        "scope": "blog",
        "name": home.name,
        "restapi": {"listen": api, "connect_address": api},
        "etcd3": {"host": f"127.0.0.1:{etcd}"},
        "bootstrap": {
            "dcs": {**_TIMES, "synchronous_mode": synchronous},
            "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
        },
        "postgresql": {
            "listen": own,
            "connect_address": own,
            "data_dir": str(home / "data"),
            "bin_dir": str(program("postgres").parent),
            "authentication": {
                "superuser": {"username": "postgres"},
                "replication": {"username": "replicator"},
            },
            "pg_hba": [
                "local all all trust",
                "host all all 127.0.0.1/32 trust",
                "host replication all 127.0.0.1/32 trust",
            ],
            "parameters": {"unix_socket_directories": str(home), "shared_buffers": "32MB"},
        },
    }


def _as(account: Account) -> dict[str, Any]:
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _python_for(account: Account) -> str:
    """Return a Python that the account of the servers may run."""
    for python in (sys.executable, "/usr/bin/python3"):
        if Path(python).exists() and may(account, "rx", Path(python)):
            return python
    sys.exit("PostgreSQL refuses to run as root, and so does this: run it as an ordinary user.")


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _kill_below(directory: Path) -> None:
    """Kill every process whose working directory is there, until there is none."""
    deadline = time.monotonic() + PATIENCE
    while pids := [pid for pid in _pids() if _works_below(pid, directory)]:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise TimeoutError(f"These processes do not end: {pids}")
        time.sleep(0.01)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _works_below(pid: int, directory: Path) -> bool:
    with contextlib.suppress(OSError):
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return False  # it has ended, and its parent has not looked yet
        return Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(directory)
    return False
