"""What a database URL says, with what the environment and the service file say beside it.

A private function of the driver's reads what is the driver's business: there is no public one, and
what it does about the account, the password file and certificates would have to be done twice.
"""

from __future__ import annotations

import configparser
import itertools
import re
import ssl
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import asyncpg
from asyncpg import connect_utils

from ..errors import ConfigurationError
from . import words
from .dialing import Host
from .variables import fill_in

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

_SCHEME: Final = re.compile(
    r"(postgres(ql)?(\+[a-z0-9_]+)?|asyncpg|psycopg|psql|pgsql):", re.ASCII | re.IGNORECASE
)
"""As libpq, and with the driver or under the names of other tools: it is the same server."""

_A_SCHEME: Final = re.compile(
    r"((?:jdbc:)?[a-z][a-z0-9+.-]{0,30})://.*", re.ASCII | re.IGNORECASE | re.S
)

_TLS: Final = "Check sslmode, sslrootcert, sslcert and sslkey in it, and PGSSL... variables."


class DatabaseURL(str):
    """A URL that does not show its password where a log prints it as part of something."""

    def __new__(cls, url: str) -> Self:
        return url if isinstance(url, cls) else super().__new__(cls, url)

    def __repr__(self) -> str:
        return "<database URL>"


class CompleteURL(DatabaseURL):
    """A URL to which the environment adds nothing: that of the embedded PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Target:
    """What asyncpg reads out of a URL, the environment and the service file."""

    hosts: tuple[tuple[str, int], ...]
    session_attrs: str
    settings: dict[str, str]
    url: DatabaseURL
    timeout: float | None
    user: str
    database: str
    addresses: tuple[str | None, ...] = ()
    spread: bool = False
    keepalives: dict[str, int] = field(default_factory=dict)
    sslmode: str | None = None
    tls: ssl.SSLContext | None = None

    @property
    def places(self) -> list[Host]:
        """The hosts, with their addresses where the URL says them."""
        return [
            Host(name, port, address)
            for (name, port), address in itertools.zip_longest(self.hosts, self.addresses)
        ]


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
    if "service file" in reason:
        return reason, "Check service, or PGSERVICE, and PGSERVICEFILE."
    return reason, _TLS if "certificate" in reason else _FORM


def _read(url: str) -> Target | tuple[str, str]:
    """Return what a URL leads to, or why it leads nowhere, and what to do."""
    try:
        if url.strip()[:1] in ("'", '"'):
            return "it stands in quotation marks", "Take them away."
        parts = split_url(url)
        foreign = None if parts.scheme == "postgresql" else _A_SCHEME.fullmatch(url.strip())
        if foreign:
            return f"{foreign[1]}:// is no address of PostgreSQL", "Write postgresql://."
        if parts.scheme != "postgresql" or "//" not in url:
            return "it does not begin with postgresql://", _FORM
        # Where an @ stands elsewhere, a part of the password would be taken for a host.
        if parts.netloc.count("@") > 1 or "@" in parts.path or parts.fragment:
            return "there is an unencoded @, /, ? or # in the user or the password", _FORM
        said = words.said_in(parts)
        filled, said_by = (said, {}) if isinstance(url, CompleteURL) else fill_in(said)
    except _BAD_URL as error:
        return _flaw(error)
    found = _target(filled)
    if isinstance(found, Target):
        return found
    reason, advice = found
    named = [who for word, who in said_by.items() if re.search(rf"\b{re.escape(word)}\b", reason)]
    return (f"{reason}; {' and '.join(named)} said so" if named else reason), advice


def _target(said: dict[str, str]) -> Target | tuple[str, str]:
    """Return what words lead to, or why they lead nowhere, and what to do."""
    found = words.sort_out(said)
    if isinstance(found, str):
        return found, "docs/connecting.md lists the words of a URL."
    url = DatabaseURL(f"postgresql://?{urlencode(found.for_driver, quote_via=quote)}")
    given = {
        **_NO_ARGUMENTS,
        "host": found.names or None,
        "port": found.ports or None,
    }
    if found.system_roots:
        # The driver knows no system's certificates: it makes a context that trusts nobody yet.
        given.update(ssl="prefer", direct_tls=False)
    try:
        places, parameters, _ = connect_utils._parse_connect_arguments(dsn=url, **given)
    except _BAD_URL as error:
        return _flaw(error)
    return Target(
        hosts=tuple(map(_host_and_port, places)),
        session_attrs=parameters.target_session_attrs.value,
        settings=dict(parameters.server_settings or {}),
        url=url,
        timeout=found.timeout,
        user=parameters.user,
        database=parameters.database,
        addresses=tuple(address or None for address in found.addresses),
        spread=found.spread,
        keepalives=found.keepalives,
        sslmode=found.for_driver.get("sslmode"),
        tls=_trusting_the_system(parameters.ssl) if found.system_roots else None,
    )


def _trusting_the_system(context: ssl.SSLContext) -> ssl.SSLContext:
    """Have a context demand a certificate for the host's name that the system trusts."""
    context.load_default_certs()
    context.check_hostname = True
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def split_url(url: str) -> SplitResult:
    """Return the parts of a URL, its scheme as libpq writes it. Raises `ValueError`.

    Python's own parser may take the brackets of IPv6 addresses among several hosts for an error,
    so it gets no list of hosts.
    """
    scheme, slashes, rest = url.strip().partition("//")
    scheme = "postgresql:" if _SCHEME.fullmatch(scheme) else scheme
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    account, at, hosts = authority.rpartition("@")
    listed = hosts if "," in hosts else ""
    parts = urlsplit(
        f"{scheme}{slashes}{account}{at}{'' if listed else hosts}{rest.removeprefix(authority)}"
    )
    return parts._replace(netloc=f"{parts.netloc}{listed}")


def join_url(parts: SplitResult) -> str:
    """Return the URL of these parts; `urlunsplit` leaves the // out where there is no host."""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"


def _host_and_port(address: str | tuple[str, int]) -> tuple[str, int]:
    if isinstance(address, tuple):
        return address
    directory, _, name = address.rpartition("/")
    return directory, int(name.rpartition(".")[2])
