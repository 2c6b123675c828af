"""Transactions and savepoints on one connection, ended for certain, however their block ends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Final, Literal

import asyncpg

from ..errors import (
    BlogError,
    ConfigurationError,
    OutcomeUnknown,
    TransactionAborted,
    Unavailable,
)
from .arguments import shown
from .connections import CLEANUP_TIMEOUT
from .speaking import cut_off, is_gone, speaking_our_errors

Isolation = Literal["read committed", "repeatable read", "serializable"]

_ISOLATIONS: Final = ("read committed", "repeatable read", "serializable")

_numbers = itertools.count(1)


def begin_statement(isolation: Isolation | None, readonly: bool) -> str:
    """Return the statement that begins a transaction. Raises `ConfigurationError`."""
    if isolation is not None and isolation not in _ISOLATIONS:
        raise ConfigurationError(
            f"There is no isolation level {shown(isolation)}. Use one of {', '.join(_ISOLATIONS)}."
        )
    level = f" ISOLATION LEVEL {isolation.upper()}" if isolation else ""
    return f"BEGIN{level}{' READ ONLY' if readonly else ''}"


@contextlib.asynccontextmanager
async def transaction(
    connection: asyncpg.Connection, begin: str, timeout: float | None
) -> AsyncIterator[None]:
    """Commit what the block does, or undo it where it raises; `timeout` is for each statement.

    Raises `OutcomeUnknown` where the answer to the commit was lost.
    """
    await _begin(connection, begin, timeout)
    try:
        yield
    except BaseException:
        await _roll_back(connection, "ROLLBACK")
        raise
    await _commit(connection, timeout)


@contextlib.asynccontextmanager
async def savepoint(connection: asyncpg.Connection, timeout: float | None) -> AsyncIterator[None]:
    """Undo what the block does where it raises, and nothing of what is around it."""
    name = f"blogsvc_{next(_numbers)}"
    with speaking_our_errors(connection):
        await connection.execute(f"SAVEPOINT {name}", timeout=timeout)
    try:
        yield
    except BaseException:
        await _roll_back(connection, f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}")
        raise
    try:
        with speaking_our_errors(connection):
            await connection.execute(f"RELEASE SAVEPOINT {name}", timeout=timeout)
    except BlogError:
        # An error inside was swallowed: undo the block, so that what is around it can go on.
        await _roll_back(connection, f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}")
        raise


def is_in_transaction(connection: asyncpg.Connection) -> bool:
    """Whether a connection is in a transaction; one that is back in its pool is not."""
    try:
        return bool(connection.is_in_transaction())
    except asyncpg.InterfaceError:
        return False


async def _begin(connection: asyncpg.Connection, statement: str, timeout: float | None) -> None:
    try:
        with speaking_our_errors(connection):
            await connection.execute(statement, timeout=timeout)
    except BaseException:
        # It may have begun all the same.
        cut_off(connection)
        raise


async def _commit(connection: asyncpg.Connection, timeout: float | None) -> None:
    if is_gone(connection):
        raise Unavailable("The connection was lost, and the transaction with it. Run it again.")
    try:
        with speaking_our_errors(connection, write=True):
            status = await connection.execute("COMMIT", timeout=timeout)
    except BaseException as error:
        if not isinstance(error.__cause__, asyncpg.PostgresError):
            cut_off(connection)  # it may be on its way still
        raise
    if status == "ROLLBACK":
        raise TransactionAborted(sqlstate="25P02")
    if status != "COMMIT":
        cut_off(connection)
        raise OutcomeUnknown


async def _roll_back(connection: asyncpg.Connection, statement: str) -> None:
    """Undo; where that fails, cut the connection off, and the server undoes it all."""
    try:
        async with asyncio.timeout(CLEANUP_TIMEOUT):
            await connection.execute(statement)
    except Exception:  # noqa: BLE001 - the driver's; what the block raised is told
        cut_off(connection)
    except BaseException:
        cut_off(connection)
        raise
