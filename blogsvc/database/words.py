"""The words after the ? of a database URL: who acts upon which of them, and which are refused."""

from __future__ import annotations

import ipaddress
import itertools
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote

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
    "channel_binding": "write sslmode=verify-full&sslrootcert=system instead of sslmode and "
    "channel_binding: that proves who the server is, too"
}
"""What to do instead, where it is more than leaving a word out."""


@dataclass
class Words:
    """What is for the driver, and what is not its business."""

    for_driver: dict[str, str]
    names: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    timeout: float | None = None
    spread: bool = False
    keepalives: dict[str, int] = field(default_factory=dict)
    system_roots: bool = False


def said_in(parts: SplitResult) -> dict[str, str]:
    """Return what a URL says, word by word; what is after the ? counts. Raises `ValueError`."""
    account, _, hosts = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    names, ports = zip(*map(_name_and_port, hosts.split(",")), strict=True)
    before = {
        "user": user,
        "password": password,
        "host": ",".join(names),
        "port": ",".join(ports) if any(ports) else "",
        "dbname": parts.path.removeprefix("/"),
    }
    after = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    found = {"dbname": after.pop("database", "")}  # the driver's word for it
    if after.get("ssl") == "true":
        del after["ssl"]
        found["sslmode"] = "require"  # as libpq reads it
    for said in ({word: unquote(value) for word, value in before.items()}, after):
        found.update({word: value for word, value in said.items() if value})
    return {word: value for word, value in found.items() if value}


def sort_out(words: dict[str, str]) -> Words | str:
    """Return what words ask for, or what is wrong with them."""
    refused = _refused(words)
    if refused:
        return refused
    words = dict(words)
    found = Words(words)
    try:
        _find_places(found, words)
        found.timeout = float(_number(words, "connect_timeout", 10**9 - 1)) or None
        given = [name for name in KEEPALIVES if words.get(name)]
        found.keepalives = {name: _number(words, name, KEEPALIVES[name]) for name in given}
        found.spread = _choice(words, "load_balance_hosts", ("disable", "random")) == "random"
    except ValueError as error:
        return str(error)
    if found.names and all(name.startswith("/") for name in found.names):
        # There is no TLS on a socket of this machine.
        words = {word: words[word] for word in words if not word.startswith("ssl")}
        words["sslmode"] = "disable"
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
    # So that no variable of the environment is asked once more.
    words.setdefault("sslnegotiation", "postgres")
    words.setdefault("target_session_attrs", "any")
    found.for_driver = {
        word: value for word, value in words.items() if word not in IGNORED and word not in REFUSED
    }
    return found


def _find_places(found: Words, words: dict[str, str]) -> None:
    """Take from words where to connect to. Raises `ValueError`."""
    addresses = _listed(words.pop("hostaddr", ""))
    names = _listed(words.pop("host", "")) or [""] * len(addresses)
    ports = _listed(words.pop("port", ""))
    if names and not ports:
        # The driver's way to write a port, which libpq does not know.
        names, ports = map(list, zip(*map(_name_and_port, names), strict=True))
    for address in filter(None, addresses):
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ValueError("hostaddr is no list of IP addresses") from None
    if addresses and len(addresses) != len(names):
        raise ValueError("there are not as many addresses in hostaddr as there are hosts")
    if len(ports) > 1 and len(ports) != len(names):
        raise ValueError("there are not as many ports as there are hosts")
    found.addresses = addresses
    found.ports = [_port(port) for port in ports]
    if len(found.ports) == 1:
        found.ports *= max(1, len(names))
    for name, address in itertools.zip_longest(names, addresses, fillvalue=""):
        # Where there is an address, it is no name of a socket.
        plain = name[1:-1] if name.startswith("[") and name.endswith("]") else name
        found.names.append(address if address and plain[:1] in ("", "/") else plain)
    if not all(found.names):
        raise ValueError("a host in the list has no name")


def _refused(words: dict[str, str]) -> str | None:
    for name, value in words.items():
        if "\0" in name + value:
            return "there is a zero byte, %00, in it"
        if name in REFUSED and value not in REFUSED[name]:
            harmless = " or ".join(f"{name}={each}" for each in REFUSED[name])
            instead = f"leave it out, or write {harmless}" if harmless else "leave it out"
            return f"the driver cannot do what {name} asks; {CURES.get(name, instead)}"
        if name in FOREIGN:
            return f"{name} is no word of libpq; {FOREIGN[name]}"
    return None


def _number(words: dict[str, str], name: str, highest: int) -> int:
    value = words.pop(name, "0")
    if not value.isdecimal() or len(value) > 10 or int(value) > highest:
        raise ValueError(f"{name} is no whole number from 0 to {highest}")
    return int(value)


def _port(port: str) -> int:
    port = port or "5432"
    if not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 65536:
        raise ValueError("a port is no number from 1 to 65535")
    return int(port)


def _choice(words: dict[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = words.pop(name, choices[0])
    if value not in choices:
        raise ValueError(f"{name} is neither {' nor '.join(choices)}")
    return value


def _listed(text: str) -> list[str]:
    return text.split(",") if text else []


def _name_and_port(host: str) -> tuple[str, str]:
    """Split what stands for a host in a URL; an address of version 6 has colons of its own."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]") or host.startswith("/") or (":" in name and name[0] != "["):
        return host, ""
    return name, port
