"""Tags and metadata: kept as they are given, refused where they are wrong, and found again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from blogsvc import BlogService, NewPost
from blogsvc.errors import DatabaseError, InvalidCursor, InvalidPost, InvalidQuery
from blogsvc.posts.sql import lists

START = datetime(2024, 1, 1, tzinfo=UTC)
TAGS = ("a", "B", 'with "quotes", {braces} and \\', "日本語", "two words", "NULL")
METADATA: dict[str, Any] = {
    "author": "Ann",
    "nested": {"list": [1, 2.5, None, True, "x", {"deep": []}]},
    "big": 2**70,
    "é": "ü\n\t",
}


async def test_what_create_is_given_is_in_the_record_and_in_the_row(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    made = await blog.posts.create("Hello", "", tags=TAGS, metadata=METADATA)
    assert (made.tags, made.metadata) == (TAGS, METADATA)
    assert await blog.posts.get(made.id) == made
    row = await sql.fetchrow("SELECT tags, metadata FROM posts")
    assert (row["tags"], json.loads(row["metadata"])) == (list(TAGS), METADATA)


async def test_create_many_keeps_every_field(blog: BlogService, sql: asyncpg.Connection) -> None:
    moment = datetime(2020, 1, 2, tzinfo=UTC)
    full = NewPost(
        "A",
        "",
        tags=TAGS,
        metadata=METADATA,
        updated_at=moment,
        former_slugs=["x", "y"],
        source="f",
    )
    ids = await blog.posts.create_many([full, NewPost("B", "")])
    found = await blog.posts.get_many(ids)
    assert [(post.tags, post.metadata) for post in found.values()] == [(TAGS, METADATA), ((), {})]
    assert found[ids[0]].updated_at == moment
    rows = await sql.fetch("SELECT former_slugs, source FROM posts ORDER BY id")
    assert [tuple(row) for row in rows] == [(["x", "y"], "f"), ([], None)]


async def test_update_and_upsert_set_them_as_a_whole_and_leave_them_where_not_given(
    blog: BlogService,
) -> None:
    post = await blog.posts.create("Hello", "", slug="hello", tags=["a", "b"], metadata={"x": 1})
    same = await blog.posts.update(post.id, tags=["a", "b"], metadata={"x": 1})
    assert same == post
    other = await blog.posts.update(post.id, tags=["b", "a"])
    assert (other.tags, other.metadata, other.version) == (("b", "a"), {"x": 1}, 2)
    bare = await blog.posts.update(post.id, tags=(), metadata=None)
    assert (bare.tags, bare.metadata, bare.version) == ((), {}, 3)
    again, created = await blog.posts.upsert("hello", title="Hello", content="", tags=["c"])
    assert (again.tags, again.version, created) == (("c",), 4, False)
    again, _ = await blog.posts.upsert("hello", title="Hello", content="", metadata={"y": []})
    assert (again.tags, again.metadata) == (("c",), {"y": []})


@pytest.mark.parametrize(
    "tags",
    ["text", b"b", None, 1, [""], [" "], ["a", "a"], ["a", None], [1], ["a\0"], ["x" * 256]],
)
async def test_tags_that_cannot_be_are_refused(blog: BlogService, tags: Any) -> None:
    post = await blog.posts.create("Hello", "")
    for call in (
        blog.posts.create("A", "", tags=tags),
        blog.posts.create_many([NewPost("A", "", tags=tags)]),
        blog.posts.update(post.id, tags=tags),
        blog.posts.upsert("s", title="A", content="", tags=tags),
    ):
        with pytest.raises(InvalidPost) as told:
            await call
        assert told.value.field == "tags"


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        "{}",
        1,
        {1: "x"},
        {"a": {None: 1}},
        {"a": datetime.now(UTC)},
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a\0": 1},
        {"a": "\ud800"},
        {"a": {1, 2}},
        {"a": 10**5000},
        {"a": "x" * 1_000_001},
    ],
)
async def test_metadata_that_json_cannot_hold_is_refused(blog: BlogService, metadata: Any) -> None:
    with pytest.raises(InvalidPost) as told:
        await blog.posts.create("A", "", metadata=metadata)
    assert told.value.field == "metadata"


async def test_metadata_nested_too_deep_is_refused(blog: BlogService) -> None:
    deep: dict[str, Any] = {}
    for _ in range(99):
        deep = {"a": deep}
    assert (await blog.posts.create("A", "", metadata=deep)).metadata == deep
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(InvalidPost, match="more than 100 objects and lists in one another"):
        await blog.posts.create("A", "", metadata=deep)


@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("tags = '{a,a}'", "posts_tags_valid"),
        ("tags = '{a,\" \"}'", "posts_tags_valid"),
        ("tags = '{a,NULL}'", "posts_tags_valid"),
        ("tags = '{{a},{b}}'", "posts_tags_valid"),
        ("tags = ARRAY[repeat('x', 256)]", "posts_tags_valid"),
        ("metadata = '[]'", "posts_metadata_object"),
        ("metadata = '1'", "posts_metadata_object"),
        ("former_slugs = '{x,x}'", "posts_former_slugs_valid"),
    ],
)
async def test_the_table_refuses_them_whoever_writes(
    blog: BlogService, sql: asyncpg.Connection, assignment: str, constraint: str
) -> None:
    await blog.posts.create("A", "")
    with pytest.raises(asyncpg.CheckViolationError) as told:
        await sql.execute(f"UPDATE posts SET {assignment}")
    assert told.value.constraint_name == constraint


async def test_a_change_of_either_moves_the_version_whoever_writes(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("A", "")
    for number, change in enumerate(("tags = '{a}'", "metadata = '{\"a\": 1}'"), 2):
        await sql.execute(f"UPDATE posts SET {change}")
        assert (await blog.posts.get(post.id)).version == number
        await sql.execute(f"UPDATE posts SET {change}")
        assert (await blog.posts.get(post.id)).version == number
    await sql.execute("UPDATE posts SET source = 'a file'")
    assert (await blog.posts.get(post.id)).version == 3


async def fill(blog: BlogService, number: int) -> list[int]:
    """Store posts a minute apart; every second is `even`, and the oldest three are `rare`."""
    return await blog.posts.create_many(
        NewPost(
            f"Post {n}",
            "",
            status="published" if n % 3 else "draft",
            created_at=START + timedelta(minutes=n),
            published_at=START + timedelta(minutes=n) if n % 3 else None,
            tags=[*["even"] * (n % 2 == 0), *["rare"] * (n < 3), f"t{n % 10}"],
            metadata={"n": n, "author": {"name": "Ann" if n % 2 else "Bob"}},
        )
        for n in range(number)
    )


@pytest.mark.parametrize("order", ["newest", "oldest", "published", "updated"])
@pytest.mark.parametrize(
    ("filters", "keeps"),
    [
        ({"tag": "even"}, lambda n: n % 2 == 0),
        ({"tag": "rare"}, lambda n: n < 3),
        ({"tag": "t7", "status": "published"}, lambda n: n % 10 == 7 and n % 3),
        ({"tag": "nobody has it"}, lambda n: False),
        ({"metadata": {"author": {"name": "Ann"}}}, lambda n: n % 2),
        ({"metadata": {"n": 3}}, lambda n: n == 3),
        ({"metadata": {}}, lambda n: True),
        ({"tag": "even", "metadata": {"author": {"name": "Ann"}}}, lambda n: False),
        ({"status": "draft"}, lambda n: n % 3 == 0),
        ({"visible": True, "status": "published"}, lambda n: n % 3),
        ({"visible": True, "tag": "even"}, lambda n: n % 2 == 0 and n % 3),
        ({"published_before": START + timedelta(minutes=30)}, lambda n: n < 30 and n % 3),
        ({"published_after": START + timedelta(minutes=70)}, lambda n: n > 70 and n % 3),
        ({"created_before": START + timedelta(minutes=30)}, lambda n: n < 30),
        (
            {"created_after": START + timedelta(minutes=70), "tag": "even", "visible": True},
            lambda n: n > 70 and n % 2 == 0 and n % 3,
        ),
    ],
)
async def test_pages_of_every_filter_hold_each_post_once(
    blog: BlogService,
    monkeypatch: pytest.MonkeyPatch,
    order: Any,
    filters: dict[str, Any],
    keeps: Any,
) -> None:
    monkeypatch.setattr(lists, "NEAR", 20)
    monkeypatch.setattr(lists, "FAR", 20)
    lists._listing.cache_clear()
    ids = await fill(blog, 100)
    wanted = [id for n, id in enumerate(ids) if keeps(n) and (order != "published" or n % 3)]
    if order in ("newest", "published", "updated"):
        wanted.reverse()
    found: list[int] = []
    after = None
    while True:
        page = await blog.posts.page(order=order, limit=7, after=after, **filters)
        found += [post.id for post in page]
        after = page.next
        if after is None:
            break
    assert found == wanted
    assert [post.id async for post in blog.posts.stream(order=order, batch=9, **filters)] == wanted
    lists._listing.cache_clear()


async def test_counts_and_cursors_know_the_filters(blog: BlogService) -> None:
    await fill(blog, 30)
    assert await blog.posts.count(tag="even") == 15
    assert await blog.posts.count(tag="even", metadata={"author": {"name": "Bob"}}) == 15
    page = await blog.posts.page(tag="even", limit=2, with_total=True)
    assert page.total == 15
    with pytest.raises(InvalidCursor):
        await blog.posts.page(tag="rare", limit=2, after=page.next)
    both: dict[str, Any] = {"n": 3, "author": {"name": "Ann"}}
    await blog.posts.create("Another", "", metadata=both)
    page = await blog.posts.page(limit=1, metadata=both)
    again = await blog.posts.page(limit=1, metadata=dict(reversed(both.items())), after=page.next)
    assert len({post.id for post in (*page, *again)}) == 2


async def test_the_times_of_publishing_are_exclusive_bounds(blog: BlogService) -> None:
    await fill(blog, 9)
    bound = datetime(2024, 1, 1, 0, 4, tzinfo=UTC)
    before = await blog.posts.page(published_before=bound, order="oldest")
    after = await blog.posts.page(published_after=bound, order="oldest")
    assert [post.metadata["n"] for post in before] == [1, 2]
    assert [post.metadata["n"] for post in after] == [5, 7, 8]


async def test_tags_are_counted_most_used_first(blog: BlogService) -> None:
    assert await blog.posts.tags() == {}
    await blog.posts.create("A", "", tags=["x", "y"])
    await blog.posts.create("B", "", tags=["y", "a"], status="published")
    ahead = datetime.now(UTC) + timedelta(days=1)
    await blog.posts.create("C", "", tags=["y"], status="published", published_at=ahead)
    assert list((await blog.posts.tags()).items()) == [("y", 3), ("a", 1), ("x", 1)]
    assert list((await blog.posts.tags(visible=True)).items()) == [("a", 1), ("y", 1)]


@pytest.mark.parametrize(
    ("argument", "filters"),
    [
        ("tag", {"tag": 1}),
        ("tag", {"tag": "a\0"}),
        ("metadata", {"metadata": []}),
        ("metadata", {"metadata": {1: 2}}),
        ("published_before", {"published_before": "2026"}),
        ("published_after", {"published_after": datetime(2026, 1, 1)}),  # noqa: DTZ001 - no zone
    ],
)
async def test_a_filter_that_cannot_be_is_named(
    blog: BlogService, argument: str, filters: dict[str, Any]
) -> None:
    with pytest.raises(InvalidQuery) as told:
        await blog.posts.page(**filters)
    assert told.value.argument == argument


async def test_a_record_with_metadata_is_hashable_and_equal_by_value(blog: BlogService) -> None:
    post = await blog.posts.create("A", "", tags=["a"], metadata={"x": []})
    assert len({post, await blog.posts.get(post.id)}) == 1
    assert post != replace(post, metadata={})
    assert hash(post) == hash(replace(post, metadata={}))


@pytest.mark.parametrize(
    "value",
    [
        "('{\"n\": 1e5000}')::jsonb",
        # More levels than any Python reads; 3.13 reads 8,000.
        "(repeat('{\"a\": ', 12000) || '1' || repeat('}', 12000))::jsonb",
    ],
)
async def test_metadata_that_python_cannot_read_is_told_with_the_post(
    blog: BlogService, sql: asyncpg.Connection, value: str
) -> None:
    post = await blog.posts.create("A", "")
    await sql.execute(f"UPDATE posts SET metadata = {value}")
    for call in (blog.posts.get(post.id), blog.posts.page(), blog.posts.get_many([post.id])):
        with pytest.raises(DatabaseError, match=f"The metadata of post {post.id} is more than"):
            await call
    await blog.posts.update(post.id, metadata={})
