"""What a call costs: one statement and one round trip, two for a search, and memory that does not
grow.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from asyncpg.connection import LoggedQuery

from blogsvc import BlogService, NewPost
from blogsvc.database import Command

LONG_AGO = datetime(2015, 5, 15, tzinfo=UTC)

# Each is called with the id of a post that exists.
HOT_CALLS: dict[str, Callable[[BlogService, int], Awaitable[object]]] = {
    "get": lambda blog, id: blog.posts.get(id),
    "get_or_none": lambda blog, id: blog.posts.get_or_none(id),
    "get_by_slug": lambda blog, id: blog.posts.get_by_slug("hello"),
    "get_many": lambda blog, id: blog.posts.get_many([id]),
    "exists": lambda blog, id: blog.posts.exists(id),
    "count": lambda blog, id: blog.posts.count(),
    "page": lambda blog, id: blog.posts.page(),
    "summaries": lambda blog, id: blog.posts.summaries(),
    "neighbours": lambda blog, id: blog.posts.neighbours(id),
    "create": lambda blog, id: blog.posts.create("New", "content"),
    "update": lambda blog, id: blog.posts.update(id, title="Changed", expected_version=1),
    "upsert": lambda blog, id: blog.posts.upsert("hello", title="Changed", content=""),
    "publish": lambda blog, id: blog.posts.publish(id),
    "archive": lambda blog, id: blog.posts.archive(id),
    "delete": lambda blog, id: blog.posts.delete(id),
    "search": lambda blog, id: blog.posts.search("first"),
}


@pytest.mark.parametrize("name", HOT_CALLS)
async def test_a_hot_call_is_one_statement_and_a_search_two(database: str, name: str) -> None:
    async with BlogService(database, max_size=1) as blog:
        post = await blog.posts.create("Hello", "First")
        await HOT_CALLS[name](blog, post.id)  # what is prepared once is prepared now
        await blog._database.write(Command("TRUNCATE posts"))
        post = await blog.posts.create("Hello", "First")
        statements: list[str] = []
        pool = blog._database.check_open()
        async with pool.acquire() as connection:
            connection._con.add_query_logger(lambda query: statements.append(said(query)))
        await HOT_CALLS[name](blog, post.id)
    assert len(statements) == (2 if name == "search" else 1), statements


@pytest.mark.parametrize("name", ["get", "page", "create", "delete"])
async def test_a_call_by_itself_makes_no_task(blog: BlogService, name: str) -> None:
    post = await blog.posts.create("Hello", "First")
    made: list[object] = []

    def noted(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(work)
        return asyncio.Task(work, loop=loop, **options)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(noted)
    try:
        await HOT_CALLS[name](blog, post.id)
    finally:
        loop.set_task_factory(None)
    assert made == []
    # And the connection is back in its pool.
    assert blog._database.check_open().get_idle_size() == 1


def said(query: LoggedQuery) -> str:
    text: str = query.query
    return text


def long_posts(number: int) -> Iterator[NewPost]:
    for place in range(number):
        yield NewPost(f"Post {place}", f"{place} " * 4000, created_at=LONG_AGO, updated_at=LONG_AGO)


async def test_create_many_and_stream_need_little_memory_for_many_posts(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    # Which would make a text vector of each, and takes minutes.
    await sql.execute("ALTER TABLE posts DISABLE TRIGGER posts_keep_rules")
    try:
        tracemalloc.start()
        ids = await blog.posts.create_many(long_posts(5000))
        streamed = 0
        async for post in blog.posts.stream(batch=100):
            streamed += len(post.content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        await sql.execute("ALTER TABLE posts ENABLE TRIGGER posts_keep_rules")
    assert len(ids) == 5000
    assert streamed > 80_000_000
    assert peak < streamed / 2
