"""Which account runs the embedded PostgreSQL, and how it gets at what it needs.

PostgreSQL refuses to run as root. So root runs it as an account without rights, which must be able
to pass through the directories above the data and above the programs, and to read the programs.
"""

from __future__ import annotations

import logging
import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..errors import EmbeddedUnavailable

logger = logging.getLogger(__name__)


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
        "PostgreSQL does not run as root, and this machine has neither an account postgres nor "
        "nobody to run it as. Add one, or run as an ordinary user."
    )


def let_in(account: Account, data_dir: Path, bin_dir: Path) -> None:
    """Let the account get at the data and the programs, and at nothing more.

    It may pass through the directories above them without listing them. The programs lie in a
    package that holds nothing secret; they may have been installed under a strict umask.
    """
    _widen(account, [*reversed(data_dir.parents), data_dir], stat.S_IXOTH)
    _widen(account, reversed(bin_dir.parents), stat.S_IXOTH)
    if _lacks(account, bin_dir / "postgres", stat.S_IROTH | stat.S_IXOTH):
        package = bin_dir.parents[1]
        libraries = package.with_name(f"{package.name}.libs")
        for part in (bin_dir, bin_dir.with_name("lib"), bin_dir.with_name("share"), libraries):
            for directory, _, names in os.walk(part):
                _make_readable(account, [Path(directory), *(Path(directory, n) for n in names)])


def _make_readable(account: Account, paths: Iterable[Path]) -> None:
    for path in paths:
        if not path.is_symlink():
            run = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            _add(account, path, stat.S_IROTH | (stat.S_IXOTH if run else 0))


def _widen(account: Account, directories: Iterable[Path], right: int) -> None:
    closed = [directory for directory in directories if _lacks(account, directory, right)]
    if closed:
        logger.warning(
            "Letting other accounts pass through %s (chmod o+x): the embedded PostgreSQL runs as "
            "uid %d, because it refuses to run as root",
            ", ".join(map(str, closed)),
            account.uid,
        )
    for directory in closed:
        _add(account, directory, right)


def _lacks(account: Account, path: Path, right: int) -> int:
    """Return the bits that the account needs there and does not have."""
    entry = path.stat()
    if entry.st_uid == account.uid:
        right <<= 6
    elif entry.st_gid == account.gid:
        right <<= 3
    return right & ~entry.st_mode


def _add(account: Account, path: Path, right: int) -> None:
    lacking = _lacks(account, path, right)
    if lacking:
        path.chmod(stat.S_IMODE(path.stat().st_mode) | lacking)
