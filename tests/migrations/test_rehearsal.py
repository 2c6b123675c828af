"""`blogsvc upgrade --dry-run`: it is really run, and nothing of it stays."""

from __future__ import annotations

from pathlib import Path

from blogsvc.migrator import Migrator

from ..support import run
from .migrating import add_migration, add_online, execute, facts, fetch, make_checkout, recorded


async def test_a_rehearsal_names_what_it_could_not_try_and_changes_nothing(
    empty_database: str, tmp_path: Path
) -> None:
    labels = add_online(make_checkout(tmp_path) / "migrations/blogsvc")
    await Migrator(empty_database).upgrade()
    before, versions = await facts(empty_database), await recorded(empty_database)
    ended = await run("blogsvc", "upgrade", "--dry-run", url=empty_database, checkout=tmp_path)
    assert ended.status == 0, ended.output
    assert ended.output.splitlines() == [
        f"== {labels[0]}: rehearsed",
        f"== {labels[1]}: not rehearsed: it runs outside of a transaction",
        f"== {labels[2]}: rehearsed",
        f"== {labels[3]}: rehearsed",
        f"== {labels[4]}: not rehearsed: it runs outside of a transaction",
        f"== {labels[5]}: rehearsed",
        "Rolled back: nothing was changed.",
    ]
    assert (await facts(empty_database), await recorded(empty_database)) == (before, versions)


async def test_a_rehearsal_on_an_empty_database_leaves_it_empty(empty_database: str) -> None:
    ended = await run("blogsvc", "upgrade", "--dry-run", url=empty_database)
    assert ended.status == 0, ended.output
    assert await fetch(empty_database, "SELECT to_regclass('posts'), to_regclass('aerich')") == [
        (None, None)
    ]


async def test_a_rehearsal_finds_the_row_that_would_stop_the_upgrade(empty_database: str) -> None:
    await Migrator(empty_database).upgrade("0")
    await execute(empty_database, "INSERT INTO posts (title, content) VALUES (' ', '')")
    ended = await run("blogsvc", "upgrade", "--dry-run", url=empty_database)
    assert ended.status == 1
    assert ended.output.startswith("Error: 1_20261125090000_add_rules would fail: check")


async def test_what_needs_a_step_that_was_not_tried_is_told_as_not_tried(
    empty_database: str, tmp_path: Path
) -> None:
    folder = make_checkout(tmp_path) / "migrations/blogsvc"
    add_migration(folder, "make", "CREATE TABLE made (id BIGINT);", in_transaction=False)
    label = add_migration(folder, "use", "ALTER TABLE made ADD COLUMN n BIGINT;")
    await Migrator(empty_database).upgrade()
    ended = await run("blogsvc", "upgrade", "--dry-run", url=empty_database, checkout=tmp_path)
    assert ended.status == 0, ended.output
    told = f'== {label}: not rehearsed: it may need what was not rehearsed (relation "made" does'
    assert told in ended.output
