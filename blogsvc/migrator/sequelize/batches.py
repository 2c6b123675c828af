"""The rows of the old table by the order of their keys, some thousands at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import asyncpg

from ..connection import NO_LIMIT
from . import statements
from .rows import OldPosts

BATCH: Final = 2000
"""Rows a statement. Each is a transaction of its own, so an interrupted run loses nothing."""

Bounds = tuple[str | None, str | None]
"""The key before the first one of a batch, and its last one's; None where there is no bound."""


async def batches(connection: asyncpg.Connection, old: OldPosts) -> AsyncIterator[Bounds]:
    """Yield the bounds of each batch. The last one has no end."""
    key = old.table.key
    query = statements.LAST_KEY.format(key=key.sql, type=key.sql_type, table=old.table.sql)
    before = None
    while last := await connection.fetchval(query, before, BATCH - 1, timeout=NO_LIMIT):
        yield before, last
        before = last
    yield before, None
