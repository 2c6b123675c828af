"""Taking over the table of the tutorial's own tool, again and again, until it is switched off.

Here the table is made by hand as sequelize-cli makes it; `benchmarks/sequelize_takeover.py` tries
the real one.
"""

from __future__ import annotations

from typing import Any

import pytest

from blogsvc import BlogService
from blogsvc.migrator import Migrator
from blogsvc.migrator.sequelize import take_over

from ..support import run
from .migrating import execute, fetch

THEIRS = """
    CREATE TABLE "Posts" (
        id SERIAL PRIMARY KEY,
        title VARCHAR(255),
        content TEXT,
        status VARCHAR(255) DEFAULT 'draft',
        "createdAt" TIMESTAMP WITH TIME ZONE NOT NULL,
        "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL
    );
    CREATE TABLE "SequelizeMeta" (name VARCHAR(255) PRIMARY KEY);
    INSERT INTO "SequelizeMeta" VALUES ('20251120123456-create-post.js');
    INSERT INTO "Posts" (title, content, status, "createdAt", "updatedAt") VALUES
        ('Hello', 'First', 'published', '2025-11-20 12:34:56.789+00', '2025-11-21 00:00:00+00'),
        ('Hello', NULL, NULL, '2025-11-21 00:00:00+00', '2025-11-21 00:00:00+00'),
        (' ', 'No title', 'Archived', '2025-11-22 00:00:00+00', '2025-11-22 00:00:00+00'),
        ('Unknown', 'x', 'pending', '2025-11-23 00:00:00+00', '2025-11-23 00:00:00+00');
    DELETE FROM "Posts" WHERE id = 3;
    INSERT INTO "Posts" (id, title, content, status, "createdAt", "updatedAt") VALUES
        (3, ' ', 'No title', 'Archived', '2025-11-22 00:00:00+00', '2025-11-22 00:00:00+00');
    SELECT setval('"Posts_id_seq"', 10)"""


@pytest.fixture
async def theirs(empty_database: str) -> str:
    """A database as the tutorial leaves it, with four posts."""
    await execute(empty_database, THEIRS)
    return empty_database


async def old_tables(url: str) -> list[tuple[Any, ...]]:
    posts = await fetch(url, 'SELECT * FROM "Posts" ORDER BY id')
    return posts + await fetch(url, 'SELECT * FROM "SequelizeMeta"')


async def test_one_command_keeps_every_row_id_and_time(theirs: str) -> None:
    before = await old_tables(theirs)
    ended = await run("blogsvc", "import-sequelize", url=theirs)
    assert ended.status == 0, ended.output
    assert ended.output.splitlines()[-2:] == [
        "4 created, 0 updated, 0 as they were",
        "1 became drafts: blogsvc has no status 'pending'",
    ]
    kept = "SELECT id, created_at, updated_at FROM posts ORDER BY id"
    old = 'SELECT id, "createdAt", "updatedAt" FROM "Posts" ORDER BY id'
    assert await fetch(theirs, kept) == await fetch(theirs, old)
    made = "SELECT title, content, slug, status, published_at = created_at FROM posts ORDER BY id"
    assert await fetch(theirs, made) == [
        ("Hello", "First", "hello", "published", True),
        ("Hello", "", "hello-2", "draft", None),
        ("Untitled", "No title", "untitled", "archived", None),
        ("Unknown", "x", "unknown", "draft", None),
    ]
    assert await old_tables(theirs) == before


async def test_the_next_post_gets_the_id_after_the_last_one_there(theirs: str) -> None:
    await take_over(Migrator(theirs))
    async with BlogService(theirs) as blog:
        assert (await blog.posts.create("New", "Here")).id == 11


async def test_a_second_run_brings_what_is_new_and_what_changed(theirs: str) -> None:
    migrator = Migrator(theirs)
    await take_over(migrator)
    await execute(
        theirs,
        """
        UPDATE "Posts" SET title = 'Hello again', status = 'published', "updatedAt" = now()
            WHERE id = 2;
        UPDATE "Posts" SET content = 'Changed behind the back of the tool' WHERE id = 3;
        INSERT INTO "Posts" (title, "createdAt", "updatedAt") VALUES ('Newer', now(), now())""",
    )
    again = await take_over(migrator)
    assert (again.created, again.updated, again.total) == (1, 2, 5)
    query = "SELECT title, slug, status, published_at = updated_at, version FROM posts WHERE id = 2"
    assert await fetch(theirs, query) == [("Hello again", "hello-2", "published", True, 2)]
    third = await take_over(migrator)
    assert (third.created, third.updated) == (0, 0)


async def test_what_was_edited_here_later_stays(theirs: str) -> None:
    migrator = Migrator(theirs)
    await take_over(migrator)
    async with BlogService(theirs) as blog:
        await blog.posts.update(1, title="Edited here")
        assert (await take_over(migrator)).updated == 0
        assert (await blog.posts.get(1)).title == "Edited here"


async def test_a_post_of_our_own_is_not_overwritten_by_one_with_its_id(theirs: str) -> None:
    await take_over(Migrator(theirs))
    async with BlogService(theirs) as blog:
        mine = await blog.posts.create("Mine", "Here")
        await execute(
            theirs,
            """INSERT INTO "Posts" (title, "createdAt", "updatedAt")
                VALUES ('Theirs', '2030-01-01', '2030-01-01')""",
        )
        ended = await run("blogsvc", "import-sequelize", url=theirs)
        assert ended.status == 1
        assert f"another post has the id here ({mine.id})" in ended.output
        assert await blog.posts.get(mine.id) == mine


async def test_a_post_deleted_there_is_told_of(theirs: str) -> None:
    await take_over(Migrator(theirs))
    await execute(theirs, 'DELETE FROM "Posts" WHERE id = 1')
    ended = await run("blogsvc", "import-sequelize", url=theirs)
    assert '1 are here and not in "Posts": made here, or deleted there' in ended.output


async def test_a_blog_in_a_schema_finds_the_table_in_public(theirs: str) -> None:
    found = await take_over(Migrator(theirs, schema="alice"))
    assert found.created == 4
    assert await fetch(theirs, "SELECT count(*) FROM alice.posts") == [(4,)]


async def test_without_the_old_table_it_says_what_to_name(empty_database: str) -> None:
    ended = await run("blogsvc", "import-sequelize", url=empty_database)
    assert ended.status == 1
    assert 'There is no table "Posts" in this schema or in public.' in ended.output
