"""Many blogs in one database, each in a schema of its own, through one service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from blogsvc import BlogService
from blogsvc.database import Query
from blogsvc.errors import ConfigurationError, NotOpen, PostNotFound, SchemaOutOfDate
from blogsvc.migrator import Migrator

from .migrations.migrating import execute, fetch


@pytest.fixture
async def several(empty_database: str) -> AsyncIterator[BlogService]:
    """An open service of a single connection; alice and bob have a blog beside its own."""
    for schema in (None, "alice", "bob's"):
        await Migrator(empty_database, schema=schema).upgrade()
    async with BlogService(empty_database, max_size=1) as service:
        yield service


async def test_each_schema_is_a_blog_of_its_own(several: BlogService, empty_database: str) -> None:
    for name in ("alice", "bob's"):
        await several.in_schema(name).posts.create(f"Of {name}", "Text", slug="hello")
    assert await several.posts.count() == 0
    assert (await several.in_schema("bob's").posts.get_by_slug("hello")).title == "Of bob's"
    assert await fetch(empty_database, "SELECT title FROM alice.posts") == [("Of alice",)]


async def test_one_transaction_covers_several_blogs(several: BlogService) -> None:
    alice, bob = several.in_schema("alice"), several.in_schema("bob's")
    with pytest.raises(PostNotFound):
        async with alice.transaction():
            await alice.posts.create("One", "Text")
            async with bob.transaction():
                await bob.posts.create("Two", "Text")
            await several.posts.get(404)
    assert (await alice.posts.count(), await bob.posts.count()) == (0, 0)

    async def body() -> None:
        await bob.posts.create("Two", "Text")

    await bob.run_transaction(body)
    assert await bob.posts.count() == 1


async def test_a_blog_that_is_not_there_is_told_by_the_first_call(
    several: BlogService, empty_database: str
) -> None:
    await Migrator(empty_database, schema="behind").upgrade("5")
    for name in ("nobody", "behind"):
        with pytest.raises(SchemaOutOfDate, match="blogsvc upgrade`, with --schema"):
            await several.in_schema(name).posts.get(1)
    await several.in_schema("alice").ping()


@pytest.mark.parametrize("name", ["a" * 64, "\0", 7, None])
async def test_what_cannot_be_a_schema_is_refused_at_once(name: str) -> None:
    with pytest.raises(ConfigurationError, match="schema is"):
        BlogService("postgresql://nowhere").in_schema(name)


async def test_a_blog_is_open_as_long_as_its_service(several: BlogService) -> None:
    alice = several.in_schema("alice")
    await several.close()
    with pytest.raises(NotOpen):
        await alice.posts.count()


async def test_a_connection_keeps_the_statements_of_hundreds_of_blogs(
    several: BlogService, empty_database: str
) -> None:
    await execute(
        empty_database,
        """DO $$ BEGIN FOR number IN 1..200 LOOP
            EXECUTE format('CREATE SCHEMA blog_%s', number);
            EXECUTE format('CREATE TABLE blog_%s.posts (LIKE public.posts)', number);
        END LOOP; END $$""",
    )
    for number in range(1, 201):
        assert await several.in_schema(f"blog_{number}").posts.get_or_none(1) is None
    kept = Query("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%blog\\_%'")
    assert (await several._database.read(kept))[0][0] == 200
