"""Which row cannot become a post: looked for before anything is written, and told by its id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import asyncpg

from ...database import is_gone
from ...errors import RowRefused
from ..connection import NO_LIMIT
from . import statements
from .batches import Bounds, batches
from .columns import literal
from .rows import OldPosts

ROW_ERRORS: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.RaiseError,
)
"""What a single row may be the reason of."""

_NOTHING_DONE: Final = "Nothing was changed."
_KEPT: Final = "What was brought over before it is kept."

Flaws = dict[str, tuple[str, str]]
Work = Callable[..., Awaitable[Any]]


async def check_rows(connection: asyncpg.Connection, old: OldPosts) -> None:
    """Raise `RowRefused` for a row without an id of its own, or with a time that is none."""
    key, table = old.table.key, old.table
    if not table.unique:
        query = f"SELECT {key.sql}::text FROM {table.sql} AS raw GROUP BY {key.sql} "
        twice = await connection.fetch(
            f"{query} HAVING count(*) > 1 OR {key.sql} IS NULL LIMIT 1", timeout=NO_LIMIT
        )
        if twice:
            reason = "is missing" if twice[0][0] is None else "is there more than once"
            raise _refused(old, twice[0][0], key.name, reason, _NOTHING_DONE)
    if flaws := _flaws(old):
        async for batch in batches(connection, old):
            await _check_batch(connection, old, batch, flaws)


async def _check_batch(
    connection: asyncpg.Connection, old: OldPosts, batch: Bounds, flaws: Flaws
) -> None:
    async def scan(*args: object, flaws: Flaws = flaws) -> asyncpg.Record | None:
        return await connection.fetchrow(_scan(old, flaws), *args, timeout=NO_LIMIT)

    try:
        found = await scan(*batch, None)
    except ROW_ERRORS:
        row = await _culprit(connection, old, batch, scan)
        for name, flaw in flaws.items():
            try:
                await scan(*batch, row and [row], flaws={name: flaw})
            except ROW_ERRORS as error:
                reason = f"{flaw[1]} ({error})"
                raise _refused(old, row, name, reason, _NOTHING_DONE) from error
        raise
    if found:
        reason = flaws[found["field"]][1]
        raise _refused(old, found["key"], found["field"], reason, _NOTHING_DONE)


async def naming_the_row(
    connection: asyncpg.Connection, old: OldPosts, batch: Bounds, work: Work
) -> None:
    """Do the work for a batch. Raises `RowRefused` where it fails because of a row."""
    try:
        await work(*batch, None)
    except ROW_ERRORS as error:

        async def rehearsed(*args: object) -> None:
            await connection.execute("BEGIN")
            try:
                await work(*args)
            finally:
                if not is_gone(connection):
                    await connection.execute("ROLLBACK")

        row = await _culprit(connection, old, batch, rehearsed)
        if row is None:  # somebody else was in the way, and is not any more
            await work(*batch, None)
            return
        column = getattr(error, "column_name", None) or getattr(error, "constraint_name", None)
        raise _refused(old, row, column, f"is refused: {error}", _KEPT) from error


def _flaws(old: OldPosts) -> Flaws:
    """Return, by column, the condition under which a value cannot be stored, and how to say so."""
    key = old.table.key
    flaws = {}
    if old.table.keeps_ids:
        flaws[key.name] = (f"{key.sql} <= 0", "is not a positive number")
    for name, moment in old.columns.times.items():
        bounds = f"{moment} NOT BETWEEN '0001-01-02 00:00Z' AND '9999-12-30 00:00Z'"
        flaws[name] = (bounds, "is no time between the years 1 and 9999")
    for name, document in old.columns.documents.items():
        # Only to have it read: json takes what jsonb does not.
        flaws[name] = (f"jsonb_typeof({document}) = ''", "cannot be stored as jsonb")
    return flaws


def _scan(old: OldPosts, flaws: Flaws) -> str:
    cases = " ".join(
        f"WHEN {condition} THEN {literal(name)}" for name, (condition, _) in flaws.items()
    )
    key = old.table.key.sql
    return (
        f"SELECT key, field FROM (SELECT {key} AS raw_key, {key}::text AS key, "
        f"CASE {cases} END AS field FROM {old.table.sql} AS raw) AS old "
        f"WHERE field IS NOT NULL AND {old.batch} LIMIT 1"
    )


async def _culprit(
    connection: asyncpg.Connection, old: OldPosts, batch: Bounds, work: Work
) -> str | None:
    """Return the key of a row for which the work fails alone; None where it does not any more."""

    async def fails(keys: Sequence[str]) -> bool:
        try:
            await work(*batch, keys)
        except ROW_ERRORS:
            return True
        return False

    rows = await connection.fetch(old.fill(statements.KEYS), *batch, None, timeout=NO_LIMIT)
    keys: list[str] = [row[0] for row in rows]
    if not await fails(keys):
        return None
    while len(keys) > 1:
        half = keys[: len(keys) // 2]
        keys = half if await fails(half) else keys[len(half) :]
    return keys[0]


def _refused(
    old: OldPosts, row: str | None, column: str | None, reason: str, rest: str
) -> RowRefused:
    return RowRefused(str(old.table), row, column, reason, rest)
