"""A search among the posts that have a tag."""

from __future__ import annotations

import asyncpg
import pytest

from blogsvc import BlogService, NewPost
from blogsvc.errors import InvalidCursor, InvalidQuery
from blogsvc.posts import search
from blogsvc.posts import sql as statements


@pytest.fixture
async def tagged(blog: BlogService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Posts with common and rare words and tags, of which only ten matches are ranked."""
    monkeypatch.setattr(search, "RANKED", 10)
    monkeypatch.setattr(search, "SAMPLED", 40)
    await blog.posts.create_many(
        NewPost(
            f"Post {place}",
            "walrus " + "middling " * (place % 7 == 0) + "rare " * (place in (7, 570)),
            "draft" if place % 4 == 3 else "published",
            tags=["half"] * (place % 2) + ["tenth"] * (place % 10 == 0) + ["few"] * (place < 30),
        )
        for place in range(600)
    )


@pytest.mark.usefixtures("tagged")
@pytest.mark.parametrize("visible", [False, True])
@pytest.mark.parametrize("query", ["walrus", "middling", "rare", "-middling", "absent"])
@pytest.mark.parametrize("tag", ["half", "tenth", "few", "none"])
async def test_the_newest_matches_with_a_tag_are_found_page_by_page(
    blog: BlogService, sql: asyncpg.Connection, tag: str, query: str, visible: bool
) -> None:
    rows = await sql.fetch(
        "SELECT id FROM posts WHERE search @@ websearch_to_tsquery($1) AND tags @> ARRAY[$2::text] "
        "AND (status = 'published' OR NOT $3) ORDER BY id DESC LIMIT 10",
        query,
        tag,
        visible,
    )
    page = await blog.posts.search(query, tag=tag, visible=visible, limit=3)
    found = [hit.post.id for hit in page]
    while page.next and len(found) <= 10:
        page = await blog.posts.search(query, tag=tag, visible=visible, limit=3, after=page.next)
        found += [hit.post.id for hit in page]
    assert sorted(found, reverse=True) == [id for (id,) in rows]


@pytest.mark.usefixtures("tagged")
async def test_a_cursor_belongs_to_its_tag(blog: BlogService) -> None:
    page = await blog.posts.search("walrus", tag="half", limit=1)
    for tag in (None, "tenth"):
        with pytest.raises(InvalidCursor):
            await blog.posts.search("walrus", tag=tag, limit=1, after=page.next)


@pytest.mark.parametrize("tag", [7, b"half", ["half"], "a\0b"])
async def test_a_tag_that_is_no_text_is_refused(blog: BlogService, tag: str) -> None:
    with pytest.raises(InvalidQuery, match="tag"):
        await blog.posts.search("walrus", tag=tag)


@pytest.mark.usefixtures("tagged")
async def test_the_index_of_tags_is_asked_beside_that_of_words(sql: asyncpg.Connection) -> None:
    await sql.execute(
        "ANALYZE posts; SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan"
    )
    query = statements.search("posts", "index", search.RANKED, visible=False, tagged=True)
    await sql.execute(f"PREPARE way AS {query}")
    plan = await sql.fetch("EXPLAIN EXECUTE way ('walrus', 600, 'infinity', 601, 21, 'few')")
    text = "\n".join(line for (line,) in plan)
    assert "posts_tags_idx" in text or "posts_search_idx" in text
    assert "posts_tags_idx" in text
