"""What Citus takes: every write of the repository, and of an import, asks nothing that may change.

Citus sends a write to the server that has the blog, and refuses what might be answered in another
way there: see `tests.citus`. The trigger knows the time instead.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.database import Database
from blogsvc.database.batching import Statement
from blogsvc.markdown import import_posts

from ..citus import refusals
from ..database.calls import WRITES, Call, published_post

FIELDS: dict[str, Any] = {
    "title": "New",
    "content": "C",
    "status": "draft",
    "tags": ["a"],
    "metadata": {"a": 1},
    "published_at": None,
}


def update_of(name: str) -> Call:
    return lambda blog: blog.posts.update(1, **{name: FIELDS[name]})


CALLS: dict[str, Call] = {
    **WRITES,
    **{f"update of {name}": update_of(name) for name in FIELDS},
    "update of all": lambda blog: blog.posts.update(1, slug="t", expected_version=1, **FIELDS),
    "upsert of all": lambda blog: blog.posts.upsert("s", **FIELDS),
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was sent so far, statement by statement."""
    statements: list[str] = []
    fetch = Database._fetch

    async def noted(
        self: Database, connection: asyncpg.Connection, statement: Statement, **how: bool
    ) -> list[asyncpg.Record]:
        statements.append(statement[0])
        return await fetch(self, connection, statement, **how)

    monkeypatch.setattr(Database, "_fetch", noted)
    return statements


def writes(sent: list[str]) -> set[str]:
    found = {text for text in sent if re.match(r"\s*(INSERT|UPDATE|DELETE|WITH)\b", text)}
    return {text for text in found if re.search(r"\b(INSERT|UPDATE|DELETE)\b", text)}


@pytest.mark.parametrize("call", CALLS)
async def test_a_write_asks_no_function_that_may_change_its_answer(
    blog: BlogService, sql: asyncpg.Connection, sent: list[str], call: str
) -> None:
    await published_post(blog)
    await CALLS[call](blog)
    assert writes(sent)
    for statement in writes(sent):
        assert await refusals(sql, statement) == [], statement


async def test_neither_does_an_import(
    blog: BlogService, sql: asyncpg.Connection, sent: list[str], tmp_path: Path
) -> None:
    for number in range(3):
        for text in ("Before", "After"):
            page = f"---\ntitle: T\ntags: [a]\nauthor: Ann\n---\n{text} {number}\n"
            (tmp_path / f"{number}.md").write_text(page)
            await import_posts(blog.posts, [tmp_path])
    assert any(text.lstrip().startswith("UPDATE") for text in writes(sent))
    for statement in writes(sent):
        assert await refusals(sql, statement) == [], statement


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        ("UPDATE posts SET title = concat_ws('-', title, id)", "concat_ws"),
        ("UPDATE posts SET updated_at = COALESCE($1, now())", "now"),
        ("UPDATE posts SET title = random()::text", "random"),
        ("UPDATE posts SET title = '' WHERE created_at::text = ''", "timestamptz_out"),
        ("DELETE FROM posts WHERE tags::text = '{}'", "array_out"),
        ("INSERT INTO posts (title, content) VALUES ('', '') RETURNING tags::text", "array_out"),
        (
            "INSERT INTO posts (title, content) VALUES ('', '') "
            "ON CONFLICT (slug) DO UPDATE SET updated_at = current_timestamp",
            "SQLVALUEFUNCTION",
        ),
    ],
)
async def test_what_citus_has_refused_is_known(
    sql: asyncpg.Connection, statement: str, refused: str
) -> None:
    assert any(refused in each for each in await refusals(sql, statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE posts SET updated_at = now()",
        "UPDATE posts SET updated_at = (SELECT now())",
        "INSERT INTO posts (title, content, created_at) VALUES ('', '', now())",
    ],
)
async def test_what_citus_has_taken_is_taken(sql: asyncpg.Connection, statement: str) -> None:
    assert await refusals(sql, statement) == []
