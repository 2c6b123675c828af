"""A real PostgreSQL for the tests, built by the migrations.

`blogsvc.testing` brings the server and databases for one test; here are two cheaper ways. `blog` is
a service on a migrated database that the whole run shares, wiped before each test, so that a failed
test leaves its evidence. `empty_database` is the URL of a database of one test's own, without a
table.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import hypothesis
import pytest

from blogsvc import BlogService
from blogsvc.testing import (
    blog_server,
    blog_template,
    blog_url,
    create_database,
    drop_database,
)

from .embedded.processes import reachable_directory

__all__ = ["blog_server", "blog_template", "blog_url"]


def pytest_configure() -> None:
    # What a developer has set must not lead a test to another database.
    for name in list(os.environ):
        if name.startswith(("PG", "BLOGSVC_")) and not name.startswith("BLOGSVC_TEST_"):
            del os.environ[name]
    os.environ.pop("DATABASE_URL", None)
    # What a shell runs in the background ignores Ctrl-C, and so would the commands of the tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # No test depends on how fast the machine is.
    hypothesis.settings.register_profile(
        "slow", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("slow")


@pytest.fixture
def reachable() -> Iterator[Path]:
    """An empty directory for a server; pytest's own `tmp_path` is closed to other accounts."""
    with reachable_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def server(blog_server: str) -> str:
    """The URL of a PostgreSQL server that the whole run uses."""
    return blog_server


@pytest.fixture
async def empty_database(server: str) -> AsyncIterator[str]:
    """The URL of a database of this test's own, without a table."""
    url = await create_database(server)
    yield url
    await drop_database(url)


@pytest.fixture(scope="session")
def migrated(server: str, blog_template: str) -> Iterator[str]:
    """The URL of a database at the head of the migrations that the whole run shares."""
    url = asyncio.run(create_database(server, blog_template))
    yield url
    asyncio.run(drop_database(url))


@pytest.fixture
async def database(migrated: str) -> str:
    """The URL of the shared database, wiped."""
    connection = await asyncpg.connect(migrated)
    try:
        await connection.execute("TRUNCATE posts RESTART IDENTITY")
    finally:
        await connection.close()
    return migrated


@pytest.fixture
async def sql(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A plain connection to the wiped database, to look past the repository."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


@pytest.fixture
async def blog(database: str) -> AsyncIterator[BlogService]:
    """An open service on the wiped database."""
    async with BlogService(database) as service:
        yield service
