"""Transactions: one unit for one task, whole again after every way to end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.database import Query
from blogsvc.errors import (
    AlreadyExists,
    ConfigurationError,
    LockedError,
    NotInTransaction,
    TransactionAborted,
    TransactionConflict,
    Unavailable,
)


async def titles(sql: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await sql.fetch("SELECT title FROM posts ORDER BY id")]


class Stop(Exception):
    pass


async def test_a_block_that_ends_well_is_stored(blog: BlogService, sql: asyncpg.Connection) -> None:
    async with blog.transaction():
        await blog.posts.create("One", "")
        await blog.posts.create("Two", "")
        assert await titles(sql) == []
    assert await titles(sql) == ["One", "Two"]


async def test_a_block_that_raises_leaves_nothing(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    with pytest.raises(Stop):
        async with blog.transaction():
            await blog.posts.create("One", "")
            raise Stop
    assert await titles(sql) == []


async def test_a_block_in_a_block_is_a_savepoint(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    async with blog.transaction():
        await blog.posts.create("Kept", "")
        with pytest.raises(Stop):
            async with blog.transaction():
                await blog.posts.create("Undone", "")
                async with blog.transaction():
                    await blog.posts.create("Undone too", "")
                raise Stop
        async with blog.transaction():
            await blog.posts.create("Kept too", "")
    assert await titles(sql) == ["Kept", "Kept too"]


async def test_an_error_of_the_database_in_a_savepoint_spares_the_rest(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    await blog.posts.create("Taken", "")
    async with blog.transaction():
        post = await blog.posts.create("Kept", "")
        with pytest.raises(AlreadyExists):
            async with blog.transaction():
                await blog.posts.update(post.id, slug="taken")
        await blog.posts.create("Kept too", "")
    assert await titles(sql) == ["Taken", "Kept", "Kept too"]


async def test_a_slug_that_is_taken_does_not_break_the_transaction(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    async with blog.transaction():
        await blog.posts.create("One", "", slug="s")
        with pytest.raises(AlreadyExists):
            await blog.posts.create("Two", "", slug="s")
        await blog.posts.create("Three", "")
    assert await titles(sql) == ["One", "Three"]


async def test_a_swallowed_error_of_the_database_is_not_taken_for_a_commit(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    await blog.posts.create("Taken", "")
    with pytest.raises(TransactionAborted, match="swallowed"):
        async with blog.transaction():
            post = await blog.posts.create("Lost", "")
            with pytest.raises(AlreadyExists):
                await blog.posts.update(post.id, slug="taken")
    assert await titles(sql) == ["Taken"]


async def test_a_task_started_inside_does_not_join(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    with pytest.raises(Stop):
        async with blog.transaction():
            await blog.posts.create("Mine", "")
            await asyncio.create_task(blog.posts.create("Its own", ""))
            raise Stop
    assert await titles(sql) == ["Its own"]


async def test_a_block_that_another_task_leaves_has_ended_for_the_one_that_opened_it(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    block = blog.transaction()
    await block.__aenter__()
    await blog.posts.create("Inside", "")
    await asyncio.create_task(block.__aexit__(None, None, None))
    assert await titles(sql) == ["Inside"]
    await blog.posts.create("After it, by itself", "")
    assert await titles(sql) == ["Inside", "After it, by itself"]


async def test_a_generator_that_is_dropped_inside_of_its_block_ends_it_for_its_caller(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    async def numbers() -> AsyncIterator[int]:
        async with blog.transaction():
            await blog.posts.create("Undone", "")
            yield 1
            yield 2

    async for number in numbers():
        assert number == 1
        break
    # The event loop closes it, in a task of its own.
    async with asyncio.timeout(60):
        while blog._database.in_transaction:  # noqa: ASYNC110 - the loop tells nobody
            await asyncio.sleep(0)
    await blog.posts.create("After it, by itself", "")
    assert await titles(sql) == ["After it, by itself"]


async def test_two_services_do_not_mix(
    blog: BlogService, blog_url: str, sql: asyncpg.Connection
) -> None:
    async with BlogService(blog_url) as other:
        with pytest.raises(Stop):
            async with blog.transaction():
                await blog.posts.create("Undone", "")
                await other.posts.create("Stored", "")
                raise Stop
        assert await other.posts.count() == 1
    assert await titles(sql) == []


async def test_isolation_and_readonly_are_the_databases(blog: BlogService) -> None:
    async with blog.transaction(isolation="serializable", readonly=True):
        rows = await blog._database.read(
            Query(
                "SELECT current_setting('transaction_isolation'), "
                "current_setting('transaction_read_only')"
            )
        )
        assert tuple(rows[0]) == ("serializable", "on")
        with pytest.raises(Unavailable, match="no writes"):
            async with blog.transaction():
                await blog.posts.create("No", "")
    with pytest.raises(ConfigurationError):
        async with blog.transaction(isolation="snapshot"):  # type: ignore[arg-type]
            pass
    async with blog.transaction():
        with pytest.raises(ConfigurationError):
            async with blog.transaction(isolation="serializable"):
                pass


async def test_a_repeatable_read_sees_one_moment(blog: BlogService) -> None:
    async with blog.transaction(isolation="repeatable read", readonly=True):
        before = await blog.posts.count()
        await asyncio.create_task(blog.posts.create("New", ""))
        assert await blog.posts.count() == before
    assert await blog.posts.count() == before + 1


async def test_transactions_that_meet_are_told_and_one_can_be_run_again(blog: BlogService) -> None:
    post = await blog.posts.create("0", "")
    arrived = asyncio.Barrier(2)

    async def read_then_write(text: str) -> None:
        async with blog.transaction(isolation="repeatable read"):
            await blog.posts.get(post.id)
            await arrived.wait()
            await blog.posts.update(post.id, content=text)

    results = await asyncio.gather(
        read_then_write("a"), read_then_write("b"), return_exceptions=True
    )
    assert sorted(map(type, results), key=str) == sorted([type(None), TransactionConflict], key=str)


async def test_a_deadlock_is_told_to_one_of_the_two(blog: BlogService) -> None:
    one = await blog.posts.create("1", "")
    two = await blog.posts.create("2", "")
    arrived = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> None:
        async with blog.transaction():
            await blog.posts.get(first, lock=True)
            await arrived.wait()
            await blog.posts.get(second, lock=True)

    results = await asyncio.gather(
        lock(one.id, two.id), lock(two.id, one.id), return_exceptions=True
    )
    assert [type(result) for result in results if result] == [TransactionConflict]


async def test_a_body_is_run_again_until_it_meets_nobody(blog: BlogService) -> None:
    post = await blog.posts.create("0", "")

    async def increment() -> int:
        number = int((await blog.posts.get(post.id)).title) + 1
        await asyncio.sleep(0)
        await blog.posts.update(post.id, title=str(number))
        return number

    numbers = await asyncio.gather(
        *(blog.run_transaction(increment, isolation="serializable", attempts=50) for _ in range(8))
    )
    assert sorted(numbers) == list(range(1, 9))
    assert (await blog.posts.get(post.id)).title == "8"


async def test_a_body_is_run_again_only_so_often(blog: BlogService) -> None:
    runs = 0

    async def always_meets() -> None:
        nonlocal runs
        runs += 1
        raise TransactionConflict

    with pytest.raises(TransactionConflict):
        await blog.run_transaction(always_meets, attempts=3)
    assert runs == 3


async def test_a_body_that_fails_otherwise_is_run_once(blog: BlogService) -> None:
    runs = 0

    async def fails() -> None:
        nonlocal runs
        runs += 1
        raise Stop

    with pytest.raises(Stop):
        await blog.run_transaction(fails)
    assert runs == 1


async def test_a_conflict_in_a_nested_run_runs_the_outermost_body_again_and_no_other(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("0", "")
    runs: list[str] = []

    async def outermost() -> None:
        runs.append("outermost")
        await blog.posts.get(post.id)  # from here on it sees this moment
        if len(runs) == 1:
            await sql.execute("UPDATE posts SET title = 'theirs'")
        await blog.run_transaction(middle)

    async def middle() -> None:
        runs.append("middle")
        await blog.run_transaction(innermost)

    async def innermost() -> None:
        runs.append("innermost")
        await blog.posts.update(post.id, title="ours")

    await blog.run_transaction(outermost, isolation="repeatable read")
    assert runs == ["outermost", "middle", "innermost"] * 2
    assert await titles(sql) == ["ours"]


async def test_a_locked_post_waits_for_the_transaction_to_end(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("Hello", "")
    await sql.execute("SET lock_timeout = '50ms'")
    async with blog.transaction():
        assert await blog.posts.get(post.id, lock=True) == post
        with pytest.raises(asyncpg.LockNotAvailableError):
            await sql.execute("UPDATE posts SET title = 'x'")
    await sql.execute("UPDATE posts SET title = 'x'")
    with pytest.raises(NotInTransaction):
        await blog.posts.get(post.id, lock=True)


async def test_a_lock_that_is_not_to_be_had_is_told(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("Hello", "")
    async with sql.transaction():
        await sql.execute("SELECT FROM posts FOR UPDATE")
        with pytest.raises(LockedError) as caught:
            async with blog.transaction():
                await blog._database.read(Query("SELECT set_config('lock_timeout', '20ms', true)"))
                await blog.posts.get(post.id, lock=True)
    assert caught.value.sqlstate == "55P03"


async def test_posts_can_be_written_in_a_hosts_own_transaction(
    blog: BlogService, sql: asyncpg.Connection, database: str
) -> None:
    mine = await asyncpg.connect(database)
    try:
        transaction = mine.transaction()
        await transaction.start()
        async with blog.transaction(connection=mine):
            await blog.posts.create("With mine", "")
        with pytest.raises(Stop):
            async with blog.transaction(connection=mine):
                await blog.posts.create("Undone", "")
                raise Stop
        assert await mine.fetchval("SELECT count(*) FROM posts") == 1
        assert await titles(sql) == []
        await transaction.commit()
        assert await titles(sql) == ["With mine"]
        with pytest.raises(ConfigurationError, match="in a transaction already"):
            async with blog.transaction(connection=mine):
                pass
    finally:
        await mine.close()


async def test_the_same_connection_from_the_hosts_pool_works_too(
    blog: BlogService, database: str
) -> None:
    async with (
        asyncpg.create_pool(database, min_size=1, max_size=1) as pool,
        pool.acquire() as mine,
        mine.transaction(),
        blog.transaction(connection=mine),
    ):
        await blog.posts.create("Outbox", "")
    assert await blog.posts.count() == 1


async def idle_in_transaction(sql: asyncpg.Connection) -> int:
    number: int = await sql.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
    )
    return number


@pytest.fixture
async def small(database: str) -> AsyncIterator[BlogService]:
    async with BlogService(database, max_size=5, acquire_timeout=60) as service:
        yield service


async def test_a_thousand_cancelled_tasks_leave_the_pool_whole(
    small: BlogService, sql: asyncpg.Connection
) -> None:
    chance = random.Random(7)
    finished = 0

    async def work(number: int) -> None:
        nonlocal finished
        async with small.transaction():
            await small.posts.create(f"Post {number}", "")
            async with small.transaction():
                await small.posts.count()
        finished += 1

    async def cancelled_sometime(number: int) -> None:
        task = asyncio.create_task(work(number))
        # From before the first step to after the last one, in acquire, BEGIN, body and COMMIT.
        for _ in range(chance.randrange(60)):
            await asyncio.sleep(0)
        await asyncio.sleep(chance.choice([0, 0, 0.001, 0.003]))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for start in range(0, 1000, 20):
        await asyncio.gather(*map(cancelled_sometime, range(start, start + 20)))

    assert await idle_in_transaction(sql) == 0
    assert not small._database._transactions
    stored = await sql.fetchval("SELECT count(*) FROM posts")
    assert stored >= finished
    # All five connections can be had at once, and work.
    arrived = asyncio.Barrier(5)

    async def use_one() -> None:
        async with small.transaction():
            await small.posts.count()
            await arrived.wait()

    await asyncio.gather(*(use_one() for _ in range(5)))


async def test_a_task_that_was_cancelled_in_a_transaction_can_go_on(blog: BlogService) -> None:
    async def work() -> int:
        try:
            async with asyncio.timeout(0.05), blog.transaction():
                await blog.posts.create("Undone", "")
                await asyncio.sleep(60)
        except TimeoutError:
            pass
        await blog.posts.create("Stored", "")
        return await blog.posts.count()

    assert await work() == 1


async def test_a_block_that_outlives_its_service_stores_nothing_alone(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    closed = asyncio.Event()
    begun = asyncio.Event()

    async def work() -> None:
        async with blog.transaction():
            await blog.posts.create("First half", "")
            begun.set()
            await closed.wait()
            await blog.posts.create("Second half", "")

    working = asyncio.create_task(work())
    await begun.wait()
    await blog.close()
    await blog.open()
    closed.set()
    with pytest.raises(Unavailable):
        await working
    assert await titles(sql) == []


async def test_a_statement_after_a_swallowed_error_says_so(blog: BlogService) -> None:
    await blog.posts.create("Taken", "")
    post = await blog.posts.create("One", "")
    with pytest.raises(TransactionAborted) as caught:
        async with blog.transaction():
            with pytest.raises(AlreadyExists):
                await blog.posts.update(post.id, slug="taken")
            await blog.posts.count()
    assert caught.value.sqlstate == "25P02"


async def test_an_error_swallowed_in_a_savepoint_spares_the_rest(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    await blog.posts.create("Taken", "")
    async with blog.transaction():
        post = await blog.posts.create("Kept", "")
        with pytest.raises(TransactionAborted):
            async with blog.transaction():
                with pytest.raises(AlreadyExists):
                    await blog.posts.update(post.id, slug="taken")
        await blog.posts.create("Kept too", "")
    assert await titles(sql) == ["Taken", "Kept", "Kept too"]


async def test_a_hosts_connection_that_is_back_in_its_pool_is_refused(
    blog: BlogService, database: str
) -> None:
    async with asyncpg.create_pool(database, min_size=1, max_size=1) as pool:
        async with pool.acquire() as released:
            pass
        with pytest.raises(ConfigurationError):
            async with blog.transaction(connection=released):
                pass
