"""`blogsvc adopt`: a table that is there already is taken for migrated, if it is the very one."""

from __future__ import annotations

import pytest

from blogsvc.errors import MigrationError
from blogsvc.migrator import Migrator, files

from ..support import run
from .migrating import execute, fetch, recorded

ALL = [file.version for file in files.all_files()]


@pytest.fixture
async def forgotten(empty_database: str) -> str:
    """A database with the whole schema and no word of how it came there."""
    await Migrator(empty_database).upgrade()
    await execute(empty_database, "DROP TABLE aerich")
    return empty_database


async def test_a_matching_schema_is_recorded_as_applied(forgotten: str) -> None:
    ended = await run("blogsvc", "adopt", url=forgotten)
    assert ended.status == 0, ended.output
    assert await recorded(forgotten) == ALL
    report = await Migrator(forgotten).check()
    assert (report.pending, report.drifted) == (False, False)
    assert (
        await run("aerich", "upgrade", url=forgotten)
    ).output.strip() == "No upgrade items found"
    assert (await run("aerich", "migrate", url=forgotten)).output.strip() == "No changes detected"


async def test_a_schema_that_differs_is_not_adopted(forgotten: str) -> None:
    await execute(forgotten, "ALTER TABLE posts ADD COLUMN author text NOT NULL")
    ended = await run("blogsvc", "adopt", url=forgotten)
    assert ended.status == 1
    assert ended.output.splitlines()[-1] == "+ column author text not null"
    assert await fetch(forgotten, "SELECT to_regclass('aerich')") == [(None,)]


async def test_a_schema_of_an_older_version_is_adopted_up_to_it(empty_database: str) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade("3")
    await execute(empty_database, "DROP TABLE aerich")
    assert await migrator.adopt("3") == ALL[:4]
    await migrator.upgrade()
    assert not (await migrator.check()).drifted


async def test_what_is_recorded_beyond_the_target_is_not_forgotten(empty_database: str) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade("3")
    with pytest.raises(
        MigrationError, match="3_20261125090200_add_publishing is recorded as applied"
    ):
        await migrator.adopt("2")


async def test_an_adopted_history_is_the_one_that_the_first_migration_makes(
    forgotten: str, migrated: str
) -> None:
    await Migrator(forgotten).adopt()
    columns = """
        SELECT column_name, data_type, is_nullable, column_default
        FROM information_schema.columns WHERE table_name = 'aerich' ORDER BY ordinal_position"""
    indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = 'aerich' ORDER BY indexname"
    for query in (columns, indexes):
        assert await fetch(forgotten, query) == await fetch(migrated, query)
