"""What many updates of few posts make of the table and its indexes, and what settings change.

Each setting gets a database of its own, with the same thousand posts. Writers change a text and
metadata in turn, through the repository, as fast as they can; so autovacuum, which looks once a
minute, sees far more dead rows at a time than on a blog. Readers are timed after every tenth.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from blogsvc import BlogService

from .databases import filled
from .filling import COMMON_RANK
from .texts import Texts

POSTS: Final = 1_000
WRITERS: Final = 4
PARTS: Final = 10

LONG: Final = 0.25
"""Seconds that no update should take."""

SETTINGS: Final = {
    "as migrated": (),
    "search list of 4 MB, PostgreSQL's default": (
        "ALTER INDEX posts_search_idx RESET (gin_pending_list_limit)",
    ),
    "no search list: fastupdate off": ("ALTER INDEX posts_search_idx SET (fastupdate = off)",),
    "fillfactor 50": ("ALTER TABLE posts SET (fillfactor = 50)",),
    "no index of updated_at": ("DROP INDEX posts_updated_at_id_idx",),
}
VACUUMED: Final = "as migrated, VACUUM after every tenth"

_SIZES: Final = """
    SELECT pg_table_size('posts'), pg_relation_size('posts_search_idx'), pg_indexes_size('posts')"""

_SEEN: Final = """
    SELECT n_tup_upd, n_tup_hot_upd, autovacuum_count FROM pg_stat_user_tables
    WHERE relname = 'posts'"""


@dataclass(frozen=True)
class Sizes:
    """Bytes of the table, of the search index, and of all indexes."""

    table: int
    search: int
    indexes: int


@dataclass
class Updated:
    """What became of one database; times in seconds."""

    setting: str
    updates: int
    before: Sizes
    after: Sizes
    vacuumed: Sizes
    reindexed: Sizes
    reindexing: float
    hot: int
    autovacuums: int
    writing: float
    update: tuple[float, float]
    """The median and the slowest."""
    long: int
    """Updates that took over `LONG`."""
    read: dict[str, list[float]] = field(default_factory=dict)
    """Medians before, and after each tenth, by call."""


async def measure(
    server: str, updates: int, rounds: int, told: Callable[[str], None]
) -> list[Updated]:
    """Return what each setting makes of so many updates."""
    found = []
    for number, setting in enumerate((*SETTINGS, VACUUMED)):
        told(f"{updates:,} updates, {setting}")
        async with filled(server, POSTS, kind=f"updates_{number}") as url:
            found.append(await _update(url, setting, updates, rounds))
    return found


async def _update(url: str, setting: str, updates: int, rounds: int) -> Updated:
    connection = await asyncpg.connect(url, timeout=60)
    texts = Texts(seed=11)
    contents = [texts.content() for _ in range(500)]
    read: dict[str, list[float]] = {}
    took: list[float] = []
    writing = 0.0
    try:
        for statement in SETTINGS.get(setting, ()):
            await connection.execute(statement)
        await connection.execute("VACUUM FULL posts")
        await connection.execute("ANALYZE posts")
        before = await _sizes(connection)
        async with BlogService(url, command_timeout=300) as blog:
            calls: dict[str, Callable[[], Awaitable[object]]] = {
                "search": lambda: blog.posts.search(texts.vocabulary[COMMON_RANK]),
                "page": lambda: blog.posts.page(order="updated"),
            }
            await _read(calls, rounds, read)
            for first in range(0, updates, updates // PARTS):
                started = time.perf_counter()
                took += await _write(blog, contents, range(first, first + updates // PARTS))
                writing += time.perf_counter() - started
                await _read(calls, rounds, read)
                if setting == VACUUMED:
                    await connection.execute("VACUUM posts")
        after = await _sizes(connection)
        changed = 0
        async with asyncio.timeout(60):
            while changed < len(took):  # a backend reports when it ends
                await asyncio.sleep(0.1)
                changed, hot, autovacuums = await connection.fetchrow(_SEEN)
        await connection.execute("VACUUM posts")
        vacuumed = await _sizes(connection)
        started = time.perf_counter()
        await connection.execute("REINDEX INDEX CONCURRENTLY posts_search_idx", timeout=600)
        reindexing = time.perf_counter() - started
        reindexed = await _sizes(connection)
    finally:
        await connection.close()
    took.sort()
    return Updated(
        *(setting, len(took), before, after, vacuumed, reindexed, reindexing),
        *(hot, autovacuums, writing),
        (took[len(took) // 2], took[-1]),
        sum(each > LONG for each in took),
        read,
    )


async def _write(blog: BlogService, contents: list[str], updates: range) -> list[float]:
    """Update posts in turn and return what each call took."""
    numbers = iter(updates)
    took = []

    async def write() -> None:
        for number in numbers:
            id = 1 + number % POSTS
            started = time.perf_counter()
            if number % 2:
                await blog.posts.update(id, metadata={"read": time.time()})
            else:
                content = contents[(number + number // POSTS) % len(contents)]
                await blog.posts.update(id, content=f"{content} {number}")
            took.append(time.perf_counter() - started)

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    return took


async def _read(
    calls: dict[str, Callable[[], Awaitable[object]]], rounds: int, read: dict[str, list[float]]
) -> None:
    for name, call in calls.items():
        took = []
        for _ in range(rounds):
            started = time.perf_counter()
            await call()
            took.append(time.perf_counter() - started)
        read.setdefault(name, []).append(statistics.median(took))


async def _sizes(connection: asyncpg.Connection) -> Sizes:
    return Sizes(*await connection.fetchrow(_SIZES))
