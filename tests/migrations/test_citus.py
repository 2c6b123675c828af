"""A new blog's migrations send nothing that Citus refuses: see `tests.citus`."""

from __future__ import annotations

import re
from typing import Any

import pytest

from blogsvc.migrator import Migrator, files
from blogsvc.migrator.connection import MigratingConnection

from ..citus import refusals
from .migrating import connected, fetch

WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)

# In a DO block: what it declares, and the statements that write, whose names are values there.
_DECLARED = re.compile(r"^\s*(\w+) (BIGINT|REGCONFIG|TEXT)\b", re.MULTILINE)
_WRITES_INSIDE = re.compile(r"^\s*((?:INSERT|UPDATE|DELETE)\b[^;]*);", re.MULTILINE)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What migrating connections have sent so far."""
    messages: list[str] = []
    for name in ("execute", "fetch", "fetchrow", "fetchval"):
        original = getattr(MigratingConnection, name)

        async def noted(
            self: MigratingConnection,
            query: str,
            *args: Any,
            original: Any = original,
            **options: Any,
        ) -> Any:
            messages.append(query)
            return await original(self, query, *args, **options)

        monkeypatch.setattr(MigratingConnection, name, noted)
    return messages


def writes_of(message: str) -> list[str]:
    """Return the statements of a message that write, those in a DO block with values for names."""
    if WRITES.match(message):
        return [message]
    if not message.startswith("DO"):
        return []
    declared = dict(_DECLARED.findall(message))
    return [
        re.sub(
            rf"(?<![\w\".])({'|'.join(declared)})(?![\w\".])",
            lambda name: f"(NULL::{declared[name[1]]})",
            inside,
        )
        for inside in _WRITES_INSIDE.findall(message)
    ]


async def test_the_writes_of_an_empty_blogs_migrations_ask_nothing_that_may_change_its_answer(
    empty_database: str, sent: list[str]
) -> None:
    looked_at = 0
    for file in files.all_files():
        sent.clear()
        await Migrator(empty_database).upgrade(file.version)
        async with connected(empty_database) as connection:
            for message in {write for each in sent for write in writes_of(each)}:
                assert await refusals(connection, message) == [], message
                looked_at += 1
    assert looked_at > len(files.all_files())
    sent.clear()
    await Migrator(empty_database).downgrade(steps=None)
    [write] = {write for each in sent for write in writes_of(each)}
    assert write.startswith("DELETE FROM")
    async with connected(empty_database) as connection:
        assert await refusals(connection, write) == []


def test_the_rebuild_of_search_is_looked_into() -> None:
    [rebuild] = (file for file in files.all_files() if "rebuild_search" in file.version)
    [update] = writes_of(rebuild.up.strip())
    assert "(NULL::REGCONFIG)" in update
    assert "(NULL::BIGINT)" in update


async def test_each_statement_alters_one_thing_and_no_function_of_ours_asks_the_table(
    empty_database: str, sent: list[str]
) -> None:
    await Migrator(empty_database).upgrade()
    texts = re.compile(r"'[^']*'|\([^()]*(?:\([^()]*(?:\([^()]*\)[^()]*)*\)[^()]*)*\)")
    altering = [each for each in sent if re.match(r"\s*ALTER (TABLE|INDEX)\b", each)]
    assert len(altering) > 20
    for statement in altering:
        assert "," not in texts.sub("", statement), statement
    rows = await fetch(
        empty_database, "SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    assert len(rows) == 3
    for (body,) in rows:
        assert not re.search(r"\bposts\b", body), body
