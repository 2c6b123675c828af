"""Pages and streams: stable while the table changes, bounded, and safe against forged cursors."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import asyncpg
import pytest

from blogsvc import BlogService, NewPost, Page, PostRecord
from blogsvc.errors import DatabaseError, InvalidCursor, InvalidQuery
from blogsvc.posts import paging
from blogsvc.posts import sql as sql_of_posts
from blogsvc.posts.paging import Filters
from blogsvc.posts.records import Order

START = datetime(2026, 1, 1, tzinfo=UTC)
ORDERS: list[Order] = ["newest", "oldest", "published", "updated"]
SORTED_AS: dict[Order, tuple[Callable[[PostRecord], Any], bool]] = {
    "newest": (lambda post: (post.created_at, post.id), True),
    "oldest": (lambda post: (post.created_at, post.id), False),
    "published": (lambda post: (post.published_at, post.id), True),
    "updated": (lambda post: (post.updated_at, post.id), True),
}


async def fill(blog: BlogService, number: int = 23) -> list[int]:
    """Store posts, three of which always share a moment; every fifth is a draft."""
    return await blog.posts.create_many(
        NewPost(
            f"Post {place}",
            "",
            status="draft" if place % 5 == 4 else "published",
            created_at=START + timedelta(days=place // 3),
            published_at=None if place % 5 == 4 else START + timedelta(days=30 - place // 3),
        )
        for place in range(number)
    )


async def walk(blog: BlogService, **query: Any) -> list[PostRecord]:
    """Turn all the pages."""
    posts: list[PostRecord] = []
    page: Page[PostRecord] = await blog.posts.page(**query)
    posts += page
    while page.next:
        page = await blog.posts.page(**query, after=page.next)
        assert page.items, "a page after a cursor holds something"
        posts += page
    return posts


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1, 4, 23, 100])
async def test_pages_hold_every_post_once_and_in_order(
    blog: BlogService, order: Order, limit: int
) -> None:
    await fill(blog)
    posts = await walk(blog, order=order, limit=limit)
    key, descending = SORTED_AS[order]
    expected = [post async for post in blog.posts.stream()]
    if order == "published":
        expected = [post for post in expected if post.published_at]
    assert posts == sorted(expected, key=key, reverse=descending)


@pytest.mark.parametrize("order", ORDERS)
async def test_what_changes_between_pages_makes_no_other_post_twice_or_lost(
    blog: BlogService, order: Order
) -> None:
    ids = await fill(blog)
    seen: list[int] = []
    after = None
    for turn in range(100):
        page = await blog.posts.page(order=order, limit=3, after=after)
        seen += [post.id for post in page]
        if page.next is None:
            break
        after = page.next
        moment = START + timedelta(days=turn)
        await blog.posts.create("New", "", created_at=moment, published_at=moment)
        await blog.posts.delete(seen[-1])
    there_throughout = set(ids) if order != "published" else set(ids) - set(ids[4::5])
    assert len(seen) == len(set(seen))
    assert there_throughout <= set(seen)


async def test_the_last_page_has_no_next_and_the_total_only_when_asked(blog: BlogService) -> None:
    await fill(blog, 6)
    page = await blog.posts.page(limit=6)
    assert (len(page), page.next, page.total) == (6, None, None)
    assert (await blog.posts.page(limit=2, with_total=True)).total == 6
    assert (await blog.posts.page(order="published", limit=2, with_total=True)).total == 5
    assert (await blog.posts.page(status="archived")).items == ()


async def test_filters_keep_what_they_say(blog: BlogService) -> None:
    await fill(blog)
    drafts = await walk(blog, status="draft", limit=3)
    assert len(drafts) == await blog.posts.count(status="draft") == 4
    assert {post.status for post in drafts} == {"draft"}
    future = await blog.posts.create(
        "Later", "", status="published", published_at=datetime.now(UTC) + timedelta(days=1)
    )
    visible = await walk(blog, visible=True, limit=5)
    assert future.id not in {post.id for post in visible}
    assert len(visible) == 19
    between = await walk(
        blog, created_after=START, created_before=START + timedelta(days=2), limit=1
    )
    assert {post.created_at for post in between} == {START + timedelta(days=1)}
    both = await blog.posts.count(status="draft", created_after=START, visible=False)
    assert both == 4


def tampered(cursor: str) -> list[str]:
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=="))
    flipped = bytes([raw[0]]) + bytes([raw[1] ^ 1]) + bytes(raw[2:])
    far = bytes(raw[:9]) + b"\x7f" + b"\xff" * 7 + bytes(raw[17:])
    return [
        base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("=")
        for changed in (flipped, far, b"\x09" + raw[1:])
    ]


@pytest.mark.parametrize("order", ORDERS)
async def test_a_cursor_that_is_not_ours_is_refused(blog: BlogService, order: Order) -> None:
    await fill(blog)
    cursor = (await blog.posts.page(order=order, limit=5)).next
    assert cursor is not None
    forged = ["", "x", cursor[:-2], cursor + "AA", "'; DROP TABLE posts; --", "é" * 34, "=" * 36]
    for wrong in [*forged, *tampered(cursor), 7, b"bytes"]:
        with pytest.raises(InvalidCursor):
            await blog.posts.page(order=order, limit=5, after=wrong)  # type: ignore[arg-type]
    for other in ({"order": "newest" if order != "newest" else "oldest"}, {"status": "draft"}):
        with pytest.raises(InvalidCursor, match="another order or other filters"):
            await blog.posts.page(**{"order": order, "limit": 5, "after": cursor} | other)  # type: ignore[arg-type]


async def test_a_cursor_may_change_the_limit(blog: BlogService) -> None:
    await fill(blog, 9)
    first = await blog.posts.page(limit=2)
    assert len(await blog.posts.page(limit=7, after=first.next)) == 7


@pytest.mark.parametrize(
    ("query", "argument"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"limit": "5"}, "limit"),
        ({"order": "random()"}, "order"),
        ({"order": ["newest"]}, "order"),
        ({"status": "live"}, "status"),
        ({"created_before": datetime(2026, 1, 1)}, "created_before"),  # noqa: DTZ001 - on purpose
        ({"created_after": "2026"}, "created_after"),
    ],
)
async def test_a_query_out_of_bounds_is_refused_and_named(
    blog: BlogService, query: dict[str, Any], argument: str
) -> None:
    with pytest.raises(InvalidQuery) as caught:
        await blog.posts.page(**query)
    assert caught.value.argument == argument


@pytest.mark.parametrize("batch", [1, 7, 1000])
async def test_a_stream_yields_every_post_once(blog: BlogService, batch: int) -> None:
    ids = await fill(blog)
    assert [post.id async for post in blog.posts.stream(batch=batch)] == ids
    newest = [post.id async for post in blog.posts.stream(order="newest", batch=batch)]
    assert newest == ids[::-1]


async def test_a_stream_holds_nothing_between_two_posts(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    await fill(blog)
    busy = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'blogsvc'
            AND state <> 'idle'"""
    async for _ in blog.posts.stream(batch=5):
        assert await sql.fetchval(busy) == 0
        await sql.execute("ALTER TABLE posts ALTER title SET STATISTICS 100")
        break


