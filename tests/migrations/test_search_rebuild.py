"""The vectors of posts that are there: rebuilt in batches, as often as it takes."""

from __future__ import annotations

import pytest

from blogsvc import BlogService
from blogsvc.errors import MigrationError
from blogsvc.migrator import Migrator

from .migrating import execute, fetch

POSTS = """
    INSERT INTO posts (title, content)
    SELECT CASE WHEN n % 2 = 0 THEN 'Node.js ' ELSE 'Plain ' END || n, 'Some words'
    FROM generate_series(1, 350) AS n"""

STATE = "SELECT id, version, updated_at, title, content, slug FROM posts ORDER BY id"
WRITTEN = "SELECT id, xmin::text FROM posts ORDER BY id"
NEW = "SELECT id FROM posts WHERE search @@ to_tsquery('simple', 'node') ORDER BY id"

EVEN = [(id,) for id in range(2, 351, 2)]


@pytest.fixture
async def filled(empty_database: str) -> str:
    """A database with posts whose vectors lack the words."""
    await Migrator(empty_database).upgrade("15")
    await execute(empty_database, POSTS)
    assert await fetch(empty_database, NEW) == []
    return empty_database


async def test_new_posts_have_the_words_at_once_and_old_ones_after_the_rebuild(filled: str) -> None:
    before, written = await fetch(filled, STATE), await fetch(filled, WRITTEN)
    await Migrator(filled).upgrade("16")
    await execute(filled, "INSERT INTO posts (id, title, content) VALUES (999, 'Node.js', '')")
    assert await fetch(filled, NEW) == [(999,)]
    await execute(filled, "DELETE FROM posts WHERE id = 999")
    await Migrator(filled).upgrade("17")
    assert await fetch(filled, NEW) == EVEN
    assert await fetch(filled, STATE) == before
    after = await fetch(filled, WRITTEN)
    # What lacks nothing is not written.
    assert [old == new for old, new in zip(written, after, strict=True)] == [True, False] * 175


async def test_run_again_it_writes_nothing(filled: str) -> None:
    await Migrator(filled).upgrade("17")
    written = await fetch(filled, WRITTEN)
    await Migrator(filled).downgrade("16")
    await Migrator(filled).upgrade("17")
    assert await fetch(filled, WRITTEN) == written


async def test_interrupted_it_goes_on_where_it_stopped(filled: str) -> None:
    await Migrator(filled).upgrade("16")
    await execute(
        filled, "ALTER TABLE posts ADD CONSTRAINT no CHECK (id < 250 OR search IS NULL) NOT VALID"
    )
    with pytest.raises(MigrationError):
        await Migrator(filled).upgrade("17")
    assert await fetch(filled, NEW) == EVEN[:112]
    written = (await fetch(filled, WRITTEN))[:225]
    await execute(filled, "ALTER TABLE posts DROP CONSTRAINT no")
    await Migrator(filled).upgrade("17")
    assert await fetch(filled, NEW) == EVEN
    assert (await fetch(filled, WRITTEN))[:225] == written


async def test_a_batch_of_long_posts_is_a_short_one(filled: str) -> None:
    await execute(filled, "UPDATE posts SET content = repeat('Node.js ', 7500) WHERE id <= 20")
    await Migrator(filled).upgrade("17")
    batches = await fetch(
        filled,
        "SELECT count(*), sum(octet_length(content)) FROM posts WHERE id % 2 = 0 "
        "GROUP BY xmin::text",
    )
    assert len(batches) > 10
    assert all(number == 1 or size <= 100_000 for number, size in batches)


async def test_a_schema_of_its_own_has_a_function_of_its_own(empty_database: str) -> None:
    for schema in ("alice", "bob"):
        await Migrator(empty_database, schema=schema).upgrade()
        async with BlogService(empty_database, schema=schema) as blog:
            await blog.posts.create(f"{schema} writes C++", "")
            assert len(await blog.posts.search("c++")) == 1
    await execute(empty_database, "DROP SCHEMA bob CASCADE")
    async with BlogService(empty_database, schema="alice") as blog:
        await blog.posts.create("More C++", "")
        assert len(await blog.posts.search("c++")) == 2


async def test_after_the_downgrade_posts_are_found_as_before(filled: str) -> None:
    migrator = Migrator(filled)
    await migrator.upgrade()
    await migrator.downgrade("15")
    await execute(filled, "UPDATE posts SET title = 'Node.js again' WHERE id = 1")
    assert await fetch(filled, NEW) == EVEN
    host = "SELECT count(*) FROM posts WHERE search @@ websearch_to_tsquery('english', 'node.js')"
    assert await fetch(filled, host) == [(176,)]
    assert not (await migrator.check()).drifted
