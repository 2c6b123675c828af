"""Numbered slugs: `hello-2` for a post whose slug, `hello`, another one has."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import count, takewhile
from typing import Final

from ..posts import MAX_SLUG

_NUMBER: Final = re.compile(r"-([2-9]|[1-9][0-9]{1,9})\Z")


def numbered(slug: str) -> Iterator[str]:
    """Yield `hello`, `hello-2`, `hello-3` and so on, none longer than a slug can be."""
    yield slug
    for number in count(2):
        ending = f"-{number}"
        yield slug[: MAX_SLUG - len(ending)] + ending


def is_alike(slug: str, wanted: str) -> bool:
    """Whether a slug is the one that is wanted, or a numbered variant of it."""
    if slug == wanted:
        return True
    ending = _NUMBER.search(slug)
    return ending is not None and slug == wanted[: MAX_SLUG - len(ending[0])] + ending[0]


def family(slug: str, taken: Collection[str]) -> frozenset[str]:
    """Return the slug and its numbered variants that are taken, up to the first that is free."""
    return frozenset(takewhile(taken.__contains__, numbered(slug)))
