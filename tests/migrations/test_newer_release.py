"""While a deployment rolls, new code meets a schema in the midst of its migrations."""

from __future__ import annotations

import pytest

from blogsvc import BlogService
from blogsvc.errors import SchemaOutOfDate
from blogsvc.migrator import Migrator, files

from ..database.calls import READS, WRITES
from ..support import run
from .migrating import connected

BEHIND = files.all_files()[:-1]


async def test_each_call_on_an_older_schema_works_or_says_what_to_type(empty_database: str) -> None:
    await Migrator(empty_database).upgrade()
    async with BlogService(empty_database) as service, connected(empty_database) as sql:
        for file in BEHIND:
            await Migrator(empty_database, schema="behind").upgrade(file.version)
            blog = service.in_schema("behind")
            refused: dict[str, str] = {}
            for name, call in {**READS, **WRITES}.items():
                await sql.execute("TRUNCATE behind.posts RESTART IDENTITY")
                await sql.execute("INSERT INTO behind.posts (title, content) VALUES ('T', 'word')")
                if file.number >= 2:
                    await sql.execute("UPDATE behind.posts SET slug = 's'")
                try:
                    await call(blog)  # type: ignore[arg-type] # all but `open`
                except SchemaOutOfDate as error:
                    refused[name] = str(error)
            assert all("Run `blogsvc upgrade`, with --schema" in said for said in refused.values())
            assert ("search" in refused) == (file.number < 16), file.version
            assert ("create_many" in refused) == (file.number < 10), file.version


async def test_a_service_on_any_older_schema_does_not_open(empty_database: str) -> None:
    for file in BEHIND:
        await Migrator(empty_database, schema="behind").upgrade(file.version)
        with pytest.raises(SchemaOutOfDate, match=r"`blogsvc upgrade --schema behind`") as told:
            await BlogService(empty_database, schema="behind").open()
        assert len(told.value.pending) == len(files.all_files()) - file.number - 1


async def test_check_tells_any_older_schema_from_a_changed_one(empty_database: str) -> None:
    for file in files.all_files():
        await Migrator(empty_database, schema=f"at{file.number}").upgrade(file.version)
    ended = await run("blogsvc", "check", "--all-schemas", url=empty_database)
    summary = f"{len(BEHIND) + 1} blogs: {len(BEHIND)} behind, 1 up to date"
    assert ended.output.splitlines()[-1] == summary, ended.output
    assert ended.status == 2
    last = await run("blogsvc", "check", "--schema", f"at{BEHIND[-1].number}", url=empty_database)
    assert last.status == 2, last.output
