"""Where a post came from, as its `source` says it: a site, and the path of a file below it.

`/home/ann/blog//posts/hello.md` is `posts/hello.md` of the site in that folder, and
`ann//posts/hello.md` the one of a site that was called `ann` with `--site`. A source without `//`
is only a path: it was stored before sites had names.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from ..posts import MAX_SOURCE, text_is_storable

_BETWEEN: Final = "//"
_BYTE: Final = re.compile(rb"\\x([0-9a-f]{2})")
_NO_FILE: Final = "sequelize:"
_TOO_LONG: Final = "too-long"

_LONGEST_NAME: Final = 255

_DEPTH: Final = 20
"""Folders above a file under which it may have been imported before."""


class Origin(NamedTuple):
    """The site of a post, or None where it has no name, and the path of its file below it.

    The site in a folder is called as that folder, without `/` at its end.
    """

    site: str | None
    path: str

    @classmethod
    def of(cls, source: str) -> Origin:
        site, between, path = source.partition(_BETWEEN)
        return cls(site, path) if between and is_of_a_file(source) else cls(None, source)

    @property
    def source(self) -> str:
        """The text that is stored; one that could not be indexed is replaced by a digest."""
        source = f"{self.site}{_BETWEEN}{self.path}"
        if len(source.encode()) <= MAX_SOURCE:
            return source
        return f"{_TOO_LONG}{_BETWEEN}{hashlib.sha256(source.encode()).hexdigest()}"

    def __str__(self) -> str:
        return f"{self.site}/{self.path}"


def is_of_a_file(source: str) -> bool:
    """Whether a source says a file, and not the row of another table."""
    return not source.startswith(_NO_FILE)


def is_name(text: str) -> bool:
    """Whether a text can be the name of a site."""
    fits = text.strip() == text and 0 < len(text) <= _LONGEST_NAME and text_is_storable(text)
    return fits and _BETWEEN not in text and is_of_a_file(text) and text != _TOO_LONG


def is_folder(site: str) -> bool:
    """Whether a site is called as its folder: the root of the file system has an empty name."""
    return not site or os.path.isabs(site)


def are_nested(site: str, other: str) -> bool:
    """Whether one folder is in the other, or both are the same."""
    return f"{site}/".startswith(f"{other}/") or f"{other}/".startswith(f"{site}/")


def text_of(path: Path) -> str:
    """Return a path as text that can be stored: `/` between its parts, and `\\xe9` for a byte.

    That is for the bytes of a name that is not UTF-8.
    """
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")


def name_of(folder: Path) -> str:
    """Return the name of the site in a folder."""
    return text_of(folder).rstrip("/")


def origins_above(path: Path) -> list[Origin]:
    """Return what says this very file, as the site in any of the folders above it has it."""
    parts = text_of(Path(os.path.abspath(path))).lstrip("/").split("/")
    root = "/" if os.path.isabs("/") else ""
    first = max(0, len(parts) - _DEPTH)
    return [
        Origin((root + "/".join(parts[:n])).rstrip("/"), "/".join(parts[n:]))
        for n in range(first, len(parts))
    ]


def found_at(folder: str, path: str) -> str | None:
    """Return the real path of what is in a folder under this path, if anything is."""
    name = os.fsencode(f"{folder}/{path}")
    for one in (name, _BYTE.sub(lambda found: bytes.fromhex(found[1].decode()), name)):
        if os.path.lexists(one):
            return os.fsdecode(os.path.realpath(one))
    return None
