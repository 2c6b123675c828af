"""All that a file says reaches its post, and what it says no longer is cleared."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from blogsvc import BlogService, NewPost
from blogsvc.markdown import import_posts, reading
from blogsvc.markdown.files import PostFile
from blogsvc.markdown.sites import Site

from .folders import FIRST_OF_MAY, outcome, write, yaml

LATER = FIRST_OF_MAY + timedelta(days=1)

FULL = NewPost(
    title="Hello",
    content="text",
    status="archived",
    slug="hello",
    published_at=LATER,
    created_at=FIRST_OF_MAY,
    tags=["b", 'a "quoted\\one"'],
    metadata={"author": "Ann", "nested": [1.5, {"deep": None}]},
    updated_at=LATER,
    former_slugs=["old", "older"],
)

COLUMNS = "title, content, status, slug, published_at, created_at, tags, metadata, former_slugs"


class Files:
    """A folder with one file, which says whatever a test likes."""

    def __init__(self, blog: BlogService, sql: asyncpg.Connection, folder: Path) -> None:
        self.blog = blog
        self.sql = sql
        self.folder = folder
        self.post = FULL

    def read(self, path: Path, site: Site) -> PostFile:
        return PostFile(replace(self.post, source=site.origin_of(path).source), None, ())

    async def imports(self, post: NewPost) -> tuple[int, int, int]:
        self.post = post
        return outcome(await import_posts(self.blog.posts, [self.folder]))

    async def value(self, column: str) -> Any:
        return await self.sql.fetchval(f"SELECT {column} FROM posts")


@pytest.fixture
def files(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Files:
    write(tmp_path, "hello.md", yaml())
    files = Files(blog, sql, tmp_path)
    monkeypatch.setattr(reading, "read_file", files.read)
    return files


async def test_everything_is_stored(files: Files) -> None:
    assert await files.imports(FULL) == (1, 0, 0)
    row = await files.sql.fetchrow(f"SELECT {COLUMNS}, updated_at FROM posts")
    assert row is not None
    assert tuple(row) == (
        "Hello",
        "text",
        "archived",
        "hello",
        LATER,
        FIRST_OF_MAY,
        ["b", 'a "quoted\\one"'],
        '{"author": "Ann", "nested": [1.5, {"deep": null}]}',
        ["old", "older"],
        LATER,
    )


async def test_what_is_unchanged_is_not_written(files: Files) -> None:
    await files.imports(FULL)
    written = "xmin::text, ctid::text, version, updated_at"
    before = await files.sql.fetchrow(f"SELECT {written} FROM posts")
    assert await files.imports(FULL) == (0, 1, 0)
    assert await files.sql.fetchrow(f"SELECT {written} FROM posts") == before


@pytest.mark.parametrize(
    ("changed", "column", "value"),
    [
        ({"title": "New"}, "title", "New"),
        ({"content": "new"}, "content", "new"),
        ({"slug": "new"}, "slug", "new"),
        ({"status": "published"}, "status", "published"),
        ({"published_at": FIRST_OF_MAY}, "published_at", FIRST_OF_MAY),
        ({"status": "draft", "published_at": None}, "published_at", None),
        ({"created_at": LATER}, "created_at", LATER),
        ({"tags": ["a"]}, "tags", ["a"]),
        ({"tags": ()}, "tags", []),
        ({"metadata": {"author": "Bob"}}, "metadata", '{"author": "Bob"}'),
        ({"metadata": None}, "metadata", "{}"),
        ({"updated_at": LATER + timedelta(1)}, "updated_at", LATER + timedelta(1)),
        ({"former_slugs": ["new"]}, "former_slugs", ["old", "older", "new"]),
        ({"slug": "new", "former_slugs": ["x"]}, "former_slugs", ["old", "older", "hello", "x"]),
        ({"slug": "old"}, "former_slugs", ["older", "hello"]),
    ],
)
async def test_each_change_reaches_the_post_and_is_seen_once(
    files: Files, changed: dict[str, Any], column: str, value: object
) -> None:
    await files.imports(FULL)
    new = replace(FULL, **changed)
    assert await files.imports(new) == (0, 0, 1)
    assert await files.value(column) == value
    assert await files.value("version") == 2
    assert await files.imports(new) == (0, 1, 0)


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"created_at": None}, "created_at"),
        ({"published_at": None}, "published_at"),
        ({"updated_at": None}, "updated_at"),
        ({"updated_at": FIRST_OF_MAY}, "updated_at"),
        ({"former_slugs": ()}, "former_slugs"),
    ],
)
async def test_a_time_or_an_address_that_is_not_said_any_more_stays(
    files: Files, changed: dict[str, Any], column: str
) -> None:
    await files.imports(FULL)
    before = await files.value(column)
    assert await files.imports(replace(FULL, **changed)) == (0, 1, 0)
    assert await files.value(column) == before


async def test_a_text_edited_under_an_old_time_of_change_is_written_once(files: Files) -> None:
    await files.imports(FULL)
    new = replace(FULL, content="new")
    assert await files.imports(new) == (0, 0, 1)
    assert await files.value("updated_at") > datetime.now(UTC) - timedelta(hours=1)
    assert await files.imports(new) == (0, 1, 0)
    assert await files.value("version") == 2


async def test_a_new_source_alone_moves_no_version(files: Files) -> None:
    await files.imports(FULL)
    await files.sql.execute("UPDATE posts SET source = 'gone/hello.md'")
    assert await files.imports(FULL) == (0, 1, 0)
    assert await files.value("version") == 1
    assert await files.value("source") == f"{files.folder}//hello.md"


async def test_metadata_is_compared_by_value_and_not_by_how_it_is_written(files: Files) -> None:
    await files.imports(FULL)
    metadata = {"nested": [1.50, {"deep": None}], "author": "Ann"}
    assert await files.imports(replace(FULL, metadata=metadata)) == (0, 1, 0)


async def test_an_address_from_which_a_slug_is_numbered_leads_to_the_other_post(
    files: Files,
) -> None:
    await files.blog.posts.create("Other", "other", slug="hello")
    numbered = replace(FULL, slug="hello-2", former_slugs=["hello", "old"])
    assert await files.imports(numbered) == (1, 0, 0)
    former = "SELECT former_slugs FROM posts WHERE slug = 'hello-2'"
    assert await files.sql.fetchval(former) == ["old"]
    assert await files.imports(numbered) == (0, 1, 0)
    await files.sql.execute("DELETE FROM posts WHERE slug = 'hello'")
    await files.imports(numbered)
    assert await files.sql.fetchval(former) == ["old", "hello"]
