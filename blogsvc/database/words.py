"""The words after the ? of a database URL: who acts upon which of them, and which are refused."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode

KEEPALIVES: Final = {
    "keepalives": 2**31 - 1,
    "keepalives_idle": 32767,
    "keepalives_interval": 32767,
    "keepalives_count": 127,
    "tcp_user_timeout": 2**31 - 1,
}
"""What a TCP connection is told, and the highest number that the system takes; 0 is its own."""

OURS: Final = frozenset(
    {
        *KEEPALIVES,
        *("connect_timeout", "fallback_application_name", "hostaddr", "load_balance_hosts"),
    }
)
"""Words of libpq that the driver does not know, and that are acted upon here."""

IGNORED: Final = frozenset({"sslcompression", "max_protocol_version"})
"""Words of libpq that can be left out without harm."""

REFUSED: Final[dict[str, tuple[str, ...]]] = {
    "channel_binding": ("disable", "prefer"),
    "gssencmode": ("disable", "prefer"),
    "gssdelegation": ("0",),
    "min_protocol_version": ("3.0",),
    "oauth_client_id": (),
    "oauth_client_secret": (),
    "oauth_issuer": (),
    "oauth_scope": (),
    "replication": ("0", "false", "off", "no"),
    "require_auth": (),
    "requirepeer": (),
    "scram_client_key": (),
    "scram_server_key": (),
    "sslcertmode": ("allow",),
    "sslcrldir": (),
    "sslkeylogfile": (),
    "sslsni": ("1",),
}
"""Words of libpq that the driver cannot keep, except for the values that ask nothing of it."""

FOREIGN: Final = {
    "schema": "pass schema=... to BlogService, or --schema to the command",
    "currentSchema": "pass schema=... to BlogService, or --schema to the command",
    "ssl": "write sslmode=require or sslmode=disable",
    "requiressl": "write sslmode=require",
    "sslaccept": "write sslmode=verify-full or sslmode=require",
    "pgbouncer": "leave it out",
    "prepareThreshold": "leave it out",
    "statement_cache_size": "leave it out",
    "connection_limit": "pass max_size=... to BlogService",
    "pool_size": "pass max_size=... to BlogService",
    "max_overflow": "pass max_size=... to BlogService",
    "pool_timeout": "pass acquire_timeout=... to BlogService",
    "command_timeout": "pass command_timeout=... to BlogService",
    "socketTimeout": "pass command_timeout=... to BlogService",
    "socket_timeout": "pass command_timeout=... to BlogService",
    "connectTimeout": "write connect_timeout",
    "loginTimeout": "write connect_timeout",
    "ApplicationName": "write application_name",
    "targetServerType": "write target_session_attrs",
}
"""Words that only other tools know, and what to write instead."""


CURES: Final = {
    "channel_binding": "for a proof of who the server is, write sslmode=verify-full and, where its "
    "certificate is a public one, sslrootcert=system; then leave it out"
}
"""What to do instead, where it is more than leaving a word out."""


@dataclass
class Words:
    """The URL for the driver, and what is not its business."""

    parts: SplitResult
    timeout: float | None = None
    addresses: list[str] = field(default_factory=list)
    spread: bool = False
    keepalives: dict[str, int] = field(default_factory=dict)
    system_roots: bool = False


def sort_out(parts: SplitResult) -> Words | str:
    """Return what the words of a URL ask for, or what is wrong with them."""
    words = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    refused = _refused(words)
    if refused:
        return refused
    if words.pop("ssl", None):
        words.setdefault("sslmode", "require")  # as libpq reads it
    found = Words(parts)
    try:
        found.timeout = float(_number(words, "connect_timeout", 10**9 - 1)) or None
        given = [name for name in KEEPALIVES if words.get(name)]
        found.keepalives = {name: _number(words, name, KEEPALIVES[name]) for name in given}
        found.spread = _choice(words, "load_balance_hosts", ("disable", "random")) == "random"
    except ValueError as error:
        return str(error)
    if words.get("sslrootcert") == "system":
        if words.setdefault("sslmode", "verify-full") != "verify-full":
            return "sslrootcert=system needs sslmode=verify-full"
        if words.get("sslcrl"):
            return "sslrootcert=system cannot be had with sslcrl; name a file of certificates"
        del words["sslrootcert"]
        found.system_roots = True
    fallback = words.pop("fallback_application_name", "")
    if fallback:
        words.setdefault("application_name", fallback)
    addresses = words.pop("hostaddr", "")
    words = {
        name: value
        for name, value in words.items()
        if value and name not in IGNORED and name not in REFUSED
    }
    account, at, hosts = parts.netloc.rpartition("@")
    if addresses:
        found.addresses = addresses.split(",")
        try:
            bracketed = [_bracketed(address) for address in found.addresses]
        except ValueError:
            return "hostaddr is no list of IP addresses"
        if not hosts:
            words.setdefault("host", ",".join(bracketed))
    several_with_brackets = "," in hosts and "[" in hosts
    if hosts and ("host" in words or "port" in words or several_with_brackets):
        # What is after the ? counts, for libpq; the driver would not look at it, and it cannot read
        # brackets among several hosts elsewhere.
        names, ports = zip(*map(_name_and_port, hosts.split(",")), strict=True)
        words.setdefault("host", unquote(",".join(names)))
        if any(ports):
            words.setdefault("port", ",".join(port or "5432" for port in ports))
        parts = parts._replace(netloc=f"{account}{at}")
    found.parts = parts._replace(query=urlencode(words, quote_via=quote))
    return found


def _refused(words: dict[str, str]) -> str | None:
    for name, value in words.items():
        if name in REFUSED and value not in ("", *REFUSED[name]):
            harmless = " or ".join(f"{name}={each}" for each in REFUSED[name])
            instead = f"leave it out, or write {harmless}" if harmless else "leave it out"
            return f"the driver cannot do what {name} asks; {CURES.get(name, instead)}"
        if name in FOREIGN and not (name == "ssl" and value == "true"):
            return f"{name} is no word of libpq; {FOREIGN[name]}"
    return None


def _number(words: dict[str, str], name: str, highest: int) -> int:
    value = words.pop(name, "") or "0"
    if not value.isdecimal() or len(value) > 10 or int(value) > highest:
        raise ValueError(f"{name} is no whole number from 0 to {highest}")
    return int(value)


def _choice(words: dict[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = words.pop(name, "") or choices[0]
    if value not in choices:
        raise ValueError(f"{name} is neither {' nor '.join(choices)}")
    return value


def _bracketed(address: str) -> str:
    """Return an address as it stands in a list of hosts. Raises `ValueError`."""
    is_long = bool(address) and ipaddress.ip_address(address).version == 6
    return f"[{address}]" if is_long else address


def _name_and_port(host: str) -> tuple[str, str]:
    name, _, port = host.rpartition(":")
    return (name, port) if name and not host.endswith("]") else (host, "")
