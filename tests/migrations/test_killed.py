"""kill -9 in the middle of a migration, and then a plain `aerich upgrade` that finishes it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from blogsvc.migrator import Migrator

from .migrating import (
    HEAD,
    ROOT,
    add_migration,
    connected,
    eventually,
    execute,
    fetch,
    make_checkout,
    recorded,
    run,
    start,
)

AT_WORK = """
    SELECT 1 FROM pg_stat_activity
    WHERE state = 'active' AND query ~ $1 AND datname = current_database()
        AND pid <> pg_backend_pid()"""


async def is_at_work(url: str, query: str) -> bool:
    return bool(await fetch(url, AT_WORK, query))


async def kill_in_the_middle(url: str, query: str, checkout: Path = ROOT) -> None:
    """Start the stock command, wait until it runs a statement, and kill it there."""
    process = await start("aerich", "upgrade", url=url, checkout=checkout)
    await eventually(lambda: is_at_work(url, query))
    process.kill()
    await process.wait()


async def test_a_killed_transaction_leaves_nothing_and_is_run_again(
    empty_database: str, tmp_path: Path
) -> None:
    checkout = make_checkout(tmp_path)
    up = "CREATE TABLE half (id INT); SELECT pg_sleep(seconds) FROM pause;"
    label = add_migration(checkout / "migrations/blogsvc", "pause", up)
    await Migrator(empty_database).upgrade()
    await execute(empty_database, "CREATE TABLE pause AS SELECT 600 AS seconds")

    await kill_in_the_middle(empty_database, "^CREATE TABLE half", checkout)
    assert (await recorded(empty_database))[-1] == HEAD.version

    await execute(empty_database, "UPDATE pause SET seconds = 0")
    ended = await run("aerich", "upgrade", url=empty_database, checkout=checkout)
    assert ended.status == 0, ended.output
    assert (await recorded(empty_database))[-1] == f"{label}.py"
    assert await fetch(empty_database, "SELECT count(*) FROM half") == [(0,)]


async def test_a_killed_index_build_is_cleared_away_and_built_again(empty_database: str) -> None:
    await Migrator(empty_database).upgrade("4")
    async with connected(empty_database) as other:
        # CONCURRENTLY waits for a transaction that is older than the index.
        await other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM posts")
        await kill_in_the_middle(empty_database, "CREATE UNIQUE INDEX CONCURRENTLY")
        await eventually(lambda: no_turn_is_held(empty_database))
        invalid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'posts_slug_key'::regclass"
        assert await fetch(empty_database, invalid) == [(False,)]
    ended = await run("aerich", "upgrade", url=empty_database)
    assert ended.status == 0, ended.output
    report = await Migrator(empty_database).check()
    assert (report.pending, report.drifted) == (False, False), report.drift


async def test_a_backend_whose_client_was_killed_ends_by_itself(empty_database: str) -> None:
    await Migrator(empty_database).upgrade("4")
    async with connected(empty_database) as other:
        await other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM posts")
        await kill_in_the_middle(empty_database, "CREATE UNIQUE INDEX CONCURRENTLY")
        # It still waits for the transaction, yet the next one gets the turn.
        await asyncio.wait_for(turn(empty_database), 30)


async def turn(url: str) -> None:
    async with Migrator(url).session():
        pass


async def no_turn_is_held(url: str) -> bool:
    held = "SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database WHERE "
    mine = "locktype = 'advisory' AND datname = current_database()"
    return not await fetch(url, held + mine)
