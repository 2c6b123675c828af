"""One transaction for Tortoise and the repository, on one pool if the host likes."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest
from tortoise.context import TortoiseContext
from tortoise.transactions import in_transaction

from blogsvc import BlogService
from blogsvc.errors import ConfigurationError, InvalidPost, Unavailable
from blogsvc.models import Post, tortoise_pool

from ..migrations.migrating import connected, execute, fetch
from .shop import Comment, configuration, stock_connection

COUNTS = "SELECT (SELECT count(*) FROM posts), (SELECT count(*) FROM comment)"


class Undone(Exception):
    """What a test raises to have a block rolled back."""


async def both(blog: BlogService, *, first: str = "repository") -> None:
    """Write with both, in either order, and read what the other has just written."""
    if first == "repository":
        record = await blog.posts.create("Hello", "")
        await Comment.create(text="Nice", post=await Post.get(id=record.id))
    else:
        post = await Post.create(title="Hello", content="")
        await Comment.create(text="Nice", post=post)
        assert (await blog.posts.get(post.id)).title == "Hello"
    await blog.posts.create("Another", "")
    assert await Post.all().count() == await blog.posts.count() == 2


@pytest.mark.parametrize("first", ["repository", "tortoise"])
async def test_what_both_wrote_is_committed_together(
    blog: BlogService, blog_url: str, first: str
) -> None:
    async with in_transaction() as connection, blog.transaction(connection=connection):
        await both(blog, first=first)
        assert await fetch(blog_url, COUNTS) == [(0, 0)]
    assert await fetch(blog_url, COUNTS) == [(2, 1)]


@pytest.mark.parametrize("first", ["repository", "tortoise"])
async def test_what_both_wrote_is_rolled_back_together(
    blog: BlogService, blog_url: str, first: str
) -> None:
    with pytest.raises(Undone):
        async with in_transaction() as connection, blog.transaction(connection=connection):
            await both(blog, first=first)
            raise Undone
    assert await fetch(blog_url, COUNTS) == [(0, 0)]


async def test_our_block_alone_is_a_savepoint_of_theirs(blog: BlogService, blog_url: str) -> None:
    async with in_transaction() as connection:
        post = await Post.create(title="Kept", content="")
        with pytest.raises(Undone):
            async with blog.transaction(connection=connection):
                await blog.posts.create("Undone", "")
                await Comment.create(text="Undone", post=post)
                raise Undone
        with pytest.raises(InvalidPost):
            async with blog.transaction(connection=connection):
                await blog.posts.create(" ", "")
        await Comment.create(text="Kept", post=post)
    assert await fetch(blog_url, COUNTS) == [(1, 1)]


async def test_blocks_of_both_in_one_another_are_savepoints(
    blog: BlogService, blog_url: str
) -> None:
    async with in_transaction() as outer, blog.transaction(connection=outer):
        await blog.posts.create("Kept", "")
        with pytest.raises(Undone):
            async with in_transaction() as inner, blog.transaction(connection=inner):
                await Post.create(title="Undone", content="")
                async with blog.transaction():
                    await blog.posts.create("Undone, too", "")
                raise Undone
        await blog.posts.create("Kept, too", "")
    assert await fetch(blog_url, COUNTS) == [(2, 0)]


async def test_calls_of_both_at_the_same_moment_take_turns(blog: BlogService) -> None:
    async with in_transaction() as connection, blog.transaction(connection=connection):
        theirs = [
            asyncio.create_task(Post.create(title=f"Tortoise {n}", content="")) for n in range(5)
        ]
        for number in range(5):
            await blog.posts.create(f"Repository {number}", "")
        await asyncio.gather(*theirs)
    assert await blog.posts.count() == 10


async def test_the_stock_engine_of_tortoise_lends_its_connection_too(
    blog_url: str, kept_environment: None
) -> None:
    stock = configuration(blog_url)
    stock["connections"]["default"] = stock_connection(blog_url)
    with TortoiseContext() as context:
        await context.init(config=stock)
        async with BlogService(blog_url) as blog:
            with pytest.raises(Undone):
                async with in_transaction() as connection, blog.transaction(connection=connection):
                    await blog.posts.create("Undone", "")
                    assert await Post.all().count() == 1
                    raise Undone
            assert await blog.posts.count() == 0
        with pytest.raises(ConfigurationError, match="The connection default is a AsyncpgDBClient"):
            await tortoise_pool()
        await context.close_connections()


async def test_a_connection_that_is_in_no_transaction_is_refused(
    blog: BlogService, host: TortoiseContext
) -> None:
    with pytest.raises(ConfigurationError, match="must be in a transaction already"):
        async with blog.transaction(connection=host.connections.get("default")):
            pass
    async with in_transaction() as connection:
        await Post.all().count()
    with pytest.raises(ConfigurationError, match="must be in a transaction already"):
        async with blog.transaction(connection=connection):
            pass


class OfAnotherDriver:
    """What Tortoise's other engines lend."""

    def acquire_connection(self) -> OfAnotherDriver:
        return self

    async def __aenter__(self) -> object:
        return object()

    async def __aexit__(self, *raised: object) -> None: ...


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("postgresql://localhost/db", "connection is a str; give an asyncpg connection"),
        (OfAnotherDriver(), "posts are kept over asyncpg"),
    ],
)
async def test_what_is_no_connection_of_asyncpg_is_refused(
    blog: BlogService, given: object, why: str
) -> None:
    with pytest.raises(ConfigurationError, match=why):
        async with blog.transaction(connection=given):
            pass


