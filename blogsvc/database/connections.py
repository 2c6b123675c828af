"""Connecting: any libpq URL as it is, one host after another, every wait bounded."""

from __future__ import annotations

import asyncio
import configparser
import contextlib
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from asyncpg import connect_utils

from ..errors import BlogError, ConfigurationError, Unavailable
from .waiting import pauses

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

_FORM: Final = (
    "It has the form postgresql://user:password@host:port/database; percent-encode what is special."
)

_TLS: Final = "Check sslmode, sslrootcert, sslcert and sslkey in it, and PGSSL... variables."

_SETTINGS_REFUSED: Final = "refused a setting of the session. Correct it, or take it out of the URL"

# What a server's answer means, by its SQLSTATE or the beginning of it; the longest match counts.
_REFUSALS: Final = {
    "22023": _SETTINGS_REFUSED,
    "28": "refused the user or the password. Check them in the URL, and pg_hba.conf on the server",
    "3D": "has no such database. Create it with `createdb`, or name another one in the URL",
    "42501": "gives this user no right to connect. GRANT CONNECT ON DATABASE, or use another role",
    "42704": _SETTINGS_REFUSED,
    "53": "has no connection to spare. Raise max_connections, or lower max_size of the pools",
    "55P02": _SETTINGS_REFUSED,
    "57P": "is starting or shutting down. Try again in a moment",
}

_LATER: Final = ("08", "40", "53", "55006", "55P03", "57", "58", "XX")
"""SQLSTATEs of a server that may take the same connection later; all others stay as they are."""


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
    url = DatabaseURL(url)
    found = _read(url)
    if isinstance(found, Target):
        return found
    # Out here, so that neither the driver's error nor what it made of the URL is at hand.
    reason, advice = found
    raise ConfigurationError(f"The database URL cannot be used ({reason}). {advice}")


