"""Where migrations cannot run, or what is applied cannot be known: one line, and no traceback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from blogsvc import embedded
from blogsvc.errors import MigrationError, Unavailable
from blogsvc.migrator import Migrator

from ..support import run
from .migrating import execute, fetch


def as_role(url: str, role: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}@{host}"))


@pytest.fixture
async def stranger(empty_database: str) -> AsyncIterator[str]:
    """The URL of a migrated database for a role that owns nothing in it."""
    await Migrator(empty_database).upgrade("0")
    await execute(empty_database, "DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN")
    yield as_role(empty_database, "stranger")
    await execute(empty_database, "REASSIGN OWNED BY stranger TO current_user")
    await execute(empty_database, "DROP OWNED BY stranger; DROP ROLE stranger")


async def test_a_role_that_may_not_read_the_history_is_told_so(stranger: str) -> None:
    with pytest.raises(MigrationError, match="may not read the table aerich"):
        await Migrator(stranger).status()
    ended = await run("aerich", "upgrade", url=stranger)
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    assert "may not read the table aerich" in ended.output


async def test_a_role_without_the_schema_does_not_take_it_for_empty(
    empty_database: str, stranger: str
) -> None:
    await Migrator(empty_database, schema="alice").upgrade("0")
    with pytest.raises(MigrationError, match="may not use the schema alice"):
        await Migrator(stranger, schema="alice").status()


@pytest.mark.parametrize(
    "command",
    [("aerich", "upgrade"), ("blogsvc", "upgrade"), ("blogsvc", "upgrade", "--dry-run")],
)
async def test_a_role_that_does_not_own_the_table_is_told_the_cure(
    empty_database: str, stranger: str, command: tuple[str, ...]
) -> None:
    await execute(empty_database, "GRANT ALL ON aerich, posts TO stranger")
    [(owner,)] = await fetch(empty_database, "SELECT current_user::text")
    ended = await run(*command, url=stranger)
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    assert f"The table posts belongs to the role {owner}," in ended.output
    cure = f'GRANT "{owner}" TO "stranger"'
    assert cure in ended.output
    await execute(empty_database, cure)
    ended = await run(*command, url=stranger)
    assert ended.status == 0, ended.output


async def test_a_role_that_does_not_own_the_table_is_told_when_it_would_undo(
    empty_database: str, stranger: str
) -> None:
    await execute(empty_database, "GRANT ALL ON aerich, posts TO stranger")
    with pytest.raises(MigrationError, match="belongs to the role"):
        await Migrator(stranger).downgrade()
    ended = await run("aerich", "downgrade", "--yes", url=stranger)
    assert (ended.status, ended.is_one_line) == (1, True), ended.output


async def test_a_role_that_owns_nothing_finds_nothing_to_apply(
    empty_database: str, stranger: str
) -> None:
    await Migrator(empty_database).upgrade()
    await execute(empty_database, "GRANT ALL ON aerich, posts TO stranger")
    for command in ("aerich", "blogsvc"):
        ended = await run(command, "upgrade", url=stranger)
        assert ended.status == 0, ended.output


@pytest.mark.parametrize("to", ["0", "12", None])
async def test_a_session_that_takes_no_writes_is_told_before_anything_begins(
    empty_database: str, to: str | None
) -> None:
    if to is not None:
        await Migrator(empty_database).upgrade(to)
    before = await Migrator(empty_database).status()
    [(name,)] = await fetch(empty_database, "SELECT current_database()")
    await execute(empty_database, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    for command in (["aerich", "upgrade"], ["blogsvc", "upgrade"], ["blogsvc", "downgrade", "-y"]):
        if to is None and "downgrade" in command:
            continue
        ended = await run(*command, url=empty_database)
        assert ended.status == 1
        assert "Error: This session takes no writes: default_transaction_read_only" in ended.output
        assert "migrating" not in ended.output
    assert await Migrator(empty_database).status() == before


@pytest.mark.parametrize("path", ["nowhere", "''"])
async def test_a_search_path_that_leads_nowhere_is_told_as_that(
    empty_database: str, path: str
) -> None:
    [(name,)] = await fetch(empty_database, "SELECT current_database()")
    await execute(empty_database, f"ALTER DATABASE {name} SET search_path = {path}")
    for command in ("aerich", "blogsvc"):
        ended = await run(command, "upgrade", url=empty_database)
        assert (ended.status, ended.is_one_line) == (1, True), ended.output
        assert "No schema of the search_path of this role" in ended.output
        assert "--schema or BLOGSVC_SCHEMA" in ended.output


async def test_backslashes_of_a_migration_stay_what_they_are(empty_database: str) -> None:
    [(name,)] = await fetch(empty_database, "SELECT current_database()")
    await execute(empty_database, f"ALTER DATABASE {name} SET standard_conforming_strings = off")
    await Migrator(empty_database).upgrade()
    assert not (await Migrator(empty_database).check()).drifted


@pytest.mark.parametrize("command", ["aerich", "blogsvc"])
async def test_a_role_that_may_not_make_the_schema_is_told_the_cure(
    empty_database: str, stranger: str, command: str
) -> None:
    ended = await run(command, "upgrade", url=stranger, BLOGSVC_SCHEMA="it's new")
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    cure = 'CREATE SCHEMA "it\'s new" AUTHORIZATION "stranger"'
    assert cure in ended.output
    await execute(empty_database, cure)
    ended = await run(command, "upgrade", url=stranger, BLOGSVC_SCHEMA="it's new")
    assert ended.status == 0, ended.output


@pytest.mark.parametrize("command", ["aerich", "blogsvc"])
async def test_a_schema_of_somebody_else_is_told_in_one_line(
    empty_database: str, stranger: str, command: str
) -> None:
    await execute(empty_database, "CREATE SCHEMA alice; GRANT USAGE ON SCHEMA alice TO stranger")
    ended = await run(command, "upgrade", url=stranger, BLOGSVC_SCHEMA="alice")
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    assert "Migrate as the role that owns the schema" in ended.output


async def test_a_server_that_is_not_there_is_told_in_one_line() -> None:
    ended = await run("aerich", "upgrade", url="postgresql://nobody@127.0.0.1:1/none")
    assert (ended.status, ended.is_one_line) == (1, True), ended.output


async def test_a_standby_takes_no_migrations_but_can_be_looked_at(reachable: Path) -> None:
    primary = embedded.start(reachable)
    await Migrator(primary.url).upgrade()
    primary.release()
    (reachable / "pgdata" / "standby.signal").touch()
    standby = embedded.start(reachable)
    try:
        with pytest.raises(Unavailable, match="is a standby"):
            await Migrator(standby.url).upgrade()
        ended = await run("aerich", "upgrade", url=standby.url)
        report = await Migrator(standby.url).check()
    finally:
        standby.release()
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    assert "is a standby" in ended.output
    assert not report.pending
    assert not report.drifted
