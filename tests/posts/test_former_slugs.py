"""A slug is a promise: an address that a post had still leads to it."""

from __future__ import annotations

import asyncpg
import pytest

from blogsvc import BlogService, NewPost
from blogsvc.errors import PostNotFound


async def test_an_address_that_a_post_had_leads_to_it(blog: BlogService) -> None:
    post = await blog.posts.create("A", "", slug="one")
    await blog.posts.update(post.id, slug="two")
    await blog.posts.update(post.id, slug="three")
    for slug in ("one", "two", "three"):
        found = await blog.posts.get_by_slug(slug)
        assert (found.id, found.slug) == (post.id, "three")
        assert await blog.posts.get_by_slug_or_none(slug) == found
    with pytest.raises(PostNotFound):
        await blog.posts.get_by_slug("four")


async def test_it_does_so_whoever_changed_the_slug(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("A", "", slug="one")
    await sql.execute("UPDATE posts SET slug = 'two'")
    await sql.execute("UPDATE posts SET slug = 'one'")
    await sql.execute("UPDATE posts SET slug = 'two'")
    assert (await blog.posts.get_by_slug("one")).id == post.id
    assert await sql.fetchval("SELECT former_slugs FROM posts") == ["one"]


async def test_it_does_so_where_status_and_time_change_with_the_slug(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("A", "", slug="one", status="published")
    at = post.created_at
    for slug in ("two", "two", "three", "one", "four"):
        await blog.posts.update(post.id, slug=slug, status="archived", published_at=at)
        await blog.posts.update(post.id, slug=slug, status="draft", published_at=None)
    assert await sql.fetchval("SELECT former_slugs FROM posts") == ["two", "three", "one"]


async def test_a_new_post_takes_it_and_gives_it_back_when_it_goes(blog: BlogService) -> None:
    old = await blog.posts.create("Old", "", slug="one")
    await blog.posts.update(old.id, slug="two")
    new = await blog.posts.create("New", "", slug="one")
    assert (await blog.posts.get_by_slug("one")).id == new.id
    await blog.posts.update(new.id, slug="three")
    assert (await blog.posts.get_by_slug("one")).id == new.id
    await blog.posts.delete(new.id)
    assert (await blog.posts.get_by_slug("one")).id == old.id
    await blog.posts.delete(old.id)
    assert await blog.posts.get_by_slug_or_none("one") is None


async def test_a_post_that_goes_back_has_its_own_address_no_longer_as_a_former_one(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("A", "", slug="one")
    await blog.posts.update(post.id, slug="two")
    await blog.posts.update(post.id, slug="one")
    assert await sql.fetchval("SELECT former_slugs FROM posts") == ["two"]


async def test_a_slug_that_create_many_takes_back_was_never_an_address(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    many = [
        NewPost("Hello", "", former_slugs=["kept"]),
        *[NewPost(f"P{n}", "") for n in range(500)],
    ]
    await blog.posts.create_many([*many, NewPost("B", "", slug="hello")])
    rows = await sql.fetch("SELECT title, former_slugs FROM posts WHERE former_slugs <> '{}'")
    assert [tuple(row) for row in rows] == [("Hello", ["kept"])]


async def test_it_is_found_by_an_index(blog: BlogService, sql: asyncpg.Connection) -> None:
    await blog.posts.create_many(NewPost(f"P{n}", "", former_slugs=[f"f{n}"]) for n in range(3000))
    await sql.execute("ANALYZE posts")
    plan = await sql.fetch("EXPLAIN SELECT FROM posts WHERE former_slugs @> ARRAY['f7']")
    assert any("posts_former_slugs_idx" in row[0] for row in plan)
