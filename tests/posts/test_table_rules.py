"""The table keeps version, times and search vector, whoever writes.

Each writer below changes posts in its own way: the repository, plain SQL, Tortoise's instances and
Tortoise's querysets. What is expected of the row is the same for all of them.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from tortoise.context import TortoiseContext
from tortoise.exceptions import IntegrityError, OperationalError

from blogsvc import BlogService
from blogsvc.errors import TransactionConflict, VersionConflict
from blogsvc.models import Post

LONG_AGO = datetime(2015, 5, 15, 12, 30, 0, 123456, tzinfo=UTC)
AHEAD = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture
async def tortoise(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TortoiseContext]:
    """A Tortoise of the host's own, on its own connections to the same database."""
    for name in ("USE_TZ", "TIMEZONE"):  # which Tortoise leaves behind
        monkeypatch.setenv(name, "")
    context = TortoiseContext()
    with context:
        await context.init(
            config={
                "connections": {
                    "default": {
                        "engine": "blogsvc.migrator.aerich",
                        "credentials": {"dsn": database},
                    }
                },
                "apps": {
                    "blogsvc": {"models": ["blogsvc.models"], "default_connection": "default"}
                },
                "use_tz": True,
                "timezone": "UTC",
            }
        )
        yield context
        await context.close_connections()


class Writer:
    """One way to create and to change a post."""

    def __init__(self, blog: BlogService, sql: asyncpg.Connection) -> None:
        self.blog = blog
        self.sql = sql

    async def create(self, **fields: Any) -> int:
        raise NotImplementedError

    async def change(self, id: int, **fields: Any) -> None:
        raise NotImplementedError


class Repository(Writer):
    async def create(self, **fields: Any) -> int:
        return (await self.blog.posts.create(**fields)).id

    async def change(self, id: int, **fields: Any) -> None:
        await self.blog.posts.update(id, **fields)


class PlainSQL(Writer):
    async def create(self, **fields: Any) -> int:
        names = ", ".join(fields)
        values = ", ".join(f"${number}" for number in range(1, len(fields) + 1))
        query = f"INSERT INTO posts ({names}) VALUES ({values}) RETURNING id"
        return int(await self.sql.fetchval(query, *fields.values()))

    async def change(self, id: int, **fields: Any) -> None:
        pairs = ", ".join(f"{name} = ${number}" for number, name in enumerate(fields, 2))
        await self.sql.execute(f"UPDATE posts SET {pairs} WHERE id = $1", id, *fields.values())


class Copy(PlainSQL):
    """COPY for what is new, and SQL for what changes."""

    async def create(self, **fields: Any) -> int:
        line = "\t".join(str(value) for value in fields.values()) + "\n"
        await self.sql.copy_to_table(
            "posts", source=io.BytesIO(line.encode()), columns=list(fields), format="text"
        )
        return int(await self.sql.fetchval("SELECT max(id) FROM posts"))


class Instances(Writer):
    """Tortoise's `create` and `save`, which write the whole row."""

    async def create(self, **fields: Any) -> int:
        return int((await Post.create(**fields)).id)

    async def change(self, id: int, **fields: Any) -> None:
        post = await Post.get(id=id)
        post.update_from_dict(fields)
        await post.save()


class Querysets(Writer):
    """Tortoise's `bulk_create` and `update`."""

    async def create(self, **fields: Any) -> int:
        await Post.bulk_create([Post(**fields)])
        return int((await Post.all().order_by("-id").first().values("id"))["id"])

    async def change(self, id: int, **fields: Any) -> None:
        await Post.filter(id=id).update(**fields)


@pytest.fixture(params=[Repository, PlainSQL, Copy, Instances, Querysets])
def writer(
    request: pytest.FixtureRequest,
    blog: BlogService,
    sql: asyncpg.Connection,
    tortoise: TortoiseContext,
) -> Writer:
    made: Writer = request.param(blog, sql)
    return made


async def row(sql: asyncpg.Connection, id: int) -> asyncpg.Record:
    return await sql.fetchrow("SELECT *, now() AS now FROM posts WHERE id = $1", id)


async def make_old(sql: asyncpg.Connection, id: int) -> None:
    """Let the last change of a post lie in the past, without a trace."""
    await sql.execute("UPDATE posts SET updated_at = $2 WHERE id = $1", id, LONG_AGO)


async def test_a_new_post_begins_at_version_one_with_a_slug_and_its_times(
    writer: Writer, sql: asyncpg.Connection
) -> None:
    id = await writer.create(title="Hello", content="walrus")
    post = await row(sql, id)
    assert (post["version"], post["status"], post["published_at"]) == (1, "draft", None)
    assert post["slug"]
    assert post["created_at"] == post["updated_at"] <= post["now"]
    assert post["now"] - post["created_at"] < timedelta(minutes=5)


