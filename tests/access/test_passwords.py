"""No password stands in what an error tracker keeps: the repr of each local of each frame."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.database import Endpoint, connect, create_pool
from blogsvc.database.url import target_of
from blogsvc.errors import BlogError, ConfigurationError, MigrationError, Unavailable
from blogsvc.migrator import Migrator
from blogsvc.migrator.aerich import BlogClient, tortoise_config

from ..migrations.migrating import execute

SECRET = "s3cr3t"

NOBODY = f"postgresql://ann:{SECRET}@127.0.0.1:1/blog"


def kept(error: BaseException) -> Iterator[str]:
    """Yield what a tracker keeps of an error, and of those that led to it, but for this file."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        error_or_none = waiting.pop()
        if error_or_none is None or error_or_none in seen:
            continue
        seen.append(error_or_none)
        waiting += [error_or_none.__cause__, error_or_none.__context__]
        yield repr(error_or_none)
        for frame, _ in traceback.walk_tb(error_or_none.__traceback__):
            if frame.f_code.co_filename != __file__:
                for name, value in frame.f_locals.items():
                    yield f"{frame.f_code.co_qualname}: {name} = {value!r}"


async def found_after(call: Callable[[], Awaitable[object]], kind: type[BlogError]) -> list[str]:
    with pytest.raises(kind) as raised:
        await call()
    told = list(kept(raised.value))
    assert len(told) > 3
    return [line for line in told if SECRET in line]


def with_password(url: str, *, path: str | None = None) -> str:
    """Add a password to a URL; the servers of the tests ask for none."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    account = f"{user.partition(':')[0]}:{SECRET}"
    return urlunsplit(parts._replace(netloc=f"{account}@{host}", path=path or parts.path))


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """A server that takes a connection and says nothing."""
    ends = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ends.wait()
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"postgresql://ann:{SECRET}@127.0.0.1:{port}/blog?sslmode=disable"
    finally:
        ends.set()
        server.close()


async def test_a_server_that_is_not_there() -> None:
    assert await found_after(BlogService(NOBODY).open, Unavailable) == []
    assert await found_after(Migrator(NOBODY).status, Unavailable) == []


async def test_each_way_to_a_connection() -> None:
    for call in (
        lambda: connect(NOBODY, timeout=1),
        lambda: create_pool(NOBODY, connect_timeout=1, min_size=1),
    ):
        assert await found_after(call, Unavailable) == []
    with pytest.raises(ConfigurationError) as raised:
        target_of(f"{NOBODY}#x")
    assert [line for line in kept(raised.value) if SECRET in line] == []


async def test_a_url_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", NOBODY)
    assert await found_after(BlogService().open, Unavailable) == []


async def test_the_engine_of_the_two_commands() -> None:
    client = BlogClient(NOBODY, connection_name="blogsvc", migrating=True)
    assert await found_after(lambda: client.create_connection(True), Unavailable) == []


async def test_a_server_that_says_nothing() -> None:
    async with silent_server() as url:
        opening = BlogService(url, connect_timeout=0.1).open
        assert await found_after(opening, Unavailable) == []


async def test_a_pool_that_waits_too_long_for_a_connection() -> None:
    async with silent_server() as url:
        service = BlogService(url, min_size=0, connect_timeout=60, acquire_timeout=0.1)
        assert await found_after(service.open, Unavailable) == []


async def test_a_pool_that_is_lent(server: str) -> None:
    async def opened(url: str) -> None:
        async with asyncpg.create_pool(url, min_size=0) as pool:
            await BlogService(pool=pool, acquire_timeout=0.2).open()

    refused = with_password(server, path="/no_such_database")
    assert await found_after(lambda: opened(NOBODY), Unavailable) == []
    assert await found_after(lambda: opened(refused), ConfigurationError) == []
    async with silent_server() as url:
        assert await found_after(lambda: opened(url), Unavailable) == []


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{SECRET}@127.0.0.1@/blog",
        f"postgresql://ann:{SECRET}#@127.0.0.1/blog",
        f"postgresql://ann:{SECRET}@127.0.0.1:none/blog",
        f"mysql://ann:{SECRET}@127.0.0.1/blog",
    ],
)
async def test_a_url_that_cannot_be_used(url: str) -> None:
    assert await found_after(BlogService(url).open, ConfigurationError) == []
    assert await found_after(Migrator(url).status, ConfigurationError) == []


async def test_a_server_that_refuses(server: str) -> None:
    url = with_password(server, path="/no_such_database")
    assert await found_after(BlogService(url).open, ConfigurationError) == []


async def test_an_upgrade_that_fails(empty_database: str) -> None:
    await execute(empty_database, "CREATE TABLE posts ()")
    url = with_password(empty_database)
    assert await found_after(Migrator(url).upgrade, MigrationError) == []
    assert await found_after(BlogService(url, migrate=True).open, MigrationError) == []


async def test_the_repr_of_what_keeps_a_url(blog_url: str) -> None:
    url = with_password(blog_url)
    endpoint = Endpoint(url)
    async with BlogService(url) as service:
        said = map(
            repr,
            [
                service,
                service.posts,
                vars(service),
                Migrator(url),
                endpoint,
                vars(endpoint),
                await endpoint.hold(),
                tortoise_config(url, None),
                BlogClient(url, connection_name="blogsvc"),
            ],
        )
        assert [each for each in said if SECRET in each] == []
