"""What Citus takes: no statement that writes asks a function whose answer may change.

Citus sends a write to the server that has the blog. There it refuses `now()` and the like in what
an UPDATE or ON CONFLICT sets, also around other values. The trigger knows the time instead.
"""

from __future__ import annotations

import re

import asyncpg
import pytest

from blogsvc import BlogService

from ..database.calls import WRITES, published_post

_SET = re.compile(r"\bSET\b(.*?)(?:\bWHERE\b|\bRETURNING\b|\Z)", re.DOTALL)
_CALLED = re.compile(r"\b([a-z_][a-z_0-9]*)\s*\(", re.IGNORECASE)
_WORDS = {"in", "values", "any", "exists", "coalesce", "nullif", "and", "or", "from", "as"}
_CLOCKS = re.compile(r"\b(current_\w+|localtime\w*|now)\b", re.IGNORECASE)


@pytest.mark.parametrize("call", WRITES)
async def test_what_a_write_sets_asks_no_function_that_may_change_its_answer(
    blog: BlogService, sql: asyncpg.Connection, call: str
) -> None:
    await published_post(blog)
    sent: list[str] = []
    async with blog._database.check_open().acquire() as connection:
        connection.add_query_logger(lambda record: sent.append(record.query))
        async with connection.transaction(), blog.transaction(connection=connection):
            await WRITES[call](blog)
    statements = [text for text in sent if re.match(r"\s*(INSERT|UPDATE|DELETE|WITH)\b", text)]
    assert statements
    for statement in statements:
        for assigned in _SET.findall(statement):
            assert not _CLOCKS.search(assigned), statement
            called = {name.lower() for name in _CALLED.findall(assigned)} - _WORDS
            changing = await sql.fetch(
                "SELECT proname FROM pg_proc WHERE proname = ANY($1) AND provolatile <> 'i'", called
            )
            assert not changing, statement
