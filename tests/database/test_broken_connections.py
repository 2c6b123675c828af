"""A connection that may be broken is cut off, and the next call gets a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.database import Query, transactions
from blogsvc.errors import Unavailable

from .proxy import BEGUN, IDLE, Proxy


async def session(blog: BlogService) -> tuple[object, ...]:
    """Return what tells the connection that a call gets from every other one."""
    mine = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    [row] = await blog._database.read(Query(mine))
    return tuple(row)


async def block(blog: BlogService) -> None:
    async with blog.transaction():
        await blog.posts.count()


async def failing_block(blog: BlogService) -> None:
    async with blog.transaction():
        await blog.posts.count()
        raise RuntimeError


@pytest.mark.parametrize(
    ("call", "ending"),
    [(block, BEGUN), (block, IDLE), (failing_block, IDLE)],
    ids=["BEGIN", "COMMIT", "ROLLBACK"],
)
async def test_who_gives_up_before_this_is_answered_leaves_no_connection_behind(
    proxied: BlogService,
    proxy: Proxy,
    call: Callable[[BlogService], Awaitable[None]],
    ending: bytes,
) -> None:
    before = await session(proxied)
    proxy.hold(ending)
    calling = asyncio.ensure_future(call(proxied))
    await proxy.answer_is_held()
    calling.cancel()
    # The server has done it, and a driver that waits for the answer finds the connection whole.
    proxy.pass_on()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert await session(proxied) != before


async def test_a_connection_whose_answer_makes_no_sense_is_not_asked_again(
    proxied: BlogService, proxy: Proxy
) -> None:
    before = await session(proxied)
    proxy.hold(IDLE)
    calling = asyncio.ensure_future(proxied.ping())
    await proxy.answer_is_held()
    one_column, two_columns = b"D\0\0\0\x0e\0\1", b"D\0\0\0\x0e\0\2"
    proxy.garble(one_column, two_columns)
    proxy.pass_on()
    with pytest.raises(Unavailable) as caught:
        await calling
    assert isinstance(caught.value.__cause__, asyncpg.InternalClientError)
    assert await session(proxied) != before


async def test_a_connection_on_which_the_server_said_goodbye_fails_one_call_only(
    proxied: BlogService, proxy: Proxy, sql: asyncpg.Connection
) -> None:
    before = await session(proxied)
    proxy.hold(IDLE)
    calling = asyncio.ensure_future(proxied.ping())
    await proxy.answer_is_held()
    await sql.execute("SELECT pg_terminate_backend($1)", before[0])
    await proxy.server_has_left()
    # The goodbye comes with the answer, and nobody tells the driver that the connection is closed.
    proxy.pass_on()
    await calling
    with pytest.raises(Unavailable):
        await proxied.ping()
    assert await session(proxied) != before


async def test_a_connection_that_cannot_be_released_is_replaced(
    proxied: BlogService, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "CLEANUP_TIMEOUT", 0.1)
    before = await session(proxied)
    proxy.hold(IDLE)
    calling = asyncio.ensure_future(proxied.ping())
    await proxy.answer_is_held()
    calling.cancel()
    # The driver asks the server to stop, and waits for the answer, which never comes.
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert await session(proxied) != before
