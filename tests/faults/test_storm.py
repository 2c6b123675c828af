"""Storms: every kind of fault at once, and whoever writes the same posts beside each other.

They take seconds in `make test`. `make chaos` takes as long as CHAOS_SECONDS says, and another
CHAOS_SEED is another storm.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg

from blogsvc import BlogService, NewPost
from blogsvc.errors import BlogError
from blogsvc.markdown import import_posts

from ..support import PATIENCE, becomes_true
from .proxy import Chance, unreliable_proxy_to
from .writers import Tally, Writer

SECONDS = float(os.environ.get("CHAOS_SECONDS", "0"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
WRITERS = 8

OURS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'blogsvc'"""


async def storm(database: str, sql: asyncpg.Connection, seconds: float) -> Tally:
    """Let writers call through a bad network for a time; return what became of it."""
    tally = Tally()
    async with (
        unreliable_proxy_to(database) as proxy,
        BlogService(
            proxy.url, max_size=WRITERS, command_timeout=0.5, connect_timeout=1, acquire_timeout=4
        ) as blog,
    ):
        proxy.answers = Chance(SEED, "cut", "delay", "swallow")
        proxy.commands = Chance(SEED + 1, "pass", "cut", "delay", "swallow")
        proxy.random = random.Random(SEED)
        killing = asyncio.create_task(kill_some(sql))
        writers = [Writer(blog, f"writer-{n}", SEED, tally) for n in range(WRITERS)]
        deadline = asyncio.get_running_loop().time() + seconds
        await asyncio.gather(*(writer.write(deadline) for writer in writers))
        killing.cancel()
        await asyncio.wait([killing])
    with contextlib.suppress(TimeoutError):
        await becomes_true(lambda: nobody_of_ours(sql))
    tally.left_behind = len(await sql.fetch(OURS))
    stored = dict(await sql.fetch("SELECT slug, title FROM posts"))
    for writer in writers:
        for slug, titles in writer.expected.items():
            if stored.pop(slug, None) not in titles:
                tally.lost.append(slug)
    tally.lost += stored  # what nobody has written
    return tally


async def kill_some(sql: asyncpg.Connection) -> None:
    """End a connection of ours now and then, as an administrator may."""
    while True:
        await asyncio.sleep(1)
        await sql.fetch(
            f"SELECT pg_terminate_backend(pid) FROM ({OURS} ORDER BY random() LIMIT 1) AS one"
        )


async def nobody_of_ours(sql: asyncpg.Connection) -> bool:
    return not await sql.fetch(OURS)


async def test_a_storm_loses_nothing_and_tells_everything(
    database: str, sql: asyncpg.Connection
) -> None:
    tally = await storm(database, sql, SECONDS or 20)
    print(f"\nstorm: {tally}")
    assert (tally.lost, tally.wrong, tally.untyped) == ([], [], [])
    assert (tally.hung, tally.left_behind) == (0, 0)
    assert tally.acknowledged
    assert tally.unknown


SLUGS = ["one", "two", "three"]

Work = Callable[[BlogService, random.Random, Path], Awaitable[object]]


async def upsert(blog: BlogService, chance: random.Random, folder: Path) -> None:
    await blog.posts.upsert(chance.choice(SLUGS), title=f"{chance.random()}", content="C")


async def delete(blog: BlogService, chance: random.Random, folder: Path) -> None:
    post = await blog.posts.get_by_slug(chance.choice(SLUGS))
    await blog.posts.delete(post.id, missing_ok=chance.random() < 0.5)


async def publish(blog: BlogService, chance: random.Random, folder: Path) -> None:
    post = await blog.posts.get_by_slug(chance.choice(SLUGS))
    await blog.posts.publish(post.id)
    await blog.posts.unpublish(post.id)


async def create_many(blog: BlogService, chance: random.Random, folder: Path) -> None:
    slugs = chance.sample(SLUGS, 2)
    await blog.posts.create_many(NewPost("T", "C", slug=slug) for slug in slugs)


async def importing(blog: BlogService, chance: random.Random, folder: Path) -> None:
    report = await import_posts(blog.posts, [folder])
    # Posts of others under most of its slugs look like another blog, and are not overwritten; and
    # somebody may have been there first each time.
    results = ("else with --site", "Somebody else writes the same posts")
    told = [any(result in skipped.reason for result in results) for skipped in report.skipped]
    assert all(told), report


WORKS: list[Work] = [upsert, delete, publish, create_many, importing]


async def test_every_combination_of_writers_gets_results_of_ours_only(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    for slug in SLUGS:
        (tmp_path / f"{slug}.md").write_text(f"---\ntitle: Of a file\nslug: {slug}\n---\nText")
    sizes = range(1, len(WORKS) + 1)
    combinations = [c for size in sizes for c in itertools.combinations(WORKS, size)]
    told: Counter[str] = Counter()

    async def work(one: Work, seed: int, deadline: float) -> None:
        chance = random.Random(seed)
        while time.monotonic() < deadline:
            try:
                await asyncio.wait_for(one(blog, chance, tmp_path), PATIENCE)
            except BlogError as error:
                told[f"{one.__name__}: {type(error).__name__}"] += 1
            else:
                told[f"{one.__name__}: done"] += 1

    for combination in combinations:
        deadline = time.monotonic() + (SECONDS or 8) / len(combinations)
        # Two of each: it meets itself, too.
        pairs = enumerate(combination * 2, start=SEED)
        await asyncio.gather(*(work(one, seed, deadline) for seed, one in pairs))
    print("\nside by side:", ", ".join(f"{n} {what}" for what, n in sorted(told.items())))
    assert {f"{one.__name__}: done" for one in WORKS} <= set(told)
    busy = f"{OURS} AND state <> 'idle'"
    await becomes_true(lambda: nothing_found(sql, busy))
    assert await sql.fetchval("SELECT count(*) = count(DISTINCT slug) FROM posts")


async def nothing_found(sql: asyncpg.Connection, query: str) -> bool:
    return not await sql.fetch(query)
