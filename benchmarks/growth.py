"""The same calls on tables of very different size, in turn, and how much memory long ones take."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import asyncpg

from blogsvc import BlogService, NewPost
from blogsvc.posts import paging

from .databases import filled
from .filling import COMMON_RANK, RARE
from .memory import highest
from .peers.by_hand import ByHand
from .texts import Texts

DEEP: Final = 1_000_000
STREAMED: Final = 1_000_000
CREATED: Final = 20_000

_number = itertools.count(1)


@dataclass(frozen=True)
class Growth:
    """Medians in seconds, by call and then by number of posts."""

    taken: dict[str, dict[int, float]]
    facts: dict[int, str]
    memory: dict[str, dict[int, float]]


class Table:
    """An open service on so many posts, and what to ask it for."""

    def __init__(self, blog: BlogService, by_hand: ByHand, url: str, posts: int) -> None:
        self.blog = blog
        self.by_hand = by_hand
        self.url = url
        self.posts = posts
        self.deep = ""
        self.deep_id = 0
        self.common = Texts().vocabulary[COMMON_RANK]
        self.middling = Texts().vocabulary[COMMON_RANK * 10]
        self.random = random.Random(3)

    async def find_deep_page(self, connection: asyncpg.Connection) -> None:
        """Make the cursor that a million pages' turning would have led to; half way, if shorter."""
        offset = min(DEEP, self.posts // 2)
        at, id = await connection.fetchrow(
            "SELECT created_at, id FROM posts ORDER BY created_at DESC, id DESC "
            "OFFSET $1 - 1 LIMIT 1",
            offset,
        )
        query = paging.fingerprint("newest", [])
        self.deep = paging.encode(query, paging.from_time(at), id)
        page = await self.blog.posts.page(after=self.deep)
        assert [post.id for post in page] == list(range(id - 1, id - 21, -1))

    def calls(self) -> dict[str, Callable[[], Awaitable[object]]]:
        posts = self.blog.posts
        return {
            "first page": lambda: posts.page(),
            "page a million deep": lambda: posts.page(after=self.deep),
            "get, any post": lambda: posts.get(self.random.randint(1, self.posts)),
            "get by hand, any post": lambda: self.by_hand.get(self.random.randint(1, self.posts)),
            "get, one of 1,000": lambda: posts.get(self.random.randint(1, 1000)),
            "create": lambda: posts.create(f"A new post, number {next(_number)}", _CONTENT),
            "search, a rare word": lambda: posts.search(RARE),
            "search, a middling word": lambda: posts.search(self.middling),
            "search, a common word": lambda: posts.search(self.common),
        }


_CONTENT: Final = Texts(seed=9).content()


async def grow(
    server: str, sizes: list[int], rounds: int, keep: bool, told: Callable[[str], None]
) -> Growth:
    """Measure every call on tables of these sizes."""
    async with contextlib.AsyncExitStack() as stack:
        tables = []
        facts = {}
        for posts in sizes:
            told(f"filling a table with {posts:,} posts")
            url = await stack.enter_async_context(filled(server, posts, keep=keep))
            blog = BlogService(url, command_timeout=300)
            by_hand = ByHand()
            await by_hand.open(url)
            stack.push_async_callback(by_hand.close)
            table = Table(await stack.enter_async_context(blog), by_hand, url, posts)
            facts[posts] = await _look(table)
            tables.append(table)
        taken: dict[str, dict[int, float]] = {}
        for name in tables[0].calls():
            told(f"growth: {name}")
            rows: dict[int, list[float]] = {posts: [] for posts in sizes}
            for number in range(rounds):
                for table in tables:
                    call = table.calls()[name]
                    if number == 0:
                        await _timed(call, 5)
                    rows[table.posts].append(await _timed(call, 5))
            taken[name] = {posts: statistics.median(each) for posts, each in rows.items()}
        memory: dict[str, dict[int, float]] = {"stream": {}, "create_many": {}}
        for table in tables:
            told(f"memory at {table.posts:,} posts")
            for what in memory:
                memory[what][table.posts] = await asyncio.to_thread(_peak, what, table)
    return Growth(taken, facts, memory)


async def _look(table: Table) -> str:
    connection = await asyncpg.connect(table.url)
    try:
        await table.find_deep_page(connection)
        size, index, *matches = await connection.fetchrow(
            """SELECT pg_size_pretty(pg_total_relation_size('posts')),
                pg_size_pretty(pg_relation_size('posts_search_idx')),
                (SELECT count(*) FROM posts WHERE search @@ websearch_to_tsquery('english', $1)),
                (SELECT count(*) FROM posts WHERE search @@ websearch_to_tsquery('english', $2)),
                (SELECT count(*) FROM posts WHERE search @@ websearch_to_tsquery('english', $3))""",
            RARE,
            table.middling,
            table.common,
            timeout=600,
        )
        rare, middling, common = matches
        return (
            f"{size} with its indexes, {index} of it the search index; the rare word is in "
            f"{rare:,} posts, the middling in {middling:,}, the common in {common:,}"
        )
    finally:
        await connection.close()


async def _timed(call: Callable[[], Awaitable[object]], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        await call()
    return (time.perf_counter() - started) / calls


def _peak(what: str, table: Table) -> float:
    """Return by how many MB a process of its own grows while it streams or creates."""
    command = [sys.executable, "-m", __name__, what, table.url, str(table.posts)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout))


async def _use_memory(what: str, url: str, posts: int) -> float:
    class Enough(Exception): ...

    async with BlogService(url, command_timeout=300) as blog:
        await blog.posts.page()
        before = highest()
        if what == "stream":
            number = 0
            async for _ in blog.posts.stream():
                number += 1
                if number == STREAMED:
                    break
        else:
            new = (
                NewPost(title, content)
                for title, content in Texts(seed=10).posts(min(posts, CREATED))
            )
            next(new)  # what makes the texts is there now
            before = highest()
            with contextlib.suppress(Enough):
                async with blog.transaction():
                    await blog.posts.create_many(new)
                    raise Enough
        return highest() - before


if __name__ == "__main__":
    what, url, posts = sys.argv[1:]
    print(json.dumps(asyncio.run(_use_memory(what, url, int(posts)))))
