"""One post at a time: written through the repository and read with SQL, and the other way round."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone

import asyncpg
import pytest

from blogsvc import BlogService, PostRecord
from blogsvc.errors import AlreadyExists, InvalidPost, InvalidQuery, PostNotFound, VersionConflict

BEFORE_ALL_TIME = datetime.min.replace(tzinfo=timezone(timedelta(hours=5)))
LONG_AGO = datetime(2015, 5, 15, 12, 30, 0, 123456, tzinfo=UTC)


async def test_a_created_post_is_in_the_table(blog: BlogService, sql: asyncpg.Connection) -> None:
    post = await blog.posts.create("Hello", "First")
    row = await sql.fetchrow("SELECT * FROM posts")
    as_stored = {"tags": [], "metadata": "{}"}
    assert {name: row[name] for name in PostRecord.__slots__} == {
        name: as_stored.get(name, getattr(post, name)) for name in PostRecord.__slots__
    }
    assert (post.status, post.slug, post.version, post.published_at) == ("draft", "hello", 1, None)


async def test_a_row_written_with_sql_is_a_post(blog: BlogService, sql: asyncpg.Connection) -> None:
    id = await sql.fetchval("INSERT INTO posts (title, content) VALUES ('T', 'C') RETURNING id")
    post = await blog.posts.get(id)
    assert (post.title, post.content, post.status, post.version) == ("T", "C", "draft", 1)
    assert post.slug.startswith("post-")
    assert post.created_at.tzinfo is UTC


async def test_times_are_the_databases(blog: BlogService, sql: asyncpg.Connection) -> None:
    before = await sql.fetchval("SELECT clock_timestamp()")
    post = await blog.posts.create("Hello", "First")
    after = await sql.fetchval("SELECT clock_timestamp()")
    assert before <= post.created_at == post.updated_at <= after


async def test_create_keeps_every_field_that_is_given(blog: BlogService) -> None:
    post = await blog.posts.create(
        "Hello",
        "",
        status="published",
        slug="my/Own slug",
        published_at=LONG_AGO + timedelta(days=1),
        created_at=LONG_AGO,
    )
    again = await blog.posts.get_by_slug("my/Own slug")
    assert again == post
    assert (again.status, again.created_at) == ("published", LONG_AGO)
    assert again.published_at == LONG_AGO + timedelta(days=1)


async def test_a_post_created_as_published_is_published_now(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "First", status="published")
    assert post.published_at == post.created_at


async def test_the_same_title_gives_another_slug(blog: BlogService) -> None:
    slugs = [(await blog.posts.create("Hello", "")).slug for _ in range(5)]
    assert slugs[:3] == ["hello", "hello-2", "hello-3"]
    assert len(set(slugs)) == 5


async def test_an_explicit_slug_that_is_taken_is_refused(blog: BlogService) -> None:
    await blog.posts.create("Hello", "", slug="mine")
    with pytest.raises(AlreadyExists) as caught:
        await blog.posts.create("Other", "", slug="mine")
    assert (caught.value.field, caught.value.value) == ("slug", "mine")
    assert await blog.posts.count() == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": " \t\n\u2003"}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"title": "a\ud800b"}, "title"),
        ({"title": None}, "title"),
        ({"content": None}, "content"),
        ({"content": "a\0b"}, "content"),
        ({"content": b"bytes"}, "content"),
        ({"slug": " "}, "slug"),
        ({"slug": "x" * 256}, "slug"),
        ({"status": "live"}, "status"),
        ({"status": None}, "status"),
        ({"published_at": datetime(2026, 1, 1)}, "published_at"),  # noqa: DTZ001 - naive is the point
        ({"created_at": "yesterday"}, "created_at"),
        ({"created_at": datetime.max.replace(tzinfo=UTC)}, "created_at"),
        (
            {"published_at": datetime.min.replace(tzinfo=timezone(timedelta(hours=5)))},
            "published_at",
        ),
    ],
)
async def test_an_invalid_post_is_refused_and_named(
    blog: BlogService, fields: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidPost) as caught:
        await blog.posts.create(**({"title": "T", "content": "C"} | fields))  # type: ignore[arg-type]
    assert caught.value.field == field
    assert caught.value.reason
    assert await blog.posts.count() == 0


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO posts (content) VALUES ('x')", asyncpg.NotNullViolationError),
        ("INSERT INTO posts (title) VALUES ('x')", asyncpg.NotNullViolationError),
        ("INSERT INTO posts (title, content) VALUES ('', 'x')", asyncpg.CheckViolationError),
        ("INSERT INTO posts (title, content) VALUES (E' \\t\\n', '')", asyncpg.CheckViolationError),
        (
            "INSERT INTO posts (title, content, status) VALUES ('x', 'x', 'live')",
            asyncpg.CheckViolationError,
        ),
        (
            "INSERT INTO posts (title, content, status) VALUES ('x', 'x', NULL)",
            asyncpg.NotNullViolationError,
        ),
        (
            "INSERT INTO posts (title, content, version) VALUES ('x', 'x', 0)",
            asyncpg.CheckViolationError,
        ),
        (
            "INSERT INTO posts (title, content, slug) VALUES ('x', 'x', '')",
            asyncpg.CheckViolationError,
        ),
        (
            "INSERT INTO posts (title, content, slug) VALUES ('x', 'x', 's'), ('y', 'y', 's')",
            asyncpg.UniqueViolationError,
        ),
    ],
)
async def test_the_database_alone_refuses_what_is_no_post(
    sql: asyncpg.Connection, statement: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await sql.execute(statement)


async def test_text_of_every_kind_survives(blog: BlogService, sql: asyncpg.Connection) -> None:
    text = "naïve — 日本語 \U0001f600 \u202e \ufffe \r\n\t \x01 ' \" \\ $1 %s {} </script>"
    post = await blog.posts.create(text, text)
    assert await sql.fetchrow("SELECT title, content FROM posts") == (text, text)
    assert await blog.posts.get(post.id) == post


async def test_a_long_post_with_a_large_vocabulary_is_stored(blog: BlogService) -> None:
    # More distinct words than a text vector of PostgreSQL can hold.
    content = " ".join(f"w{number:x}" for number in range(400_000))
    post = await blog.posts.create("Long", content)
    assert (await blog.posts.get(post.id)).content == content


@pytest.mark.parametrize("id", [0, -1, 99, 2**31, 2**63, -(2**70)])
async def test_an_id_that_no_post_has_is_not_found(blog: BlogService, id: int) -> None:
    assert await blog.posts.get_or_none(id) is None
    assert not await blog.posts.exists(id)
    for call in (blog.posts.get, blog.posts.publish, blog.posts.archive, blog.posts.delete):
        with pytest.raises(PostNotFound) as caught:
            await call(id)
        assert caught.value.id == id


@pytest.mark.parametrize("slug", ["nothing", "", "a\0b", "a\ud800b"])
async def test_a_slug_that_no_post_has_is_not_found(blog: BlogService, slug: str) -> None:
    with pytest.raises(PostNotFound) as caught:
        await blog.posts.get_by_slug(slug)
    assert caught.value.slug == slug


async def test_many_posts_come_by_id_without_those_that_are_not_there(blog: BlogService) -> None:
    one = await blog.posts.create("One", "")
    two = await blog.posts.create("Two", "")
    found = await blog.posts.get_many([two.id, 4711, one.id, two.id, 2**80])
    assert found == {two.id: two, one.id: one}
    assert await blog.posts.get_many([]) == {}


async def test_an_update_changes_what_is_given_and_counts_the_version_up(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("Hello", "First", created_at=LONG_AGO)
    changed = await blog.posts.update(post.id, title="Goodbye")
    assert (changed.title, changed.content, changed.version) == ("Goodbye", "First", 2)
    assert changed.updated_at > post.updated_at
    assert changed.created_at == LONG_AGO
    assert await sql.fetchval("SELECT title FROM posts") == "Goodbye"


async def test_an_update_that_changes_nothing_writes_nothing(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("Hello", "First")
    place = await sql.fetchval("SELECT ctid FROM posts")
    same = await blog.posts.update(post.id, title="Hello", content="First", expected_version=1)
    assert same == await blog.posts.update(post.id) == post
    assert await sql.fetchval("SELECT ctid FROM posts") == place


async def test_none_makes_published_at_null_and_leaving_it_out_does_not(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "", published_at=LONG_AGO)
    assert (await blog.posts.update(post.id, content="x")).published_at == LONG_AGO
    assert (await blog.posts.update(post.id, published_at=None)).published_at is None


async def test_a_published_post_keeps_a_time_of_publishing(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "", status="published", published_at=LONG_AGO)
    changed = await blog.posts.update(post.id, published_at=None)
    assert changed.published_at == changed.updated_at


async def test_an_update_checks_its_fields(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "")
    other = await blog.posts.create("Other", "")
    with pytest.raises(InvalidPost):
        await blog.posts.update(post.id, title=" ")
    with pytest.raises(AlreadyExists) as caught:
        await blog.posts.update(post.id, slug=other.slug)
    assert caught.value.field == "slug"
    with pytest.raises(PostNotFound):
        await blog.posts.update(4711, title="x")
    assert await blog.posts.get(post.id) == post


async def test_an_expected_version_that_is_past_is_a_conflict(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "")
    await blog.posts.update(post.id, title="Changed", expected_version=1)
    for call in (
        blog.posts.update(post.id, title="Lost", expected_version=1),
        blog.posts.delete(post.id, expected_version=1),
        blog.posts.update(post.id, title="Lost", expected_version=2**40),
    ):
        with pytest.raises(VersionConflict) as caught:
            await call
        assert (caught.value.id, caught.value.actual) == (post.id, 2)
    assert (await blog.posts.get(post.id)).title == "Changed"


async def test_publish_unpublish_and_archive_are_idempotent(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "")
    published = await blog.posts.publish(post.id)
    assert (published.status, published.version) == ("published", 2)
    assert published.published_at == published.updated_at
    assert await blog.posts.publish(post.id) == published
    archived = await blog.posts.archive(post.id)
    assert archived == await blog.posts.archive(post.id)
    assert (archived.status, archived.published_at) == ("archived", published.published_at)
    draft = await blog.posts.unpublish(post.id)
    assert draft == await blog.posts.unpublish(post.id)
    assert (draft.status, draft.published_at, draft.version) == ("draft", None, 4)


async def test_a_post_is_visible_from_its_time_of_publishing_on(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("Hello", "")
    scheduled = await blog.posts.publish(post.id, at=datetime.now(UTC) + timedelta(days=1))
    assert scheduled.status == "published"
    assert await blog.posts.count(visible=True) == 0
    await sql.execute("UPDATE posts SET published_at = now()")
    assert await blog.posts.count(visible=True) == 1


async def test_publishing_at_another_time_moves_it(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "", status="published")
    moved = await blog.posts.publish(post.id, at=LONG_AGO)
    assert (moved.published_at, moved.version) == (LONG_AGO, 2)
    assert await blog.posts.publish(post.id, at=LONG_AGO) == moved


async def test_a_deleted_post_is_gone(blog: BlogService, sql: asyncpg.Connection) -> None:
    post = await blog.posts.create("Hello", "")
    await blog.posts.delete(post.id)
    assert await sql.fetchval("SELECT count(*) FROM posts") == 0
    await blog.posts.delete(post.id, missing_ok=True)
    with pytest.raises(PostNotFound):
        await blog.posts.delete(post.id)


@pytest.mark.parametrize("id", ["1", 1.0, None, True, b"1"])
async def test_an_id_that_is_no_int_is_refused(blog: BlogService, id: int) -> None:
    await blog.posts.create("Hello", "")
    with pytest.raises(InvalidQuery):
        await blog.posts.get(id)
    with pytest.raises(InvalidQuery):
        await blog.posts.delete(id, missing_ok=True)
    with pytest.raises(InvalidQuery):
        await blog.posts.get_many([id])
    if id is not None:
        with pytest.raises(InvalidQuery):
            await blog.posts.update(1, title="x", expected_version=id)
    assert await blog.posts.count() == 1


async def test_a_record_can_be_pickled_and_copied(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "")
    assert pickle.loads(pickle.dumps(post)) == copy.deepcopy(post) == post
