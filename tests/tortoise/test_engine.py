"""Our engine is a client of Tortoise's like any other to those who read it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tortoise.backends.asyncpg.client import AsyncpgDBClient

from blogsvc.errors import ConfigurationError
from blogsvc.migrator.aerich import BlogClient
from blogsvc.models import tortoise_connection

from ..support import ROOT, run
from .shop import stock_connection

OURS = {
    "password",  # stays in the URL, which no log prints
    "schema_generator",
    "pool_maxsize",
}
"""What is another on purpose."""


def test_whoever_reads_our_client_finds_what_tortoises_own_says(blog_url: str) -> None:
    stock = AsyncpgDBClient(**stock_connection(blog_url)["credentials"], connection_name="default")
    ours = BlogClient(**tortoise_connection(blog_url)["credentials"], connection_name="default")
    public = [name for name in dir(stock) if not name.startswith("_")]
    values = {name for name in public if not callable(getattr(stock, name))} | {"schema_generator"}
    assert values >= {"database", "user", "host", "port", "server_settings", "schema", "extra"}
    different = {
        name
        for name in values
        if getattr(ours, name) != getattr(stock, name) and name not in ("capabilities", "password")
    }
    assert different | {"password"} == OURS
    assert ours.capabilities is stock.capabilities
    assert ours.pool_maxsize == 10


async def test_a_client_of_the_embedded_server_knows_its_database_once_it_is_connected(
    blog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", blog_url)
    client = BlogClient(**tortoise_connection()["credentials"], connection_name="default")
    rows = await client.execute_query_dict("SELECT current_database() AS name")
    assert client.database == rows[0]["name"]
    await client.close()


def test_a_url_that_cannot_be_used_is_told_so_before_anything_is_connected() -> None:
    credentials = tortoise_connection("no url")["credentials"]
    with pytest.raises(ConfigurationError, match="The database URL cannot be used"):
        BlogClient(**credentials, connection_name="default")


async def test_a_host_whose_migrations_go_first_is_told_who_makes_posts(
    empty_database: str, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "examples" / "tortoise_app", tmp_path, dirs_exist_ok=True)
    ended = await run("aerich", "upgrade", url=empty_database, checkout=tmp_path)
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    assert "type `aerich --app blogsvc upgrade`, then this again" in ended.output


async def test_a_schema_of_its_own_is_where_the_statements_go(blog_url: str) -> None:
    credentials = tortoise_connection(blog_url, schema="pg_catalog")["credentials"]
    client = BlogClient(**credentials, connection_name="default")
    rows = await client.execute_query_dict("SELECT current_schema()::text AS name")
    assert (rows[0]["name"], client.schema) == ("pg_catalog", "pg_catalog")
    await client.close()
