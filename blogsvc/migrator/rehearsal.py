"""A rehearsal of an upgrade: everything that can be rolled back is run, and rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from ..database import is_gone
from ..errors import MigrationError
from . import files, running
from .connection import NO_LIMIT
from .files import MigrationFile


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A version of a rehearsal; `skipped` says why it could not be tried, None that it works."""

    version: str
    skipped: str | None

    @property
    def label(self) -> str:
        """The name as it is shown and typed: the file's, without `.py`."""
        return files.label(self.version)


async def rehearse(
    connection: asyncpg.Connection, planned: Sequence[MigrationFile]
) -> list[Rehearsed]:
    """Run the files in one transaction and roll it back.

    Raises `MigrationError` when one fails. After one that could not be tried, a failure may be for
    want of that one, and is reported as something that could not be tried either.
    """
    found: list[Rehearsed] = []
    await connection.execute("BEGIN")
    try:
        await connection.execute(running.KEEP_OFF_AUTOVACUUM, timeout=NO_LIMIT)
        for file in planned:
            found.append(Rehearsed(file.version, await _tried(connection, file, found)))
    finally:
        if not is_gone(connection):
            await connection.execute("ROLLBACK")
    return found


async def _tried(
    connection: asyncpg.Connection, file: MigrationFile, before: Sequence[Rehearsed]
) -> str | None:
    if not file.in_transaction:
        return "it runs outside of a transaction"
    await connection.execute("SAVEPOINT rehearsed")
    try:
        await running.run_each(connection, file.up)
    except asyncpg.PostgresError as error:
        await connection.execute("ROLLBACK TO SAVEPOINT rehearsed")
        if any(step.skipped for step in before):
            return f"it may need what was not rehearsed ({error})"
        raise MigrationError(
            f"{file.label} would fail: {error}\nThe rehearsal was rolled back: nothing was changed."
        ) from error
    await connection.execute("RELEASE SAVEPOINT rehearsed")
    return None