async def test_two_posts_of_one_title_get_two_slugs(
    writer: Writer, sql: asyncpg.Connection
) -> None:
    one, other = [await writer.create(title="Hello", content="") for _ in range(2)]
    assert (await row(sql, one))["slug"] != (await row(sql, other))["slug"]


@pytest.mark.parametrize(
    "change",
    [{"title": "New"}, {"content": "New"}, {"slug": "new"}, {"published_at": AHEAD}],
    ids=lambda change: next(iter(change)),
)
async def test_a_change_moves_version_and_time(
    writer: Writer, sql: asyncpg.Connection, change: dict[str, Any]
) -> None:
    id = await writer.create(title="Old", content="Old")
    await make_old(sql, id)
    before = await row(sql, id)
    await writer.change(id, **change)
    after = await row(sql, id)
    assert after["version"] == before["version"] + 1
    assert before["now"] <= after["updated_at"] <= after["now"]
    assert after["created_at"] == before["created_at"]


async def test_a_write_that_changes_nothing_moves_nothing(
    writer: Writer, sql: asyncpg.Connection
) -> None:
    id = await writer.create(title="Same", content="Same")
    await make_old(sql, id)
    before = await row(sql, id)
    await writer.change(id, title="Same", content="Same")
    after = await row(sql, id)
    assert (after["version"], after["updated_at"]) == (before["version"], LONG_AGO)


async def test_an_edit_of_anybody_makes_an_expected_version_fail(
    writer: Writer, blog: BlogService, sql: asyncpg.Connection
) -> None:
    id = await writer.create(title="Hello", content="")
    seen = await blog.posts.get(id)
    await writer.change(id, content="by somebody else")
    with pytest.raises(VersionConflict):
        await blog.posts.update(id, content="lost", expected_version=seen.version)
    assert (await row(sql, id))["content"] == "by somebody else"


async def test_a_published_post_without_a_time_gets_now(
    writer: Writer, sql: asyncpg.Connection
) -> None:
    new = await row(sql, await writer.create(title="New", content="", status="published"))
    assert new["published_at"] == new["updated_at"]
    id = await writer.create(title="Draft", content="")
    await writer.change(id, status="published")
    turned = await row(sql, id)
    assert turned["published_at"] == turned["updated_at"] > new["published_at"]


@pytest.mark.parametrize("time", [LONG_AGO, AHEAD], ids=["passed", "ahead"])
async def test_a_time_that_is_given_is_kept(
    writer: Writer, sql: asyncpg.Connection, time: datetime
) -> None:
    for number, status in enumerate(("draft", "published", "archived")):
        id = await writer.create(title=f"{number}", content="", status=status, published_at=time)
        assert (await row(sql, id))["published_at"] == time, status
    id = await writer.create(title="Changed", content="")
    await writer.change(id, status="published", published_at=time)
    assert (await row(sql, id))["published_at"] == time


async def test_archiving_and_publishing_again_keeps_the_time_of_2015(
    writer: Writer, sql: asyncpg.Connection
) -> None:
    id = await writer.create(title="Old", content="", status="published", published_at=LONG_AGO)
    await writer.change(id, status="archived")
    assert (await row(sql, id))["published_at"] == LONG_AGO
    await writer.change(id, status="published")
    assert (await row(sql, id))["published_at"] == LONG_AGO


@pytest.mark.parametrize("status", ["published", "archived"])
async def test_a_draft_again_loses_a_time_that_has_passed_and_keeps_a_plan(
    writer: Writer, sql: asyncpg.Connection, status: str
) -> None:
    for time, kept in ((LONG_AGO, None), (AHEAD, AHEAD)):
        id = await writer.create(title=f"{time}", content="", status=status, published_at=time)
        await writer.change(id, status="draft")
        assert (await row(sql, id))["published_at"] == kept


async def test_a_draft_keeps_its_time_through_edits(
    writer: Writer, sql: asyncpg.Connection
) -> None:
    id = await writer.create(title="Draft", content="", published_at=LONG_AGO)
    await writer.change(id, content="edited")
    assert (await row(sql, id))["published_at"] == LONG_AGO


async def test_the_search_vector_follows_the_text(
    writer: Writer, blog: BlogService, sql: asyncpg.Connection
) -> None:
    id = await writer.create(title="Walrus", content="on ice")
    assert [hit.post.id for hit in await blog.posts.search("walrus")] == [id]
    await writer.change(id, title="Seal")
    assert len(await blog.posts.search("walrus")) == 0
    assert [hit.post.id for hit in await blog.posts.search("seal ice")] == [id]
    await writer.change(id, content="in the sea")
    assert [hit.post.id for hit in await blog.posts.search("seal sea")] == [id]


