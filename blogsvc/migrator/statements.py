"""Take SQL apart into its statements: Citus refuses several in one message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# What can hold a semicolon that ends no statement, and the semicolon that does. Nested comments are
# not known.
_TOKEN: Final = re.compile(
    r"""
    \bE'(?:[^'\\]|\\.|'')*'         # E'it\'s'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?<![\w$])\$(?P<tag>[^\W\d]\w*)?\$.*?\$(?(tag)(?P=tag))\$
    | --[^\n]*
    | /\*.*?\*/
    | (?P<end>;)
    """,
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
_COMMENT: Final = re.compile(r"\s*(?:--[^\n]*(?:\n|\Z)|/\*.*?\*/)?", re.DOTALL)


def statements(sql: str) -> Iterator[str]:
    """Yield the statements of a script, each without its semicolon; comments stay with them."""
    start = 0
    for token in _TOKEN.finditer(sql):
        if token["end"]:
            yield from _if_any(sql[start : token.start()])
            start = token.end()
    yield from _if_any(sql[start:])


def _if_any(statement: str) -> Iterator[str]:
    """Yield a statement, unless it is only blanks and comments."""
    at = 0
    while found := _COMMENT.match(statement, at):
        if found.end() == at:
            break
        at = found.end()
    if at < len(statement):
        yield statement.strip()
