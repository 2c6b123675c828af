"""What it means that no host takes a connection: whether later helps, and what to do."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from typing import Final

import asyncpg

from ..errors import BlogError, ConfigurationError, Unavailable
from .dialing import Host, NotPostgreSQL

_SETTINGS_REFUSED: Final = "refused a setting of the session. Correct it, or take it out of the URL"

_LOGIN_REFUSED: Final = (
    "refused the user or the password. Check them in the URL, and auth_file of the pooler"
)
_NO_DATABASE: Final = (
    "is a pooler that has no such database. Name another one in the URL, or add it to [databases] "
    "of the pooler"
)

# What PgBouncer says of what will not be better later, nearly always with 08P01.
_POOLER_REFUSES: Final = {
    "startup parameter": "is a pooler, which refused a setting of the session. Migrate over a "
    "direct connection; for all else, take it out of the URL, and give it to the role",
    "statement pooling": "is a pooler in statement mode, which allows no transaction. Set "
    "pool_mode to transaction or session",
    "authentication failed": _LOGIN_REFUSED,
    "empty password": _LOGIN_REFUSED,
    "no such user": _LOGIN_REFUSED,
    "no such database": _NO_DATABASE,
    "bouncer config error": _NO_DATABASE,
    "does not exist": "is a pooler that leads to no such database or role. Correct [databases] of "
    "the pooler, or the URL",
    "use SHOW HELP": "is the admin console of a pooler. Name the blog's database in the URL",
}

_POOLER_IS_FULL: Final = {
    "max_client_conn": "has no connection to spare. Raise max_client_conn of the pooler, or lower "
    "max_size of the pools",
    "query_wait_timeout": "is a pooler whose connections to the server are all at work. Try again, "
    "or raise its default_pool_size",
}

_POOLERS: Final = _POOLER_REFUSES | _POOLER_IS_FULL

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


Failures = Mapping[Host, Exception] | Mapping[str, Exception]
"""What became of each host, or of each place that has no more than a name."""


def described(failures: Failures, wanted: str, timeout: float) -> str:
    """Say in one line what became of each host."""
    return "; ".join(
        f"{host} {' '.join(_reason(host, error, wanted, timeout).split())}"
        for host, error in failures.items()
    )


_DRIVERS_OWN: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


def unreachable(failures: Failures, wanted: str, timeout: float) -> BlogError:
    """Return the error for a database none of whose hosts takes a connection."""
    told = described(failures, wanted, timeout)
    if not any(_may_work_later(error) for error in failures.values()):
        return ConfigurationError(f"PostgreSQL cannot be used: {told}.")
    if all(_said_by_server(error) or _pooler_says(error) for error in failures.values()):
        return Unavailable(f"PostgreSQL takes no connection now: {told}.")
    return Unavailable(
        f"PostgreSQL cannot be reached: {told}. Check that the server runs there, and host and "
        "port in the database URL."
    )


def _said_by_server(error: BaseException) -> bool:
    # The driver raises these classes by itself, too, for a connection that is gone.
    return isinstance(error, asyncpg.PostgresError) and error.severity is not None


def _may_work_later(error: BaseException) -> bool:
    """Whether the same URL may work another time, when nobody has changed it or the server."""
    if said := _pooler_says(error):
        return said in _POOLER_IS_FULL
    if _said_by_server(error):
        return str(getattr(error, "sqlstate", None) or "").startswith(_LATER)
    match error:
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return True
        case ssl.SSLError() | PermissionError() | NotADirectoryError() | NotPostgreSQL():
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


def _pooler_says(error: BaseException) -> str | None:
    """Return those words of ours in an error by which a pooler can be told from a server."""
    if not isinstance(error, _DRIVERS_OWN):
        return None
    # What the driver raises by itself may quote a pooler, too, and has such a code or none.
    if not str(getattr(error, "sqlstate", None) or "08").startswith("08"):
        return None
    return next((words for words in _POOLERS if words in str(error)), None)


def _refuses_tls(error: BaseException) -> bool:
    # The driver's own error for an answer that is not "yes"; for who hangs up it has other words.
    return type(error) is ConnectionError and "rejected SSL upgrade" in str(error)


def _reason(host: Host | str, error: BaseException, wanted: str, timeout: float) -> str:
    said = str(error) or type(error).__name__
    if words := _pooler_says(error):
        return f"{_POOLERS[words]} ({said})"
    if _said_by_server(error):
        code = str(getattr(error, "sqlstate", None) or "")
        for length in (5, 3, 2):
            if code[:length] in _REFUSALS:
                return f"{_REFUSALS[code[:length]]} ({said})"
        later = ". Try again later" if _may_work_later(error) else ""
        return f"refused the connection{later} ({said})"
    match error:
        case asyncpg.TargetServerAttributeNotMatched():
            return f"is not {wanted}"
        case TimeoutError() if isinstance(host, Host) and not host.is_looked_up:
            return f"could not be resolved within {timeout:g} s"
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
        case NotPostgreSQL():
            return "is no PostgreSQL. Check the port in the URL"
        case _ if type(error) is ConnectionError:
            return "closed the connection when it was asked for TLS"
        case ConnectionError() | asyncpg.PostgresError() | ssl.SSLEOFError():
            return f"closed the connection ({said})"
        case ssl.SSLError():
            return f"does not agree on TLS. Check the port, and sslmode, in the URL ({said})"
        case asyncpg.InterfaceError() | asyncpg.InternalClientError():
            if _may_work_later(error):  # the driver has no word for a farewell nobody asked for
                return f"closed the connection ({said})"
            return f"asks for a login that the driver cannot make. Check pg_hba.conf ({said})"
        case OSError() | ValueError() | BlogError():  # the last one, of a connection that migrates
            return f"failed ({said})"
    return f"sent an answer that makes no sense ({type(error).__name__}: {said})"
