"""Names in PostgreSQL."""

from __future__ import annotations

from typing import Final

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
