"""Importing a folder of Markdown, beside what the database alone takes for its rows.

Each way runs in a process of its own, on an empty migrated database, so that its peak of memory is
its own, too.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blogsvc.migrator import Migrator

from .databases import create, drop, url_of
from .texts import Texts

_WAYS: Final = {
    "the database alone": "rows",
    "one `create` a file": "create",
    "`import_posts`, all new": "new",
    "`import_posts`, nothing changed": "again",
}
DATABASE: Final = "the database alone"

_NAME: Final = "blogsvc_bench_files"

_PROGRAM: Final = """
import asyncio, json, sys, time
from pathlib import Path
import asyncpg
from blogsvc import BlogService
from benchmarks.memory import highest
from blogsvc.markdown import import_posts, read_post

way, url, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])

INSERT = '''
    INSERT INTO posts (title, content, slug, status, published_at, created_at, tags, metadata)
    SELECT title, content, slug, 'published', at::timestamptz, at::timestamptz, '{one,two}',
        '{"author": "Ann"}'
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS new (title, content, slug, at)'''

async def rows():
    posts = [read_post(path) for path in sorted(folder.rglob("*.md"))]
    values = [(p.title, p.content, p.slug, p.created_at.isoformat()) for p in posts]
    connection = await asyncpg.connect(url)
    began = time.perf_counter()
    for first in range(0, len(values), 500):
        await connection.execute(INSERT, *map(list, zip(*values[first:first + 500])))
    took = time.perf_counter() - began
    await connection.close()
    return took

async def create():
    async with BlogService(url) as blog:
        began = time.perf_counter()
        for path in sorted(folder.rglob("*.md")):
            p = read_post(path)
            await blog.posts.create(
                p.title, p.content, status=p.status, slug=p.slug, published_at=p.published_at,
                created_at=p.created_at, tags=p.tags, metadata=p.metadata,
            )
        return time.perf_counter() - began

async def bring_in():
    async with BlogService(url) as blog:
        began = time.perf_counter()
        report = await import_posts(blog.posts, [folder])
        assert report.is_complete and not report.updated
        return time.perf_counter() - began

took = asyncio.run({"rows": rows, "create": create}.get(way, bring_in)())
peak = highest()
print(json.dumps([took, peak]))
"""


@dataclass(frozen=True)
class Imported:
    """Of one way: the median of its seconds, and the greatest peak in MB."""

    way: str
    seconds: float
    peak: float


def write_files(folder: Path, number: int) -> None:
    """Write so many posts in twenty folders, each with a date, two tags and an author."""
    for n, (title, content) in enumerate(Texts().posts(number)):
        path = folder / f"{n % 20}" / f"post-{n}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"---\ntitle: {title}\ndate: 20{10 + n % 15}-{1 + n % 12:02}-{1 + n % 28:02}\n"
            f"tags: [one, two]\nauthor: Ann\n---\n\n{content}\n",
            encoding="utf-8",
        )


def measure(url: str, files: int, rounds: int, tell: Callable[[str], None]) -> list[Imported]:
    """Import so many files in each way, and return what it took."""
    own = url_of(url, _NAME)
    took: dict[str, list[tuple[float, float]]] = {way: [] for way in _WAYS}
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        write_files(folder, files)
        for _ in range(rounds):
            for way, kind in _WAYS.items():
                tell(f"importing {files} files: {way}")
                if kind != "again":
                    asyncio.run(_empty(url))
                done = subprocess.run(
                    [sys.executable, "-c", _PROGRAM, kind, own, str(folder)],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                seconds, peak = json.loads(done.stdout)
                took[way].append((seconds, peak))
    asyncio.run(drop(url, _NAME))
    return [
        Imported(way, statistics.median(s for s, _ in many), max(peak for _, peak in many))
        for way, many in took.items()
    ]


async def _empty(url: str) -> None:
    await Migrator(await create(url, _NAME)).upgrade()
