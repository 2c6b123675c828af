"""Reads on standbys see what was written on the primary, once its token was waited for."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import random
from collections.abc import AsyncIterator, Iterator

import pytest

from blogsvc import BlogService
from blogsvc.database import hosts
from blogsvc.database.positions import Position
from blogsvc.errors import ConfigurationError, InvalidQuery, OperationTimeout, PostNotFound
from blogsvc.migrator import Migrator

from ..support import PATIENCE
from .cluster import Cluster, paused, replicated
from .pgbouncer import MISSING, PROGRAM, pgbouncer

CONNECTIONS = 20
"""So many that chance leads to either standby."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A primary at the head of the migrations, and two standbys of it."""
    with replicated(standbys=2) as servers:
        asyncio.run(Migrator(servers.primary).upgrade())
        yield servers


@pytest.fixture
async def primary(cluster: Cluster) -> AsyncIterator[BlogService]:
    async with BlogService(cluster.primary) as service:
        yield service


@pytest.fixture
async def replica(
    cluster: Cluster, primary: BlogService, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BlogService]:
    """A service whose connections lead to either of the standbys."""
    token = await primary.write_token()
    for url in cluster.standbys:
        async with BlogService(url, migrate=False) as standby:
            await standby.wait_for(token, timeout=PATIENCE)
    # On a busy machine the first connection may take longer than a head start. Then its standby is
    # left alone for a while, and all others lead to the other one.
    monkeypatch.setattr(hosts, "HEAD_START", PATIENCE)
    # Any other seed spreads twenty connections as well, but for two in a million.
    monkeypatch.setattr(hosts, "random", random.Random(2))
    async with BlogService(
        cluster.all_standbys, migrate=False, min_size=CONNECTIONS, max_size=CONNECTIONS
    ) as service:
        yield service


async def servers_of(service: BlogService) -> list[str]:
    """Where each connection of a service leads, by the directories of the sockets."""
    pool = service._database.check_open()
    async with contextlib.AsyncExitStack() as taken:
        connections = [
            await taken.enter_async_context(pool.acquire()) for _ in range(pool.get_size())
        ]
        where = "SELECT current_setting('unix_socket_directories')"
        return [await connection.fetchval(where) for connection in connections]


async def test_the_connections_spread_over_the_standbys(
    replica: BlogService, primary: BlogService
) -> None:
    places = await servers_of(replica)
    assert len(places) == CONNECTIONS
    assert len({*places}) == 2
    assert not {*places} & {*await servers_of(primary)}


async def test_after_the_token_was_waited_for_every_read_sees_the_write(
    replica: BlogService, primary: BlogService
) -> None:
    for number in range(30):
        post = await primary.posts.create(f"Post {number}", "Text")
        await replica.wait_for(await primary.write_token(), timeout=PATIENCE)
        found = await asyncio.gather(*(replica.posts.get(post.id) for _ in range(CONNECTIONS)))
        assert found == [post] * CONNECTIONS


