"""Every call of the repository, so that a test can make them all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from blogsvc import NewPost
from blogsvc.posts.repository import PostRepository
from blogsvc.service import Blog

LATER = datetime(2100, 1, 1, tzinfo=UTC)

EVERYTHING: dict[str, Any] = {
    "status": "draft",
    "visible": True,
    "created_before": LATER,
    "created_after": datetime(2000, 1, 1, tzinfo=UTC),
    "published_before": LATER,
    "published_after": datetime(2000, 1, 1, tzinfo=UTC),
    "tag": "tag",
    "metadata": {"name": "value"},
}


async def _pages(posts: PostRepository, id: int) -> None:
    for order in ("newest", "oldest", "published", "updated"):
        page = await posts.page(order=order, limit=1, with_total=True)
        if page.next:
            await posts.page(order=order, limit=1, after=page.next)
    await posts.page(**EVERYTHING)


async def _summaries(posts: PostRepository, id: int) -> None:
    for order in ("newest", "oldest", "published", "updated"):
        page = await posts.summaries(order=order, limit=1, with_total=True)
        if page.next:
            await posts.summaries(order=order, limit=1, after=page.next)
    await posts.summaries(**EVERYTHING)


async def _neighbours(posts: PostRepository, id: int) -> None:
    for visible in (False, True):
        await posts.neighbours(id, visible=visible)


async def _stream(posts: PostRepository, id: int) -> None:
    assert [post async for post in posts.stream(batch=1)]


async def _search(posts: PostRepository, id: int) -> None:
    for visible in (False, True):
        page = await posts.search("word", visible=visible, limit=1)
        assert page.next
        await posts.search("word", visible=visible, limit=1, after=page.next)
    await posts.search("C++ 字 w-o-r-d", tag="tag")


async def _together(read: Callable[[Any], Awaitable[object]], keys: Iterable[object]) -> None:
    """Read so much at once that some reads wait, which takes another statement."""
    assert any(await asyncio.gather(*(read(key) for key in keys)))


_SLUGS = [f"nothing-{number}" for number in range(8)] + ["word"]

READS: dict[str, Callable[[PostRepository, int], Awaitable[object]]] = {
    "get": lambda posts, id: posts.get(id),
    "get_or_none": lambda posts, id: _together(posts.get_or_none, range(id, id + 9)),
    "get_by_slug": lambda posts, id: posts.get_by_slug("word"),
    "get_by_slug_or_none": lambda posts, id: _together(posts.get_by_slug_or_none, _SLUGS),
    "get_many": lambda posts, id: posts.get_many([id]),
    "exists": lambda posts, id: _together(posts.exists, range(id, id + 9)),
    "count": lambda posts, id: posts.count(**EVERYTHING),
    "tags": lambda posts, id: posts.tags(visible=True),
    "page": _pages,
    "summaries": _summaries,
    "stream": _stream,
    "neighbours": _neighbours,
    "search": _search,
}

WRITES: dict[str, Callable[[PostRepository, int], Awaitable[object]]] = {
    "create": lambda posts, id: posts.create(
        "Word", "C", status="published", tags=["tag"], metadata={"name": "value"}
    ),
    "create_many": lambda posts, id: posts.create_many([NewPost("Word", "C", "published")] * 3),
    "update": lambda posts, id: posts.update(
        id,
        title="Word again",
        content="D",
        slug="word",
        status="archived",
        published_at=LATER,
        tags=["tag", "other"],
        metadata={},
    ),
    "upsert": lambda posts, id: posts.upsert(
        "word", title="Word", content="E", status="draft", tags=["x"], metadata={"y": 1}
    ),
    "publish": lambda posts, id: posts.publish(id, at=datetime.now(UTC)),
    "unpublish": lambda posts, id: posts.unpublish(id),
    "archive": lambda posts, id: posts.archive(id),
    "delete": lambda posts, id: posts.delete(id),
}

CALLS = {**WRITES, **READS}


async def every_call(blog: Blog) -> None:
    """Make each call at least once, on posts that it finds."""
    public = {name for name in vars(PostRepository) if not name.startswith("_")}
    assert set(CALLS) == public
    post = await blog.posts.create("Word", "C", slug="word")
    async with blog.transaction(), blog.transaction():
        await blog.posts.get(post.id, lock=True)
    for name in sorted(CALLS, key="delete".__eq__):  # the post itself is deleted at last
        await CALLS[name](blog.posts, post.id)
