"""The blogs of seven generators come in, go out, and come in again as they were."""

from __future__ import annotations

import os
from pathlib import Path

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.markdown import export_posts, import_posts

from .trees import TREES, Tree

# All but what each database makes for itself, and where the files were.
SAME = """
    SELECT title, content, slug, status, published_at, created_at, tags, metadata, former_slugs,
        updated_at
    FROM posts ORDER BY slug"""

trees = pytest.mark.parametrize("tree", TREES.values(), ids=TREES)


async def rows(sql: asyncpg.Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await sql.fetch(SAME)]


@trees
async def test_a_blog_comes_in_whole_and_again_as_it_was(
    blog: BlogService, sql: asyncpg.Connection, tree: Tree, tmp_path: Path
) -> None:
    tree.write(tmp_path)
    first = await import_posts(blog.posts, [tmp_path])
    assert first.skipped == ()
    assert first.created == len(tree.posts)
    held_back = {path.relative_to(tmp_path).as_posix() for path, _ in first.held_back}
    assert held_back == {name for name, post in tree.posts.items() if post.held_back}
    public = {post.slug for post in tree.posts.values() if not post.held_back}
    assert {post.slug async for post in blog.posts.stream(visible=True)} == public
    before = await rows(sql)
    second = await import_posts(blog.posts, [tmp_path])
    assert (second.created, second.unchanged, second.updated) == (0, first.created, 0)
    assert await rows(sql) == before
    assert await sql.fetchval("SELECT max(version) FROM posts") == 1


@trees
async def test_what_goes_out_comes_into_an_empty_blog_equal(
    blog: BlogService, sql: asyncpg.Connection, tree: Tree, tmp_path: Path
) -> None:
    tree.write(tmp_path / "blog")
    await import_posts(blog.posts, [tmp_path / "blog"])
    before = await rows(sql)
    public = {post.slug async for post in blog.posts.stream(visible=True)}
    await export_posts(blog.posts, tmp_path / "out")
    again = await import_posts(blog.posts, [tmp_path / "out"])
    assert (again.created, again.unchanged, again.updated) == (0, len(before), 0)
    assert await rows(sql) == before
    await sql.execute("TRUNCATE posts")
    report = await import_posts(blog.posts, [tmp_path / "out"])
    assert (report.created, report.skipped) == (len(before), ())
    assert await rows(sql) == before
    assert {post.slug async for post in blog.posts.stream(visible=True)} == public


@pytest.mark.parametrize("below", ["out", "out/de", "."])
async def test_two_blogs_that_go_out_into_folders_of_languages_come_back_equal(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path, below: str
) -> None:
    before: dict[str, list[tuple[object, ...]]] = {}
    for folder in ("out/de", "out/fr"):
        for metadata in ({}, {"language": folder[-2:]}, {"language": "en"}, {"lang": "en"}):
            slug = f"{folder[-2:]}-{len(metadata)}-{'-'.join([*metadata, *metadata.values()])}"
            await blog.posts.create("Hello", folder, slug=slug, metadata=metadata)
        post = await blog.posts.create("Hello", folder, slug=f"{folder[-2:]}-1")
        await blog.posts.update(post.id, slug=f"{folder[-2:]}-2")
        before[folder] = await rows(sql)
        await export_posts(blog.posts, tmp_path / folder)
        await sql.execute("TRUNCATE posts")
    report = await import_posts(blog.posts, [tmp_path / below])
    assert report.skipped == ()
    both = before["out/de"] + before["out/fr"]
    assert await rows(sql) == (before["out/de"] if below == "out/de" else both)


@pytest.mark.skipif("BLOGSVC_TEST_BLOG" not in os.environ, reason="BLOGSVC_TEST_BLOG is not set")
async def test_a_large_blog_goes_out_and_comes_in_again_equal(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    first = await import_posts(blog.posts, [Path(os.environ["BLOGSVC_TEST_BLOG"])])
    before = await rows(sql)
    await export_posts(blog.posts, tmp_path / "out")
    again = await import_posts(blog.posts, [tmp_path / "out"])
    assert (again.created, again.unchanged, again.updated) == (0, first.created, 0)
    assert await rows(sql) == before
    await sql.execute("TRUNCATE posts")
    await import_posts(blog.posts, [tmp_path / "out"])
    assert await rows(sql) == before
