"""Migrations for live tables: one of each shape, up and down, and what happens in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from blogsvc.migrator import Migrator, files

from ..support import run
from .migrating import add_online, connected, execute, facts, fetch, make_checkout

POSTS = "INSERT INTO posts (title, content) SELECT 'Post ' || n, '' FROM generate_series(1, $1) n"


@pytest.fixture
def online(tmp_path: Path) -> list[str]:
    """The names of the added migrations, in a checkout that lies in `tmp_path`."""
    return add_online(make_checkout(tmp_path) / "migrations/blogsvc")


async def fill(url: str, posts: int) -> None:
    await Migrator(url).upgrade()
    async with connected(url) as connection:
        await connection.execute(POSTS, posts)


async def test_each_shape_goes_up_and_down_and_up_with_posts_in_the_table(
    empty_database: str, tmp_path: Path, online: list[str]
) -> None:
    await fill(empty_database, 3)
    posts = await fetch(empty_database, "SELECT id, title, version, updated_at FROM posts")
    seen = [await facts(empty_database)]
    for label in online:
        ended = await run(
            "blogsvc", "upgrade", "--to", label, url=empty_database, checkout=tmp_path
        )
        assert ended.status == 0, ended.output
        seen.append(await facts(empty_database))
    assert len(set(map(tuple, seen))) == len(online)  # the backfill changes no schema
    for before in reversed(seen[:-1]):
        ended = await run("aerich", "downgrade", "--yes", url=empty_database, checkout=tmp_path)
        assert ended.status == 0, ended.output
        assert await facts(empty_database) == before
    ended = await run("aerich", "upgrade", url=empty_database, checkout=tmp_path)
    assert ended.status == 0, ended.output
    assert await facts(empty_database) == seen[-1]
    assert posts == await fetch(empty_database, "SELECT id, title, version, updated_at FROM posts")
    assert await fetch(empty_database, "SELECT DISTINCT author, reads FROM posts") == [
        ("Nobody", 0)
    ]


async def test_an_interrupted_backfill_goes_on_where_it_stopped(
    empty_database: str, tmp_path: Path, online: list[str]
) -> None:
    await fill(empty_database, 3500)
    await run("blogsvc", "upgrade", "--to", online[0], url=empty_database, checkout=tmp_path)
    await execute(empty_database, "UPDATE posts SET author = 'Done' WHERE id <= 1500")
    ended = await run("aerich", "upgrade", url=empty_database, checkout=tmp_path)
    assert ended.status == 0, ended.output
    counted = "SELECT author, count(*) FROM posts GROUP BY author ORDER BY author"
    assert await fetch(empty_database, counted) == [("Done", 1500), ("Nobody", 2000)]


async def test_a_batch_that_fails_keeps_the_batches_before_it(
    empty_database: str, tmp_path: Path, online: list[str]
) -> None:
    await fill(empty_database, 2500)
    await run("blogsvc", "upgrade", "--to", online[0], url=empty_database, checkout=tmp_path)
    refuse = "ALTER TABLE posts ADD CONSTRAINT not_yet CHECK (id < 2001 OR author IS NULL)"
    await execute(empty_database, refuse)
    failed = await run("aerich", "upgrade", url=empty_database, checkout=tmp_path)
    assert failed.status == 1
    done = "SELECT count(author) FROM posts"
    assert await fetch(empty_database, done) == [(2000,)]
    await execute(empty_database, "ALTER TABLE posts DROP CONSTRAINT not_yet")
    ended = await run("aerich", "upgrade", url=empty_database, checkout=tmp_path)
    assert ended.status == 0, ended.output
    assert await fetch(empty_database, done) == [(2500,)]


def test_the_files_are_read_as_the_shipped_ones_are(tmp_path: Path, online: list[str]) -> None:
    found = files.all_files(tmp_path / "migrations/blogsvc")
    assert [file.label for file in found[-len(online) :]] == online
    added = found[-len(online) :]
    assert [file.label for file in added if not file.in_transaction] == [online[1], online[4]]
