"""A user's own test: `blog` is an open service on a real database that belongs to this test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg

from blogsvc import BlogService

from .worker import archive_old_posts


async def test_the_worker_archives_what_is_old(blog: BlogService, blog_url: str) -> None:
    old = await blog.posts.create(
        "Old", "", status="published", created_at=datetime.now(UTC) - timedelta(days=900)
    )
    fresh = await blog.posts.create("Fresh", "", status="published")
    database = await asyncpg.connect(blog_url)
    await database.execute("UPDATE posts SET updated_at = created_at")
    await database.close()

    assert await archive_old_posts(blog) == 1
    assert (await blog.posts.get(old.id)).status == "archived"
    assert (await blog.posts.get(fresh.id)).status == "published"
