"""The environment: the one place that reads it.

| variable | meaning |
| --- | --- |
| `DATABASE_URL` | the libpq URL used where none is given in code |
| `BLOGSVC_SCHEMA` | the PostgreSQL schema for the two Aerich commands and `blogsvc` |
| `BLOGSVC_DATA_DIR` | where the embedded PostgreSQL keeps its data |
| `BLOGSVC_MIGRATION_WAIT` | seconds to wait while another process migrates; 60 without it |
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Final

from .errors import ConfigurationError

DATA_DIR_OF_ROOT: Final = Path("/var/lib/blogsvc")
"""Not root's home: for root the server runs as another account, which cannot enter that home."""


def database_url() -> str | None:
    """Return `DATABASE_URL`; None, when it is unset or empty, means the embedded PostgreSQL."""
    return os.environ.get("DATABASE_URL") or None


def schema() -> str | None:
    """Return `BLOGSVC_SCHEMA`; None means whatever the server's `search_path` says."""
    return os.environ.get("BLOGSVC_SCHEMA") or None


def data_dir() -> Path:
    """Return the directory of the embedded PostgreSQL: `BLOGSVC_DATA_DIR`, or the account's own."""
    given = os.environ.get("BLOGSVC_DATA_DIR")
    try:
        directory = Path(given).expanduser() if given else _data_dir_of_this_account()
    except RuntimeError as error:
        raise ConfigurationError(
            "This account has no home directory to keep the data of the embedded PostgreSQL in. "
            "Name a directory in BLOGSVC_DATA_DIR."
        ) from error
    return directory.absolute()


def _data_dir_of_this_account() -> Path:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return DATA_DIR_OF_ROOT

    import platformdirs  # comes with the extra that starts the server

    directory = platformdirs.user_data_path("blogsvc", appauthor=False)
    if not directory.is_absolute():
        raise RuntimeError(f"no home for {directory}")  # what older versions of it do not tell
    return directory


def migration_wait() -> float:
    """Return how many seconds to wait while another process migrates."""
    given = os.environ.get("BLOGSVC_MIGRATION_WAIT") or "60"
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ConfigurationError(
            f"BLOGSVC_MIGRATION_WAIT is {given!r}; write a number of seconds, such as 60."
        )
    return seconds


def __getattr__(name: str) -> Any:
    # Where pyproject.toml and aerich.ini look for it. Made when Aerich asks for it, so that
    # importing this module reads nothing and brings no Tortoise.
    if name == "TORTOISE_ORM":
        from .migrator.aerich import tortoise_config

        return tortoise_config(database_url(), schema())
    raise AttributeError(name)
