"""Every call of a repository, to be made on a blog whose only post is `published_post`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from blogsvc import BlogService, NewPost

Call = Callable[[BlogService], Awaitable[object]]

READS: dict[str, Call] = {
    "get": lambda blog: blog.posts.get(1),
    "get_or_none": lambda blog: blog.posts.get_or_none(1),
    "get_by_slug": lambda blog: blog.posts.get_by_slug("s"),
    "get_by_slug_or_none": lambda blog: blog.posts.get_by_slug_or_none("s"),
    "get_many": lambda blog: blog.posts.get_many([1]),
    "exists": lambda blog: blog.posts.exists(1),
    "count": lambda blog: blog.posts.count(),
    "tags": lambda blog: blog.posts.tags(),
    "page": lambda blog: blog.posts.page(with_total=True),
    "summaries": lambda blog: blog.posts.summaries(with_total=True),
    "neighbours": lambda blog: blog.posts.neighbours(1),
    "stream": lambda blog: anext(blog.posts.stream()),
    "search": lambda blog: blog.posts.search("word"),
}

WRITES: dict[str, Call] = {
    "create": lambda blog: blog.posts.create("T", "C"),
    "create_many": lambda blog: blog.posts.create_many([NewPost("T", "C")]),
    "update": lambda blog: blog.posts.update(1, title="New"),
    "upsert": lambda blog: blog.posts.upsert("s", title="New", content="C"),
    "publish": lambda blog: blog.posts.publish(1, at=datetime(2026, 5, 1, tzinfo=UTC)),
    "unpublish": lambda blog: blog.posts.unpublish(1),
    "archive": lambda blog: blog.posts.archive(1),
    "delete": lambda blog: blog.posts.delete(1),
}


async def published_post(blog: BlogService) -> None:
    """Store the post that each call reads or changes."""
    await blog.posts.create("T", "word", slug="s", status="published")
