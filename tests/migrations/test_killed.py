"""kill -9 in the middle of a migration, and then a plain `aerich upgrade` that finishes it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from blogsvc.migrator import Migrator

from ..support import PATIENCE, ROOT, becomes_true, run, start
from .migrating import HEAD, add_migration, connected, execute, fetch, make_checkout, recorded

IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'posts_of_a_test_idx'::regclass"

AT_WORK = """
    SELECT 1 FROM pg_stat_activity
    WHERE state = 'active' AND query ~ $1 AND datname = current_database()
        AND pid <> pg_backend_pid()"""


async def is_at_work(url: str, query: str) -> bool:
    return bool(await fetch(url, AT_WORK, query))


async def kill_in_the_middle(url: str, query: str, checkout: Path = ROOT) -> None:
    """Start the stock command, wait until it runs a statement, and kill it there."""
    process = await start("aerich", "upgrade", url=url, checkout=checkout)
    await becomes_true(lambda: is_at_work(url, query))
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

    await kill_in_the_middle(empty_database, "^SELECT pg_sleep", checkout)
    assert (await recorded(empty_database))[-1] == HEAD.version

    await execute(empty_database, "UPDATE pause SET seconds = 0")
    ended = await run("aerich", "upgrade", url=empty_database, checkout=checkout)
    assert ended.status == 0, ended.output
    assert (await recorded(empty_database))[-1] == f"{label}.py"
    assert await fetch(empty_database, "SELECT count(*) FROM half") == [(0,)]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose next migration builds an index beside the traffic."""
    checkout = make_checkout(tmp_path)
    up = "CREATE INDEX CONCURRENTLY posts_of_a_test_idx ON posts (title);"
    down = "DROP INDEX posts_of_a_test_idx;"
    folder = checkout / "migrations/blogsvc"
    add_migration(folder, "index_title", up, down=down, in_transaction=False)
    return checkout


async def test_a_killed_index_build_is_cleared_away_and_built_again(
    empty_database: str, checkout: Path
) -> None:
    await Migrator(empty_database).upgrade()
    async with connected(empty_database) as other:
        # CONCURRENTLY waits for a transaction that is older than the index.
        await other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM posts")
        await kill_in_the_middle(empty_database, "CREATE INDEX CONCURRENTLY", checkout)
        await becomes_true(lambda: no_migration_lock_is_held(empty_database))
        assert await fetch(empty_database, IS_VALID) == [(False,)]
    ended = await run("aerich", "upgrade", url=empty_database, checkout=checkout)
    assert ended.status == 0, ended.output
    assert await fetch(empty_database, IS_VALID) == [(True,)]


@pytest.mark.parametrize("kind", ["INDEX", "UNIQUE INDEX"])
@pytest.mark.parametrize("valid", [False, True])
async def test_what_a_killed_index_build_has_left_is_pending_and_no_drift(
    empty_database: str, kind: str, valid: bool
) -> None:
    await Migrator(empty_database).upgrade("11")
    await execute(empty_database, f"CREATE {kind} posts_tags_idx ON posts (tags)")
    await execute(
        empty_database,
        f"UPDATE pg_index SET indisvalid = {valid} WHERE indexrelid = 'posts_tags_idx'::regclass",
    )
    for asked in (["check"], ["check", "--strict"]):
        ended = await run("blogsvc", *asked, url=empty_database)
        assert ended.status == 2, ended.output
        assert "posts_tags_idx" not in ended.output
    await Migrator(empty_database).upgrade()
    ended = await run("blogsvc", "check", "--strict", url=empty_database)
    assert ended.status == 0, ended.output


@pytest.mark.parametrize("command", ["aerich", "blogsvc"])
async def test_a_connection_lost_outside_of_a_transaction_is_told_in_few_lines(
    empty_database: str, checkout: Path, command: str
) -> None:
    await Migrator(empty_database).upgrade()
    async with connected(empty_database) as other:
        await other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM posts")
        process = await start(command, "upgrade", url=empty_database, checkout=checkout)
        await becomes_true(lambda: is_at_work(empty_database, "CREATE INDEX CONCURRENTLY"))
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query ~ '^CREATE INDEX CONC' AND datname = current_database()"
        )
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    told = output.decode()
    assert process.returncode == 1
    assert "The connection to PostgreSQL was lost" in told
    assert "Traceback" not in told
    assert told.count("\n") < 8


async def test_a_backend_whose_client_was_killed_ends_by_itself(
    empty_database: str, checkout: Path
) -> None:
    await Migrator(empty_database).upgrade()
    async with connected(empty_database) as other:
        await other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM posts")
        await kill_in_the_middle(empty_database, "CREATE INDEX CONCURRENTLY", checkout)
        # It still waits for the transaction, yet the next one gets the migration lock.
        await asyncio.wait_for(lock(empty_database), PATIENCE)


async def lock(url: str) -> None:
    async with Migrator(url).session():
        pass


async def no_migration_lock_is_held(url: str) -> bool:
    held = "SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database WHERE "
    mine = "locktype = 'advisory' AND datname = current_database()"
    return not await fetch(url, held + mine)
