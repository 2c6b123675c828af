"""Names in PostgreSQL."""

from __future__ import annotations

from typing import Final

from ..errors import ConfigurationError, shown

MAX_NAME: Final = 63
"""Bytes of a name in PostgreSQL. It would cut a longer one, and find the schema of another blog."""


def quoted(name: str) -> str:
    """Return an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def is_name(name: str) -> bool:
    """Whether PostgreSQL takes this for a name as it is."""
    try:
        return "\0" not in name and 0 < len(name.encode()) <= MAX_NAME
    except UnicodeEncodeError:  # a lone surrogate
        return False


def check_target(url: object, schema: object) -> None:
    """Raise `ConfigurationError` for what can be no URL or no schema; both may be None."""
    for argument, value in {"url": url, "schema": schema}.items():
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(
                f"{argument} is a {type(value).__name__}; write a str or None."
            )
    if isinstance(schema, str) and not is_name(schema):
        raise ConfigurationError(
            f"schema is {shown(schema)}, which is no name in PostgreSQL; write one of at most "
            f"{MAX_NAME} bytes."
        )
