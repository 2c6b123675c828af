"""What lists cost: `summaries` beside `page`, for posts of 1, 10 and 100 kB.

The contents are words that hardly compress, as those of real posts do not; PostgreSQL keeps the
longer ones outside of their rows. The bytes are those that come over the connection, counted in a
relay; memory is what Python holds while it has the list.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from blogsvc import BlogService, NewPost
from blogsvc.migrator import Migrator

from .databases import filled
from .texts import Texts

POSTS: Final = 400
SHOWN: Final = 200
SIZES: Final = (1_000, 10_000, 100_000)


@dataclass(frozen=True)
class Cost:
    """Of one list: seconds (the median), and bytes."""

    took: float
    moved: int
    held: int


async def measure(
    server: str, rounds: int, told: Callable[[str], None]
) -> dict[int, dict[str, Cost]]:
    """Return what a page of 200 and as many summaries cost, by the size of a post."""
    costs = {}
    for size in SIZES:
        told(f"lists of posts of {size:,} characters")

        async def fill(url: str, posts: int, size: int = size) -> None:
            await Migrator(url).upgrade()
            texts = Texts(words=size // 8)
            async with BlogService(url, command_timeout=300) as blog:
                await blog.posts.create_many(
                    NewPost(texts.title(), _content(texts, size), "published") for _ in range(posts)
                )

        async with filled(server, POSTS, kind=f"lists_{size}", fill=fill) as url:
            costs[size] = await _costs(url, rounds)
    return costs


def _content(texts: Texts, size: int) -> str:
    content = texts.content()
    while len(content) < size:
        content += "\n\n" + texts.content()
    return content[:size]


async def _costs(url: str, rounds: int) -> dict[str, Cost]:
    relay = _Relay(url)
    async with BlogService(url, max_size=1) as blog, relay, BlogService(relay.url) as counted:
        calls: dict[str, Callable[[BlogService], Awaitable[Any]]] = {
            "page": lambda blog: blog.posts.page(limit=SHOWN),
            "summaries": lambda blog: blog.posts.summaries(limit=SHOWN),
        }
        taken: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(rounds + 2):
            for name, call in calls.items():
                started = time.perf_counter()
                await call(blog)
                taken[name].append(time.perf_counter() - started)
        found = {}
        for name, call in calls.items():
            await call(counted)
            before = relay.moved
            await call(counted)
            moved = relay.moved - before
            gc.collect()
            tracemalloc.start()
            there = await call(blog)
            held, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert len(there) == SHOWN
            found[name] = Cost(statistics.median(taken[name][2:]), moved, held)
        return found


class _Relay:
    """Passes a server's answers on and counts their bytes."""

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self.moved = 0
        self.url = ""

    async def __aenter__(self) -> None:
        self._relay = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        host, port = self._relay.sockets[0].getsockname()
        kept = [pair for pair in parse_qsl(self._server.query) if pair[0] not in ("host", "port")]
        at = self._server.netloc.rpartition("@")[0]
        self.url = self._server._replace(
            netloc=f"{at}@{host}:{port}" if at else f"{host}:{port}", query=urlencode(kept)
        ).geturl()

    async def __aexit__(self, *failure: object) -> None:
        self._relay.close()

    async def _accept(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        query = dict(parse_qsl(self._server.query))
        port = int(query.get("port") or self._server.port or 5432)
        host = query.get("host") or self._server.hostname or "localhost"
        if host.startswith("/"):
            answers, server = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            answers, server = await asyncio.open_connection(host, port)

        async def commands() -> None:
            while piece := await client.read(65536):
                server.write(piece)
            server.close()

        sending = asyncio.create_task(commands())
        while piece := await answers.read(65536):
            self.moved += len(piece)
            back.write(piece)
            await back.drain()
        back.close()
        await sending
