"""Connections and pools: one host after another, every wait bounded."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import asyncpg

from ..errors import ConfigurationError, Unavailable
from .dialing import Dialer, Host, NotPostgreSQL, addresses_of
from .hosts import Hosts, NoneAnswered
from .poolers import Connection, open_through_any
from .refusals import described, unreachable
from .url import DatabaseURL, Target, target_of
from .waiting import pauses

SETTINGS: Final = {"application_name": "blogsvc"}
"""What each session of ours sets. PgBouncer accepts this parameter, and few others."""

PREPARED: Final = 1000
"""Statements that each connection of a pool keeps prepared: enough for some hundred blogs, each of
which has statements of its own. One takes the server about 26 kB.
"""

CONNECT_TIMEOUT: Final = 3.0
"""Seconds that each host has to take a connection, where nobody says otherwise."""

CLEANUP_TIMEOUT: Final = 2.0
"""Seconds that a rollback, a cancellation or closing may take before the connection is cut."""


async def connect(
    url: str,
    *,
    timeout: float,
    settings: Mapping[str, str] | None = None,
    memory: Hosts | None = None,
    **options: Any,
) -> Connection:
    """Open one connection, giving each host of the URL `timeout` seconds of its own.

    The hosts are tried side by side, each with a head start over the next; `memory` says which one
    answered before.

    `settings` are the session's; what the URL says of them counts more. Raises `Unavailable` where
    a later attempt may succeed, else `ConfigurationError`, in one line that names what was tried.
    """
    url = DatabaseURL(url)
    target = target_of(url)
    wanted, timeout = target.session_attrs, target.timeout or timeout
    given = {**SETTINGS, **(settings or {}), **target.settings}
    if "client_encoding" in given:
        given["client_encoding"] = "UTF8"  # any other cannot bring every text to the server
    options = {"connection_class": Connection, **options, "server_settings": given}
    memory = memory or Hosts()

    async def attempt(host: Host) -> Connection | list[Host]:
        # One host at a time: asyncpg would keep one time limit for all of them together.
        try:
            if not host.is_looked_up:
                return await addresses_of(host, timeout)
            return await open_through_any(
                functools.partial(
                    connect_to,
                    target,
                    host,
                    timeout=timeout,
                    **{**options, "target_session_attrs": "any" if prefers else wanted},
                ),
                timeout=timeout,
            )
        except BaseException as error:  # a garbled answer can raise any of these
            drop_frames(error)
            raise

    prefers = wanted == "prefer-standby"
    try:
        connection = await memory.first(
            target.places,
            attempt,
            spread=prefers or target.spread,
            is_best=_is_standby if prefers else None,
            describe=functools.partial(described, wanted=wanted, timeout=timeout),
        )
    except NoneAnswered as none:
        raise unreachable(none.failures, wanted, timeout) from [*none.failures.values()][-1]
    try:
        check_encoding(connection)
    except ConfigurationError:
        connection.terminate()
        raise
    return connection


async def connect_to(target: Target, host: Host, **options: Any) -> asyncpg.Connection:
    """Open a connection to one host of a URL, as `asyncpg.connect` does.

    Raises `NotPostgreSQL`, too.
    """
    if not host.is_socket:
        options["loop"] = Dialer(host, target.keepalives)
    try:
        return await asyncpg.connect(
            target.url, host=host.name, port=host.port, ssl=target.tls, **options
        )
    except asyncpg.ConnectionDoesNotExistError as error:
        if isinstance(error.__cause__, NotPostgreSQL):
            raise error.__cause__ from None
        raise


async def create_pool(
    url: str,
    *,
    connect_timeout: float,
    settings: Mapping[str, str] | None = None,
    again: Callable[[], Awaitable[str | None]] | None = None,
    **options: Any,
) -> asyncpg.Pool:
    """Open a pool whose connections are made by `connect`; the first ones are made at once.

    Where no connection can be had, `again` may start a server of our own once more: it returns the
    URL, which may be another one, or None where the server is somebody else's.
    """
    url = DatabaseURL(url)
    moved: str | None = None
    memory = Hosts()

    async def connect_one(dsn: str, **given: Any) -> asyncpg.Connection:
        nonlocal moved
        waits = pauses(0.02, 0.5)
        deadline = 0.0
        while True:
            try:
                return await connect(
                    moved or dsn,
                    timeout=connect_timeout,
                    settings=settings,
                    memory=memory,
                    **given,
                )
            except Unavailable as error:
                started = await again() if again is not None else None
                if started is None:
                    raise
                moved = DatabaseURL(started)
                # It runs. It may still refuse us for a moment: while it recovers or shuts down.
                now = asyncio.get_running_loop().time()
                deadline = deadline or now + connect_timeout
                if now > deadline:
                    raise Unavailable(
                        f"The embedded PostgreSQL takes no connection ({error.__cause__}). Look "
                        "at postgres.log in its data directory, BLOGSVC_DATA_DIR."
                    ) from error
            await asyncio.sleep(next(waits))

    # No floor of asyncpg's: it connects in the callers' way, and logs a traceback for each attempt.
    floor = {"init_size": options.pop("min_size"), "min_size": 0}
    options = {
        "connection_class": Connection,
        "statement_cache_size": PREPARED,
        **options,
        **floor,
    }
    try:
        return await asyncpg.create_pool(url, connect=connect_one, **options)
    except asyncpg.ConnectionDoesNotExistError as error:
        # The pool's own word for a connection that broke between the greeting and the first use.
        drop_frames(error)
        raise Unavailable("PostgreSQL closed a new connection at once. Try again.") from error


async def close_pool(pool: asyncpg.Pool, *, same_loop: bool = True) -> None:
    """Close a pool's connections; those that are still at work after a moment are cut off."""
    if not same_loop:
        # Its loop may be gone: nothing can be awaited there any more.
        with contextlib.suppress(RuntimeError):
            pool.terminate()
        return
    try:
        async with asyncio.timeout(CLEANUP_TIMEOUT):
            await pool.close()
    except TimeoutError:
        pool.terminate()


def drop_frames(error: BaseException) -> None:
    """Take from an error what led to it in the driver.

    The locals of the driver's frames hold the password, and error trackers keep what they find.
    """
    error.__cause__ = error.__context__ = error.__traceback__ = None


def _is_standby(connection: Connection) -> bool:
    # The server has told while connecting, as it did its encoding.
    return getattr(connection.get_settings(), "in_hot_standby", "off") == "on"


def check_encoding(connection: asyncpg.Connection) -> None:
    """Raise `ConfigurationError` where not every text can be sent, or stored."""
    # The server has told while connecting, so this costs no round trip.
    settings = connection.get_settings()
    encoding = getattr(settings, "client_encoding", "UTF8")
    # Of the host's connections: ours are told what to be. PgBouncer repeats the client's spelling.
    if encoding.strip("'").upper().replace("-", "") not in ("UTF8", "UNICODE"):
        raise ConfigurationError(
            f"The client_encoding of the connection is {encoding}, which cannot bring every text "
            "to the server. Take it out of the settings of the connection, or of the role."
        )
    encoding = getattr(settings, "server_encoding", "UTF8")
    if encoding != "UTF8":
        raise ConfigurationError(
            f"The encoding of this database is {encoding}, which cannot hold every text. Create "
            "one with `createdb --encoding=UTF8 --template=template0 NAME` and name it in the URL."
        )
