"""Calls of the driver that speak our errors, and cut a connection whose state is broken."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Final

import asyncpg

from ..errors import BlogError, DatabaseError, OutcomeUnknown, Unavailable
from .sqlstates import translate

_SQLSTATE: Final = re.compile("[0-9A-Z]{5}")

_MIXED_UP: Final = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
"""What the server says where a pooler has brought a call to a server without its statement."""


@contextlib.contextmanager
def speaking_our_errors(connection: asyncpg.Connection, *, write: bool = False) -> Iterator[None]:
    """Raise a `BlogError` for whatever a call of the driver raises.

    The connection is cut off where the driver made no sense of what it read: it may take the rest
    of that answer for the next one. `write` is as for `translate`.
    """
    try:
        yield
    except Exception as error:
        raise told_of(connection, error, write=write) from error


def told_of(connection: asyncpg.Connection, error: Exception, *, write: bool = False) -> BlogError:
    """Return what `speaking_our_errors` raises, which is a little faster to write out."""
    if not (_is_sound(error) or isinstance(error, (TimeoutError, OverflowError))):
        cut_off(connection)
    return what_it_means(error, write=write)


def _is_sound(error: Exception) -> bool:
    """Whether it is a refusal of the server, or of the driver before anything was sent."""
    if isinstance(error, _MIXED_UP):
        return False
    if isinstance(error, asyncpg.PostgresError):
        # Without a code it is no answer of PostgreSQL, but something else that looked like one.
        return _SQLSTATE.fullmatch(error.sqlstate or "") is not None
    return isinstance(error, asyncpg.InterfaceError)


def what_it_means(error: Exception, *, write: bool) -> BlogError:
    """Return the error of ours for whatever a call of the driver raised."""
    if isinstance(error, OverflowError):
        # The statement was run: only its answer cannot be read.
        kind = OutcomeUnknown if write else DatabaseError
        return kind(
            f"A row holds a time that Python has no date for ({error}). Look for years before "
            "1 or after 9999 in the table."
        )
    # With an InternalClientError the driver also says that the server hung up between statements.
    if _is_sound(error) or isinstance(error, (OSError, asyncpg.InternalClientError, *_MIXED_UP)):
        return translate(error, write=write)
    if write:
        return OutcomeUnknown()
    return Unavailable(
        f"The answer of PostgreSQL made no sense ({type(error).__name__}: {error}), and the "
        "connection was cut. Try again; if it happens again, use TLS, which notices such answers."
    )


def cut_off(connection: asyncpg.Connection) -> None:
    """Close the connection at once; the server undoes what is not committed."""
    # The pool takes back by itself what the server has closed.
    with contextlib.suppress(asyncpg.InterfaceError):
        connection.terminate()


def is_gone(connection: asyncpg.Connection) -> bool:
    """Whether a connection is closed, or back in its pool, which takes back what was closed."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True
