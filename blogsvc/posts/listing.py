"""Going through posts: pages, streams, neighbours, and how many there are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from ..database import Database
from ..errors import PostNotFound
from . import paging, sql, validation
from .paging import Filters
from .records import Order, Page, PostRecord, PostSummary, record_of, summary_of

Kind = TypeVar("Kind", PostRecord, PostSummary)


@dataclass(frozen=True)
class Shape(Generic[Kind]):
    """What is read of each post, and what is made of the row.

    After `in_a_row` of them, other tasks of the event loop have their turn.
    """

    columns: str
    of_row: Callable[[Iterable[Any]], Kind]
    in_a_row: int


RECORDS: Final = Shape(sql.COLUMNS, record_of, 5000)
SUMMARIES: Final = Shape(sql.SUMMARY, summary_of, 25)  # an excerpt takes as long as 100 records


async def page(
    database: Database,
    table: str,
    shape: Shape[Kind],
    filters: Filters,
    *,
    order: Order,
    limit: int,
    after: str | None,
    with_total: bool,
) -> Page[Kind]:
    """Return a slice of the posts; see `PostRepository.page`."""
    column = paging.column_of(order)
    conditions = paging.conditions_of(filters, order)
    validation.check_limit(limit)
    query = paging.fingerprint(str.__str__(order), sorted(conditions.items()))
    start = None
    if after is not None:
        position, id = paging.decode(query, after)
        start = (paging.to_time(position), id)
    found = await _slice(database, table, shape, order, conditions, start, limit + 1)
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
        found = await _slice(database, table, RECORDS, order, conditions, start, batch)
        for post in found:
            yield post
        if len(found) < batch:
            return
        start = (getattr(found[-1], column), found[-1].id)


async def neighbours(
    database: Database, table: str, id: int, *, visible: bool
) -> tuple[PostSummary | None, PostSummary | None]:
    """Return the posts before and after a post; see `PostRepository.neighbours`."""
    rows = []
    if validation.id_is_possible(id):
        rows = await database.read(sql.neighbours(table, visible=visible), id)
    if not rows:
        raise PostNotFound(id=id)
    found = {row[0]: summary_of(row[1:]) for row in rows if row[0] is not None}
    return found.get(False), found.get(True)


async def count(database: Database, table: str, filters: Filters) -> int:
    """Return how many posts the filters let through."""
    return await _counted(database, table, paging.conditions_of(filters))


async def _slice(
    database: Database,
    table: str,
    shape: Shape[Kind],
    order: Order,
    conditions: dict[str, Any],
    start: tuple[datetime, int] | None,
    limit: int,
) -> list[Kind]:
    names = paging.names_of(conditions)
    query = sql.listing(table, shape.columns, order, names, limit, after=start is not None)
    values = paging.values_of(conditions)
    rows = await database.read(query, *values, *(start or ()), limit)
    found: list[Kind] = []
    for first in range(0, len(rows), shape.in_a_row):
        if first:
            await asyncio.sleep(0)
        found += map(shape.of_row, rows[first : first + shape.in_a_row])
    return found


async def _counted(database: Database, table: str, conditions: dict[str, Any]) -> int:
    query = sql.count(table, paging.names_of(conditions))
    rows = await database.read(query, *paging.values_of(conditions))
    return int(rows[0][0])
