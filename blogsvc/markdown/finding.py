"""Find the Markdown files of an import, in folders at any depth."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigurationError
from .files import SUFFIXES


class Skipped(NamedTuple):
    """A file or folder of which no post was made, and why."""

    path: Path
    reason: str


class Found(NamedTuple):
    """The files to import, each once, and what could not be looked into."""

    files: list[Path]
    skipped: list[Skipped]


def find_files(paths: Sequence[Path]) -> Found:
    """Return the files below the paths, each once, however many paths and links lead to it.

    What begins with a dot is not looked for. A link that is given is followed; one in a folder only
    where it leads to something below a path that is given, too: nothing else was meant to be read.
    Raises `ConfigurationError` for a path that does not exist, a folder in which there is nothing,
    and where there are no paths.
    """
    if not paths:
        raise ConfigurationError("No file or folder was named. Nothing was imported: name one.")
    for path in paths:
        if not os.path.exists(path):
            raise ConfigurationError(
                f"There is no file or folder {str(path)!r}. Nothing was imported."
            )
    files: dict[Path, Path] = {}
    folders: set[Path] = set()
    skipped: list[Skipped] = []
    # Lists and no recursion, which would end at a depth of 1000. Links come last: a slug can come
    # from a file's name, and that is its own one where a link leads to the file, too.
    waiting = [_Place.behind(path) for path in reversed(paths)]
    given = {place.real for place in waiting}
    links: deque[Path] = deque()
    while waiting or links:
        if waiting:
            place = waiting.pop()
        else:
            place = _Place.behind(links.popleft())
            if not any(place.real.is_relative_to(start) for start in given):
                reason = f"is a link to {place.real}, outside of what is imported"
                skipped.append(Skipped(place.path, reason))
                continue
        if not place.is_folder:
            files.setdefault(place.real, place.path)
        elif place.real not in folders:
            folders.add(place.real)
            try:
                inside, linked = place.entries()
            except OSError as error:
                skipped.append(Skipped(place.path, f"cannot be read ({error.strerror})"))
            else:
                waiting.extend(reversed(inside))
                links.extend(linked)
    named = (Path(os.path.realpath(path.parent), path.name) for path, _ in skipped)
    _check_none_is_empty(paths, [*files, *named])
    return Found(list(files.values()), skipped)


def _check_none_is_empty(paths: Sequence[Path], found: Iterable[Path]) -> None:
    """Raise `ConfigurationError` for a folder of `paths` that holds nothing of what was found."""
    holding: set[str] = set()
    for path in found:
        above = str(path)
        while above not in holding:
            holding.add(above)
            above = os.path.dirname(above)
    for path in paths:
        if os.path.realpath(path) not in holding:
            raise ConfigurationError(
                f"There is no Markdown file in {str(path)!r}, none whose name ends in "
                f"{' or '.join(SUFFIXES)}. Nothing was imported: name another folder."
            )


class _Place(NamedTuple):
    """A file or folder by the path on which it was found, and by the one without links."""

    path: Path
    real: Path
    is_folder: bool

    @classmethod
    def behind(cls, path: Path) -> _Place:
        return cls(path, Path(os.path.realpath(path)), os.path.isdir(path))

    def entries(self) -> tuple[list[_Place], list[Path]]:
        """Return what may be a post or a folder with posts, and the links to such, by name."""
        inside: list[_Place] = []
        links: list[Path] = []
        with os.scandir(self.path) as found:
            entries = [entry for entry in found if not entry.name.startswith(".")]
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = self.path / entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            is_markdown = entry.name.lower().endswith(SUFFIXES)
            if entry.is_symlink():
                if is_markdown or os.path.isdir(path):
                    links.append(path)
            elif is_markdown or is_folder:
                # Not `realpath`: it asks for every folder on the way, too slow in 1000 nested ones.
                inside.append(_Place(path, self.real / entry.name, is_folder))
        return inside, links
