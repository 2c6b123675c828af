"""A user's code, checked by mypy --strict and pyright, never run: each line says what it has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import assert_type

from tortoise.transactions import in_transaction

from blogsvc import UNSET, BlogService, NewPost, Page, PostRecord, PostSummary, SearchHit
from blogsvc.errors import AlreadyExists, InvalidPost, PostNotFound, VersionConflict
from blogsvc.migrator import Migrator


async def everything(url: str | None, title: str | None) -> None:
    async with BlogService(url, schema="alice", max_size=5, migrate=True) as blog:
        assert_type(blog, BlogService)
        posts = blog.posts
        post = assert_type(await posts.create("Title", "content", slug="s"), PostRecord)
        assert_type(await posts.create_many(NewPost("T", "C") for _ in range(3)), list[int])
        assert_type(await posts.get(post.id), PostRecord)
        assert_type(await posts.get_or_none(post.id), PostRecord | None)
        assert_type(await posts.get_by_slug("s"), PostRecord)
        assert_type(await posts.get_many([1, 2]), dict[int, PostRecord])
        assert_type(await posts.exists(1), bool)
        assert_type(await posts.count(status="draft", visible=True), int)
        page = assert_type(
            await posts.page(order="updated", created_after=datetime.now(UTC), with_total=True),
            Page[PostRecord],
        )
        assert_type(page.items, tuple[PostRecord, ...])
        assert_type(page.next, str | None)
        assert_type(page.total, int | None)
        for each in page:
            assert_type(each, PostRecord)
        author: Mapping[str, str] = {"author": "Ann"}
        summaries = assert_type(
            await posts.summaries(tag="python", metadata=author, visible=True),
            Page[PostSummary],
        )
        for summary in summaries:
            assert_type(summary.excerpt, str)
            assert_type(summary.tags, tuple[str, ...])
        older, newer = await posts.neighbours(post.id, visible=False)
        assert_type(older, PostSummary | None)
        assert_type(newer, PostSummary | None)
        stream = assert_type(posts.stream(order="newest"), AsyncIterator[PostRecord])
        async for each in stream:
            assert_type(each.published_at, datetime | None)
        assert_type(
            await posts.update(1, title=UNSET if title is None else title, published_at=None),
            PostRecord,
        )
        assert_type(await posts.publish(1, at=datetime.now(UTC)), PostRecord)
        assert_type(await posts.upsert("s", title="T", content="C"), tuple[PostRecord, bool])
        hits = assert_type(await posts.search("words", tag="t"), Page[SearchHit])
        assert_type([hit.post.title for hit in hits], list[str])
        async with blog.transaction(isolation="serializable", readonly=True):
            assert_type(await posts.get(1, lock=True), PostRecord)

        async def body() -> int:
            return (await posts.get(1)).version

        assert_type(await blog.run_transaction(body), int)
        await posts.delete(1, missing_ok=True, expected_version=3)


async def failures(blog: BlogService) -> str:
    try:
        await blog.posts.get(1)
    except PostNotFound as error:
        assert_type(error.id, int | None)
    except VersionConflict as error:
        assert_type((error.expected, error.actual), tuple[int, int])
    except InvalidPost as error:
        return error.field + error.reason
    except AlreadyExists as error:
        return error.field
    return ""


async def migrations(url: str) -> list[str]:
    return await Migrator(url).upgrade()


async def beside_tortoise(blog: BlogService) -> None:
    # `Post` is left out: its keyword arguments are any, as those of every model of Tortoise's.
    async with in_transaction() as connection, blog.transaction(connection=connection):
        assert_type(await blog.posts.get(1), PostRecord)
