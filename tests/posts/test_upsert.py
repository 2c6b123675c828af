"""`upsert`: one post under a slug, created or brought up to date."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.errors import InvalidPost

LONG_AGO = datetime(2015, 5, 15, tzinfo=UTC)


async def test_it_creates_what_is_not_there(blog: BlogService, sql: asyncpg.Connection) -> None:
    post, created = await blog.posts.upsert("hello", title="Hello", content="First")
    assert created
    assert (post.slug, post.title, post.status, post.version) == ("hello", "Hello", "draft", 1)
    assert await sql.fetchval("SELECT content FROM posts WHERE slug = 'hello'") == "First"


async def test_it_changes_what_is_there(blog: BlogService) -> None:
    first, _ = await blog.posts.upsert("hello", title="Hello", content="First")
    second, created = await blog.posts.upsert("hello", title="Hello", content="Second")
    assert not created
    assert (second.id, second.content, second.version) == (first.id, "Second", 2)


async def test_it_writes_nothing_when_nothing_changes(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post, _ = await blog.posts.upsert("hello", title="Hello", content="", status="published")
    place = await sql.fetchval("SELECT ctid FROM posts")
    repeats: list[dict[str, Any]] = [
        {},
        {"status": "published"},
        {"status": "published", "published_at": None},
    ]
    for given in repeats:
        again, created = await blog.posts.upsert("hello", title="Hello", content="", **given)
        assert (again, created) == (post, False)
    assert await sql.fetchval("SELECT ctid FROM posts") == place


async def test_status_and_time_stay_unless_they_are_given(blog: BlogService) -> None:
    await blog.posts.create("Hello", "", slug="hello", status="published", published_at=LONG_AGO)
    post, _ = await blog.posts.upsert("hello", title="New", content="")
    assert (post.status, post.published_at) == ("published", LONG_AGO)
    post, _ = await blog.posts.upsert("hello", title="New", content="", status="archived")
    assert (post.status, post.published_at) == ("archived", LONG_AGO)
    post, _ = await blog.posts.upsert(
        "hello", title="New", content="", status="draft", published_at=None
    )
    assert (post.status, post.published_at) == ("draft", None)
    post, _ = await blog.posts.upsert("hello", title="New", content="", status="published")
    assert post.published_at == post.updated_at


async def test_it_checks_the_post(blog: BlogService) -> None:
    with pytest.raises(InvalidPost):
        await blog.posts.upsert("hello", title=" ", content="")
    with pytest.raises(InvalidPost):
        await blog.posts.upsert("", title="T", content="")


async def test_many_at_once_create_one_post(blog: BlogService) -> None:
    results = await asyncio.gather(
        *(blog.posts.upsert("hello", title="Hello", content=str(place)) for place in range(30))
    )
    assert sum(created for _, created in results) == 1
    assert sorted(post.version for post, _ in results) == list(range(1, 31))
