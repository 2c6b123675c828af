"""Reads that have to wait travel together, and nobody notices anything but the speed."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import traceback
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.database import ByKey, Database, Query, batching
from blogsvc.database.batching import LANES, Statement
from blogsvc.database.pool import Pool
from blogsvc.errors import BlogError, NotOpen, OperationTimeout, Unavailable, WrongEventLoop

from ..support import PATIENCE, becomes_true
from .proxy import Proxy, proxy_to

GATE = 4711
"""The advisory lock that each statement here waits for."""

THROUGH = f"(SELECT pg_advisory_xact_lock_shared({GATE})) IS NOT NULL"

NUMBERS = ByKey(
    Query(f"SELECT 10 * $1::int WHERE {THROUGH}"),
    Query(
        "SELECT key::int, 10 * key::int FROM unnest($1::text[]) AS key "
        f"WHERE {THROUGH} AND key <> '13' ORDER BY key DESC"
    ),
)

RISKY = ByKey(
    Query(f"SELECT 10 / $1::int WHERE {THROUGH}"),
    Query(f"SELECT key::int, 10 / key::int FROM unnest($1::text[]) AS key WHERE {THROUGH}"),
)

ONE = Query(f"SELECT 1 WHERE {THROUGH}")

BLOCKED = f"""
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND objid = {GATE} AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Statement]:
    """What was sent so far, statement by statement."""
    statements: list[Statement] = []
    fetch = Database._fetch

    async def recorded(
        self: Database, connection: Any, statement: Statement, **options: Any
    ) -> list[asyncpg.Record]:
        statements.append(statement)
        return await fetch(self, connection, statement, **options)

    monkeypatch.setattr(Database, "_fetch", recorded)
    return statements


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody open a further lane because the others take long: here they do on purpose."""
    monkeypatch.setattr(batching, "PATIENCE", PATIENCE)


@contextlib.asynccontextmanager
async def closed_gate(sql: asyncpg.Connection) -> AsyncIterator[None]:
    """Let no statement of these tests end inside the block."""
    await sql.execute(f"SELECT pg_advisory_lock({GATE})")
    try:
        yield
    finally:
        await sql.execute(f"SELECT pg_advisory_unlock({GATE})")


async def blocked(sql: asyncpg.Connection, number: int) -> None:
    """Wait until so many statements stand before the gate."""

    async def are_there() -> bool:
        return len(await sql.fetch(BLOCKED)) == number

    await becomes_true(are_there)


def number(blog: BlogService, key: int) -> asyncio.Task[Any]:
    return asyncio.create_task(read(blog, key))


async def read(blog: BlogService, key: int, kind: ByKey = NUMBERS) -> Any:
    found = await blog._database.read_by_key(kind, (key,))
    return found[key][0] if key in found else None


@contextlib.asynccontextmanager
async def full_lanes(blog: BlogService, sql: asyncpg.Connection) -> AsyncIterator[list[Any]]:
    """Reads that keep all lanes at work inside the block."""
    async with closed_gate(sql):
        first = [number(blog, key) for key in range(1, LANES + 1)]
        await blocked(sql, LANES)
        yield first
    assert await asyncio.gather(*first) == [10 * key for key in range(1, LANES + 1)]


async def test_reads_that_wait_are_one_statement_and_each_gets_its_own_answer(
    blog: BlogService, sql: asyncpg.Connection, sent: list[Statement]
) -> None:
    async with full_lanes(blog, sql):
        waiting = [number(blog, key) for key in (11, 12, 13, 12)]
        await asyncio.sleep(0)
        assert len(sent) == LANES
    assert await asyncio.gather(*waiting) == [110, 120, None, 120]
    assert sent[LANES:] == [(NUMBERS.many, (["11", "12", "13"],))]


async def test_a_read_that_waits_alone_is_the_statement_for_one(
    blog: BlogService, sql: asyncpg.Connection, sent: list[Statement]
) -> None:
    async with full_lanes(blog, sql):
        waiting = [number(blog, 11), number(blog, 11)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*waiting) == [110, 110]
    assert sent[LANES:] == [(NUMBERS.one, (11,))]


async def test_a_statement_for_many_has_its_bounds(
    blog: BlogService,
    sql: asyncpg.Connection,
    sent: list[Statement],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "MOST_KEYS", 3)
    many = [30, 31, 32, 33]  # too many to wait for others
    async with full_lanes(blog, sql):
        waiting = [number(blog, key) for key in (11, 12, 14, 15, 16, 17, 18)]
        alone = asyncio.create_task(blog._database.read_by_key(NUMBERS, many))
        await blocked(sql, LANES + 1)
    assert await asyncio.gather(*waiting) == [110, 120, 140, 150, 160, 170, 180]
    assert {key: row[0] for key, row in (await alone).items()} == {key: 10 * key for key in many}
    assert [args for _, args in sent[LANES:]] == [
        (["30", "31", "32", "33"],),
        (["11", "12", "14"],),
        (["15", "16", "17"],),
        (18,),
    ]


@pytest.mark.parametrize(
    ("waiting", "keys", "shares"),
    [(8, 1, [8]), (20, 1, [10, 10]), (21, 1, [11, 10]), (4, 30, [60, 60]), (5, 30, [60, 90])],
)
async def test_lanes_that_are_free_share_those_who_wait(
    blog: BlogService,
    sql: asyncpg.Connection,
    sent: list[Statement],
    waiting: int,
    keys: int,
    shares: list[int],
) -> None:
    async with full_lanes(blog, sql):
        crowd = [number(blog, 11), number(blog, 12)]
        await asyncio.sleep(0)
    await asyncio.gather(*crowd)  # after which nobody goes alone
    sent.clear()
    async with closed_gate(sql):
        reads = [
            asyncio.create_task(blog._database.read_by_key(NUMBERS, range(first, first + keys)))
            for first in range(100, 100 + waiting * keys, keys)
        ]
        await blocked(sql, len(shares))
    for number_of_read, found in enumerate(await asyncio.gather(*reads)):
        assert found[100 + number_of_read * keys][0] == 10 * (100 + number_of_read * keys)
    assert [len(given) for _, (given,) in sent if isinstance(given, list)] == shares


async def test_equal_reads_that_wait_are_read_once_and_others_are_not_held_up(
    blog: BlogService, sql: asyncpg.Connection, sent: list[Statement]
) -> None:
    async with full_lanes(blog, sql):
        sent.clear()
        equal = [asyncio.create_task(blog._database.read(ONE)) for _ in range(9)]
        # Another kind of read has lanes of its own.
        await blocked(sql, 2 * LANES)
        [[other]] = await blog._database.read(Query("SELECT 2"))
        assert other == 2
    assert [rows[0][0] for rows in await asyncio.gather(*equal)] == [1] * 9
    assert sent.count((ONE, ())) == LANES + 1


async def test_reads_with_lists_are_not_compared(blog: BlogService, sent: list[Statement]) -> None:
    length = Query("SELECT cardinality($1::text[])")
    reads = await asyncio.gather(*(blog._database.read(length, ["x"]) for _ in range(9)))
    assert [rows[0][0] for rows in reads] == [1] * 9
    assert sent == [(length, (["x"],))] * 9


async def test_a_read_joins_no_statement_that_was_sent_before(
    blog: BlogService, sql: asyncpg.Connection, sent: list[Statement]
) -> None:
    async with closed_gate(sql):
        equal = []
        for _ in range(LANES):
            equal.append(asyncio.create_task(blog._database.read(ONE)))
            await blocked(sql, len(equal))
        assert len(sent) == LANES
    await asyncio.gather(*equal)


async def test_who_comes_while_a_statement_for_many_is_at_work_goes_in_the_next(
    blog: BlogService, sql: asyncpg.Connection, sent: list[Statement]
) -> None:
    async with closed_gate(sql):
        first = [number(blog, key) for key in range(1, LANES + 1)]
        await blocked(sql, LANES)
        second = [number(blog, key) for key in (11, 12)]
        await asyncio.sleep(0)
        first[0].cancel()  # which makes way for the second
        await becomes_true(lambda: asyncio.sleep(0, len(sent) == LANES + 1))
        await blocked(sql, LANES)
        third = [number(blog, key) for key in (12, 21)]
        await asyncio.sleep(0)
        assert len(sent) == LANES + 1
    assert await asyncio.gather(*second, *third) == [110, 120, 120, 210]
    assert sent[LANES:] == [
        (NUMBERS.many, (["11", "12"],)),
        (NUMBERS.many, (["12", "21"],)),
    ]


async def test_inside_a_transaction_nothing_waits_and_nothing_is_shared(
    blog: BlogService, sql: asyncpg.Connection, sent: list[Statement]
) -> None:
    async with full_lanes(blog, sql):

        async def in_a_transaction() -> Any:
            async with blog.transaction():
                return await read(blog, 11), await read(blog, 11)

        own = asyncio.create_task(in_a_transaction())
        await blocked(sql, LANES + 1)
    assert await own == (110, 110)
    assert sent[LANES:] == [(NUMBERS.one, (11,))] * 2


async def test_what_a_task_has_to_see_on_a_standby_is_not_left_to_others(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    token = await blog._database.write_token()

    async def after_the_token() -> Any:
        await blog._database.wait_for(token, PATIENCE)
        return await read(blog, 11)

    async with full_lanes(blog, sql):
        own = asyncio.create_task(after_the_token())
        await blocked(sql, LANES + 1)
    assert await own == 110


async def test_reads_on_a_pool_of_the_host_travel_together_and_leave_it_whole(
    database: str, sql: asyncpg.Connection, sent: list[Statement]
) -> None:
    async with asyncpg.create_pool(database, min_size=1, max_size=3) as pool:
        async with BlogService(pool=pool) as blog:
            sent.clear()
            async with full_lanes(blog, sql):
                waiting = [number(blog, key) for key in (11, 12)]
                await asyncio.sleep(0)
            assert await asyncio.gather(*waiting) == [110, 120]
            assert sent[LANES:] == [(NUMBERS.many, (["11", "12"],))]
        assert await pool.fetchval("SELECT 1") == 1
        assert pool.get_idle_size() == pool.get_size()


async def test_who_is_cancelled_while_it_waits_is_not_read_for(
    blog: BlogService, sql: asyncpg.Connection, sent: list[Statement]
) -> None:
    async with full_lanes(blog, sql):
        waiting = [number(blog, key) for key in (11, 12, 13)]
        await asyncio.sleep(0)
        waiting[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    assert await asyncio.gather(*waiting[1:]) == [120, None]
    assert sent[LANES:] == [(NUMBERS.many, (["12", "13"],))]


@contextlib.asynccontextmanager
async def on_their_way(
    blog: BlogService, sql: asyncpg.Connection, *keys: int
) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Reads that are in one statement, which does not end inside the block."""
    async with closed_gate(sql):
        first = [number(blog, key) for key in range(LANES)]
        await blocked(sql, LANES)
        reads = [number(blog, key) for key in keys]
        await asyncio.sleep(0)
        for one in first:
            one.cancel()
        await asyncio.wait(first)
        await blocked(sql, 1)
        yield reads


