"""Neighbours: the posts before and after a post, in the order of publishing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from blogsvc import BlogService, NewPost, PostSummary
from blogsvc.errors import InvalidQuery, PostNotFound
from blogsvc.posts import sql as statements

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def ids_of(found: tuple[PostSummary | None, PostSummary | None]) -> tuple[int | None, int | None]:
    older, newer = found
    return older.id if older else None, newer.id if newer else None


async def published(blog: BlogService, *days: float) -> list[int]:
    return await blog.posts.create_many(
        NewPost(f"Day {day}", f"Text of *day* {day}", "published", published_at=START + day * DAY)
        for day in days
    )


async def test_neighbours_are_the_older_and_the_newer_one(blog: BlogService) -> None:
    third, first, second = await published(blog, 3, 1, 2)
    assert ids_of(await blog.posts.neighbours(second)) == (first, third)
    assert ids_of(await blog.posts.neighbours(first)) == (None, second)
    assert ids_of(await blog.posts.neighbours(third)) == (second, None)
    older, _ = await blog.posts.neighbours(second)
    (same,) = await blog.posts.summaries(published_before=START + 2 * DAY)
    assert older == same
    assert older.excerpt == "Text of day 1"


async def test_a_walk_along_the_neighbours_meets_every_post_once(blog: BlogService) -> None:
    ids = await published(blog, 1, 1, 1, 0, 2, 2, 0, 1)
    in_order = [post.id for post in await blog.posts.page(order="published")][::-1]
    assert sorted(in_order) == sorted(ids)
    walked: list[int | None] = [in_order[0]]
    back: list[int | None] = []
    while (at := walked[-1]) is not None:
        older, newer = ids_of(await blog.posts.neighbours(at))
        back.append(older)
        walked.append(newer)
    assert walked == [*in_order, None]
    assert back == [None, *in_order[:-1]]


async def test_readers_see_only_what_is_published_by_now(blog: BlogService) -> None:
    ahead = (datetime.now(UTC) - START) / DAY + 1
    archived, first, draft, second, planned = await published(blog, 0, 1, 2, 3, ahead)
    await blog.posts.archive(archived)
    await blog.posts.update(draft, status="draft", published_at=START + 2 * DAY)
    assert ids_of(await blog.posts.neighbours(first)) == (None, second)
    assert ids_of(await blog.posts.neighbours(second)) == (first, None)
    assert ids_of(await blog.posts.neighbours(first, visible=False)) == (archived, draft)
    assert ids_of(await blog.posts.neighbours(second, visible=False)) == (draft, planned)


async def test_a_post_that_is_not_visible_itself_has_visible_neighbours(blog: BlogService) -> None:
    first, archived, second = await published(blog, 1, 2, 3)
    await blog.posts.archive(archived)
    assert ids_of(await blog.posts.neighbours(archived)) == (first, second)


async def test_a_post_without_a_time_of_publishing_has_none(blog: BlogService) -> None:
    await published(blog, 1, 2)
    draft = await blog.posts.create("Draft", "")
    assert await blog.posts.neighbours(draft.id) == (None, None)
    assert await blog.posts.neighbours(draft.id, visible=False) == (None, None)


async def test_an_only_post_has_none(blog: BlogService) -> None:
    (only,) = await published(blog, 1)
    assert await blog.posts.neighbours(only) == (None, None)


@pytest.mark.parametrize("id", [4711, 0, -1, 2**63, 2**70])
async def test_an_unknown_id_is_told(blog: BlogService, id: int) -> None:
    await published(blog, 1)
    with pytest.raises(PostNotFound) as told:
        await blog.posts.neighbours(id)
    assert told.value.id == id


async def test_an_id_that_is_no_number_is_refused(blog: BlogService) -> None:
    with pytest.raises(InvalidQuery):
        await blog.posts.neighbours("1")  # type: ignore[arg-type]


async def test_what_others_change_is_seen(blog: BlogService, sql: asyncpg.Connection) -> None:
    first, second = await published(blog, 1, 2)
    await sql.execute("UPDATE posts SET published_at = $2 WHERE id = $1", first, START + 5 * DAY)
    assert ids_of(await blog.posts.neighbours(second)) == (None, first)
    await sql.execute("DELETE FROM posts WHERE id = $1", first)
    assert await blog.posts.neighbours(second) == (None, None)


async def test_a_large_table_is_read_from_its_indexes(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    ids = await published(blog, *range(2000))
    await sql.execute("ANALYZE posts")
    for visible in (True, False):
        statement = statements.neighbours("posts", visible=visible).replace("$1", str(ids[1000]))
        plan = "\n".join(row[0] for row in await sql.fetch("EXPLAIN " + statement))
        assert plan.count("using posts_published_at_id_idx") == 2, plan
        assert "Seq Scan" not in plan, plan
        assert "Sort" not in plan, plan
