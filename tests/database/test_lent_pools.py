"""A pool of the host's is told apart from one that works, as our own connections are."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.errors import (
    BlogError,
    ConfigurationError,
    OperationTimeout,
    Unavailable,
    WrongEventLoop,
)

from .proxy import IDLE, Proxy, proxy_to
from .test_connections import OPENINGS, SOON, acted, at


@pytest.mark.parametrize("opening", OPENINGS)
async def test_each_way_in_which_its_server_can_fail_says_whether_later_helps(
    opening: str,
) -> None:
    part, sslmode, kind, reason = OPENINGS[opening]
    async with asyncio.timeout(SOON), acted(part) as place:
        url = f"postgresql://u:secret@{place}/db?sslmode={sslmode}"
        pool: Any = await asyncpg.create_pool(url, min_size=0, timeout=SOON)
        with pytest.raises(BlogError) as caught:
            await BlogService(pool=pool).open()
        pool.terminate()
    said = str(caught.value)
    assert type(caught.value) is kind, said
    assert reason in said
    assert "secret" not in said


async def test_one_that_cannot_bring_every_text_to_the_server_is_refused(database: str) -> None:
    latin = {"client_encoding": "LATIN1"}
    async with asyncpg.create_pool(database, min_size=0, server_settings=latin) as pool:
        with pytest.raises(ConfigurationError, match="client_encoding of the connection is LATIN1"):
            await BlogService(pool=pool).open()


async def test_a_hosts_connection_is_given_back_by_its_own_pool(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back = 0
    release = asyncpg.Pool.release

    async def counted(self: asyncpg.Pool, *args: Any, **options: Any) -> None:
        nonlocal given_back
        given_back += 1
        await release(self, *args, **options)

    async with (
        asyncpg.create_pool(database, min_size=1, max_size=1) as pool,
        BlogService(pool=pool) as lent,
        BlogService(database) as own,
    ):
        monkeypatch.setattr(asyncpg.Pool, "release", counted)
        await own.posts.count()
        assert given_back == 0
        await lent.posts.count()
        assert given_back == 1


async def test_a_connection_that_cannot_bring_every_text_to_the_server_is_refused(
    blog: BlogService, database: str
) -> None:
    latin = await asyncpg.connect(database, server_settings={"client_encoding": "LATIN1"})
    async with latin.transaction():
        with pytest.raises(ConfigurationError, match="client_encoding of the connection is LATIN1"):
            async with blog.transaction(connection=latin):
                pass
    await latin.close()


async def test_one_to_a_database_that_cannot_hold_every_text_is_refused(server: str) -> None:
    owner = await asyncpg.connect(server)
    await owner.execute(
        "CREATE DATABASE blogsvc_lent_latin1 TEMPLATE template0 ENCODING 'LATIN1' "
        "LOCALE_PROVIDER libc LOCALE 'C'"
    )
    try:
        utf8 = {"client_encoding": "UTF8"}
        url = at(server, "blogsvc_lent_latin1")
        async with asyncpg.create_pool(url, min_size=0, server_settings=utf8) as pool:
            with pytest.raises(ConfigurationError, match="encoding of this database is LATIN1"):
                await BlogService(pool=pool).open()
    finally:
        await owner.execute("DROP DATABASE blogsvc_lent_latin1 WITH (FORCE)")
        await owner.close()


async def test_what_its_own_code_raises_is_not_told_as_the_servers_word(database: str) -> None:
    async def setup(connection: asyncpg.Connection) -> None:
        raise RuntimeError("role 'x' does not exist in the vault")

    async with asyncpg.create_pool(database, min_size=0, setup=setup) as pool:
        with pytest.raises(Unavailable, match="what it calls for that failed"):
            await BlogService(pool=pool).open()


async def test_opening_with_one_on_a_silent_network_ends(database: str) -> None:
    async with (
        proxy_to(database, Proxy) as proxy,
        asyncpg.create_pool(proxy.url, min_size=1, max_size=1) as pool,
    ):
        proxy.hold(IDLE)
        service = BlogService(pool=pool, acquire_timeout=0.5)
        with pytest.raises(OperationTimeout):
            await asyncio.wait_for(service.open(), SOON)
        pool.terminate()


async def test_one_that_another_loop_has_made_is_refused(database: str) -> None:
    made: list[Any] = []

    async def make() -> None:
        made.append(await asyncpg.create_pool(database, min_size=0))

    await asyncio.to_thread(asyncio.run, make())
    with pytest.raises(WrongEventLoop, match="The pool that was given belongs to another"):
        await BlogService(pool=made[0]).open()
