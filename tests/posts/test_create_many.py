"""`create_many`: all of the posts or none, in the order given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import asyncpg
import pytest

from blogsvc import BlogService, NewPost
from blogsvc.errors import AlreadyExists, InvalidPost
from blogsvc.posts import creating
from blogsvc.posts import sql as sql_of_posts


def generated(number: int) -> Iterator[NewPost]:
    for place in range(number):
        yield NewPost(f"Post {place}", f"content {place}")


async def test_ids_come_in_the_order_of_the_posts(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    ids = await blog.posts.create_many(generated(1203))
    titles = dict(await sql.fetch("SELECT id, title FROM posts"))
    assert [titles[id] for id in ids] == [f"Post {place}" for place in range(1203)]


async def test_an_empty_iterable_stores_nothing(blog: BlogService) -> None:
    assert await blog.posts.create_many([]) == []


async def test_equal_titles_get_slugs_of_their_own(blog: BlogService) -> None:
    await blog.posts.create("Same", "")
    ids = await blog.posts.create_many(NewPost("Same", str(place)) for place in range(600))
    posts = await blog.posts.get_many(ids)
    assert [post.content for post in posts.values()] == [str(place) for place in range(600)]
    assert len({post.slug for post in posts.values()} | {"same"}) == 601


@pytest.mark.parametrize("place", [0, 499, 500, 901])
async def test_one_invalid_post_stores_none_and_is_named(blog: BlogService, place: int) -> None:
    posts = list(generated(902))
    posts[place] = replace(posts[place], title="")
    with pytest.raises(InvalidPost) as caught:
        await blog.posts.create_many(posts)
    assert (caught.value.index, caught.value.field) == (place, "title")
    assert await blog.posts.count() == 0


async def test_a_slug_asked_for_twice_stores_none_and_is_named(blog: BlogService) -> None:
    await blog.posts.create("Hello", "", slug="taken")
    posts = [*generated(3), NewPost("X", "", slug="taken")]
    with pytest.raises(AlreadyExists) as caught:
        await blog.posts.create_many(posts)
    assert (caught.value.index, caught.value.value) == (3, "taken")
    twins = [NewPost("A", "", slug="twin"), NewPost("B", "", slug="twin")]
    with pytest.raises(AlreadyExists) as caught:
        await blog.posts.create_many(twins)
    assert caught.value.index == 1
    assert await blog.posts.count() == 1


async def test_a_slug_that_is_asked_for_comes_before_one_made_from_a_title(
    blog: BlogService,
) -> None:
    ids = await blog.posts.create_many([NewPost("Mine", ""), NewPost("Other", "", slug="mine")])
    posts = await blog.posts.get_many(ids)
    assert [post.slug for post in posts.values()] == ["mine-2", "mine"]


@pytest.mark.parametrize("chunk", [1, 2, 3, 500])
async def test_a_slug_that_is_asked_for_is_had_wherever_the_border_of_a_statement_falls(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(creating, "CHUNK", chunk)
    before = await blog.posts.create("Mine", "", slug="mine-3")
    given = [
        NewPost("Mine", "made"),
        NewPost("Other", "", slug="mine"),
        NewPost("Other", "", slug="mine-2"),
        NewPost("Mine", "made"),
        NewPost("Other", "", slug="other"),
    ]
    ids = await blog.posts.create_many(given)
    stored = [await blog.posts.get(id) for id in ids]
    for post, asked in zip(stored, given, strict=True):
        assert (post.title, post.content) == (asked.title, asked.content)
        assert post.slug.startswith("mine-") if asked.slug is None else post.slug == asked.slug
    assert await blog.posts.get(before.id) == before


async def test_a_slug_that_is_asked_for_twice_fails_wherever_the_border_of_a_statement_falls(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "CHUNK", 1)
    with pytest.raises(AlreadyExists) as caught:
        await blog.posts.create_many([NewPost("A", "", slug="a"), NewPost("B", "", slug="a")])
    assert (caught.value.index, caught.value.value) == (1, "a")
    assert await blog.posts.count() == 0


async def test_only_posts_of_the_same_call_make_way_for_a_slug_that_is_asked_for(
    blog: BlogService,
) -> None:
    [id] = await blog.posts.create_many([NewPost("Mine", "")])
    async with blog.transaction():
        with pytest.raises(AlreadyExists):
            await blog.posts.create_many([NewPost("Other", "", slug="mine")])
    assert (await blog.posts.get(id)).slug == "mine"


async def test_an_iterable_that_raises_stores_none(blog: BlogService) -> None:
    def breaking() -> Iterator[NewPost]:
        yield from generated(700)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        await blog.posts.create_many(breaking())
    assert await blog.posts.count() == 0


async def test_something_else_than_a_post_is_refused(blog: BlogService) -> None:
    with pytest.raises(InvalidPost) as caught:
        await blog.posts.create_many([NewPost("A", ""), {"title": "B"}])  # type: ignore[list-item]
    assert caught.value.index == 1


async def test_very_long_posts_are_sent_a_few_at_a_time(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "CHUNK_SIZE", 1000)
    ids = await blog.posts.create_many(NewPost(f"Post {n}", "x" * 400) for n in range(10))
    assert len(set(ids)) == 10


@pytest.mark.parametrize(
    "statement",
    [lambda table: sql_of_posts.create(table, ("title", "content")), sql_of_posts.create_many],
    ids=["create", "create_many"],
)
async def test_a_plan_made_on_an_empty_table_looks_slugs_up_in_the_index(
    sql: asyncpg.Connection, statement: Callable[[str], str]
) -> None:
    """It is kept while the table grows, so a plan that reads the whole table would be a trap."""
    await sql.execute(
        f"SET plan_cache_mode = force_generic_plan; PREPARE waiting AS {statement('posts')}"
    )
    nothing = ", ".join(["NULL"] * len({*re.findall(r"\$(\d+)", statement("posts"))}))
    plan = await sql.fetch(f"EXPLAIN EXECUTE waiting({nothing})")
    text = "\n".join(row[0] for row in plan)
    assert "using posts_slug_key" in text
    assert "Seq Scan" not in text
