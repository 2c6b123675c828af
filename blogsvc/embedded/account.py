"""Which account runs the embedded PostgreSQL, and what it may read.

PostgreSQL refuses to run as root. So root runs it as an account without rights, which must be able
to pass through the directories above the data. We never change the rights of a directory that was
there before us; the error says which one is closed, and what to do.
"""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

from .. import config
from ..errors import EmbeddedUnavailable
from .watchdog import run_as


class Account(NamedTuple):
    """Who runs a program; it is in no other group."""

    uid: int
    gid: int


def server_account() -> Account:
    """Return who runs the server: we, or, where we are root, `postgres`, or else `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(account.pw_uid, account.pw_gid)
    raise EmbeddedUnavailable(
        "PostgreSQL refuses to run as root, and this machine has neither an account postgres nor "
        "nobody to run it as. Add one, or run as an ordinary user."
    )


def may(account: Account, rights: str, path: Path) -> bool:
    """Whether the account has the rights, of `r` and `x`, on a file or directory.

    We try it as that account, because access lists count, too, and not only the mode.
    """
    if account.uid == os.geteuid():
        return True
    tests = " && ".join(f'test -{right} "$0"' for right in rights)
    command = ["/bin/sh", "-c", tests, str(path)]
    return not subprocess.run(command, cwd="/", check=False, **run_as(*account)).returncode


def check_way_to(data_dir: Path, account: Account) -> None:
    """Raise `EmbeddedUnavailable` if the account cannot reach the data, or where they would be."""
    there = next(place for place in (data_dir, *data_dir.parents) if place.is_dir())
    if may(account, "x", there):
        return
    above = [*reversed(there.parents), there]
    closed = {directory: who for directory in above if (who := _lacks_x(account, directory))}
    closed = closed or {there: "o"}
    raise EmbeddedUnavailable(
        f"The embedded PostgreSQL cannot reach its data in {data_dir}: PostgreSQL refuses to run "
        f"as root, so it runs as the account {_name(account)}, which may not pass through "
        f"{' and '.join(map(str, closed))}. Either keep the data elsewhere, for example "
        f"BLOGSVC_DATA_DIR={config.DATA_DIR_OF_ROOT}, or let that account pass: "
        + " && ".join(f"chmod {who}+x {shlex.quote(str(path))}" for path, who in closed.items())
    )


def _lacks_x(account: Account, directory: Path) -> str:
    """Return for whom `chmod` would have to add `x`, or nothing where the account has it."""
    entry = directory.stat()
    if entry.st_uid == account.uid:
        who, bit = "u", 0o100
    elif entry.st_gid == account.gid:
        who, bit = "g", 0o010
    else:
        who, bit = "o", 0o001
    return "" if entry.st_mode & bit else who


def _name(account: Account) -> str:
    try:
        return pwd.getpwuid(account.uid).pw_name
    except KeyError:
        return f"with uid {account.uid}"