async def test_a_standby_that_is_behind_is_waited_for_on_each_connection(
    cluster: Cluster, replica: BlogService, primary: BlogService
) -> None:
    async with paused(cluster.standbys[0]):
        post = await primary.posts.create("Behind", "Text")
        token = await primary.write_token()

        async def read() -> object:
            await replica.wait_for(token, timeout=PATIENCE)
            return await replica.posts.get(post.id)

        waiting = [asyncio.create_task(read()) for _ in range(CONNECTIONS)]
        done, _ = await asyncio.wait(waiting, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        assert 0 < len(done) < CONNECTIONS
        # Nobody else waits: who did not ask for the token may read what was before.
        plain = await asyncio.gather(*(replica.posts.get_or_none(post.id) for _ in range(5)))
        assert {None, post} >= {*plain}
    assert await asyncio.gather(*waiting) == [post] * CONNECTIONS


async def test_a_read_that_meets_a_standby_behind_the_token_is_told_so(
    cluster: Cluster, replica: BlogService, primary: BlogService
) -> None:
    async with paused(cluster.standbys[0]):
        post = await primary.posts.create("Behind", "Text")
        token = await primary.write_token()
        tasks = [contextvars.copy_context() for _ in range(CONNECTIONS)]
        waits = {
            asyncio.create_task(replica.wait_for(token, timeout=PATIENCE), context=task): task
            for task in tasks
        }
        done, others = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in others:  # most of these were led to the standby that is behind
            wait.cancel()
        await asyncio.wait(others)

        async def read_on_each() -> list[object]:
            reads = (replica.posts.get(post.id) for _ in range(CONNECTIONS))
            return await asyncio.gather(*reads, return_exceptions=True)

        seen = await asyncio.create_task(read_on_each(), context=waits[done.pop()])
    told = [each for each in seen if isinstance(each, OperationTimeout)]
    assert [each for each in seen if each not in told] == [post] * (CONNECTIONS - len(told))
    assert told
    assert all("read from the primary" in str(each) for each in told)


async def test_a_wait_that_ends_without_success_binds_nobody(
    cluster: Cluster, primary: BlogService
) -> None:
    behind = cluster.standbys[1]
    async with BlogService(behind, migrate=False, max_size=1) as standby:
        async with paused(behind):
            post = await primary.posts.create("Later", "Text")
            token = await primary.write_token()
            with pytest.raises(OperationTimeout, match=r"within 0\.1 s"):
                await standby.wait_for(token, timeout=0.1)
            with pytest.raises(PostNotFound):
                await standby.posts.get(post.id)
        await standby.wait_for(token, timeout=PATIENCE)
        assert await standby.posts.get(post.id) == post


async def test_a_token_of_a_standby_is_what_it_has_replayed(
    replica: BlogService, primary: BlogService
) -> None:
    await replica.wait_for(await replica.write_token(), timeout=PATIENCE)
    await primary.wait_for(await replica.write_token(), timeout=0.1)


@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
async def test_a_token_is_taken_and_waited_for_through_poolers_of_one_server_each(
    cluster: Cluster, primary: BlogService
) -> None:
    behind = cluster.standbys[0]
    settings = {"pool_mode": "transaction", "default_pool_size": 2}
    with pgbouncer(cluster.primary, **settings) as first, pgbouncer(behind, **settings) as second:
        async with (
            BlogService(first, migrate=False) as writer,
            BlogService(second, migrate=False) as reader,
        ):
            async with paused(behind):
                post = await writer.posts.create("Behind", "Text")
                token = await writer.write_token()
                with pytest.raises(OperationTimeout, match="read from the primary"):
                    await reader.wait_for(token, timeout=0.1)
                assert await reader.posts.get_or_none(post.id) is None
            await reader.wait_for(token, timeout=PATIENCE)
            reads = (reader.posts.get(post.id) for _ in range(CONNECTIONS))
            assert await asyncio.gather(*reads) == [post] * CONNECTIONS


async def test_on_a_primary_there_is_nothing_to_wait_for(primary: BlogService) -> None:
    await primary.wait_for("FFFFFFFF/FFFFFFFF", timeout=PATIENCE)
    assert await primary.posts.get_or_none(1_000_000) is None


async def test_tokens_and_waits_stand_outside_of_transactions(primary: BlogService) -> None:
    token = await primary.write_token()
    async with primary.transaction():
        with pytest.raises(ConfigurationError, match="after the block"):
            await primary.write_token()
        with pytest.raises(ConfigurationError, match="before the block"):
            await primary.wait_for(token)


@pytest.mark.parametrize("token", ["", "0/", "0/1; DROP TABLE posts", "0/123456789", 7, None])
async def test_what_is_no_token_is_refused(primary: BlogService, token: str) -> None:
    with pytest.raises(InvalidQuery, match="token is"):
        await primary.wait_for(token)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "5"])
async def test_a_timeout_is_a_number_of_seconds(primary: BlogService, timeout: float) -> None:
    with pytest.raises(ConfigurationError, match="timeout is"):
        await primary.wait_for("0/1", timeout=timeout)


@pytest.mark.parametrize(
    ("token", "reached"),
    [
        ("0/2000018", ("0/2000018", "0/2000000")),
        ("1/2000028", ("1/2000028", "1/2000000")),
        ("1/2000030", ("1/2000030", "1/2000030")),
    ],
)
def test_behind_the_header_of_a_page_nothing_stands_yet(
    token: str, reached: tuple[str, str]
) -> None:
    assert Position.of(token).bounds == reached
