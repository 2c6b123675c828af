"""Many tasks at once on the same posts: nothing is lost, nothing is there twice."""

from __future__ import annotations

import asyncio

import asyncpg

from blogsvc import BlogService
from blogsvc.errors import VersionConflict


async def test_fifty_creates_with_one_title_give_fifty_posts_and_slugs(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    posts = await asyncio.gather(*(blog.posts.create("Hello", str(n)) for n in range(50)))
    assert len({post.slug for post in posts}) == 50
    assert await sql.fetchval("SELECT count(DISTINCT slug) FROM posts") == 50


async def test_fifty_read_modify_writes_with_retry_lose_no_update(blog: BlogService) -> None:
    post = await blog.posts.create("0", "")

    async def increment() -> None:
        while True:
            seen = await blog.posts.get(post.id)
            try:
                await blog.posts.update(
                    post.id, title=str(int(seen.title) + 1), expected_version=seen.version
                )
            except VersionConflict:
                continue
            return

    await asyncio.gather(*(increment() for _ in range(50)))
    end = await blog.posts.get(post.id)
    assert (end.title, end.version) == ("50", 51)


async def test_many_publish_a_post_once(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "")
    results = await asyncio.gather(*(blog.posts.publish(post.id) for _ in range(20)))
    assert {(each.version, each.published_at) for each in results} == {(2, results[0].published_at)}
