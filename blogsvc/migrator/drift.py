"""What the live schema is against what the migrations build.

`schema.txt` beside the migrations tells, for each version, what it adds to (+) and takes from (-)
the facts that `catalog` reads. A stored snapshot and not a replay: looking then needs nothing but
the right to read, works on a standby, takes milliseconds, and cannot queue behind anybody, as a
replayed CREATE INDEX CONCURRENTLY would. A test replays every version on a real server and fails
when this file says something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import asyncpg

from .. import config
from ..errors import MigrationError
from . import catalog, files

_HEADING: Final = "== "


async def drift(connection: asyncpg.Connection, version: str | None) -> list[str]:
    """Return how the live schema differs from a version's: `+` is too much, `-` is missing.

    `version` is the newest applied one; None, that there should be nothing.
    """
    table = await catalog.read_table(connection)
    return difference(expected(version), list(table.lines()))


def difference(wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    """Return the lines that differ, what belongs together side by side."""
    lines = [f"- {line}" for line in wanted if line not in found]
    lines += [f"+ {line}" for line in found if line not in wanted]
    # Stable: what is missing stands before what is there instead.
    return sorted(lines, key=lambda line: line.split()[1:3])


def expected(version: str | None) -> list[str]:
    """Return the facts of the schema at a version, as `Table.lines` has them.

    Raises `MigrationError` when `schema.txt` does not know the version.
    """
    if version is None:
        return []
    lines: list[str] = []
    for name, changes in _snapshot(path()):
        for change in changes:
            if change.startswith("- "):
                lines.remove(change[2:])
            else:
                lines.append(change[2:])
        if name == files.label(version):
            return lines
    raise MigrationError(
        f"schema.txt says nothing of {files.label(version)}, so the schema cannot be compared. "
        "Reinstall blogsvc, or, in its repository, type `python -m tests.migrations.write_schema`."
    )


def render(versions: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Return the text of `schema.txt` for the facts at each version."""
    text: list[str] = []
    before: Sequence[str] = ()
    for name, lines in versions:
        text += [f"{_HEADING}{name}", *difference(before, lines), ""]
        before = lines
    return "\n".join(text).rstrip() + "\n"


def path() -> Path:
    """Return where the snapshot is: beside the migrations."""
    return config.migrations_dir() / "schema.txt"


@lru_cache
def _snapshot(path: Path) -> list[tuple[str, list[str]]]:
    versions: list[tuple[str, list[str]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(_HEADING):
            versions.append((line.removeprefix(_HEADING), []))
        elif line:
            versions[-1][1].append(line)
    return versions