async def test_the_database_refuses_a_post_without_a_title(writer: Writer) -> None:
    for title in (" ", "   "):
        with pytest.raises(Exception, match=r"posts_title_not_blank|title is blank"):
            await writer.create(title=title, content="")


# What only some writers can say.


async def test_a_time_of_change_that_is_said_is_kept(sql: asyncpg.Connection) -> None:
    id = await PlainSQL(None, sql).create(title="A", content="", updated_at=LONG_AGO)  # type: ignore[arg-type]
    assert (await row(sql, id))["updated_at"] == LONG_AGO
    await sql.execute("UPDATE posts SET title = 'B', updated_at = $1", AHEAD)
    after = await row(sql, id)
    assert (after["updated_at"], after["version"]) == (AHEAD, 2)


async def test_no_time_of_creation_means_now(sql: asyncpg.Connection) -> None:
    await sql.execute("INSERT INTO posts (title, content, created_at) VALUES ('A', '', NULL)")
    assert await sql.fetchval("SELECT created_at = updated_at FROM posts")


async def test_nobody_can_set_the_version_ahead(sql: asyncpg.Connection) -> None:
    await sql.execute("INSERT INTO posts (title, content) VALUES ('A', '')")
    await sql.execute("UPDATE posts SET version = 1000")
    assert await sql.fetchval("SELECT version FROM posts") == 1
    await sql.execute("UPDATE posts SET version = version + 1, title = 'B'")
    assert await sql.fetchval("SELECT version FROM posts") == 2


