"""What a host lends us, a connection or a pool, keeps none of our calls waiting for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.errors import BlogError

from ..database.proxy import BEGUN, IDLE
from ..support import PATIENCE
from .proxy import UnreliableProxy

Call = Callable[[BlogService], Awaitable[object]]


async def block(blog: BlogService) -> None:
    async with blog.transaction():
        await blog.posts.get(1)


CALLS: dict[str, Call] = {
    "a read": lambda blog: blog.posts.get_or_none(1),
    "a write": lambda blog: blog.posts.create("T", "C"),
    "a block": block,
    "a token": lambda blog: blog.write_token(),
}


async def ends(call: Awaitable[object]) -> None:
    """Make a call that must fail in our words, and in time."""
    with pytest.raises(BlogError):
        await asyncio.wait_for(asyncio.ensure_future(call), PATIENCE)


@pytest.mark.parametrize("name", ["a read", "a write", "a block"])
async def test_a_call_on_a_connection_that_is_lent_ends(
    database: str, proxy: UnreliableProxy, name: str
) -> None:
    lent = await asyncpg.connect(proxy.url)  # which has no time limit of its own
    transaction = lent.transaction()
    await transaction.start()
    async with BlogService(database, command_timeout=0.2) as blog:

        async def within() -> None:
            async with blog.transaction(connection=lent):
                proxy.hold(BEGUN)
                await CALLS[name](blog)

        await ends(within())
    lent.terminate()


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_on_a_pool_that_is_lent_ends(proxy: UnreliableProxy, name: str) -> None:
    pool: Any = await asyncpg.create_pool(proxy.url, min_size=1, max_size=1)
    async with BlogService(pool=pool, command_timeout=0.2) as blog:
        proxy.hold(BEGUN if name == "a block" else IDLE)
        await ends(CALLS[name](blog))
    pool.terminate()