@pytest.mark.usefixtures("host")
async def test_posts_live_on_the_pool_of_tortoise(blog_url: str) -> None:
    pool = await tortoise_pool()
    async with BlogService(pool=pool) as blog:
        await blog.posts.create("Hello", "", metadata={"a": 1})
        async with in_transaction() as connection, blog.transaction(connection=connection):
            await both_counts(blog)
        async with blog.transaction():
            await blog.posts.create("Another", "")
        sessions = """SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend'
            AND pid <> pg_backend_pid()"""
        assert await fetch(blog_url, sessions) == [(pool.get_size(),)]
    # It is the host's, and goes on.
    assert await Post.all().count() == 2


async def both_counts(blog: BlogService) -> None:
    assert await blog.posts.count() == await Post.all().count() == 1


async def test_a_pool_with_codecs_of_the_hosts_serves_as_well(blog_url: str) -> None:
    async def prepare(connection: asyncpg.Connection) -> None:
        for kind in ("json", "jsonb"):
            await connection.set_type_codec(
                kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
            )

    async with asyncpg.create_pool(blog_url, init=prepare, min_size=1) as pool:
        async with BlogService(pool=pool) as blog:
            post = await blog.posts.create("Hello", "", metadata={"by": "Ann"}, tags=["a"])
            assert post.metadata == {"by": "Ann"}
            assert [each.id for each in await blog.posts.page(metadata={"by": "Ann"})] == [post.id]
            assert await blog.posts.upsert("hello", title="Hi", content="", metadata={"by": "Bob"})
            assert (await blog.posts.get(post.id)).metadata == {"by": "Bob"}
        assert not pool.is_closing()
        assert await pool.fetchval("SELECT count(*) FROM posts") == 1


async def test_a_call_on_a_lent_pool_ends_in_time_as_well(blog_url: str) -> None:
    async with (
        asyncpg.create_pool(blog_url, min_size=1, max_size=1) as pool,
        BlogService(pool=pool, command_timeout=0.2, acquire_timeout=0.2) as blog,
    ):
        async with connected(blog_url) as other, other.transaction():
            await other.execute("LOCK TABLE posts")
            with pytest.raises(Exception, match="time"):
                await blog.posts.count()
        async with pool.acquire():
            with pytest.raises(Unavailable, match="all 1 are at work"):
                await blog.posts.count()


async def test_a_pool_that_the_host_has_closed_is_not_available(blog_url: str) -> None:
    pool = await asyncpg.create_pool(blog_url, min_size=1)
    async with BlogService(pool=pool) as blog:
        await pool.close()
        with pytest.raises(Unavailable, match="pool is closed"):
            await blog.posts.count()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"url": "postgresql://localhost/db"}, "Give a url or a pool"),
        ({"migrate": True}, "Migrations need a connection of their own"),
        ({"pool": "no pool"}, "pool is a str; give an asyncpg.Pool"),
        ({"pool": OfAnotherDriver()}, "await blogsvc.models.tortoise_pool()"),
    ],
)
async def test_a_pool_comes_alone(blog_url: str, arguments: dict[str, object], why: str) -> None:
    pool = asyncpg.create_pool(blog_url)
    with pytest.raises(ConfigurationError) as raised:
        BlogService(**{"pool": pool, **arguments})
    assert why in str(raised.value)


async def test_a_pool_that_nobody_has_opened_is_told_so(blog_url: str) -> None:
    with pytest.raises(Unavailable, match=r"pool is not initialized\. Open it before this service"):
        await BlogService(pool=asyncpg.create_pool(blog_url)).open()


async def test_a_lent_pool_has_a_schema_that_is_seen_to(empty_database: str) -> None:
    await execute(empty_database, "SELECT 1")
    async with asyncpg.create_pool(empty_database, min_size=1) as pool:
        with pytest.raises(Exception, match="blogsvc upgrade"):
            await BlogService(pool=pool).open()
        assert await pool.fetchval("SELECT 1") == 1
