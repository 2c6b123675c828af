"""What libpq reads beside a URL: variables of the environment, and the service file.

Each says a word of the URL that the URL leaves open, and means what that word means there.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

VARIABLES: Final = {
    "PGAPPNAME": "application_name",
    "PGCHANNELBINDING": "channel_binding",
    "PGCLIENTENCODING": "client_encoding",
    "PGCONNECT_TIMEOUT": "connect_timeout",
    "PGDATABASE": "dbname",
    "PGDATESTYLE": "datestyle",
    "PGGEQO": "geqo",
    "PGGSSDELEGATION": "gssdelegation",
    "PGGSSENCMODE": "gssencmode",
    "PGGSSLIB": "gsslib",
    "PGHOST": "host",
    "PGHOSTADDR": "hostaddr",
    "PGKRBSRVNAME": "krbsrvname",
    "PGLOADBALANCEHOSTS": "load_balance_hosts",
    "PGMAXPROTOCOLVERSION": "max_protocol_version",
    "PGMINPROTOCOLVERSION": "min_protocol_version",
    "PGOPTIONS": "options",
    "PGPASSFILE": "passfile",
    "PGPASSWORD": "password",
    "PGPORT": "port",
    "PGREQUIREAUTH": "require_auth",
    "PGREQUIREPEER": "requirepeer",
    "PGREQUIRESSL": "requiressl",
    "PGSERVICE": "service",
    "PGSSLCERT": "sslcert",
    "PGSSLCERTMODE": "sslcertmode",
    "PGSSLCOMPRESSION": "sslcompression",
    "PGSSLCRL": "sslcrl",
    "PGSSLCRLDIR": "sslcrldir",
    "PGSSLKEY": "sslkey",
    "PGSSLMAXPROTOCOLVERSION": "ssl_max_protocol_version",
    "PGSSLMINPROTOCOLVERSION": "ssl_min_protocol_version",
    "PGSSLMODE": "sslmode",
    "PGSSLNEGOTIATION": "sslnegotiation",
    "PGSSLROOTCERT": "sslrootcert",
    "PGSSLSNI": "sslsni",
    "PGTARGETSESSIONATTRS": "target_session_attrs",
    "PGTZ": "timezone",
    "PGUSER": "user",
}
"""libpq's variables, and the word that each of them says."""

OF_FILES: Final = frozenset({"PGSERVICEFILE", "PGSYSCONFDIR"})
"""Where the service file is, which has no word."""

IGNORED: Final = frozenset({"PGLOCALEDIR", "PGOAUTHDEBUG"})
"""Variables about libpq's own messages."""


_UNREADABLE: Final = "the service file cannot be read"


def fill_in(said: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what a URL says and what it leaves open; and who said a word, if not the URL.

    As for libpq, the URL counts most, then the service file, then the environment. Raises
    `ValueError` where there is no service of the name.
    """
    words, said_by = dict(said), dict[str, str]()
    service = words.pop("service", "") or os.environ.get("PGSERVICE", "")
    _add(words, said_by, {word: (value, "the service file") for word, value in _of(service)})
    _add(words, said_by, dict(_of_the_environment()))
    return words, said_by


def _add(words: dict[str, str], said_by: dict[str, str], more: dict[str, tuple[str, str]]) -> None:
    # Settings of the server are the same in capitals.
    said = {word.lower() for word in words}
    if "host" in words or "hostaddr" in words:
        # Who says where it leads to is not led elsewhere.
        more = {word: more[word] for word in more if word not in ("host", "hostaddr")}
    for word, (value, who) in more.items():
        if word.lower() not in said:
            words[word], said_by[word] = value, who


def _of_the_environment() -> list[tuple[str, tuple[str, str]]]:
    found = ((word, os.environ.get(name, ""), name) for name, word in VARIABLES.items())
    return [(word, (value, name)) for word, value, name in found if value and word != "service"]


def _of(service: str) -> list[tuple[str, str]]:
    """Return what the service file says of a service: the account's own, or the system's."""
    if not service:
        return []
    given = os.environ.get("PGSERVICEFILE")
    own = Path(given or os.path.expanduser("~/.pg_service.conf"))
    system = os.environ.get("PGSYSCONFDIR")
    for path in [own, *([Path(system) / "pg_service.conf"] if system else [])]:
        services = configparser.RawConfigParser(
            delimiters="=", comment_prefixes="#", strict=False, default_section="\0"
        )
        services.optionxform = str  # type: ignore[method-assign,assignment] # words as they stand
        try:
            # What is indented would go on with the line before.
            lines = map(str.strip, path.read_text(encoding="utf-8").splitlines())
            services.read_string("\n".join(lines))
        except FileNotFoundError:
            continue
        except configparser.MissingSectionHeaderError as error:
            raise ValueError(f"{_UNREADABLE}: line {error.lineno}") from None
        except (OSError, UnicodeDecodeError, configparser.Error):
            raise ValueError(_UNREADABLE) from None
        if services.has_section(service):
            return [(word, value) for word, value in services.items(service) if value]
    raise ValueError("there is no service of this name in the service file")
