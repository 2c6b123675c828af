"""The server does what it is asked, and its answer is lost: only who has read may ask again."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.errors import OutcomeUnknown, Unavailable
from blogsvc.posts.repository import PostRepository

from .calls import READS, WRITES, Call, published_post
from .proxy import IDLE, Proxy


async def stored(sql: asyncpg.Connection) -> list[asyncpg.Record]:
    return list(await sql.fetch("SELECT * FROM posts ORDER BY id"))


async def lose_the_answer(proxy: Proxy, blog: BlogService, call: Call) -> None:
    """Make a call, and cut its connection when the server has done all of it."""
    proxy.hold(IDLE)
    calling = asyncio.ensure_future(call(blog))
    await proxy.answer_is_held()
    proxy.lose()
    await calling


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_that_is_stored_while_its_answer_is_lost_has_an_unknown_outcome(
    proxied: BlogService, proxy: Proxy, sql: asyncpg.Connection, name: str
) -> None:
    await published_post(proxied)
    before = await stored(sql)
    with pytest.raises(OutcomeUnknown):
        await lose_the_answer(proxy, proxied, WRITES[name])
    assert await stored(sql) != before
    await proxied.ping()


@pytest.mark.parametrize("name", READS)
async def test_a_read_whose_answer_is_lost_can_be_repeated(
    proxied: BlogService, proxy: Proxy, sql: asyncpg.Connection, name: str
) -> None:
    await published_post(proxied)
    before = await stored(sql)
    with pytest.raises(Unavailable):
        await lose_the_answer(proxy, proxied, READS[name])
    assert await stored(sql) == before
    await READS[name](proxied)


def test_every_public_method_of_the_repository_is_one_of_these_calls() -> None:
    public = [name for name in dir(PostRepository) if not name.startswith("_")]
    assert sorted([*READS, *WRITES]) == sorted(public)


async def test_a_block_that_is_stored_while_the_answer_is_lost_has_an_unknown_outcome(
    proxied: BlogService, proxy: Proxy, sql: asyncpg.Connection
) -> None:
    async def create_in_a_block(blog: BlogService) -> None:
        async with blog.transaction():
            await blog.posts.create("Hello", "")

    with pytest.raises(OutcomeUnknown):
        await lose_the_answer(proxy, proxied, create_in_a_block)
    assert [row["title"] for row in await stored(sql)] == ["Hello"]