async def connect(
    url: str, *, timeout: float, settings: Mapping[str, str] | None = None, **options: Any
) -> asyncpg.Connection:
    """Open one connection, giving each host of the URL `timeout` seconds of its own.

    `settings` are the session's; what the URL says of them counts more. Raises `Unavailable` where
    a later attempt may succeed, else `ConfigurationError`, in one line that names what was tried.
    """
    url = DatabaseURL(url)
    target = target_of(url)
    wanted = target.session_attrs
    given = {**SETTINGS, **(settings or {}), **target.settings}
    if "client_encoding" in given:
        given["client_encoding"] = "UTF8"  # any other cannot bring every text to the server
    options |= {"server_settings": given}
    # asyncpg would keep one time limit for all hosts, so that a hanging one hides the next.
    passes = ["standby", "any"] if wanted == "prefer-standby" else [wanted]
    failures: dict[tuple[str, int], BaseException] = {}
    for attrs in passes:
        for host, port in target.hosts:
            try:
                connection = await asyncpg.connect(
                    url,
                    host=host,
                    port=port,
                    timeout=timeout,
                    **{**options, "target_session_attrs": attrs},
                )
            except BaseException as error:
                _drop_frames(error)
                if not isinstance(error, Exception):  # a garbled answer can raise any of these
                    raise
                failures[host, port] = error
            else:
                _check_encoding(connection)
                return connection
    raise _unreachable(failures, wanted, timeout) from list(failures.values())[-1]


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

    async def connect_one(dsn: str, **given: Any) -> asyncpg.Connection:
        nonlocal moved
        waits = pauses(0.02, 0.5)
        deadline = 0.0
        while True:
            try:
                return await connect(
                    moved or dsn, timeout=connect_timeout, settings=settings, **given
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


def _flaw(error: BaseException) -> tuple[str, str]:
    """Return what is wrong with a URL, without any part of it, and what to do."""
    if isinstance(error, OSError):
        # A hint of the driver's would be about one way out of several.
        what = "certificate or key" if isinstance(error, ssl.SSLError) else "file"
        return f"a {what} that it names: {error.strerror or error}", _TLS
    # The first line: what follows are hints, which say the opposite when parts of them are missing.
    line = str(error.args[0] if error.args else error).partition("\n")[0]
    # The driver quotes parts of the URL between quotation marks, and objects of its own.
    reason = re.sub("""['"].*['"]|<.*>""", "...", line)
    return reason, _TLS if "certificate" in reason else _FORM


def _read(url: str) -> Target | tuple[str, str]:
    """Return what asyncpg makes of a URL, or why it can make nothing of it, and what to do."""
    try:
        parts = urlsplit(url)
        # Where an @ stands elsewhere, a part of the password would be taken for a host.
        if parts.netloc.count("@") > 1 or "@" in parts.path or parts.fragment:
            return "there is an unencoded @, /, ? or # in the user or the password", _FORM
        addresses, parameters, _ = connect_utils._parse_connect_arguments(dsn=url, **_NO_ARGUMENTS)
    except _BAD_URL as error:
        return _flaw(error)
    return Target(
        hosts=tuple(_host_and_port(address) for address in addresses),
        session_attrs=parameters.target_session_attrs.value,
        settings=dict(parameters.server_settings or {}),
    )


def _drop_frames(error: BaseException) -> None:
    """Take from an error what led to it in the driver.

    The locals of the driver's frames hold the password, and error trackers keep what they find.
    """
    error.__cause__ = error.__context__ = error.__traceback__ = None


def _host_and_port(address: str | tuple[str, int]) -> tuple[str, int]:
    if isinstance(address, tuple):
        return address
    directory, _, name = address.rpartition("/")
    return directory, int(name.rpartition(".")[2])


def _check_encoding(connection: asyncpg.Connection) -> None:
    # The server has told while connecting, so this costs no round trip.
    encoding = getattr(connection.get_settings(), "server_encoding", "UTF8")
    if encoding != "UTF8":
        connection.terminate()
        raise ConfigurationError(
            f"The encoding of this database is {encoding}, which cannot hold every text. Create "
            "one with `createdb --encoding=UTF8 --template=template0 NAME` and name it in the URL."
        )


def _unreachable(
    failures: dict[tuple[str, int], BaseException], wanted: str, timeout: float
) -> BlogError:
    told = "; ".join(
        f"{_place(host, port)} {_reason(error, wanted, timeout)}"
        for (host, port), error in failures.items()
    )
    if not any(_may_work_later(error) for error in failures.values()):
        return ConfigurationError(f"PostgreSQL cannot be used: {told}.")
    if all(_said_by_server(error) for error in failures.values()):
        return Unavailable(f"PostgreSQL takes no connection now: {told}.")
    return Unavailable(
        f"PostgreSQL cannot be reached: {told}. Check that the server runs there, and host and "
        "port in the database URL."
    )


def _place(host: str, port: int) -> str:
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else f"{host}:{port}"


def _said_by_server(error: BaseException) -> bool:
    # The driver raises these classes by itself, too, for a connection that is gone.
    return isinstance(error, asyncpg.PostgresError) and error.severity is not None


def _may_work_later(error: BaseException) -> bool:
    """Whether the same URL may work another time, when nobody has changed it or the server."""
    if _said_by_server(error):
        code = str(getattr(error, "sqlstate", None) or "")
        return code.startswith(_LATER) and not _refuses_a_setting(error)
    match error:
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return True
        case ssl.SSLError() | PermissionError() | NotADirectoryError():
            return False
        case OSError():
            # Not by its errno: asyncio has none for a name with several addresses.
            return not _refuses_tls(error) and "path too long" not in str(error)
        case asyncpg.InterfaceError():
            return "closed" in str(error)
        case asyncpg.InternalClientError():
            return "authentication" not in str(error)
    # A garbled answer cannot be decoded; a name that no host can have cannot be encoded.
    return isinstance(error, UnicodeDecodeError) or not isinstance(error, ValueError)


def _refuses_a_setting(error: BaseException) -> bool:
    # PgBouncer says 08P01 for whatever it does not like; only this will not be better later.
    return "startup parameter" in str(error)


def _refuses_tls(error: BaseException) -> bool:
    return type(error) is ConnectionError  # the driver's own, for an answer that is not "yes"


def _reason(error: BaseException, wanted: str, timeout: float) -> str:
    said = str(error) or type(error).__name__
    if _said_by_server(error):
        if _refuses_a_setting(error):
            return f"{_SETTINGS_REFUSED} ({said})"
        code = str(getattr(error, "sqlstate", None) or "")
        for length in (5, 3, 2):
            if code[:length] in _REFUSALS:
                return f"{_REFUSALS[code[:length]]} ({said})"
        later = ". Try again later" if _may_work_later(error) else ""
        return f"refused the connection{later} ({said})"
    match error:
        case asyncpg.TargetServerAttributeNotMatched():
            return f"is not {wanted}"
        case TimeoutError():
            return f"did not answer within {timeout:g} s"
        case ConnectionRefusedError():
            return "refused the connection: nothing listens there"
        case OSError() if "path too long" in said:
            return "is too long for the path of a socket. Move the socket, and name it in the URL"
        case FileNotFoundError():
            return "does not exist: nothing listens there"
        case PermissionError():
            return "may not be opened by this account. Give it the right to, or use another address"
        case socket.gaierror():
            return "is not a name that can be resolved"
        case UnicodeDecodeError():
            return "sent an answer that makes no sense"
        case UnicodeError():
            return "is no name that a host can have. Correct it in the URL"
        case ssl.SSLCertVerificationError():
            return f"has a certificate that cannot be trusted ({error.verify_message or said})"
        case _ if _refuses_tls(error):
            return "takes no TLS, or is no PostgreSQL. Check the port, and sslmode, in the URL"
        case ConnectionError() | asyncpg.PostgresError() | ssl.SSLEOFError():
            return f"closed the connection ({said})"
        case ssl.SSLError():
            return f"does not agree on TLS. Check the port, and sslmode, in the URL ({said})"
        case asyncpg.InterfaceError() | asyncpg.InternalClientError():
            return f"asks for a login that the driver cannot make. Check pg_hba.conf ({said})"
    return f"failed ({said})"
