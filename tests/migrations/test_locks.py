"""A migration waits for others, and lets nobody wait behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from blogsvc.errors import LockedError
from blogsvc.migrator import Migrator, running

from ..support import becomes_true, run, start
from .migrating import add_migration, connected, execute, fetch, make_checkout, recorded

WAITS = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'posts'::regclass AND mode = $1"


@pytest.fixture
async def behind(empty_database: str) -> str:
    """A database on which the next migration needs the table for itself."""
    await Migrator(empty_database).upgrade("0")
    return empty_database


@pytest.mark.parametrize("command", [("aerich", "upgrade"), ("blogsvc", "upgrade", "--to", "1")])
async def test_a_migration_is_tried_again_until_the_table_is_free(
    behind: str, command: tuple[str, ...]
) -> None:
    async with connected(behind) as other:
        await other.execute("BEGIN; LOCK TABLE posts IN ACCESS SHARE MODE")
        process = await start(*command, url=behind)
        for _ in range(2):  # attempts
            await becomes_true(lambda: fetch(behind, WAITS, "AccessExclusiveLock"))
            await becomes_true(lambda: nobody_waits(behind))
        await other.execute("COMMIT")
        output, _ = await process.communicate()
    assert process.returncode == 0, output
    assert "1_20261125090000_add_rules.py" in await recorded(behind)


async def test_a_reader_goes_on_while_a_migration_waits_for_an_old_transaction(behind: str) -> None:
    async with connected(behind) as other, connected(behind) as reader:
        await other.execute("BEGIN; LOCK TABLE posts IN ACCESS SHARE MODE")
        migration = asyncio.create_task(Migrator(behind).upgrade("1"))
        await becomes_true(lambda: fetch(behind, WAITS, "AccessExclusiveLock"))
        # It queues behind the migration and gets through although the old transaction stays.
        await reader.fetch("SELECT * FROM posts")
        await other.execute("COMMIT")
        await migration


async def test_nobody_queues_while_a_migration_waits_for_a_vacuum(behind: str) -> None:
    async with connected(behind) as vacuum:
        await vacuum.execute("BEGIN; LOCK TABLE posts IN SHARE UPDATE EXCLUSIVE MODE")
        migration = asyncio.create_task(Migrator(behind).upgrade("1"))
        await becomes_true(lambda: fetch(behind, WAITS, "ShareUpdateExclusiveLock"))
        assert await nobody_waits(behind)
        await vacuum.execute("COMMIT")
        await migration


async def test_a_deadlock_is_tried_again_as_a_whole(empty_database: str) -> None:
    script = """
        INSERT INTO work VALUES (1);
        DO $$ BEGIN
            IF nextval('attempts') < 3 THEN
                RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01';
            END IF;
        END $$"""
    async with connected(empty_database) as connection:
        await connection.execute("CREATE TABLE work (n INT); CREATE SEQUENCE attempts")
        await connection.execute("BEGIN")
        await running.run_in_transaction(connection, script)
        await connection.execute("COMMIT")
    assert await fetch(empty_database, "SELECT n, last_value FROM work, attempts") == [(1, 3)]


async def test_who_holds_the_table_for_good_is_named(
    behind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "ATTEMPTS", 2)
    async with connected(behind) as other:
        await other.execute("SET application_name = 'report'; BEGIN; SELECT * FROM posts")
        pid = await other.fetchval("SELECT pg_backend_pid()")
        with pytest.raises(Exception, match="could not get its locks in 2 attempts") as told:
            await Migrator(behind).upgrade("1")
    assert f"pid {pid}, application 'report', idle in transaction since 20" in str(told.value)
    assert isinstance(told.value.__cause__, LockedError)


async def test_a_lock_timeout_in_the_url_is_the_longest_wait(behind: str) -> None:
    sign = "&" if "?" in behind else "?"
    async with Migrator(f"{behind}{sign}lock_timeout=50").session() as connection:
        assert await connection.fetchval("SHOW lock_timeout") == "50ms"


async def test_the_session_waits_two_seconds_for_a_lock_and_not_for_statements(
    empty_database: str,
) -> None:
    async with Migrator(empty_database).session() as connection:
        assert await connection.fetchval("SHOW lock_timeout") == "2s"
        assert await connection.fetchval("SHOW statement_timeout") == "0"
        assert await connection.fetchval("SHOW client_connection_check_interval") == "1s"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose next migration builds a unique index beside the traffic."""
    checkout = make_checkout(tmp_path)
    up = "CREATE UNIQUE INDEX CONCURRENTLY posts_of_a_test_key ON posts (title);"
    down = "DROP INDEX posts_of_a_test_key;"
    folder = checkout / "migrations/blogsvc"
    add_migration(folder, "index_title", up, down=down, in_transaction=False)
    return checkout


