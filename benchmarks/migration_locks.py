"""How long readers and writers wait while each migration runs, up and down.

    python benchmarks/migration_locks.py --rows 1000000

A process of its own keeps one reader and one writer busy on a table with so many posts, first in
peace, then while every migration is applied and undone. Printed is, for each step, its duration
and the longest that a reader and a writer waited for one statement. The server is the embedded
one, or the empty database that --url names.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg

from blogsvc import embedded
from blogsvc.migrator import Migrator, Step, files

WORDS = 80
"""Words in a post: about 500 characters."""

_SEED = """
    INSERT INTO posts (title, content, status, created_at, updated_at)
    SELECT 'Post number ' || n,
        (SELECT string_agg('word' || (n::bigint * 7919 + w * 104729) % 20011, ' ')
            FROM generate_series(1, $2) AS w),
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
                "UPDATE posts SET title = 'Changed', updated_at = now() WHERE id = $1",
                random.randrange(rows),
            )

    async def wait_for_the_end() -> None:
        await asyncio.to_thread(sys.stdin.read)
        stop.set()

    await asyncio.gather(keep("reader", read), keep("writer", write), wait_for_the_end())
    return taken


async def measure(url: str, rows: int, peace: float) -> list[str]:
    await Migrator(url).upgrade("0")
    connection = await asyncpg.connect(url, command_timeout=None)
    await connection.execute(_SEED, rows, WORDS)
    await connection.execute("VACUUM ANALYZE posts")
    await connection.close()

    windows: list[tuple[str, float, float]] = []

    def note(step: Step) -> None:
        if step.seconds is not None:
            arrow = "up" if step.direction == "up" else "down"
            windows.append((f"{step.label} {arrow}", time.time() - step.seconds, time.time()))
            print(f"{step.label} {arrow} {step.seconds:.2f} s", file=sys.stderr, flush=True)

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--load", url, "--rows", str(rows)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await asyncio.sleep(2)
        started = time.time()
        await asyncio.sleep(peace)
        windows.append(("no migration", started, time.time()))
        migrator = Migrator(url, on_step=note)
        await migrator.upgrade()
        await migrator.downgrade("0")
    finally:
        output, _ = await process.communicate(b"")
    taken: Waits = json.loads(output)
    return [_line(name, begin, end, taken) for name, begin, end in windows]


def _line(name: str, begin: float, end: float, taken: Waits) -> str:
    longest = {
        who: max(
            (seconds for started, seconds in waits if started < end and started + seconds > begin),
            default=0.0,
        )
        for who, waits in taken.items()
    }
    reader, writer = longest["reader"] * 1000, longest["writer"] * 1000
    return f"| {name} | {end - begin:.2f} s | {reader:.0f} ms | {writer:.0f} ms |"


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
    if options.url:
        lines = asyncio.run(measure(options.url, options.rows, options.peace))
    else:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
            server = embedded.start(Path(directory) / "data")
            try:
                lines = asyncio.run(measure(server.url, options.rows, options.peace))
            finally:
                server.release()
    print(f"{options.rows} posts, {len(files.all_files())} migrations\n")
    print("| migration | took | longest wait of a reader | of a writer |")
    print("| --- | ---: | ---: | ---: |")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
