"""Positions in the write-ahead log: a read on a standby sees what was written on the primary."""

from __future__ import annotations

import asyncio
import re
from contextvars import ContextVar
from typing import Final, NamedTuple

import asyncpg

from ..errors import InvalidQuery
from .arguments import shown
from .waiting import pauses

# On the primary the position up to which anybody has written, not the one that is on disk: with
# `synchronous_commit = off` a COMMIT is answered before it is there.
HERE: Final = """
    SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
        ELSE pg_catalog.pg_current_wal_insert_lsn() END::text"""

_REACHED: Final = """
    SELECT CASE WHEN pg_catalog.pg_is_in_recovery()
        THEN pg_catalog.pg_last_wal_replay_lsn() >= $1::text::pg_catalog.pg_lsn
            OR pg_catalog.pg_last_wal_replay_lsn() = $2::text::pg_catalog.pg_lsn
        ELSE true END"""

_TOKEN: Final = re.compile("([0-9A-F]{1,8})/([0-9A-F]{1,8})")

_PAGE: Final = 8192
_HEADERS: Final = (24, 40)
"""Bytes of the header of a page of the log: where it begins, the next record will stand behind."""


class Position(NamedTuple):
    """A place in the log, in bytes from its beginning."""

    number: int

    @classmethod
    def of(cls, token: object) -> Position:
        """Return the position that a token names. Raises `InvalidQuery` for anything else."""
        found = isinstance(token, str) and _TOKEN.fullmatch(token)
        if not found:
            raise InvalidQuery("token", f"is {shown(token)}, which no write_token() has returned")
        return cls(int(found[1], 16) << 32 | int(found[2], 16))

    @property
    def bounds(self) -> tuple[str, str]:
        """Return what a standby has replayed when it has all before this, in either of two ways.

        A position behind a page's header is one at which nothing stands yet: who has replayed all
        that is before it, has come to the beginning of that page.
        """
        inside = self.number % _PAGE
        start = self.number - inside if inside in _HEADERS else self.number
        return _text(self.number), _text(start)


_WANTED: ContextVar[dict[object, Position]] = ContextVar("blogsvc_positions")
"""What the reads of this task and of those that it starts have to see."""


def wanted(database: object) -> Position | None:
    """Return the position that the current task's reads on this database must have passed."""
    found = _WANTED.get(None)
    return found.get(database) if found else None


def want(database: object, position: Position) -> None:
    """Have the reads of this task, and of tasks that it starts from now on, see this position."""
    before = _WANTED.get({})
    _WANTED.set({**before, database: max(position, before.get(database, position))})


async def reach(connection: asyncpg.Connection, position: Position) -> None:
    """Wait, without a limit of its own, until the server behind a connection has passed this."""
    if getattr(connection, "seen", 0) >= position.number:
        return
    for pause in pauses(0.002, 0.1):
        if await connection.fetchval(_REACHED, *position.bounds):
            break
        await asyncio.sleep(pause)
    if hasattr(connection, "note"):  # one of a host's pool is asked each time
        connection.note(position.number)


def _text(number: int) -> str:
    return f"{number >> 32:X}/{number & 0xFFFFFFFF:X}"
