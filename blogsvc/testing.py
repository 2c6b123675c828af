"""Fixtures for your own tests: a real PostgreSQL, migrated once, a copy of it for each test.

One line in `conftest.py` is all:

    pytest_plugins = ["blogsvc.testing"]

A test that asks for `blog` gets an open `BlogService` on an empty database of its own; one that
asks for `blog_url` gets the URL of such a database, for an application that opens its own service.
The server is an embedded one that lives as long as the test run, or the one that BLOGSVC_TEST_URL
names; its role must be allowed to create databases. Needs what the extra `testing` brings: pytest
and pytest-asyncio, in auto or strict mode.

`blog` is opened in the event loop that `asyncio_default_fixture_loop_scope` says. docs/testing.md
tells what to write where tests run in another one.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from .database import embedded_postgres, join_url, quoted, split_url
from .migrator import Migrator
from .service import BlogService

__all__ = ["blog", "blog_server", "blog_template", "blog_url", "create_database", "drop_database"]


@pytest.fixture(scope="session")
def blog_server() -> Iterator[str]:
    """The URL of the PostgreSQL server that the whole run uses."""
    given = os.environ.get("BLOGSVC_TEST_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="blogsvc-tests-") as directory:
        os.chmod(directory, 0o711)  # as root, the server runs as another account
        server = embedded_postgres().start(Path(directory) / "data")
        try:
            yield server.url
        finally:
            server.release()


@pytest.fixture(scope="session")
def blog_template(blog_server: str) -> Iterator[str]:
    """The name of a migrated database from which the others are copied."""

    async def build() -> str:
        url = await create_database(blog_server)
        await Migrator(url).upgrade()
        return url

    url = asyncio.run(build())
    yield _name(url)
    asyncio.run(drop_database(url))


@pytest.fixture
def blog_url(blog_server: str, blog_template: str) -> Iterator[str]:
    """The URL of an empty, migrated database that belongs to one test."""
    url = asyncio.run(create_database(blog_server, blog_template))
    yield url
    asyncio.run(drop_database(url))


@pytest_asyncio.fixture
async def blog(blog_url: str) -> AsyncIterator[BlogService]:
    """An open service on an empty database that belongs to one test."""
    async with BlogService(blog_url) as service:
        yield service


async def create_database(server: str, template: str = "template0") -> str:
    """Make a database on a server, as a copy of another one, and return its URL."""
    name = f"blogsvc_test_{uuid.uuid4().hex}"
    await _on_server(server, f"CREATE DATABASE {quoted(name)} TEMPLATE {quoted(template)}")
    return join_url(split_url(server)._replace(path=f"/{name}"))


async def drop_database(url: str) -> None:
    """Drop the database that a URL names, whoever is connected to it."""
    server = join_url(split_url(url)._replace(path="/postgres"))
    await _on_server(server, f"DROP DATABASE IF EXISTS {quoted(_name(url))} WITH (FORCE)")


def _name(url: str) -> str:
    return split_url(url).path.removeprefix("/")


async def _on_server(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
