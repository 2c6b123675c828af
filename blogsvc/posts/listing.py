"""Going through posts: pages, streams, and how many there are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from ..database import Database
from . import paging, sql, validation
from .paging import Filters
from .records import Order, Page, PostRecord, record_of


async def page(
    database: Database,
    table: str,
    filters: Filters,
    *,
    order: Order,
    limit: int,
    after: str | None,
    with_total: bool,
) -> Page[PostRecord]:
    """Return a slice of the posts; see `PostRepository.page`."""
    column = paging.column_of(order)
    conditions = paging.conditions_of(filters, order)
    validation.check_limit(limit)
    query = paging.fingerprint(str.__str__(order), sorted(conditions.items()))
    start = None
    if after is not None:
        position, id = paging.decode(query, after)
        start = (paging.to_time(position), id)
    found = await _slice(database, table, order, conditions, start, limit + 1)
    following = None
    if len(found) > limit:
        del found[limit:]
        last = found[-1]
        following = paging.encode(query, paging.from_time(getattr(last, column)), last.id)
    total = await _counted(database, table, conditions) if with_total else None
    return Page(tuple(found), following, total)


async def stream(
    database: Database, table: str, filters: Filters, *, order: Order, batch: int
) -> AsyncIterator[PostRecord]:
    """Yield all posts; see `PostRepository.stream`."""
    column = paging.column_of(order)
    conditions = paging.conditions_of(filters, order)
    validation.check_limit(batch, "batch")
    start = None
    while True:
        found = await _slice(database, table, order, conditions, start, batch)
        for post in found:
            yield post
        if len(found) < batch:
            return
        start = (getattr(found[-1], column), found[-1].id)


async def count(database: Database, table: str, filters: Filters) -> int:
    """Return how many posts the filters let through."""
    return await _counted(database, table, paging.conditions_of(filters))


async def _slice(
    database: Database,
    table: str,
    order: Order,
    conditions: dict[str, Any],
    start: tuple[datetime, int] | None,
    limit: int,
) -> list[PostRecord]:
    query = sql.listing(table, order, tuple(conditions), after=start is not None)
    values = paging.values_of(conditions)
    rows = await database.read(query, *values, *(start or ()), limit)
    return [record_of(row) for row in rows]


async def _counted(database: Database, table: str, conditions: dict[str, Any]) -> int:
    query = sql.count(table, tuple(conditions))
    rows = await database.read(query, *paging.values_of(conditions))
    return int(rows[0][0])
