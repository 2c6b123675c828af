"""`blogsvc psql` opens PostgreSQL's own shell on the same database and schema."""

from __future__ import annotations

import pytest

from ..migrations.migrating import execute
from ..support import run

WHERE_AM_I = ("--no-psqlrc", "--no-align", "--tuples-only", "-c", "SELECT current_schema()")


async def create_schema(url: str, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    await execute(url, f"CREATE SCHEMA {quoted}")


@pytest.mark.parametrize("name", ["Alice", "a b", "a\\b", 'a"b', "a, b", """ a  \\ 'b', "c" \\"""])
async def test_psql_works_in_the_schema_whatever_its_name(empty_database: str, name: str) -> None:
    await create_schema(empty_database, name)
    ended = await run("blogsvc", "psql", "--schema", name, *WHERE_AM_I, url=empty_database)
    assert (ended.status, ended.output) == (0, f"{name}\n")


async def test_psql_works_in_the_schema_that_the_environment_names(empty_database: str) -> None:
    await create_schema(empty_database, "a b")
    ended = await run("blogsvc", "psql", *WHERE_AM_I, url=empty_database, BLOGSVC_SCHEMA="a b")
    assert (ended.status, ended.output) == (0, "a b\n")


async def test_psql_ends_with_the_status_of_the_shell(empty_database: str) -> None:
    ended = await run("blogsvc", "psql", "--no-psqlrc", "-c", "nonsense", url=empty_database)
    assert ended.status == 1
    assert "syntax error" in ended.output
