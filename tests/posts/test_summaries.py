"""Summaries: the same lists as pages, with excerpts, and without reading what they do not show."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from pydantic import TypeAdapter

from blogsvc import BlogService, NewPost, Page, PostRecord, PostSummary
from blogsvc.errors import InvalidCursor, InvalidQuery
from blogsvc.posts import listing, records
from blogsvc.posts import sql as statements
from blogsvc.posts.excerpts import SLICE

START = datetime(2026, 1, 1, tzinfo=UTC)


async def fill(blog: BlogService, number: int = 23) -> list[int]:
    return await blog.posts.create_many(
        NewPost(
            f"Post {n}",
            f"# Post\n\nThe *text* of number {n}.",
            status="draft" if n % 5 == 4 else "published",
            created_at=START + timedelta(days=n // 3),
            published_at=None if n % 5 == 4 else START + timedelta(days=30 - n // 3),
            tags=["even"] if n % 2 == 0 else [],
            metadata={"n": n % 4} if n % 3 else None,
        )
        for n in range(number)
    )


def summary_of(post: PostRecord, excerpt: str) -> PostSummary:
    values = {field.name: getattr(post, field.name) for field in dataclasses.fields(post)}
    del values["content"]
    return PostSummary(**values, excerpt=excerpt)


@pytest.mark.parametrize("order", ["newest", "oldest", "published", "updated"])
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"status": "published"},
        {"visible": True, "tag": "even"},
        {"metadata": {"n": 2}},
        {"created_after": START, "published_before": START + timedelta(days=28)},
    ],
)
async def test_summaries_are_the_pages_without_the_contents(
    blog: BlogService, order: Any, filters: dict[str, Any]
) -> None:
    await fill(blog)
    after = None
    turned = 0
    while True:
        query = {"order": order, "limit": 2, "after": after, "with_total": True, **filters}
        page: Page[PostRecord] = await blog.posts.page(**query)
        summaries = await blog.posts.summaries(**query)
        assert summaries.items == tuple(
            summary_of(post, f"Post The text of number {post.title.split()[1]}.") for post in page
        )
        assert (summaries.next, summaries.total) == (page.next, page.total)
        turned += 1
        after = page.next
        if after is None:
            break
    assert turned > 1


async def test_a_query_out_of_bounds_is_refused_as_by_a_page(blog: BlogService) -> None:
    await fill(blog, 3)
    first = await blog.posts.summaries(limit=1)
    with pytest.raises(InvalidCursor):
        await blog.posts.summaries(limit=1, after=first.next, tag="even")
    wrong: list[dict[str, Any]] = [{"limit": 0}, {"order": "random()"}, {"tag": 1}, {"status": "x"}]
    for query in wrong:
        with pytest.raises(InvalidQuery):
            await blog.posts.summaries(**query)
    with pytest.raises(TypeError, match="'color' is no filter"):
        await blog.posts.summaries(color="red")  # type: ignore[call-arg]


async def test_an_excerpt_is_made_of_the_first_thousand_characters(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    assert SLICE == 1000
    await blog.posts.create("Long", "字" * 100_000)
    await blog.posts.create("Links", "[word](https://example.com/an/address/of/some/length) " * 99)
    await blog.posts.create("Comment", "<!-- " + "x" * 2000 + " -->Text")
    await blog.posts.create("Empty", "")
    await blog.posts.create("Short", "Text")
    found = {each.title: each.excerpt for each in await blog.posts.summaries()}
    assert found == {
        "Long": "字" * 200 + "…",
        "Links": "word " * 17 + "word…",
        "Comment": "",
        "Empty": "",
        "Short": "Text",
    }


@pytest.mark.parametrize("storage", ["EXTENDED", "EXTERNAL"])
async def test_the_rest_of_a_long_content_is_not_read(
    blog: BlogService, sql: asyncpg.Connection, storage: str
) -> None:
    """Compressed or not, the pages of TOAST that are read do not grow with the contents."""
    await sql.execute(f"ALTER TABLE posts ALTER content SET STORAGE {storage}")
    try:
        await blog.posts.create_many(NewPost(f"Post {n}", "A short one.") for n in range(20))
        # Digests do not compress, their repetition does.
        await sql.execute(
            """UPDATE posts SET content = (
                SELECT string_agg(md5(n::text || id), ' ') FROM generate_series(1, 6000) AS n)"""
        )
        await sql.execute("VACUUM posts")
        whole = await pages_read(sql, statements.COLUMNS.replace("content", "md5(content)"))
        summaries = await pages_read(sql, statements.SUMMARY)
        titles = await pages_read(sql, statements.COLUMNS.replace("content", "title"))
    finally:
        await sql.execute("ALTER TABLE posts ALTER content SET STORAGE EXTENDED")
    assert whole - titles > 20 * 20, "the contents are kept outside of the rows"
    # For each post the root and a leaf of TOAST's index, and two pages of the table.
    assert summaries - titles <= 20 * 6


async def pages_read(sql: asyncpg.Connection, columns: str) -> int:
    statement = statements.listing("posts", columns, "newest", (), 20, after=False)
    explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement.replace("$1", "20")
    (plan,) = json.loads(await sql.fetchval(explain))
    read: int = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return read


async def test_a_list_of_two_hundred_titles_does_not_move_the_contents(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    await sql.execute("ALTER TABLE posts DISABLE TRIGGER posts_keep_rules")
    try:
        await blog.posts.create_many(
            NewPost(f"Post {n}", f"{n} words " * 10_000, created_at=START, updated_at=START)
            for n in range(200)
        )
    finally:
        await sql.execute("ALTER TABLE posts ENABLE TRIGGER posts_keep_rules")
    page = await blog.posts.summaries(limit=200)
    assert len(page) == 200
    statement = statements.listing("posts", statements.SUMMARY, "newest", (), 200, after=False)
    rows = await sql.fetch(statement, 200)
    assert sum(len(str(value)) for row in rows for value in row.values()) < 300_000


async def test_a_long_list_of_summaries_lets_other_tasks_have_their_turn(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blog.posts.create_many(NewPost(f"Post {n}", "Text") for n in range(300))
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    made: list[int] = []

    def counted(row: Iterable[Any]) -> PostSummary:
        made.append(turns)
        return records.summary_of(row)

    shape = dataclasses.replace(listing.SUMMARIES, of_row=counted)
    monkeypatch.setattr(listing, "SUMMARIES", shape)
    other = asyncio.create_task(take_turns())
    assert len(await blog.posts.summaries(limit=300)) == 300
    other.cancel()
    assert max(made.count(turn) for turn in made) <= 25


async def test_an_excerpt_can_be_shown_as_it_is_but_is_no_html(blog: BlogService) -> None:
    await blog.posts.create("Post", "a < b &amp; <b>c</b>")
    (summary,) = await blog.posts.summaries()
    assert summary.excerpt == "a < b & c"


@pytest.fixture
async def pair(blog: BlogService) -> tuple[PostRecord, PostSummary]:
    post = await blog.posts.create(
        "Post", "Text", status="published", tags=["a", "b"], metadata={"x": [1, {"y": None}]}
    )
    (summary,) = await blog.posts.summaries()
    return post, summary


async def test_a_summary_is_a_frozen_value(pair: tuple[PostRecord, PostSummary]) -> None:
    post, summary = pair
    assert summary == summary_of(post, "Text")
    assert hash(summary) == hash(dataclasses.replace(summary, metadata={}))
    assert summary != dataclasses.replace(summary, metadata={})
    with pytest.raises(dataclasses.FrozenInstanceError):
        summary.title = "Other"  # type: ignore[misc]
    assert not hasattr(summary, "__dict__")
    assert not hasattr(summary, "content")


@pytest.mark.parametrize("of", [0, 1])
async def test_serializers_take_records_and_summaries_as_they_are(
    pair: tuple[PostRecord, PostSummary], of: int
) -> None:
    value = pair[of]
    kind: Any = type(value)
    adapter = TypeAdapter(kind)
    assert adapter.validate_json(adapter.dump_json(value)) == value
    assert msgspec.json.decode(msgspec.json.encode(value), type=kind) == value
    page: Page[Any] = Page((value,))
    pages: Any = TypeAdapter(Page[kind])
    assert pages.validate_json(pages.dump_json(page)) == page


@pytest.mark.parametrize("of", [0, 1])
async def test_orjson_takes_them_too(pair: tuple[PostRecord, PostSummary], of: int) -> None:
    orjson = pytest.importorskip("orjson")
    value = pair[of]
    said = json.loads(orjson.dumps(Page((value,))))
    assert said["next"] is None
    (item,) = said["items"]
    assert item["tags"] == ["a", "b"]
    assert item["metadata"] == {"x": [1, {"y": None}]}
    assert datetime.fromisoformat(item["published_at"]) == value.published_at
    assert set(item) == {field.name for field in dataclasses.fields(value)}