async def test_who_leaves_a_statement_disturbs_nobody_in_it(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    async with on_their_way(blog, sql, 11, 12, 14) as reads:
        reads[0].cancel()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.shield(reads[1])
        reads[1].cancel()
        assert (await asyncio.wait(reads[:2]))[1] == set()
        assert len(await sql.fetch(BLOCKED)) == 1
    assert await reads[2] == 140


async def test_a_statement_that_everybody_has_left_is_cancelled(
    database: str, sql: asyncpg.Connection
) -> None:
    async with BlogService(database, command_timeout=None) as blog:
        async with on_their_way(blog, sql, 11, 12) as reads:
            for one in reads:
                one.cancel()
            assert (await asyncio.wait(reads))[1] == set()
            await blocked(sql, 0)
        assert await read(blog, 15) == 150


async def test_when_the_connection_is_killed_each_gets_an_error_of_its_own(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    async with on_their_way(blog, sql, 11, 12, 14) as reads:
        await sql.execute(f"SELECT pg_terminate_backend(pid) FROM ({BLOCKED}) AS blocked")
        errors = await asyncio.gather(*reads, return_exceptions=True)
    assert {type(error) for error in errors} == {Unavailable}
    assert len({id(error) for error in errors}) == len(reads)
    for error in errors:
        assert isinstance(error, Unavailable)
        assert error.sqlstate in ("57P01", "08003")
        assert isinstance(error.__cause__, asyncpg.PostgresError)
        assert len(traceback.extract_tb(error.__traceback__)) < 9
    assert await asyncio.gather(*(number(blog, key) for key in range(9)))


async def test_a_statement_that_takes_too_long_is_too_long_for_all_in_it(
    database: str, sql: asyncpg.Connection
) -> None:
    async with BlogService(database, command_timeout=1) as hasty, closed_gate(sql):
        reads = [number(hasty, key) for key in range(9)]
        errors = await asyncio.gather(*reads, return_exceptions=True)
    assert {type(error) for error in errors} == {OperationTimeout}
    assert len({id(error) for error in errors}) == len(reads)


async def test_what_is_wrong_with_one_is_told_to_that_one_only(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    async with closed_gate(sql):
        reads = [asyncio.create_task(read(blog, key, RISKY)) for key in (1, 2, 5, 0, 10)]
        await blocked(sql, LANES)
    answers = await asyncio.gather(*reads, return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, BlogError)] == [10, 5, 2, 1]
    assert isinstance(answers[3].__cause__, asyncpg.DivisionByZeroError)


async def test_what_is_wrong_with_equal_reads_is_told_to_each(
    blog: BlogService, sent: list[Statement]
) -> None:
    wrong = Query("SELECT 1 / $1::int")
    reads = [asyncio.create_task(blog._database.read(wrong, 0)) for _ in range(20)]
    errors = await asyncio.gather(*reads, return_exceptions=True)
    assert len({id(error) for error in errors}) == 20
    assert {type(error.__cause__) for error in errors if isinstance(error, BlogError)} == {
        asyncpg.DivisionByZeroError
    }
    assert len(sent) == LANES + 1


async def test_who_waits_for_a_connection_waits_for_its_own_time_only(
    database: str, sent: list[Statement], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "PATIENCE", 0.05)
    async with BlogService(database, max_size=1, acquire_timeout=0.5) as blog:
        sent.clear()
        async with blog.transaction():
            early = [number(blog, key) for key in range(1, 9)]
            await asyncio.sleep(0.3)
            late = [number(blog, key) for key in range(11, 19)]
            errors = await asyncio.gather(*early, return_exceptions=True)
            assert {type(error) for error in errors} == {Unavailable}
            assert "No connection was free within 0.5 s" in str(errors[-1])
            assert not any(task.done() for task in late)
        assert await asyncio.gather(*late) == [110, 120, None, *range(140, 190, 10)]
    assert len(sent) == 1


async def test_who_calls_after_a_connection_was_asked_for_can_hope_for_the_next(
    blog: BlogService, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[asyncio.Future[None]] = []
    acquire = Pool.acquire

    async def first_when_told(self: Pool) -> asyncpg.Connection:
        if not asked:
            asked.append(asyncio.get_running_loop().create_future())
            await asked[0]
        return await acquire(self)

    async with full_lanes(blog, sql):
        early = [number(blog, key) for key in (11, 12)]
        await asyncio.sleep(0)
        monkeypatch.setattr(Pool, "acquire", first_when_told)
    await becomes_true(lambda: asyncio.sleep(0, asked))
    async with closed_gate(sql):
        late = [number(blog, key) for key in (14, 15, 16)]
        await blocked(sql, LANES - 1)  # the lane that is left; the rest waits
        asked[0].set_exception(Unavailable("No connection."))
        errors = await asyncio.gather(*early, return_exceptions=True)
    assert [str(error) for error in errors] == ["No connection."] * 2
    assert await asyncio.gather(*late) == [140, 150, 160]


async def test_who_waits_behind_slow_statements_gets_another_one(
    blog: BlogService, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "PATIENCE", 0.01)
    async with closed_gate(sql):
        slow = []
        for place in range(10):  # as many as there are connections
            slow.append(number(blog, place))
            await blocked(sql, place + 1)
        waiting = number(blog, 11)
        await asyncio.sleep(0.1)
        assert len(await sql.fetch(BLOCKED)) == 10
    assert await asyncio.gather(*slow, waiting) == [*range(0, 100, 10), 110]


async def test_a_writer_gets_its_connection_in_its_turn(database: str) -> None:
    async with BlogService(database, max_size=1) as blog:
        reading = True

        async def read_on(key: int) -> None:
            while reading:
                await read(blog, key)

        readers = [asyncio.create_task(read_on(key)) for key in range(30)]
        for place in range(20):
            await asyncio.wait_for(blog.posts.create(f"Post {place}", ""), PATIENCE)
        reading = False
        await asyncio.gather(*readers)


async def test_when_no_connection_can_be_had_each_is_told_so(database: str) -> None:
    async with proxy_to(database, Proxy) as between:
        blog = await BlogService(between.url, max_size=1).open()
    # Nobody listens there any more.
    for _ in range(3):
        reads = [number(blog, key) for key in range(9)]
        async with asyncio.timeout(PATIENCE):
            errors = await asyncio.gather(*reads, return_exceptions=True)
        assert {type(error) for error in errors} == {Unavailable}
        assert len({id(error) for error in errors}) == len(reads)
    await blog.close()


async def test_nothing_of_a_caller_reaches_the_statement_for_many(
    blog: BlogService, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    whose = contextvars.ContextVar("whose", default="nobody's")
    seen: list[tuple[str, asyncio.Task[Any] | None]] = []
    fetch = Database._fetch

    async def looked_at(self: Database, *args: Any, **options: Any) -> list[asyncpg.Record]:
        seen.append((whose.get(), asyncio.current_task()))
        return await fetch(self, *args, **options)

    async def mine(key: int) -> Any:
        whose.set(f"of {key}")
        return await read(blog, key)

    monkeypatch.setattr(Database, "_fetch", looked_at)
    async with closed_gate(sql):
        callers = [asyncio.create_task(mine(key)) for key in range(LANES + 5)]
        await blocked(sql, LANES)
    await asyncio.gather(*callers)
    assert [name for name, _ in seen] == [*(f"of {key}" for key in range(LANES)), "nobody's"]
    assert [task in callers for _, task in seen] == [True] * LANES + [False]


async def test_closing_tells_those_who_wait_and_lets_the_others_finish(
    database: str, sql: asyncpg.Connection
) -> None:
    blog = await BlogService(database).open()
    async with full_lanes(blog, sql):
        waiting = [number(blog, key) for key in (11, 12)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(blog.close())
        errors = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(error) for error in errors} == {NotOpen}
    await closing
    async with blog:
        assert await read(blog, 3) == 30


async def test_closing_cuts_off_a_statement_for_many_and_each_is_told(
    database: str, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blogsvc.database.connections.CLEANUP_TIMEOUT", 0.1)
    blog = await BlogService(database).open()
    async with on_their_way(blog, sql, 11, 12) as reads:
        await blog.close()
        errors = await asyncio.gather(*reads, return_exceptions=True)
        assert {type(error) for error in errors} == {Unavailable}


async def test_closing_tells_who_waits_for_a_connection_of_their_own(database: str) -> None:
    blog = await BlogService(database, max_size=1, acquire_timeout=600).open()
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(blog.transaction())
        calls = [
            asyncio.create_task(blog.posts.create("T", "C")),
            asyncio.create_task(blog.posts.get_or_none(1)),
        ]
        await asyncio.sleep(0.01)
        await blog.close()
        async with asyncio.timeout(PATIENCE):
            errors = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(error) for error in errors} == {NotOpen}
        with pytest.raises(BlogError):
            await stack.aclose()


async def test_closing_while_reads_wait_for_a_connection_leaves_no_task_behind(
    database: str,
) -> None:
    blog = await BlogService(database, max_size=1).open()
    before = asyncio.all_tasks()
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(blog.transaction())
        reads = [number(blog, key) for key in range(9)]
        await asyncio.sleep(0.01)
        reads[0].cancel()  # it went alone, and the rest are in a lane that waits
        await asyncio.wait(reads[:1])
        await blog.close()
        errors = await asyncio.gather(*reads[1:], return_exceptions=True)
        assert {type(error) for error in errors} == {NotOpen}
        assert asyncio.all_tasks() == before
        with pytest.raises(BlogError):
            await stack.aclose()


async def test_who_cancels_tasks_that_are_not_its_own_leaves_no_read_waiting(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    before = asyncio.all_tasks()
    async with on_their_way(blog, sql, 11, 12) as reads:
        async with asyncio.timeout(PATIENCE):
            [statement] = asyncio.all_tasks() - before - {*reads}
            statement.cancel()
            errors = await asyncio.gather(*reads, return_exceptions=True)
        assert {type(error) for error in errors} == {Unavailable}
        again = [number(blog, key) for key in range(8)]
        await blocked(sql, 1)
        everything = asyncio.all_tasks() - before
        for task in everything:
            task.cancel()
        await asyncio.wait(everything)
        assert all(task.cancelled() for task in again)
    assert asyncio.all_tasks() == before
    assert await read(blog, 11) == 110


def test_a_service_of_another_loop_is_refused_before_anything_waits(database: str) -> None:
    with asyncio.Runner() as one, asyncio.Runner() as other:
        blog = one.run(BlogService(database).open())
        sql = one.run(asyncpg.connect(database))
        lanes = full_lanes(blog, sql)
        one.run(lanes.__aenter__())
        with pytest.raises(WrongEventLoop):
            other.run(asyncio.wait_for(read(blog, 11), PATIENCE))
        one.run(lanes.__aexit__(None, None, None))
        one.run(sql.close())
        one.run(blog.close())


def costly(blog: BlogService, number: int) -> asyncio.Task[Any]:
    query = Query(f"SELECT {number} WHERE {THROUGH}")
    return asyncio.create_task(blog._database.read(query, costly=True))


async def test_what_is_costly_leaves_half_of_the_connections_to_others(
    database: str, sql: asyncpg.Connection, sent: list[Statement]
) -> None:
    async with BlogService(database, max_size=4) as blog:
        async with closed_gate(sql):
            reads = [costly(blog, number) for number in range(8)]
            await blocked(sql, 2)
            assert (
                await asyncio.gather(*(blog.posts.count(tag=f"{n}") for n in range(9))) == [0] * 9
            )
            for gone in (reads[0], reads[5]):  # one that is at work, and one that waits
                gone.cancel()
            await asyncio.wait([reads[0], reads[5]])
            await blocked(sql, 2)
            assert len([query for query, _ in sent if THROUGH in query]) == 3
        rows = await asyncio.gather(*(read for read in reads if not read.cancelled()))
        assert [row[0][0] for row in rows] == [1, 2, 3, 4, 6, 7]


async def test_closing_tells_who_waits_for_a_turn(database: str, sql: asyncpg.Connection) -> None:
    blog = await BlogService(database, max_size=2, acquire_timeout=600).open()
    async with closed_gate(sql):
        at_work, waiting = costly(blog, 1), costly(blog, 2)
        await blocked(sql, 1)
        await blog.close()
        async with asyncio.timeout(PATIENCE):
            ended = await asyncio.gather(at_work, waiting, return_exceptions=True)
        assert [type(error) for error in ended] == [Unavailable, NotOpen]


async def test_who_waits_for_a_turn_waits_no_longer_than_for_a_connection(
    database: str, sql: asyncpg.Connection
) -> None:
    async with BlogService(database, max_size=2, acquire_timeout=0.2) as blog:
        async with closed_gate(sql):
            at_work = costly(blog, 1)
            await blocked(sql, 1)
            with pytest.raises(Unavailable):
                await costly(blog, 2)
        await at_work
