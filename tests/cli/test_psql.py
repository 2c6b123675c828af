"""`blogsvc psql` opens PostgreSQL's own shell on the same database and schema."""

from __future__ import annotations

import pytest

from blogsvc.cli.shell import _for_psql

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


@pytest.mark.parametrize("name", ["a\tb", "a\nb", "a\vb", "a b"])
async def test_psql_works_in_a_schema_with_white_space_of_any_kind(
    empty_database: str, name: str
) -> None:
    await create_schema(empty_database, name)
    ended = await run("blogsvc", "psql", "--schema", name, *WHERE_AM_I, url=empty_database)
    assert (ended.status, ended.output) == (0, f"{name}\n")


async def test_psql_keeps_the_options_of_the_url_and_of_the_environment(
    empty_database: str,
) -> None:
    await create_schema(empty_database, "alice")
    sign = "&" if "?" in empty_database else "?"
    url = f"{empty_database}{sign}options=-c%20work_mem%3D2MB%20-c%20search_path%3Dpublic"
    show = "SELECT current_schema(), current_setting('work_mem'), current_setting('geqo')"
    ended = await run(
        *("blogsvc", "psql", "--schema", "alice", *WHERE_AM_I[:3], "-c", show),
        url=url,
        PGOPTIONS="-c geqo=off",
    )
    assert (ended.status, ended.output) == (0, "alice|2MB|off\n")


@pytest.mark.parametrize(
    ("url", "given"),
    [
        ("postgresql:///db", "postgresql:///db"),
        ("postgresql:///db?host=/run", "postgresql:///db?host=%2Frun"),
        (" postgresql+asyncpg://u@h/db\n", "postgresql://u@h/db"),
        ("asyncpg://u@[::1],[::2]:7/db", "postgresql://u@[::1],[::2]:7/db"),
    ],
)
def test_psql_gets_a_url_that_libpq_knows(url: str, given: str) -> None:
    assert _for_psql(url, None)[0] == given


def test_psql_goes_where_the_url_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    for url in ("postgresql://h/db", "postgresql:///db?host=h", "postgresql:///?hostaddr=::1"):
        assert "PGHOSTADDR" not in _for_psql(url, None)[1]
    assert _for_psql("postgresql:///db", None)[1]["PGHOSTADDR"] == "10.0.0.1"


def test_no_password_of_the_url_stands_among_the_arguments_of_psql() -> None:
    for url in ("postgresql://u:s3cr3t@h/db", "postgresql://u:x@h/db?password=s3cr3t&port=7"):
        argument, environment = _for_psql(url, None)
        assert "s3cr3t" not in argument
        assert environment["PGPASSWORD"] == "s3cr3t"
