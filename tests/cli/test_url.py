"""`blogsvc url` prints the URL that other programs need, and no password."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from blogsvc import embedded

from ..support import PATIENCE, run, start


async def test_it_prints_the_url_of_the_embedded_server_that_runs(reachable: Path) -> None:
    directory = reachable / "data"
    use = await asyncio.to_thread(embedded.start, directory)
    try:
        ended = await run("blogsvc", "url", BLOGSVC_DATA_DIR=str(directory))
        assert (ended.status, ended.output) == (0, f"{use.url}\n")
    finally:
        await asyncio.to_thread(use.release)
    ended = await run("blogsvc", "url", BLOGSVC_DATA_DIR=str(directory))
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    assert "type `blogsvc url --keep`" in ended.output


async def test_it_starts_nothing_where_no_server_ever_was(reachable: Path) -> None:
    directory = reachable / "data"
    assert (await run("blogsvc", "url", BLOGSVC_DATA_DIR=str(directory))).status == 1
    assert not directory.exists()


async def test_it_keeps_the_server_for_other_programs_until_ctrl_c(reachable: Path) -> None:
    directory = reachable / "data"
    keeping = await start("blogsvc", "url", "--keep", BLOGSVC_DATA_DIR=str(directory))
    assert keeping.stdout is not None
    url = (await asyncio.wait_for(keeping.stdout.readline(), PATIENCE)).decode().strip()
    asked = ("blogsvc", "psql", "--no-psqlrc", "-Atc", "SELECT 1")
    assert (await run(*asked, url=url)).output == "1\n"
    await keeping.stdout.readline()
    keeping.send_signal(signal.SIGINT)
    output, _ = await asyncio.wait_for(keeping.communicate(), PATIENCE)
    assert b"Traceback" not in output
    assert await asyncio.to_thread(embedded.running_url, directory) is None


@pytest.mark.parametrize(
    "url",
    [
        "host=h password=s3cr3t",
        "mysql://u:s3cr3t@h/db",
        "postgresql://u:s3cr3t@[::1/db",
        "postgresql://u:s3cr3t@h:99999/db",
        "postgresql://u:s3#cr3t@h/db",
        "'postgresql://u:s3cr3t@h/db'",
    ],
)
@pytest.mark.parametrize("command", ["url", "psql"])
async def test_of_what_is_no_url_nothing_is_shown(command: str, url: str) -> None:
    ended = await run("blogsvc", command, url=url)
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    assert "cr3t" not in ended.output


async def test_the_password_of_a_url_is_not_shown() -> None:
    url = "postgres+asyncpg://u:s3cr3t@h:7/db?sslmode=require&password=s3cr3t&sslpassword=s3cr3t"
    ended = await run("blogsvc", "url", url=url)
    assert (ended.status, ended.output) == (0, "postgresql://u@h:7/db?sslmode=require\n")


@pytest.mark.parametrize("url", ["sqlite:///blog.db", "h:7/db", "postgresql://u@h:port/db"])
async def test_what_is_no_url_of_a_database_is_not_printed_as_one(url: str) -> None:
    ended = await run("blogsvc", "url", url=url)
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    assert "The database URL cannot be used" in ended.output
