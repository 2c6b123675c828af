"""A script is taken apart into its statements, and no message of a migration has two of them."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogsvc.migrator import Migrator
from blogsvc.migrator.connection import MigratingConnection
from blogsvc.migrator.statements import statements

from .migrating import connected

PIECES = [
    "SELECT 1",
    "SELECT 'a;b', 'it''s;'",
    r"SELECT E'it\'s;', e'\\'",
    'SELECT 1 AS "a;""b"',
    "DO $$ BEGIN PERFORM 1; PERFORM 2; END $$",
    "DO $body$ BEGIN PERFORM '$$;'; END $body$",
    "SELECT a$b$c FROM x$y",
    "-- a; comment\nSELECT 1",
    "SELECT 1 /* a;\n b */ + 2",
    "SELECT $1; SELECT $2",
]


@given(st.lists(st.sampled_from(PIECES[:-1]), max_size=5), st.sampled_from(["", "\n", " -- x;\n"]))
def test_a_script_is_its_statements(pieces: list[str], between: str) -> None:
    script = "".join(f"{piece};{between}" for piece in pieces)
    found = [statement.removeprefix("-- x;\n").strip() for statement in statements(script)]
    assert found == pieces


def test_parameters_are_no_quotes() -> None:
    assert list(statements(PIECES[-1])) == ["SELECT $1", "SELECT $2"]


@pytest.mark.parametrize("nothing", ["", ";;", " \n;", "-- only a comment", "/* a */; -- b;\n"])
def test_blanks_and_comments_are_no_statement(nothing: str) -> None:
    assert list(statements(nothing)) == []


async def test_no_message_of_a_migration_has_two_statements(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    execute = MigratingConnection.execute

    async def noted(self: MigratingConnection, query: str, *args: Any, **options: Any) -> str:
        sent.append(query)
        return await execute(self, query, *args, **options)

    monkeypatch.setattr(MigratingConnection, "execute", noted)
    await Migrator(empty_database).rehearse()
    await Migrator(empty_database).upgrade()
    await Migrator(empty_database).downgrade(steps=None)
    await Migrator(empty_database).upgrade()
    assert len(sent) > 100
    async with connected(empty_database) as connection:
        for message in set(sent):
            # To prepare is to be told of a second command; what the first one needs may be gone.
            try:
                await connection.prepare(message)
            except asyncpg.PostgresSyntaxError as error:
                raise AssertionError(message) from error
            except asyncpg.PostgresError:
                pass
