"""Reads at once answer as the same reads one by one would, whatever happens beside them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from blogsvc import BlogService, NewPost, Page, PostRecord
from blogsvc.database import Database, batching
from blogsvc.errors import BlogError, DatabaseError, Unavailable
from blogsvc.migrator import Migrator
from blogsvc.posts import PostRepository

from ..support import PATIENCE

SLUGS = ["one", "two", "three", "four", "moved", "nothing", "", "NUL \0", "it's"]

Read = Callable[[PostRepository], Awaitable[object]]


async def some_posts(blog: BlogService) -> None:
    """Store posts of each kind; some have a former slug that another one has now."""
    for number, slug in enumerate(["one", "two", "three", "it's"]):
        await blog.posts.create(
            f"Title {number}", "word", slug=slug, status="published", tags=[slug], metadata={"n": 1}
        )
    await blog.posts.update(1, slug="moved")
    await blog.posts.update(2, slug="four")
    await blog.posts.update(2, slug="two")
    await blog.posts.update(3, slug="four")
    await blog.posts.delete(4)


def any_read(chance: random.Random) -> Read:
    id = chance.choice([-1, 0, 1, 2, 3, 4, 5, 2**63 - 1, 2**63])
    slug = chance.choice(SLUGS)
    ids = chance.choices(range(7), k=chance.choice([0, 1, 3, 150]))
    tag = chance.choice(["one", "two", None])
    limit = chance.choice([1, 2, 20])
    return chance.choice(
        [
            lambda posts: posts.get(id),
            lambda posts: posts.get_or_none(id),
            lambda posts: posts.get_by_slug(slug),
            lambda posts: posts.get_by_slug_or_none(slug),
            lambda posts: posts.get_many(ids),
            lambda posts: posts.exists(id),
            lambda posts: posts.page(tag=tag, limit=limit, with_total=True),
            lambda posts: posts.page(metadata={"n": 1}, order="updated"),
            lambda posts: posts.count(tag=tag),
            lambda posts: posts.tags(visible=True),
            lambda posts: posts.search("word", limit=limit),
        ]
    )


async def outcome(read: Read, posts: PostRepository) -> object:
    try:
        return await read(posts)
    except BlogError as error:
        return type(error), str(error)


@pytest.mark.parametrize("seed", range(3))
async def test_many_reads_at_once_answer_as_each_by_itself(blog: BlogService, seed: int) -> None:
    await some_posts(blog)
    chance = random.Random(seed)
    reads = [any_read(chance) for _ in range(400)]
    one_by_one = [await outcome(read, blog.posts) for read in reads]
    at_once = await asyncio.gather(*(outcome(read, blog.posts) for read in reads))
    assert at_once == one_by_one
    in_transactions = []
    for read in reads[:100]:
        async with blog.transaction():
            in_transactions.append(await outcome(read, blog.posts))
    assert in_transactions == one_by_one[:100]


async def test_what_a_caller_does_to_its_record_is_seen_by_no_other(blog: BlogService) -> None:
    await some_posts(blog)
    reads: list[Awaitable[PostRecord]] = [blog.posts.get(1) for _ in range(20)]
    reads += [blog.posts.get_by_slug("one") for _ in range(20)]
    posts = await asyncio.gather(*reads)
    pages: list[Page[PostRecord]] = await asyncio.gather(*(blog.posts.page() for _ in range(20)))
    posts += [page.items[-1] for page in pages]
    many = await asyncio.gather(*(blog.posts.get_many([1, 2]) for _ in range(20)))
    posts += [found[1] for found in many]
    for number, post in enumerate(posts):
        assert post.metadata == {"n": 1}
        post.metadata["n"] = number
        many[0].pop(number, None)
    assert all(len(found) == 2 for found in many[1:])


async def test_a_row_that_cannot_be_read_is_told_to_those_who_ask_for_it(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    await blog.posts.create_many(NewPost(f"Post {n}", "") for n in range(20))
    await sql.execute("UPDATE posts SET published_at = '20000-01-01' WHERE id = 7")
    answers = await asyncio.gather(
        *(blog.posts.get(id) for id in range(1, 21)), return_exceptions=True
    )
    assert isinstance(answers.pop(6), DatabaseError)
    assert [answer.id for answer in answers] == [id for id in range(1, 21) if id != 7]  # type: ignore[union-attr]


async def test_an_id_or_a_slug_of_any_kind_is_a_key(blog: BlogService) -> None:
    class Flag(int):
        def __str__(self) -> str:
            return "a flag"

    class Alike(str):
        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

    await some_posts(blog)
    by_id = await asyncio.gather(*(blog.posts.get_or_none(Flag(id)) for id in range(9)))
    assert [post and post.id for post in by_id] == [None, 1, 2, 3, *[None] * 5]
    slugs = ["one", "two", "three", "four", "nothing", "moved"] * 3
    by_slug = await asyncio.gather(*(blog.posts.get_by_slug_or_none(Alike(slug)) for slug in slugs))
    assert [post and post.id for post in by_slug] == [1, 2, 3, 3, None, 1] * 3
    tagged = await asyncio.gather(*(blog.posts.count(tag=Alike(slug)) for slug in slugs))
    assert tagged == [1, 1, 1, 0, 0, 0] * 3
    found = await asyncio.gather(*(blog.posts.search(Alike(slug)) for slug in ["word", "x"] * 9))
    assert [len(page) for page in found] == [3, 0] * 9


async def test_the_tables_of_two_blogs_are_never_mixed(empty_database: str) -> None:
    for schema in ("a", "b"):
        await Migrator(empty_database, schema=schema).upgrade()
    async with BlogService(empty_database, schema="a", migrate=False) as blog:
        both = {schema: PostRepository(blog._database, schema) for schema in ("a", "b")}
        for schema, posts in both.items():
            await posts.create_many(NewPost(f"{schema}{n}", "") for n in range(1, 21))
        for _ in range(3):
            wanted = [(schema, n) for n in range(1, 21) for schema in both]
            by_id = await asyncio.gather(*(both[schema].get(n) for schema, n in wanted))
            by_slug = await asyncio.gather(
                *(both[schema].get_by_slug(f"{schema}{n}") for schema, n in wanted)
            )
            assert [post.title for post in by_id] == [f"{schema}{n}" for schema, n in wanted]
            assert by_slug == by_id


@dataclass
class Register:
    """What is known of a post that one writer counts up: reads must fit in between."""

    id: int
    begun: int = 0
    """The number that is being written, or was written last."""
    least: int = 0
    """No read that begins from now on may see less than this."""


@dataclass
class History:
    """Writers and readers of some posts, and how their calls ended."""

    blog: BlogService
    chance: random.Random
    registers: list[Register] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    writing: bool = True

    async def write(self, register: Register) -> None:
        """Count up, in the title and in the slug, and read it back at once."""
        for number in range(1, 40):
            register.begun = number
            for _ in range(9):
                try:
                    await self.blog.posts.update(
                        register.id, title=f"{number}", slug=f"{register.id}-{number}"
                    )
                    break
                except BlogError:  # whether it was stored is not known
                    self.ended["a write failed"] += 1
            else:
                continue
            register.least = max(register.least, number)
            await self.read(register)
            for _ in range(self.chance.randrange(4)):
                await asyncio.sleep(0)

    async def read_on(self) -> None:
        while self.writing:
            reading = asyncio.create_task(self.read(self.chance.choice(self.registers)))
            if self.chance.random() < 0.2:
                for _ in range(self.chance.randrange(12)):
                    await asyncio.sleep(0)
                reading.cancel()
            elif self.chance.random() < 0.1:
                with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                    await asyncio.wait_for(reading, self.chance.random() / 100)
            with contextlib.suppress(asyncio.CancelledError):
                await reading
            self.ended["cancelled" if reading.cancelled() else "read to its end"] += 1

    async def read(self, register: Register) -> None:
        """Read a post in any way, and see that the answer fits between its call and its end."""
        posts, least = self.blog.posts, register.least
        id = register.id
        way = self.chance.randrange(6)
        try:
            if way == 0:
                title = (await posts.get(id)).title
            elif way == 1:
                title = (await posts.get_by_slug(f"{id}-{least}")).title  # the present or a former
            elif way == 2:
                title = (await posts.get_many([id, 4711, id]))[id].title
            elif way == 3:
                page = await posts.page(order="oldest", limit=len(self.registers))
                title = next(post.title for post in page if post.id == id)
            elif way == 4:
                assert await posts.exists(id)
                return
            else:
                assert await posts.count() == len(self.registers)
                return
        except Unavailable:
            self.ended["a read failed"] += 1
            return
        assert least <= int(title) <= register.begun, (way, title, least, register)
        register.least = max(register.least, int(title))

    async def kill(self, sql: asyncpg.Connection) -> None:
        """End a connection of the service now and then."""
        for _ in itertools.count():
            await asyncio.sleep(self.chance.random() / 10)
            self.ended["a connection killed"] += await sql.fetchval(
                """SELECT count(pg_terminate_backend(pid)) FROM (
                    SELECT pid FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'blogsvc'
                    ORDER BY random() LIMIT 1
                ) AS one"""
            )


@pytest.mark.parametrize(("seed", "max_size", "patience"), [(1, 1, 1), (2, 4, 0.001), (3, 10, 1)])
async def test_no_read_is_older_than_its_call(
    database: str,
    sql: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    max_size: int,
    patience: float,
) -> None:
    monkeypatch.setattr(batching, "PATIENCE", patience)
    shared = 0
    fetch = Database._fetch

    async def counted(self: Database, *args: Any, **options: Any) -> list[asyncpg.Record]:
        nonlocal shared
        shared += "ANY(" in args[1][0] or "wanted" in args[1][0]
        return await fetch(self, *args, **options)

    monkeypatch.setattr(Database, "_fetch", counted)
    async with BlogService(database, max_size=max_size) as blog:
        history = History(blog, random.Random(seed))
        ids = await blog.posts.create_many(NewPost("0", "", slug=f"{n}-0") for n in range(1, 5))
        history.registers = [Register(id) for id in ids]
        killing = asyncio.create_task(history.kill(sql))
        reading = [asyncio.create_task(history.read_on()) for _ in range(30)]
        await asyncio.wait_for(
            asyncio.gather(*(history.write(register) for register in history.registers)), PATIENCE
        )
        history.writing = False
        await asyncio.wait_for(asyncio.gather(*reading), PATIENCE)
        killing.cancel()
        await asyncio.wait([killing])
        assert blog._database._batching is not None
        assert all(not q.waiting for q in blog._database._batching._queues.values())
        posts = await asyncio.gather(*(blog.posts.get(id) for id in ids), return_exceptions=True)
    print(f"\n{shared} statements for many; {history.ended}")
    assert {isinstance(post, (PostRecord, Unavailable)) for post in posts} == {True}
    assert min(shared, history.ended["cancelled"], history.ended["read to its end"]) > 20
    assert history.ended["a connection killed"] > 0
