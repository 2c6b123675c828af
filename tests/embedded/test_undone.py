"""The embedded database is migrated by itself when it is new, and never again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from blogsvc import BlogService, Migrator, embedded
from blogsvc.errors import MigrationError, SchemaOutOfDate

from ..migrations.migrating import HEAD, execute, fetch, recorded
from ..support import run


@pytest.fixture
async def url(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The URL of a new embedded server, which is the one that a program without a URL uses."""
    monkeypatch.setenv("BLOGSVC_DATA_DIR", str(data_dir))
    use = await asyncio.to_thread(embedded.start, data_dir)
    yield use.url
    await asyncio.to_thread(use.release)


async def test_programs_that_open_a_new_database_at_once_all_find_it_migrated(url: str) -> None:
    services = [BlogService() for _ in range(5)]
    await asyncio.gather(*(service.open() for service in services))
    assert (await recorded(url))[-1] == HEAD.version
    await asyncio.gather(*(service.close() for service in services))


async def test_what_was_undone_is_not_applied_again_by_who_only_reads(
    url: str, data_dir: Path, tmp_path: Path
) -> None:
    async with BlogService() as blog:
        await blog.posts.create("Kept", "")
    await run("aerich", "downgrade", "--yes", BLOGSVC_DATA_DIR=str(data_dir))
    for command in (("list",), ("export", str(tmp_path)), ("import", str(tmp_path))):
        ended = await run("blogsvc", *command, BLOGSVC_DATA_DIR=str(data_dir))
        assert (ended.status, ended.is_one_line) == (1, True), ended.output
        assert f"not applied: {HEAD.label}. Run `blogsvc upgrade`" in ended.output
    with pytest.raises(SchemaOutOfDate, match="Run `blogsvc upgrade`"):
        await BlogService().open()
    assert HEAD.version not in await recorded(url)
    await run("blogsvc", "upgrade", BLOGSVC_DATA_DIR=str(data_dir))
    assert "1 of 1 posts" in (await run("blogsvc", "list", BLOGSVC_DATA_DIR=str(data_dir))).output


async def test_a_table_that_was_undone_stays_away_until_somebody_asks(url: str) -> None:
    migrator = Migrator(url)
    await migrator.upgrade()
    await migrator.downgrade(steps=None)
    with pytest.raises(SchemaOutOfDate):
        await BlogService().open()
    assert await fetch(url, "SELECT to_regclass('posts')") == [(None,)]
    async with BlogService(migrate=True) as blog:
        assert await blog.posts.count() == 0


async def test_a_downgrade_of_nothing_leaves_a_new_database_new(url: str, data_dir: Path) -> None:
    ended = await run("aerich", "downgrade", "--yes", BLOGSVC_DATA_DIR=str(data_dir))
    assert "No specified version found" in ended.output
    async with BlogService() as blog:
        assert await blog.posts.count() == 0


async def test_a_table_that_tortoise_made_in_a_new_database_is_named(url: str) -> None:
    await execute(url, "CREATE TABLE posts (id BIGINT PRIMARY KEY)")
    with pytest.raises(MigrationError, match="Type `blogsvc adopt --repair`"):
        await BlogService().open()