async def test_nobody_can_write_the_search_vector(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("Walrus", "")
    await sql.execute("UPDATE posts SET search = 'seal'")
    assert len(await blog.posts.search("seal")) == 0
    assert len(await blog.posts.search("walrus")) == 1
    assert await blog.posts.get(post.id) == post


async def test_the_vectors_are_made_anew_without_a_change_to_the_posts(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("Häuser", "")
    assert len(await blog.posts.search("haus")) == 0
    await sql.execute("SET blogsvc.search_language = 'german'; UPDATE posts SET search = NULL")
    assert await sql.fetchval("SELECT search @@ to_tsquery('german', 'haus') FROM posts")
    assert await blog.posts.get(post.id) == post


async def test_a_stale_whole_row_is_refused_with_what_to_do(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("Hello", "")
    await blog.posts.update(post.id, content="newer")
    with pytest.raises(asyncpg.SerializationError, match="is at version 2, and this") as caught:
        await sql.execute("UPDATE posts SET title = 'Stale', version = 1")
    assert "read it again, redo the change, retry" in caught.value.hint
    assert (await blog.posts.get(post.id)).title == "Hello"


async def test_two_tortoise_editors_cannot_overwrite_each_other(
    sql: asyncpg.Connection, tortoise: TortoiseContext
) -> None:
    id = (await Post.create(title="Hello", content="")).id
    mine, theirs = await Post.get(id=id), await Post.get(id=id)
    theirs.content = "theirs"
    await theirs.save()
    mine.content = "mine"
    with pytest.raises(asyncpg.SerializationError):
        await mine.save()
    assert (await row(sql, id))["content"] == "theirs"
    await mine.refresh_from_db()
    mine.title = "Both"
    await mine.save()
    assert tuple(await row(sql, id))[1:3] == ("Both", "theirs")


async def test_one_tortoise_editor_may_save_again_and_again(
    sql: asyncpg.Connection, tortoise: TortoiseContext
) -> None:
    post = await Post.create(title="0", content="", status="published")
    for number in range(1, 4):
        post.title = f"{number}"
        await post.save()
        stored = await row(sql, post.id)
        seen = (post.title, post.version, post.updated_at, post.published_at, post.created_at)
        names = ("title", "version", "updated_at", "published_at", "created_at")
        assert seen == tuple(stored[name] for name in names)
        assert post.version == number + 1
    post.status = "draft"
    await post.save(update_fields=["status"])
    assert (post.published_at, post.version) == (None, 5)


async def test_a_save_takes_over_no_version_of_a_row_that_somebody_else_changed(
    sql: asyncpg.Connection, tortoise: TortoiseContext
) -> None:
    """A partial save goes through; the whole row, which is stale, must not follow it."""
    post = await Post.create(title="Hello", content="")
    await sql.execute("UPDATE posts SET content = 'theirs'")
    post.title = "Mine"
    await post.save(update_fields=["title"])
    assert post.version == 1
    with pytest.raises(asyncpg.SerializationError):
        await post.save()
    assert tuple(await row(sql, post.id))[1:3] == ("Mine", "theirs")


async def test_visible_posts_are_a_queryset(blog: BlogService, tortoise: TortoiseContext) -> None:
    for number, (status, time) in enumerate(
        [("draft", LONG_AGO), ("published", LONG_AGO), ("published", AHEAD), ("archived", LONG_AGO)]
    ):
        await blog.posts.create(f"{number}", "", status=status, published_at=time)  # type: ignore[arg-type]
    assert [post.title for post in await Post.visible()] == ["1"]
    assert await Post.visible().filter(title="2").count() == 0


async def test_a_slug_from_the_title_and_one_of_your_own(tortoise: TortoiseContext) -> None:
    assert (await Post.create(title="Hällo, World", content="")).slug.startswith("hallo-world-")
    assert (await Post.create(title="Hello", content="", slug="mine")).slug == "mine"
    with pytest.raises(IntegrityError):
        await Post.create(title="Hello", content="", slug="mine")


async def test_many_editors_of_one_post_lose_no_edit(
    blog: BlogService, sql: asyncpg.Connection, tortoise: TortoiseContext
) -> None:
    """Whole-row writes of Tortoise and versioned ones of the repository, all at once."""
    post = await Post.create(title="Hello", content="")

    async def by_tortoise(name: str) -> None:
        while True:
            mine = await Post.get(id=post.id)
            mine.content += f"{name} "
            try:
                await mine.save()
            except asyncpg.SerializationError:
                continue
            return

    async def by_repository(name: str) -> None:
        while True:
            seen = await blog.posts.get(post.id)
            try:
                await blog.posts.update(
                    post.id, content=f"{seen.content}{name} ", expected_version=seen.version
                )
            except (VersionConflict, TransactionConflict):
                continue
            return

    await asyncio.gather(
        *(by_tortoise(f"t{n}") for n in range(10)), *(by_repository(f"r{n}") for n in range(10))
    )
    stored = await row(sql, post.id)
    assert sorted(stored["content"].split()) == sorted(
        [f"t{n}" for n in range(10)] + [f"r{n}" for n in range(10)]
    )
    assert stored["version"] == 21


async def test_ids_are_not_spent_on_slugs_that_are_taken(blog: BlogService) -> None:
    posts = [await blog.posts.create("Equal", "") for _ in range(5)]
    first = posts[0].id
    assert [post.id for post in posts] == list(range(first, first + 5))
    assert [post.slug for post in posts[:3]] == ["equal", "equal-2", "equal-3"]


async def test_text_and_status_change_in_one_statement(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "old")
    changed = await blog.posts.update(post.id, content="new", status="published")
    assert (changed.content, changed.status, changed.version) == ("new", "published", 2)
    assert changed.published_at == changed.updated_at
    with pytest.raises(VersionConflict):
        await blog.posts.update(post.id, status="draft", expected_version=1)


async def test_a_draft_keeps_the_time_that_is_given_with_it(blog: BlogService) -> None:
    """Also where it is the stored one, which the trigger alone could not tell from none."""
    for given in (LONG_AGO, LONG_AGO + timedelta(days=1)):
        post = await blog.posts.create("A", "", status="published", published_at=LONG_AGO)
        post = await blog.posts.update(post.id, status="draft", published_at=given)
        assert (post.status, post.published_at, post.version) == ("draft", given, 2)
        slug = f"upserted-{given:%d}"
        for status in ("published", "draft"):
            post, _ = await blog.posts.upsert(
                slug,
                title="A",
                content="",
                status=status,
                published_at=given,
            )
        assert (post.status, post.published_at) == ("draft", given)


async def test_a_model_that_writes_a_bad_status_is_told_by_the_table(
    tortoise: TortoiseContext,
) -> None:
    post = await Post.create(title="Hello", content="")
    post.status = "lost"
    with pytest.raises((IntegrityError, OperationalError), match="posts_status_known"):
        await post.save()


async def test_an_instance_keeps_tags_and_metadata_both_ways(
    blog: BlogService, tortoise: TortoiseContext
) -> None:
    made = await Post.create(title="Hello", content="", tags=["a", 'b "c"'], metadata={"x": [1]})
    seen = await blog.posts.get(made.id)
    assert (seen.tags, seen.metadata) == (("a", 'b "c"'), {"x": [1]})
    bare = await Post.create(title="Bare", content="")
    assert ((await blog.posts.get(bare.id)).tags, bare.tags, bare.metadata) == ((), [], {})
    await blog.posts.update(bare.id, tags=["z"], metadata={"y": None})
    read = await Post.get(id=bare.id)
    assert (read.tags, read.metadata) == (["z"], {"y": None})
    read.tags, read.metadata = ["z", "new"], {}
    await read.save()
    seen = await blog.posts.get(bare.id)
    assert (seen.tags, seen.metadata, seen.version) == (("z", "new"), {}, 3)
