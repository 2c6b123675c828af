"""Slugs from titles: readable first, free in any case."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Final

from slugify import slugify

MAX_BASE: Final = 80
"""Characters taken from the title, cut at a word where there is one."""

READABLE: Final = 3
"""How many readable candidates there are before a random ending makes it certain."""


def slug_base(title: str) -> str:
    """Return the slug that a title asks for: `Hello, Wörld!` gives `hello-world`.

    A title without a letter or digit gives `post`.
    """
    return slugify(title, max_length=MAX_BASE, word_boundary=True) or "post"


def slug_candidates(title: str) -> Iterator[str]:
    """Yield slugs to try, without end: `hello`, `hello-2`, `hello-3`, then random endings."""
    base = slug_base(title)
    yield base
    for number in range(2, READABLE + 1):
        yield f"{base}-{number}"
    while True:
        yield f"{base}-{secrets.token_hex(4)}"
