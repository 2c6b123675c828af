"""Connecting: any libpq URL as it is, one host after another, every wait bounded."""

from __future__ import annotations

import asyncio
import configparser
import contextlib
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from asyncpg import connect_utils

from ..errors import BlogError, ConfigurationError, Unavailable

SETTINGS: Final = {"application_name": "blogsvc"}
"""What each session of ours sets. PgBouncer accepts this parameter, and few others."""

CONNECT_TIMEOUT: Final = 3.0
"""Seconds that each host has to take a connection, where nobody says otherwise."""

CLEANUP_TIMEOUT: Final = 2.0
"""Seconds that a rollback, a cancellation or closing may take before the connection is cut."""

_PARSED: Final = (
    "host",
    "port",
    "user",
    "password",
    "passfile",
    "database",
    "command_timeout",
    "ssl",
    "direct_tls",
    "server_settings",
    "target_session_attrs",
    "krbsrvname",
    "gsslib",
    "service",
    "servicefile",
)
_NO_ARGUMENTS: Final[dict[str, Any]] = {
    **dict.fromkeys(_PARSED),
    "statement_cache_size": 100,
    "max_cached_statement_lifetime": 300,
    "max_cacheable_statement_size": 15360,
}

_BAD_URL: Final = (
    ValueError,
    KeyError,  # an account that the system does not know
    OSError,
    configparser.Error,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

_NO_CONNECTION: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # such as a server that is not what target_session_attrs asks for
)

_REFUSALS: Final = {
    "28": "refused the user or the password. Check them in the URL, and pg_hba.conf on the server",
    "3D": "has no such database. Create it with `createdb`, or name another one in the URL",
    "53": "has no connection to spare. Raise max_connections, or lower max_size of the pools",
    "57P": "is starting or shutting down. Try again in a moment",
    "08P01": "refused the connection's settings. Behind PgBouncer, take options out of the URL",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What asyncpg reads out of a URL, the environment and the service file."""

    hosts: tuple[tuple[str, int], ...]
    session_attrs: str
    settings: dict[str, str]


def target_of(url: str) -> Target:
    """Return the hosts that asyncpg would try for a URL, in its order, and what it looks for there.

    Raises `ConfigurationError` when it can make nothing of the URL. The message holds no part of
    the URL: there may be a password in it.
    """
    reason = None
    try:
        parts = urlsplit(url)
        # Where an @ stands elsewhere, a part of the password would be taken for a host.
        if parts.netloc.count("@") > 1 or "@" in parts.path or parts.fragment:
            reason = "there is an unencoded @, /, ? or # in the user or the password"
        else:
            addresses, parameters, _ = connect_utils._parse_connect_arguments(
                dsn=url, **_NO_ARGUMENTS
            )
    except _BAD_URL as error:
        # The driver quotes parts of the URL between quotation marks, and objects of its own.
        reason = re.sub("""['"].*['"]|<.*>""", "...", str(error), flags=re.DOTALL)
    if reason is not None:
        # Out here, so that the driver's error is not this one's context.
        raise ConfigurationError(
            f"The database URL cannot be used ({reason}). It has the form "
            "postgresql://user:password@host:port/database; percent-encode what is special."
        )
    return Target(
        hosts=tuple(_host_and_port(address) for address in addresses),
        session_attrs=parameters.target_session_attrs.value,
        settings=dict(parameters.server_settings or {}),
    )


async def connect(
    url: str, *, timeout: float, settings: Mapping[str, str] | None = None, **options: Any
) -> asyncpg.Connection:
    """Open one connection, giving each host of the URL `timeout` seconds of its own.

    `settings` are the session's; what the URL says of them counts more. Raises `Unavailable` or
    `ConfigurationError` in one line that names what was tried.
    """
    target = target_of(url)
    wanted = target.session_attrs
    options |= {"server_settings": {**SETTINGS, **(settings or {}), **target.settings}}
    # asyncpg would keep one time limit for all hosts, so that a hanging one hides the next.
    passes = ["standby", "any"] if wanted == "prefer-standby" else [wanted]
    failures: dict[tuple[str, int], BaseException] = {}
    for attrs in passes:
        for host, port in target.hosts:
            try:
                return await asyncpg.connect(
                    url,
                    host=host,
                    port=port,
                    timeout=timeout,
                    **{**options, "target_session_attrs": attrs},
                )
            except _NO_CONNECTION as error:
                failures[host, port] = error
    raise _unreachable(failures, wanted, timeout) from list(failures.values())[-1]


async def create_pool(
    url: str,
    *,
    connect_timeout: float,
    settings: Mapping[str, str] | None = None,
    **options: Any,
) -> asyncpg.Pool:
    """Open a pool whose connections are made by `connect`; the first ones are made at once."""

    async def connect_one(dsn: str, **given: Any) -> asyncpg.Connection:
        return await connect(dsn, timeout=connect_timeout, settings=settings, **given)

    return await asyncpg.create_pool(url, connect=connect_one, **options)


async def leave_as_is(connection: asyncpg.Connection) -> None:
    """As `reset` of a pool: spare a round trip at each release. No statement of ours changes the
    session.
    """


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


class DatabaseURL(str):
    """A URL that does not show its password where a log prints it as part of something."""

    def __repr__(self) -> str:
        return "<database URL>"


def quoted(name: str) -> str:
    """Return an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _host_and_port(address: str | tuple[str, int]) -> tuple[str, int]:
    if isinstance(address, tuple):
        return address
    directory, _, name = address.rpartition("/")
    return directory, int(name.rpartition(".")[2])


def _unreachable(
    failures: dict[tuple[str, int], BaseException], wanted: str, timeout: float
) -> BlogError:
    told = "; ".join(
        f"{_place(host, port)} {_reason(error, wanted, timeout)}"
        for (host, port), error in failures.items()
    )
    if all(getattr(error, "sqlstate", None) for error in failures.values()):
        refused = {str(getattr(error, "sqlstate", ""))[:2] for error in failures.values()}
        if refused <= {"28", "3D", "08"}:
            return ConfigurationError(f"PostgreSQL refused the connection: {told}.")
    return Unavailable(
        f"PostgreSQL cannot be reached: {told}. Check that the server runs there, and host and "
        "port in DATABASE_URL."
    )


def _place(host: str, port: int) -> str:
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else f"{host}:{port}"


def _reason(error: BaseException, wanted: str, timeout: float) -> str:
    code = str(getattr(error, "sqlstate", None) or "")
    for length in (5, 3, 2):
        if code and code[:length] in _REFUSALS:
            return f"{_REFUSALS[code[:length]]} ({error})"
    match error:
        case asyncpg.TargetServerAttributeNotMatched():
            return f"is not {wanted}"
        case TimeoutError():
            return f"did not answer within {timeout:g} s"
        case ConnectionRefusedError():
            return "refused the connection: nothing listens there"
        case FileNotFoundError():
            return "does not exist: nothing listens there"
        case socket.gaierror():
            return "is not a name that can be resolved"
    return f"failed ({error or type(error).__name__})"
