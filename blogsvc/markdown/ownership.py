"""Whose a stored post is: the file's at hand, another file's, or no file's any more.

A post of another site is the hard case. Sites move, are checked out elsewhere for each import, and
stand beside others with files of the same paths; and what another machine or container sees of
them is out of our sight. Two things tell which it is: whether the post's own file is still there,
and whether most files of the site at hand have the text of their posts from the other one.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..posts import Stored
from .numbering import is_alike
from .origins import (
    Origin,
    are_nested,
    found_at,
    is_folder,
    is_of_a_file,
    name_of,
    origins_above,
)
from .sites import Site

_SEVERAL: Final = 2


class File(NamedTuple):
    """A file that is imported, and its post as it is sent to the database.

    `sources` are those that are this very file, first the one that its post gets. `others` are what
    its post may have instead: what it got before sites had names, or before this one had one.
    """

    path: Path
    origin: Origin
    folder: str
    sources: tuple[str, ...]
    others: tuple[str, ...]
    fields: Mapping[str, Any]
    digest: str

    @classmethod
    def of(cls, path: Path, site: Site, fields: Mapping[str, Any], digest: str) -> File:
        origin = site.origin_of(path)
        same = [one.source for one in origins_above(path)]
        is_named = not is_folder(origin.site or "")
        own, others = ([], same) if is_named else (same, [])
        # An end of the path has a folder in it at least: `hello.md` alone tells no file.
        ends = [one.path for one in origins_above(path) if "/" in one.path]
        return cls(
            path,
            origin,
            name_of(site.top),
            tuple(dict.fromkeys([origin.source, *own])),
            tuple(dict.fromkeys([site.path_of(path), *ends, *others])),
            fields,
            digest,
        )

    @property
    def slug(self) -> str:
        return str(self.fields["slug"])

    @property
    def site(self) -> str:
        return str(self.origin.site)


class Owner(Enum):
    """Whose a post is, seen from a file."""

    FILE = "this file"
    NOBODY = "no file any more, or none yet"
    OTHER = "another file"
    UNCLEAR = "this file or one of another site"


class Ownership:
    """One run: its files, and what their posts tell of the sites that these came from."""

    def __init__(self, files: Iterable[tuple[Path, Site]]) -> None:
        self._paths: Counter[str] = Counter()
        self._ends: Counter[str] = Counter()
        self._roots: dict[Path, None] = {}
        folders: set[Path] = set()
        for path, site in files:
            below = site.path_of(path)
            self._paths[below] += 1
            self._ends[_end(below)] += 1
            if site.folder not in folders:
                folders.add(site.folder)
                self._roots.update(dict.fromkeys((site.folder, *site.folder.parents)))
        self.has_several_folders = len(folders) > 1
        self._same: Counter[tuple[str, str]] = Counter()
        self._changed: Counter[tuple[str, str]] = Counter()
        self._known: Counter[str] = Counter()
        self._strange: Counter[str] = Counter()

    def note(self, file: File, found: Sequence[Stored]) -> None:
        """Take note of the posts that were found for a file, before any file gets one."""
        own = [one for one in found if one.source in file.sources]
        date = file.fields["created_at"]
        is_known = any(one.created_at == date for one in own)
        own = own or [one for one in found if one.source is None and _is_like(file, one)]
        if is_known or any(one.same_title or one.same_content for one in own):
            self._known[file.site] += 1
        elif own:
            self._strange[file.site] += 1
        has_same_text: dict[str, bool] = {}
        for one in found:
            if one not in own and one.source is not None and _is_like(file, one):
                site = Origin.of(one.source).site
                if site is not None and site != file.site:
                    is_same = one.same_title and one.same_content
                    has_same_text[site] = has_same_text.get(site, False) or is_same
        for site, is_same in has_same_text.items():
            (self._same if is_same else self._changed)[site, file.site] += 1

    def former_sources(self, file: File) -> list[str]:
        """Return what the source of the file's post may be where its site has moved."""
        return [
            Origin(site, file.origin.path).source
            for site, here in self._same
            if here == file.site and self._is_mostly(site, here)
        ]

    def of(self, file: File, one: Stored) -> Owner:
        """Return whose a post is."""
        source = one.source
        if source is None:
            if not self.is_replaced(file.site):
                return Owner.NOBODY
            return Owner.UNCLEAR if is_folder(file.site) else Owner.OTHER
        if source in file.sources:
            return Owner.UNCLEAR if self.is_replaced(file.site) else Owner.FILE
        if not is_of_a_file(source):
            return Owner.OTHER
        origin = Origin.of(source)
        if origin.site is None:
            return self._without_site(file, source)
        if origin.site == file.site:
            return _of_same_site(file, found_at(file.folder, origin.path))
        if not is_folder(origin.site):
            return Owner.OTHER if not is_folder(file.site) else Owner.UNCLEAR
        its_file = found_at(origin.site, origin.path)
        if is_folder(file.site) and are_nested(origin.site, file.site):
            return _of_same_site(file, its_file)
        return self._of_other_site(file, origin.site, origin.path, its_file)

    def _of_other_site(self, file: File, site: str, path: str, its_file: str | None) -> Owner:
        is_this = its_file == os.path.realpath(file.path)
        is_there = its_file is not None and not is_this
        is_mostly = self._is_mostly(site, file.site)
        if is_this and (is_mostly or is_folder(file.site)):
            return Owner.FILE
        if is_there and not is_mostly:
            return Owner.OTHER
        if is_mostly and not is_there:  # its site is here now
            return _of_same_site(file, found_at(file.folder, path))
        if not is_folder(file.site):  # whoever names a site says that it is not one without a name
            return Owner.OTHER
        is_in_sight = found_at(site, "") is not None
        return Owner.OTHER if is_in_sight and not is_there else Owner.UNCLEAR

    def _is_mostly(self, site: str, here: str) -> bool:
        """Whether more files of the site that is here are as another site had them than not."""
        return self._same[site, here] > self._changed[site, here]

    def is_replaced(self, site: str) -> bool:
        """Whether another blog seems to be where a site was, as in another container.

        That is so where several files, and most of those that have posts, share neither title, text
        nor date with them. Posts that never had a source may be another blog's, too: theirs are
        found by the date.
        """
        return self._strange[site] >= max(_SEVERAL, self._known[site] + 1)

    def _without_site(self, file: File, path: str) -> Owner:
        """Return whose a post is that was stored before sites had names."""
        if path in file.others:
            return Owner.FILE
        here = os.path.realpath(file.path)
        is_there = path in self._paths or any(
            found_at(name_of(root), path) not in (None, here) for root in self._roots
        )
        return Owner.OTHER if is_there else Owner.NOBODY

    def is_shared(self, source: str) -> bool:
        """Whether this source without a site may be that of two files of this run."""
        return self._paths[source] > 1 or (
            source not in self._paths and self._ends[_end(source)] > 1
        )


def _of_same_site(file: File, its_file: str | None) -> Owner:
    if its_file is None:
        return Owner.NOBODY
    return Owner.FILE if its_file == os.path.realpath(file.path) else Owner.OTHER


def _is_like(file: File, one: Stored) -> bool:
    date = file.fields["created_at"]
    return one.source in file.others or (
        is_alike(one.slug, file.slug) and date in (None, one.created_at)
    )


def _end(source: str) -> str:
    return "/".join(source.split("/")[-2:])
