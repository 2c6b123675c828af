"""The files of an import, read some hundred at a time and not all at once."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import pickle
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import InvalidPost
from ..posts import check_post
from .files import read_file
from .finding import Skipped
from .ownership import File
from .sites import Site, site_of

BATCH: Final = 500
"""Files that are read, looked up and stored together."""

BATCH_SIZE: Final = 4_000_000
"""Characters of content after which a batch is full, so that memory stays flat."""

REMEMBERED: Final = 32_000_000
"""Bytes of files that are kept in memory rather than read twice."""

_PIECE: Final = 1_000_000
_LAST: Final = datetime.max.replace(tzinfo=UTC)

Order = tuple[datetime, str, str]


class Read(NamedTuple):
    """A file that was read, and what is to be told of it."""

    file: File
    held_back: str | None
    kept: tuple[str, ...]

    @property
    def order(self) -> Order:
        """By date, so that the oldest of several posts keeps the plain slug."""
        return self.file.fields["created_at"] or _LAST, self.file.slug, str(self.file.path)


class Sites:
    """The site of each file: that of the outermost given path above it."""

    def __init__(
        self,
        given: Iterable[Path],
        timezone: tzinfo | None = None,
        language: str | None = None,
        name: str | None = None,
    ) -> None:
        self._timezone = timezone
        self._language = language
        self._name = name
        self._given = {os.path.abspath(path) for path in given}
        self._of_given: dict[str, Site] = {}
        self._of_folders: dict[str, Site] = {}

    def of(self, path: Path) -> Site:
        """Return the site of a file that was found below the given paths."""
        folder = os.path.dirname(os.path.abspath(path))
        if folder not in self._of_folders:
            above = (folder, *map(str, Path(folder).parents))
            given = next((one for one in reversed(above) if one in self._given), folder)
            if given not in self._of_given:
                self._of_given[given] = site_of(
                    Path(given),
                    timezone=self._timezone,
                    language=self._language,
                    name=self._name,
                )
            self._of_folders[folder] = self._of_given[given]
        return self._of_folders[folder]


class Memory:
    """Files that were read, as long as they are few enough, so that they need not be read again."""

    def __init__(self) -> None:
        self._files: dict[Path, bytes] = {}
        self._free = REMEMBERED

    def keep(self, read: Read) -> None:
        """Keep a file for `take`, unless that would be too much."""
        if self._free > len(read.file.fields["content"]):
            kept = pickle.dumps(read)
            self._free -= len(kept)
            self._files[read.file.path] = kept

    def take(self, path: Path) -> Read | None:
        """Return the file at a path, if it was kept, and keep it no longer."""
        kept = self._files.pop(path, None)
        return pickle.loads(kept) if kept else None


async def read_batches(
    groups: Iterable[Sequence[Path]], sites: Sites, memory: Memory
) -> AsyncIterator[list[Read | Skipped]]:
    """Yield what is in the files, a batch at a time, in their order.

    The files of a group are in one batch, as far as it can hold them.
    """
    waiting = iter(groups)
    while True:
        batch, rest = await asyncio.to_thread(_take, waiting, sites, memory)
        if not batch:
            return
        if rest:
            waiting = itertools.chain([rest], waiting)
        yield batch
        batch.clear()  # or it would stay in memory until the next one is read


def _take(
    groups: Iterator[Sequence[Path]], sites: Sites, memory: Memory
) -> tuple[list[Read | Skipped], Sequence[Path]]:
    """Return what is in the files of a batch, and what of its last group is left."""
    taken: list[Read | Skipped] = []
    size = 0
    for group in groups:
        for place, path in enumerate(group):
            if size >= BATCH_SIZE or len(taken) >= 2 * BATCH:
                return taken, group[place:]
            one = memory.take(path) or read_one(path, sites.of(path))
            taken.append(one)
            size += len(one.file.fields["content"]) if isinstance(one, Read) else 0
        if len(taken) >= BATCH:
            break
    return taken, ()


def read_one(path: Path, site: Site) -> Read | Skipped:
    """Return what is in a file, or why it cannot be a post."""
    try:
        post, held_back, kept = read_file(path, site)
        fields = check_post(post)
    except InvalidPost as error:
        return Skipped(path, f"{error.field} {error.reason}")
    file = File.of(path, site, fields, _digest(post.content))
    return Read(file, held_back, kept)


def _digest(content: str) -> str:
    """Return the SHA-256 of a content, of which no second copy is made."""
    digest = hashlib.sha256()
    for start in range(0, len(content), _PIECE):
        digest.update(content[start : start + _PIECE].encode())
    return digest.hexdigest()
