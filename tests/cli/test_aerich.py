"""The stock `aerich`, typed where nothing was ever applied, or with what it cannot use."""

from __future__ import annotations

import pytest

from ..migrations.migrating import HEAD, fetch
from ..support import run

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


@pytest.mark.parametrize("command", ["heads", "upgrade", "downgrade --yes", "init-db"])
@pytest.mark.parametrize("url", ["mysql://host/blog", "host:5432/blog"])
async def test_a_url_that_cannot_be_used_is_told_in_one_line(url: str, command: str) -> None:
    ended = await run("aerich", *command.split(), url=url)
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    assert "The database URL cannot be used" in ended.output or command == "init-db"


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("heads", 0, HEAD.version),
        ("history", 0, HEAD.version),
        ("inspectdb", 0, "from tortoise import Model"),
        ("init-db", 1, "Nothing was changed"),
        ("downgrade --yes", 0, "No specified version found"),
        ("downgrade --yes -v 3", 0, "No specified version found"),
    ],
)
async def test_what_applies_nothing_leaves_a_fresh_database_as_it_was(
    empty_database: str, command: str, status: int, said: str
) -> None:
    """A table `aerich` would say that somebody has migrated here: see `Migrator.upgrade_new`."""
    ended = await run("aerich", *command.split(), url=empty_database)
    assert ended.status == status, ended.output
    assert said in ended.output
    assert await fetch(empty_database, TABLES) == []
