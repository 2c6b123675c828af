"""The words after the ? of a database URL: which of them the driver gets, and which are refused."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode

IGNORED: Final = frozenset(
    {
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
        *("tcp_user_timeout", "sslcompression", "max_protocol_version", "load_balance_hosts"),
    }
)
"""Words of libpq that can be left out without harm."""

REFUSED: Final[dict[str, tuple[str, ...]]] = {
    "channel_binding": ("disable", "prefer"),
    "gssencmode": ("disable", "prefer"),
    "gssdelegation": ("0",),
    "hostaddr": (),
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


def sort_out(parts: SplitResult) -> tuple[SplitResult, float | None] | str:
    """Return the URL for the driver and the seconds of `connect_timeout`, or what is wrong."""
    words = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    for name, value in words.items():
        if name in REFUSED and value not in ("", *REFUSED[name]):
            harmless = " or ".join(f"{name}={each}" for each in REFUSED[name])
            instead = f"leave it out, or write {harmless}" if harmless else "leave it out"
            return f"the driver cannot do what {name} asks; {instead}"
        if name in FOREIGN and not (name == "ssl" and value == "true"):
            return f"{name} is no word of libpq; {FOREIGN[name]}"
    if words.pop("ssl", None):
        words.setdefault("sslmode", "require")  # as libpq reads it
    seconds = words.pop("connect_timeout", "") or "0"
    if not seconds.isdecimal() or len(seconds) > 9:
        return "connect_timeout is no whole number of seconds"
    fallback = words.pop("fallback_application_name", "")
    if fallback:
        words.setdefault("application_name", fallback)
    words = {
        name: value
        for name, value in words.items()
        if value and name not in IGNORED and name not in REFUSED
    }
    account, at, hosts = parts.netloc.rpartition("@")
    several_with_brackets = "," in hosts and "[" in hosts
    if hosts and ("host" in words or "port" in words or several_with_brackets):
        # What is after the ? counts, for libpq; the driver would not look at it, and it cannot read
        # brackets among several hosts elsewhere.
        names, ports = zip(*map(_name_and_port, hosts.split(",")), strict=True)
        words.setdefault("host", unquote(",".join(names)))
        if any(ports):
            words.setdefault("port", ",".join(port or "5432" for port in ports))
        parts = parts._replace(netloc=f"{account}{at}")
    query = urlencode(words, quote_via=quote)
    return parts._replace(query=query), float(seconds) or None


def _name_and_port(host: str) -> tuple[str, str]:
    name, _, port = host.rpartition(":")
    return (name, port) if name and not host.endswith("]") else (host, "")
