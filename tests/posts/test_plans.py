"""What a call reads of a large table, with a plan that was made without knowing what is asked.

PostgreSQL keeps such a plan for a statement that runs often, and guesses how many posts will match.
Where the guess is wrong, the whole table may be read for a post that is not there.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from blogsvc import BlogService, NewPost
from blogsvc.errors import BlogError
from blogsvc.posts import sql as statements
from blogsvc.posts.repository import PostRepository
from blogsvc.posts.sql import lists

POSTS = 20_000
START = datetime(2026, 1, 1, tzinfo=UTC)

READ = """
    SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
    WHERE relid = 'posts'::regclass"""


@pytest.fixture
async def guessing(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that plans each statement without knowing what is asked."""
    connection = await asyncpg.connect(
        database, server_settings={"plan_cache_mode": "force_generic_plan"}
    )
    await connection.execute(
        """INSERT INTO posts (title, content, slug, created_at, published_at, status, search)
        SELECT 'P', '', 'post-' || n, $1::timestamptz + n * interval '1 minute',
            $1::timestamptz + n * interval '1 minute', 'published', ''
        FROM generate_series(1, $2::int) AS n""",
        START,
        POSTS,
    )
    await connection.execute("UPDATE posts SET slug = 'moved' WHERE slug = 'post-77'")
    await connection.execute("VACUUM ANALYZE posts")
    yield connection
    await connection.close()


async def _many(posts: PostRepository, id: int) -> None:
    await posts.create_many([NewPost("New", ""), NewPost("Other", "", slug="post-6")])


async def _two_pages(posts: PostRepository, id: int) -> None:
    await posts.page(after=(await posts.page()).next)


CALLS: dict[str, tuple[Callable[[PostRepository, int], Awaitable[object]], int]] = {
    "get": (lambda posts, id: posts.get(id), 1),
    "get what is not there": (lambda posts, id: posts.get_or_none(10**9), 0),
    "get many": (lambda posts, id: posts.get_many(range(id, id + 50)), 50),
    "get by slug": (lambda posts, id: posts.get_by_slug("post-5"), 1),
    "get by former slug": (lambda posts, id: posts.get_by_slug("post-77"), 1),
    "get by a slug that nobody had": (lambda posts, id: posts.get_by_slug_or_none("nobody"), 0),
    "exists": (lambda posts, id: posts.exists(id), 1),
    "neighbours": (lambda posts, id: posts.neighbours(id, visible=True), 5),
    "page": (lambda posts, id: posts.page(), 21),
    "page by a tag that nobody has": (lambda posts, id: posts.page(tag="no"), lists.NEAR),
    "count by a tag that nobody has": (lambda posts, id: posts.count(tag="no"), 0),
    "count by metadata": (lambda posts, id: posts.count(metadata={"no": 1}), 0),
    "create": (lambda posts, id: posts.create("New", ""), 1),
    "create under a taken slug": (lambda posts, id: posts.create("T", "", slug="post-5"), 2),
    "create many": (_many, 5),
    "upsert": (lambda posts, id: posts.upsert("post-5", title="T", content="C"), 3),
    "update": (lambda posts, id: posts.update(id, slug="elsewhere"), 3),
    "update what is not there": (lambda posts, id: posts.update(10**9, title="T"), 0),
    "publish": (lambda posts, id: posts.publish(id), 3),
    "delete": (lambda posts, id: posts.delete(id), 3),
}


async def test_a_call_reads_the_posts_that_it_is_about(
    blog: BlogService, guessing: asyncpg.Connection
) -> None:
    id = await guessing.fetchval("SELECT id FROM posts WHERE slug = 'post-9'")
    read = {}
    for name, (call, _) in CALLS.items():
        transaction = guessing.transaction()
        await transaction.start()
        before = await guessing.fetchval(READ)
        async with blog.transaction(connection=guessing):
            with contextlib.suppress(BlogError):
                await call(blog.posts, id)
        read[name] = await guessing.fetchval(READ) - before
        await transaction.rollback()
    assert {name: number for name, number in read.items() if number > CALLS[name][1]} == {}


OFTEN: dict[str, Callable[[PostRepository, int], Awaitable[object]]] = {
    **{name: call for name, (call, _) in CALLS.items() if not name.startswith("count")},
    "get two": lambda posts, id: posts.get_many((id, id + 1)),
    "a page with room for more": lambda posts, id: posts.page(limit=60),
    "a page of what is visible": lambda posts, id: posts.page(visible=True, order="published"),
    "the next page": _two_pages,
    "summaries": lambda posts, id: posts.summaries(limit=5),
    "search": lambda posts, id: posts.search("word"),
}


async def test_what_is_called_often_is_not_planned_each_time(
    blog: BlogService, guessing: asyncpg.Connection
) -> None:
    id = await guessing.fetchval("SELECT id FROM posts WHERE slug = 'post-9'")
    await guessing.execute("SET plan_cache_mode = auto")
    for call in OFTEN.values():
        transaction = guessing.transaction()
        await transaction.start()
        async with blog.transaction(connection=guessing):
            for _ in range(12):
                with contextlib.suppress(BlogError):
                    await call(blog.posts, id)
        await transaction.rollback()
    rows = await guessing.fetch("SELECT * FROM pg_prepared_statements")
    assert [row["statement"] for row in rows if row["custom_plans"] > 5] == []


async def test_many_slugs_read_at_once_read_their_posts_only(
    blog: BlogService, guessing: asyncpg.Connection
) -> None:
    async with guessing.transaction():
        before = await guessing.fetchval(READ)
        rows = await guessing.fetch(
            statements.get_by_slug("posts").many, ["post-5", "post-77", "nobody", "nothing"]
        )
        assert {row["address"]: row["slug"] for row in rows} == {
            "post-5": "post-5",
            "post-77": "moved",
        }
        assert await guessing.fetchval(READ) - before <= 4


async def test_looking_for_the_posts_of_files_reads_what_it_finds(
    blog: BlogService, guessing: asyncpg.Connection
) -> None:
    at = str(START + timedelta(minutes=9))
    files = [["post-9"], [at], ["P"], [""], ["{}"], ["{}"]]
    async with guessing.transaction():
        before = await guessing.fetchval(READ)
        await guessing.fetch(statements.of_files("posts"), *files, ["1"], ["a.md"], ["1"], ["no"])
        assert await guessing.fetchval(READ) - before <= 3
