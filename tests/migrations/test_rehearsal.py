"""`blogsvc upgrade --dry-run`: it is really run, and nothing of it stays."""

from __future__ import annotations

from blogsvc.migrator import Migrator

from .migrating import execute, facts, recorded, run


async def test_a_rehearsal_names_what_it_could_not_try_and_changes_nothing(
    empty_database: str,
) -> None:
    await Migrator(empty_database).upgrade("3")
    before = await facts(empty_database)
    ended = await run("blogsvc", "upgrade", "--dry-run", "--to", "6", url=empty_database)
    assert ended.status == 0
    assert ended.output.splitlines() == [
        "== 4_20261123090300_backfill_slugs: not rehearsed: it runs outside of a transaction",
        "== 5_20261123090400_index_slug: not rehearsed: it runs outside of a transaction",
        "== 6_20261123090500_add_slug_rules: rehearsed",
        "Rolled back: nothing was changed.",
    ]
    assert await facts(empty_database) == before
    assert len(await recorded(empty_database)) == 4


async def test_a_rehearsal_finds_the_row_that_would_stop_the_upgrade(empty_database: str) -> None:
    await Migrator(empty_database).upgrade("0")
    await execute(empty_database, "INSERT INTO posts (title, content) VALUES (' ', '')")
    ended = await run("blogsvc", "upgrade", "--dry-run", url=empty_database)
    assert ended.status == 1
    assert ended.output.startswith("Error: 2_20261123090100_validate_rules would fail: check")


async def test_what_needs_a_step_that_was_not_tried_is_told_as_not_tried(
    empty_database: str,
) -> None:
    await Migrator(empty_database).upgrade("2")
    await execute(empty_database, "INSERT INTO posts (title, content) VALUES ('Old', '')")
    found = {step.label: step.skipped for step in await Migrator(empty_database).rehearse()}
    assert found["3_20261123090200_add_slug"] is None
    told = found["7_20261123090600_require_slug"]
    assert told is not None
    assert told.startswith("it may need what was not rehearsed (check constraint")