async def test_a_large_table_is_read_from_the_index_of_its_order(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    await blog.posts.create_many(NewPost(f"P{place}", "") for place in range(2000))
    await sql.execute("ANALYZE posts")
    for order in ORDERS:
        statement = sql_of_posts.listing(
            "posts", sql_of_posts.COLUMNS, order, (), 20, after=False
        ).replace("$1", "20")
        plan = "\n".join(row[0] for row in await sql.fetch("EXPLAIN " + statement))
        assert "Index Scan" in plan, plan
        assert "Sort" not in plan, plan


def test_a_statement_serves_many_limits() -> None:
    texts = {
        sql_of_posts.listing("posts", sql_of_posts.COLUMNS, "newest", (), limit, after=False)
        for limit in range(1, 1002)
    }
    assert len(texts) == 4


async def plan_of(
    sql: asyncpg.Connection, order: Order, filters: Filters, start: tuple[datetime, int] | None
) -> tuple[int, str]:
    """Return how many pages of the database the statement of a page reads, and its plan."""
    conditions = paging.conditions_of(filters, order)
    statement = sql_of_posts.listing(
        "posts",
        sql_of_posts.COLUMNS,
        order,
        paging.names_of(conditions),
        21,
        after=start is not None,
    )
    values = [*paging.values_of(conditions), *(start or ()), 21]
    await sql.execute(f"PREPARE page AS {statement}")
    written = ", ".join(f"'{value}'" for value in values)
    said = await sql.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE page({written})")
    await sql.execute("DEALLOCATE page")
    plan = json.loads(said)[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], said


async def fill_a_large_table(sql: asyncpg.Connection) -> None:
    """Store 20,000 posts a minute apart: the newest 2,000 are drafts, the oldest archived."""
    await sql.execute(
        """INSERT INTO posts (title, content, slug, created_at, published_at, status, tags, search)
        SELECT 'P', '', n, $1::timestamptz + n * interval '1 minute',
            CASE WHEN n <= 18000 THEN $1::timestamptz + n * interval '1 minute' END,
            CASE WHEN n > 18000 THEN 'draft' WHEN n <= 2000 THEN 'archived' ELSE 'published' END,
            '{tag}', ''
        FROM generate_series(1, 20000) AS n""",
        START - timedelta(days=30),
    )
    await sql.execute("VACUUM ANALYZE posts")


async def test_posts_without_a_time_are_not_in_the_way_of_those_with_one(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    await fill_a_large_table(sql)
    for filters in (Filters(tag="tag"), Filters(tag="tag", visible=True)):
        read, plan = await plan_of(sql, "published", filters, None)
        assert read < 200, plan


@pytest.mark.parametrize(
    ("order", "filters"),
    [
        ("published", Filters(visible=True)),
        ("published", Filters(published_before=START + timedelta(days=9))),
        ("newest", Filters(created_before=START + timedelta(days=9))),
        ("oldest", Filters(created_after=START - timedelta(days=40))),
    ],
)
async def test_a_deep_page_begins_where_its_cursor_says(
    blog: BlogService, sql: asyncpg.Connection, order: Order, filters: Filters
) -> None:
    await fill_a_large_table(sql)
    deep = START - timedelta(days=30) + timedelta(minutes=4000 if order != "oldest" else 16000)
    for start in (None, (deep, 4000)):
        read, plan = await plan_of(sql, order, filters, start)
        assert read < 20, plan


@pytest.mark.parametrize("order", ["newest", "published", "updated"])
async def test_filters_against_the_order_are_read_from_an_index_of_theirs(
    blog: BlogService, sql: asyncpg.Connection, order: Order
) -> None:
    await fill_a_large_table(sql)
    few = START - timedelta(days=30) + timedelta(minutes=2000)
    _, plan = await plan_of(sql, order, Filters(published_before=few), None)
    assert "posts_published_at_id_idx" in plan
    _, plan = await plan_of(sql, order, Filters(status="archived"), None)
    if order != "published":
        assert "posts_status_created_at_id_idx" in plan
    assert "Seq Scan" not in plan


async def test_a_forged_cursor_shows_no_post_that_is_not_visible_yet(blog: BlogService) -> None:
    ahead = datetime.now(UTC) + timedelta(days=1)
    await blog.posts.create("Later", "", status="published", published_at=ahead)
    await blog.posts.create("Now", "", status="published")
    query = paging.fingerprint("published", [("dated", True), ("visible", True)])
    cursor = paging.encode(query, paging.from_time(ahead + timedelta(days=1)), 1)
    page = await blog.posts.page(order="published", visible=True, after=cursor)
    assert [post.title for post in page] == ["Now"]


async def test_endless_times_in_the_table_do_not_stop_a_page(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    ids = await fill(blog, 4)
    await sql.execute("UPDATE posts SET created_at = 'infinity' WHERE id = ANY($1)", ids[:2])
    assert [post.id for post in await walk(blog, limit=1)] == [ids[1], ids[0], ids[3], ids[2]]


async def test_a_time_that_python_has_no_date_for_is_told(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    await fill(blog, 1)
    await sql.execute("UPDATE posts SET created_at = '0044-03-15 BC'")
    with pytest.raises(DatabaseError, match="years"):
        await blog.posts.page()


async def test_a_cursor_knows_the_same_filters_in_another_form(blog: BlogService) -> None:
    class Status(StrEnum):
        PUBLISHED = "published"

    await fill(blog)
    first = await blog.posts.page(
        status=Status.PUBLISHED,  # type: ignore[arg-type]
        created_after=START,
        order="oldest",
        limit=2,
    )
    elsewhere = START.astimezone(timezone(timedelta(hours=2)))
    rest = await blog.posts.page(
        status="published", created_after=elsewhere, order="oldest", limit=2, after=first.next
    )
    assert rest.items


async def test_a_filter_that_does_not_exist_is_a_mistake_of_the_program(blog: BlogService) -> None:
    calls: list[Any] = [blog.posts.count, blog.posts.page]
    for call in calls:
        with pytest.raises(TypeError, match="'color' is no filter; use status, visible"):
            await call(color="red")
