"""The plan as a script for psql: the same statements in the same order, and what records them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from ..database import quoted
from . import history, lock, running
from .files import MigrationFile

_LOCK = f"""\
DO $$ BEGIN
    IF NOT pg_try_advisory_lock({lock.KEY}) THEN
        RAISE EXCEPTION 'Another migration is running. Nothing was changed: try again later.';
    END IF;
END $$;"""


def script(
    planned: Sequence[MigrationFile], way: Literal["up", "down"], schema: str | None
) -> Iterator[str]:
    """Yield the script, piece by piece. It stops at the first error, and then can be run again."""
    if not planned:
        yield "-- Nothing to do."
        return
    yield "\\set ON_ERROR_STOP on"
    for name, value in lock.settings(schema).items():
        yield f"SET {name} = {value};" if name == "search_path" else f"SET {name} = '{value}';"
    if schema and way == "up":
        yield f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)};"
    yield _LOCK
    if way == "up":
        yield history.TABLE.strip()
        yield history.models_sql()
    for file in planned:
        yield f"\n-- {file.label}"
        if way == "up":
            yield from _up(file)
        else:
            yield from _in_transaction(file.down, history.erase_sql(file.version))


def _up(file: MigrationFile) -> Iterator[str]:
    record = history.record_sql(file)
    if file.in_transaction:
        yield from _in_transaction(file.up, record)
        return
    index = running.index_name(file.up)
    if index is not None:
        yield "SET lock_timeout = 0;"
        yield f"DROP INDEX CONCURRENTLY IF EXISTS {quoted(index)};"
    yield file.up.strip()
    yield f"SET lock_timeout = '{lock.LOCK_TIMEOUT * 1000:.0f}';"
    yield record


def _in_transaction(sql: str, record: str) -> Iterator[str]:
    yield "BEGIN;"
    yield running.KEEP_OFF_AUTOVACUUM
    yield sql.strip()
    yield record
    yield "COMMIT;"