@pytest.mark.parametrize("setting", ["statement_timeout", "transaction_timeout"])
async def test_a_time_limit_of_the_database_ends_no_migration(
    empty_database: str, tmp_path: Path, setting: str
) -> None:
    (version,) = await fetch(empty_database, "SHOW server_version_num")
    if setting == "transaction_timeout" and int(version[0]) < 170000:
        pytest.skip("transaction_timeout came with PostgreSQL 17")
    checkout = make_checkout(tmp_path)
    add_migration(checkout / "migrations/blogsvc", "slow", "SELECT pg_sleep(1);")
    await Migrator(empty_database).upgrade()
    (name,) = await fetch(empty_database, "SELECT current_database()")
    await execute(empty_database, f"ALTER DATABASE {name[0]} SET {setting} = '500ms'")
    for command in (["blogsvc", "upgrade"], ["blogsvc", "downgrade", "-y"], ["aerich", "upgrade"]):
        ended = await run(*command, url=empty_database, checkout=checkout)
        assert ended.status == 0, ended.output


async def test_an_invalid_index_of_a_failed_run_is_built_anew(
    empty_database: str, checkout: Path
) -> None:
    await Migrator(empty_database).upgrade()
    await execute(
        empty_database,
        "CREATE INDEX posts_of_a_test_key ON posts (id);"
        "UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid = 'posts_of_a_test_key'::regclass",
    )
    ended = await run("aerich", "upgrade", url=empty_database, checkout=checkout)
    assert ended.status == 0, ended.output
    built = "SELECT pg_get_indexdef('posts_of_a_test_key'::regclass)"
    assert await fetch(empty_database, built) == [
        ("CREATE UNIQUE INDEX posts_of_a_test_key ON public.posts USING btree (title)",)
    ]


@pytest.mark.parametrize("command", ["aerich", "blogsvc"])
async def test_an_index_that_is_not_valid_once_it_is_built_is_not_recorded(
    empty_database: str, checkout: Path, command: str
) -> None:
    await Migrator(empty_database).upgrade()
    before = await recorded(empty_database)
    await execute(
        empty_database,
        """CREATE FUNCTION invalidate() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE pg_index SET indisvalid = false
            WHERE indexrelid = 'posts_of_a_test_key'::regclass;
        END $$;
        CREATE EVENT TRIGGER invalidate ON ddl_command_end WHEN tag IN ('CREATE INDEX')
            EXECUTE FUNCTION invalidate()""",
    )
    failed = await run(command, "upgrade", url=empty_database, checkout=checkout)
    assert failed.status == 1, failed.output
    assert "The index posts_of_a_test_key was built but is not valid" in failed.output
    assert await recorded(empty_database) == before

    await execute(empty_database, "DROP EVENT TRIGGER invalidate")
    ended = await run(command, "upgrade", url=empty_database, checkout=checkout)
    assert ended.status == 0, ended.output
    assert await fetch(empty_database, "SELECT 1 FROM pg_index WHERE NOT indisvalid") == []


async def test_a_failed_unique_index_leaves_nothing_in_the_way_of_the_next_run(
    empty_database: str, checkout: Path
) -> None:
    await Migrator(empty_database).upgrade()
    await execute(empty_database, "INSERT INTO posts (title, content) VALUES ('A', ''), ('A', '')")
    failed = await run("aerich", "upgrade", url=empty_database, checkout=checkout)
    assert failed.status == 1
    assert "_index_title stopped: could not create unique index" in failed.output
    assert "(Key (title)=(A) is duplicated.)" in failed.output
    await execute(empty_database, "UPDATE posts SET title = 'B' WHERE id = 1")
    ended = await run("aerich", "upgrade", url=empty_database, checkout=checkout)
    assert ended.status == 0, ended.output


async def nobody_waits(url: str) -> bool:
    return not await fetch(url, WAITS, "AccessExclusiveLock")
