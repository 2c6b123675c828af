"""What the tests of migrations share: the two commands as processes, and checkouts of their own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from blogsvc.migrator import files, schema

from ..support import ROOT

HEAD = files.all_files()[-1]

NEWER = """
    INSERT INTO aerich (version, app, content) VALUES ('99_later.py', 'blogsvc', '{}');"""
"""Records a version of a newer release."""

BREAKING = f"{NEWER} UPDATE aerich SET breaking = true WHERE version = '99_later.py'"
"""Records one on which older releases cannot run."""

MIGRATION = '''"""Made by a test."""

RUN_IN_TRANSACTION = {in_transaction}


async def upgrade(db):
    return r"""{up}"""


async def downgrade(db):
    return r"""{down}"""
'''


def make_checkout(place: Path) -> Path:
    """Copy the project, as far as its commands need it, so that a test can change migrations."""
    for name in ("blogsvc", "migrations"):
        shutil.copytree(ROOT / name, place / name)
    for name in ("pyproject.toml", "aerich.ini"):
        shutil.copy2(ROOT / name, place)
    return place


def add_migration(
    folder: Path, name: str, up: str, *, down: str = "SELECT 1;", in_transaction: bool = True
) -> str:
    """Write a migration after the newest one, and return its name without `.py`."""
    text = MIGRATION.format(in_transaction=in_transaction, up=up, down=down)
    return _add(folder, name, text)


def add_online(folder: Path) -> list[str]:
    """Add one migration of each shape that docs/migrations.md shows for live tables."""
    paths = sorted(Path(__file__).with_name("online").glob("[0-9]*.py"))
    return [_add(folder, path.stem.partition("_")[2], path.read_text()) for path in paths]


def _add(folder: Path, name: str, text: str) -> str:
    number = len(list(folder.glob("[0-9]*.py")))
    label = f"{number}_20270101{number:06}_{name}"
    (folder / f"{label}.py").write_text(text)
    return label


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def fetch(url: str, query: str, *args: Any) -> list[tuple[Any, ...]]:
    """Run one statement on a connection of its own."""
    async with connected(url) as connection:
        return [tuple(row) for row in await connection.fetch(query, *args)]


async def execute(url: str, script: str) -> None:
    async with connected(url) as connection:
        await connection.execute(script)


async def recorded(url: str) -> list[str]:
    """Return the versions in the table `aerich`, in the order of their rows."""
    return [row[0] for row in await fetch(url, "SELECT version FROM aerich ORDER BY id")]


async def facts(url: str) -> list[str]:
    """Return what the catalog says of the table."""
    async with connected(url) as connection:
        return sorted(map(str, await schema.read_schema(connection)))
