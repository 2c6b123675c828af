"""How long readers and writers wait while a migration for live tables runs, up and down.

    python -m benchmarks.migration_locks --rows 1000000

The migrations are those since 0.1.0, and one of each shape that docs/migrations.md shows, from
tests/migrations/online/. A process of its own keeps one reader and one writer busy on a table with
so many posts, first without a migration, then while each is applied and undone. Printed is, for
each step, its duration and the longest that a reader and a writer waited for one statement. The
server is the embedded one, or the empty database that --url names.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg

from blogsvc.migrator import Migrator
from tests.migrations.migrating import add_online, make_checkout
from tests.support import run

from .databases import server

FIRST_RELEASE = "6"
"""The last migration of 0.1.0; a table of then has no tags and no metadata, and finds no `node`."""

WORDS = 80
"""Words in a post: about 500 characters."""

_SEED = """
    INSERT INTO posts (title, content, status, created_at, updated_at)
    SELECT 'Post number ' || n,
        (SELECT string_agg('word' || (n::bigint * 7919 + w * 104729) % 20011, ' ')
            FROM generate_series(1, $2) AS w) || CASE WHEN n % 10 = 0 THEN ' Node.js' ELSE '' END,
        (ARRAY['draft', 'published', 'archived'])[1 + n % 3],
        now() - make_interval(secs => $1 - n), now() - make_interval(secs => $1 - n)
    FROM generate_series(1, $1) AS n"""


Waits = dict[str, list[tuple[float, float]]]
"""By reader and writer: when each statement began, and how long it took."""


async def load(url: str, rows: int) -> Waits:
    """Read and write until standard input closes."""
    taken: Waits = {"reader": [], "writer": []}
    stop = asyncio.Event()

    async def keep(who: str, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> None:
        connection = await asyncpg.connect(url, statement_cache_size=0)
        while not stop.is_set():
            started = time.time()
            await work(connection)
            taken[who].append((started, time.time() - started))
            await asyncio.sleep(0.002)
        await connection.close()

    async def read(connection: asyncpg.Connection) -> None:
        some = random.randrange(rows)
        await connection.fetch(
            "SELECT id, title, content FROM posts WHERE id > $1 ORDER BY id LIMIT 20", some
        )

    async def write(connection: asyncpg.Connection) -> None:
        if random.random() < 0.3:
            await connection.execute("INSERT INTO posts (title, content) VALUES ('New', 'Text')")
        else:
            await connection.execute(
                "UPDATE posts SET title = 'Changed ' || random() WHERE id = $1",
                random.randrange(rows),
            )

    async def wait_for_the_end() -> None:
        await asyncio.to_thread(sys.stdin.read)
        stop.set()

    await asyncio.gather(keep("reader", read), keep("writer", write), wait_for_the_end())
    return taken


async def measure(url: str, rows: int, peace: float, checkout: Path) -> list[str]:
    migrator = Migrator(url)
    await migrator.upgrade("5")
    connection = await asyncpg.connect(url, command_timeout=None)
    await connection.execute(_SEED, rows, WORDS)
    await migrator.upgrade(FIRST_RELEASE)  # the search vectors are made, and indexed, at once
    await connection.execute("VACUUM ANALYZE posts")
    await connection.close()
    folder = make_checkout(checkout) / "migrations" / "blogsvc"
    files = [path.stem for path in folder.glob("[0-9]*.py")]
    later = sorted((name for name in files if _number(name) > _number(FIRST_RELEASE)), key=_number)
    labels = later + add_online(folder)
    windows: list[tuple[str, float, float]] = []

    async def step(label: str, arrow: str, *command: str) -> None:
        started = time.time()
        ended = await run(*command, url=url, checkout=checkout, patience=None)
        if ended.status:
            raise RuntimeError(ended.output)
        windows.append((f"{label} {arrow}", started, time.time()))
        took = re.findall(r"(?:migrated|reverted) \((.*)s\)", ended.output)
        seconds[f"{label} {arrow}"] = float(took[-1])
        print(f"{label} {arrow} {took[-1]} s", file=sys.stderr, flush=True)

    seconds: dict[str, float] = {}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __spec__.name, "--load", url, "--rows", str(rows)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await asyncio.sleep(2)
        started = time.time()
        await asyncio.sleep(peace)
        windows.append(("no migration", started, time.time()))
        seconds["no migration"] = peace
        for label in labels:
            await step(label, "up", "blogsvc", "upgrade", "--to", label)
        for label in reversed(labels):
            await step(label, "down", "blogsvc", "downgrade", "--yes")
    finally:
        output, _ = await process.communicate(b"")
    taken: Waits = json.loads(output)
    return [_line(name, seconds[name], begin, end, taken) for name, begin, end in windows]


def _number(name: str) -> int:
    return int(name.partition("_")[0])


def _line(name: str, took: float, begin: float, end: float, taken: Waits) -> str:
    longest = {
        who: max(
            (seconds for started, seconds in waits if started < end and started + seconds > begin),
            default=0.0,
        )
        for who, waits in taken.items()
    }
    reader, writer = longest["reader"] * 1000, longest["writer"] * 1000
    return f"| {name} | {took:.2f} s | {reader:.0f} ms | {writer:.0f} ms |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--peace", type=float, default=20.0, help="seconds without a migration")
    parser.add_argument("--url", help="an empty database; the embedded server without it")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        print(json.dumps(asyncio.run(load(options.load, options.rows))))
        return
    with tempfile.TemporaryDirectory() as checkout, server(options.url) as url:
        lines = asyncio.run(measure(url, options.rows, options.peace, Path(checkout)))
    print(f"{options.rows} posts\n")
    print("| migration | took | longest wait of a reader | of a writer |")
    print("| --- | ---: | ---: | ---: |")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
