"""Every version up, down and up again, with posts in the table."""

from __future__ import annotations

from typing import Any

from blogsvc.migrator import Migrator, files

from .migrating import execute, facts, fetch, recorded

FILES = files.all_files()

POSTS = """
    INSERT INTO posts (title, content, status, created_at) VALUES
        ('Hello, World!', 'First', 'published', '2025-11-20 12:34:56.123456+00'),
        ('Hello, World!', '', 'draft', '2025-11-21 00:00:00+00'),
        ('日本語', E'line\\nline', 'archived', '2025-11-22 00:00:00+00');
    INSERT INTO posts (id, title, content, status) VALUES (-5, 'Minus', 'x', 'published')"""

TUTORIAL = "SELECT id, title, content, status, created_at, updated_at FROM posts ORDER BY id"


async def posts(url: str) -> list[tuple[Any, ...]]:
    return await fetch(url, TUTORIAL)


async def test_each_step_back_restores_the_step_before_and_no_post_is_lost(
    empty_database: str,
) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade("0")
    await execute(empty_database, POSTS)
    before = await posts(empty_database)
    seen = {"0": await facts(empty_database)}

    for file in FILES[1:]:
        await migrator.upgrade(file.version)
        up = await facts(empty_database)
        await migrator.downgrade()
        assert await facts(empty_database) == seen[str(file.number - 1)], file.label
        assert await posts(empty_database) == before, file.label
        await migrator.upgrade(file.version)
        assert await facts(empty_database) == up, file.label
        seen[str(file.number)] = up

    for file in reversed(FILES[:-1]):
        await migrator.downgrade(file.version)
        assert await facts(empty_database) == seen[str(file.number)], file.label
        assert await posts(empty_database) == before, file.label

    await migrator.downgrade(steps=None)
    assert await facts(empty_database) == []
    assert await recorded(empty_database) == []


async def test_posts_from_before_get_what_later_versions_ask_for(empty_database: str) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade("0")
    await execute(empty_database, POSTS)
    await migrator.upgrade()
    query = "SELECT slug, version, published_at = created_at FROM posts ORDER BY id"
    assert await fetch(empty_database, query) == [
        ("minus--5", 1, True),
        ("hello-world-1", 1, True),
        ("hello-world-2", 1, None),
        ("3", 1, None),
    ]
    found = "SELECT id FROM posts WHERE search @@ to_tsquery('english', 'line')"
    assert await fetch(empty_database, found) == [(3,)]
