"""Without TLS a wrong bit reaches the driver: what comes out is a `BlogError` and a whole pool."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.database import Query, transactions
from blogsvc.errors import BlogError, DatabaseError, OutcomeUnknown, Unavailable

from ..database.proxy import IDLE
from .proxy import Chance, UnreliableProxy

Call = Callable[[BlogService, int], Awaitable[Any]]


async def read(blog: BlogService, number: int) -> None:
    await blog.posts.page()


async def many_reads(blog: BlogService, number: int) -> None:
    """Reads that travel together; each caller gets an answer to its own, or an error of ours."""
    reads = [blog.posts.get_or_none(post) for post in range(1, 9)]
    found = await asyncio.gather(*reads, return_exceptions=True)
    errors = [each for each in found if isinstance(each, BaseException)]
    assert len({id(error) for error in errors}) == len(errors)
    for error in sorted(errors, key=lambda error: isinstance(error, BlogError)):
        raise error  # one that is none of ours first


async def write(blog: BlogService, number: int) -> None:
    await blog.posts.create("T", "C", slug=f"s-{number}")


async def block(blog: BlogService, number: int) -> None:
    async with blog.transaction():
        await blog.ping()


async def block_in_a_block(blog: BlogService, number: int) -> None:
    async with blog.transaction():
        async with blog.transaction():
            await write(blog, number)
        await blog.ping()


CALLS: list[Call] = [read, many_reads, write, block, block_in_a_block]


async def garbled(blog: BlogService, proxy: UnreliableProxy, call: Call, number: int) -> object:
    """Make a call of which one bit of one answer is wrong, and return what it raised."""
    await blog.ping()  # else it would be the answer to the greeting
    proxy.hold(IDLE)
    calling = asyncio.ensure_future(call(blog, number))
    await proxy.answer_is_held()
    proxy.garble_held()
    proxy.pass_on()
    return (await asyncio.gather(calling, return_exceptions=True))[0]


@pytest.mark.parametrize("call", CALLS)
async def test_nothing_but_our_errors_comes_out_of_an_answer_with_a_wrong_bit(
    proxy: UnreliableProxy, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setattr(transactions, "CLEANUP_TIMEOUT", 0.05)
    proxy.random = random.Random(call.__name__)
    async with BlogService(proxy.url, max_size=1, command_timeout=0.5) as blog:
        found = [await garbled(blog, proxy, call, number) for number in range(16)]
        proxy.heal()
        await blog.ping()
    raw = [error for error in found if error is not None and not isinstance(error, BlogError)]
    assert raw == []
    assert any(isinstance(error, BlogError) for error in found)


# A driver that could not read the greeting leaves a half-made connection to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_nothing_but_our_errors_comes_out_of_a_greeting_with_a_wrong_bit(
    proxy: UnreliableProxy,
) -> None:
    proxy.answers = Chance(11, "garble", longest=600)
    proxy.random = proxy.answers.random
    refused = 0
    for _ in range(25):
        try:
            async with BlogService(proxy.url, max_size=1, connect_timeout=0.5, command_timeout=0.5):
                pass
        except BlogError:
            refused += 1
    assert refused


class Misread(Exception):
    """What no driver raises on purpose."""


@pytest.mark.parametrize("kind", [UnicodeDecodeError, BufferError, AssertionError, Misread])
@pytest.mark.parametrize("method", ["fetch", "execute"])
async def test_a_connection_of_which_the_driver_lost_track_is_cut_off(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch, kind: type[Exception], method: str
) -> None:
    error = (
        UnicodeDecodeError("utf-8", b"\xe3", 0, 1, "it") if kind is UnicodeDecodeError else kind()
    )
    met: list[asyncpg.Connection] = []

    async def misread(self: asyncpg.Connection, *args: object, **options: object) -> None:
        met.append(self)
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(asyncpg.Connection, method, misread)
        with pytest.raises(Unavailable, match=f"made no sense .{kind.__name__}") as caught:
            async with blog.transaction():
                await blog.posts.count()
    assert caught.value.__cause__ is error
    assert met[0].is_closed()
    await blog.ping()


async def test_a_write_of_which_the_driver_lost_track_has_an_unknown_outcome(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def misread(self: asyncpg.Connection, *args: object) -> None:
        raise AssertionError

    monkeypatch.setattr(asyncpg.Connection, "fetch", misread)
    with pytest.raises(OutcomeUnknown):
        await blog.posts.create("T", "C")


async def test_a_refusal_without_a_code_is_no_refusal(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def misread(self: asyncpg.Connection, *args: object) -> None:
        raise asyncpg.PostgresError("what a garbled row looks like")

    monkeypatch.setattr(asyncpg.Connection, "fetch", misread)
    with pytest.raises(OutcomeUnknown):
        await blog.posts.create("T", "C")


async def test_an_answer_to_a_commit_that_cannot_be_read_is_no_commit(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = asyncpg.Connection.execute

    async def misread(self: asyncpg.Connection, sql: str, **options: Any) -> str:
        status = str(await execute(self, sql, **options))
        return "COMMIU" if status == "COMMIT" else status

    monkeypatch.setattr(asyncpg.Connection, "execute", misread)
    with pytest.raises(OutcomeUnknown):
        async with blog.transaction():
            await blog.posts.create("T", "C")


@pytest.mark.parametrize("arguments", [("no number",), (object(),), (), (1, 2)])
async def test_a_bad_argument_is_told_and_costs_no_connection(
    blog: BlogService, arguments: tuple[object, ...]
) -> None:
    mine = Query("SELECT pg_backend_pid()")
    before = await blog._database.read(mine)
    with pytest.raises(DatabaseError):
        await blog._database.read(Query("SELECT $1::int"), *arguments)
    assert await blog._database.read(mine) == before


async def test_a_write_whose_row_cannot_be_read_has_an_unknown_outcome(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    id = await sql.fetchval(
        "INSERT INTO posts (title, content, created_at) VALUES ('T', 'C', '20000-01-01') "
        "RETURNING id"
    )
    with pytest.raises(OutcomeUnknown, match="no date for"):
        await blog.posts.update(id, title="New")
    assert await sql.fetchval("SELECT title FROM posts") == "New"
    with pytest.raises(DatabaseError, match="no date for"):
        await blog.posts.get(id)
