"""Many blogs in one database: which schemas have one, and the same done in each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from ..errors import BlogError
from . import history
from .migrator import Migrator

T = TypeVar("T")

AT_ONCE: Final = 4
"""Blogs that are worked on at the same time, each on a connection or two."""


class Outcome(NamedTuple, Generic[T]):
    """What became of one blog: what was returned, or the error that was raised."""

    schema: str
    result: T | None
    error: BlogError | None


async def schemas_with_blogs(url: str | None) -> list[str]:
    """Return the schemas of a database in which our migrations have a history, by name.

    Also where everything was undone, and where this role may not read: what is done there tells.
    """
    async with Migrator(url).session(locked=False) as connection:
        return await history.schemas(connection)


async def in_each(
    schemas: Sequence[str], action: Callable[[str], Awaitable[T]]
) -> AsyncIterator[Outcome[T]]:
    """Await an action for each schema, a few at a time, and yield what became of it as it ends.

    A blog in which it fails with a `BlogError` keeps no other one from its turn. Whoever stops
    early, or is cancelled, ends the actions that are at work.
    """
    waiting = iter(schemas)

    async def one(schema: str) -> Outcome[T]:
        try:
            return Outcome(schema, await action(schema), None)
        except BlogError as error:
            return Outcome(schema, None, error)

    working: set[asyncio.Task[Outcome[T]]] = set()
    done: set[asyncio.Task[Outcome[T]]] = set()
    try:
        while True:
            for schema in waiting:
                working.add(asyncio.create_task(one(schema)))
                if len(working) == AT_ONCE:
                    break
            if not working:
                return
            done, working = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                yield ended.result()
    finally:
        for task in working:
            task.cancel()
        # Also what is done and was not told, as another one has failed.
        await asyncio.gather(*working, *done, return_exceptions=True)
