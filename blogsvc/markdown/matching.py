"""Which stored post is the one of a file, and what of it the file changes."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count, takewhile
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..posts import DRAFT, MAX_SLUG, Stored
from .sites import Site

_NUMBER: Final = re.compile(r"-([2-9]|[1-9][0-9]{1,9})\Z")
_BYTE: Final = re.compile(rb"\\x([0-9a-f]{2})")
_NO_FILE: Final = "sequelize:"

_DEPTH: Final = 20
"""Folders above a file under which it may have been imported before."""


class File(NamedTuple):
    """A file that is imported, and its post as it is sent to the database.

    `sources` are what its post may have for its source: first the one that it gets, then those with
    which it was stored when another folder above it was imported.
    """

    path: Path
    sources: tuple[str, ...]
    fields: Mapping[str, Any]
    digest: str

    @property
    def slug(self) -> str:
        return str(self.fields["slug"])


class Match(NamedTuple):
    """What becomes of a file: its own post, or a copy of another file's, or neither yet."""

    stored: Stored | None = None
    is_copy: bool = False


def sources_of(path: Path, site: Site) -> tuple[str, ...]:
    """Return the source of a file, and the ends of its path that may have been it before.

    An end has a folder in it at least: `posts/hello.md` tells a file from others, `hello.md` not.
    """
    own = site.source_of(path)
    whole = os.fsencode(Path(os.path.abspath(path)).as_posix()).decode(errors="backslashreplace")
    parts = whole.strip("/").split("/")[-_DEPTH:]
    ends = ("/".join(parts[start:]) for start in range(len(parts) - 1))
    return (own, *(end for end in ends if end != own))


class Matcher:
    """One run: knows its files, and which posts they have got.

    The table of `_LEVELS` decides, the strongest first. A post that no level gives to a file is
    never changed for it.
    """

    def __init__(self, paths: Iterable[tuple[Path, Site]]) -> None:
        self._claimed: set[int] = set()
        self._sources: Counter[str] = Counter()
        self._ends: Counter[str] = Counter()
        self._roots: dict[Path, None] = {}
        folders: set[Path] = set()
        for path, site in paths:
            source = site.source_of(path)
            self._sources[source] += 1
            self._ends[_end(source)] += 1
            if site.folder not in folders:
                folders.add(site.folder)
                self._roots.update(dict.fromkeys((site.folder, *site.folder.parents)))

    def claim(self, stored: Stored) -> None:
        """Remember that this post is the one of a file of this run."""
        self._claimed.add(stored.id)

    def release(self, stored: Stored) -> None:
        """Forget that, as the post could not be changed."""
        self._claimed.discard(stored.id)

    def unchanged(self, file: File, found: Sequence[Stored]) -> Stored | None:
        """Return the file's own post if it is as the file says, and claim it."""
        for stored in found:
            mine = stored.id not in self._claimed and stored.source in file.sources
            if mine and not changes(file, stored):
                self.claim(stored)
                return stored
        return None

    def match(
        self, files: Sequence[File], found: Sequence[Sequence[Stored]], taken: Collection[str]
    ) -> list[Match]:
        """Return the post of each file, claimed for it, among those that were found for it.

        `taken` are the slugs of posts, of all that the files may have.
        """
        matches = [Match()] * len(files)
        families = {file.slug: _family(file.slug, taken) for file in files}
        waiting = dict(enumerate(files))
        for level in _LEVELS:
            fits: dict[int, list[Stored]] = {}
            for place, file in waiting.items():
                candidates = [one for one in found[place] if one.id not in self._claimed]
                fits[place] = [
                    one for one in candidates if level(self, file, one, families[file.slug])
                ]
            wanted = Counter(one.id for posts in fits.values() for one in posts)
            for place, posts in fits.items():
                choice = self._choose(level, waiting[place], posts, wanted)
                if choice is not None:
                    self.claim(choice)
                    matches[place] = Match(choice)
                    del waiting[place]
        for place, file in waiting.items():
            for one in found[place]:
                if is_alike(one.slug, file.slug) and _same_text(one) and _dated(file, one):
                    matches[place] = Match(one, is_copy=True)
                    break
        return matches

    def _choose(
        self, level: _Level, file: File, posts: Sequence[Stored], wanted: Mapping[int, int]
    ) -> Stored | None:
        """Return the only post that fits; of several equal ones the first that is free."""
        posts = [one for one in posts if one.id not in self._claimed]
        exact = [one for one in posts if one.source == file.sources[0]]
        if level in _BY_TEXT:
            return next(iter(exact or posts), None)
        posts = exact if len(exact) == 1 else posts
        return posts[0] if len(posts) == 1 and wanted[posts[0].id] == 1 else None

    def is_shared(self, source: str) -> bool:
        """Whether two files of this run may have this source, as in two sites."""
        return self._sources[source] > 1 or (
            source not in self._sources and self._ends[_end(source)] > 1
        )

    def is_of_another_file(self, stored: Stored, file: File) -> bool:
        """Whether a file of this run, or one on the disk, is where this post came from."""
        source = stored.source
        if source is None or source in file.sources:
            return False
        if source.startswith(_NO_FILE) or source in self._sources:
            return True
        names = {os.fsencode(source), _BYTE.sub(_byte, os.fsencode(source))}
        there = (os.path.join(os.fsencode(root), name) for root in self._roots for name in names)
        itself = os.path.realpath(os.fsencode(file.path))
        return any(os.path.lexists(path) and os.path.realpath(path) != itself for path in there)


_Level = Callable[[Matcher, File, Stored, frozenset[str]], bool]


def _own_by_text_and_date(run: Matcher, file: File, one: Stored, family: frozenset[str]) -> bool:
    return one.source in file.sources and _same_text(one) and _dated(file, one)


def _own_by_text(run: Matcher, file: File, one: Stored, family: frozenset[str]) -> bool:
    return one.source in file.sources and _same_text(one)


def _own_by_slug_and_date(run: Matcher, file: File, one: Stored, family: frozenset[str]) -> bool:
    return one.source in file.sources and is_alike(one.slug, file.slug) and _dated(file, one)


def _own(run: Matcher, file: File, one: Stored, family: frozenset[str]) -> bool:
    """The same source, and the same slug, date, title or content.

    A source alone does not do: another site may have a file of this path, too.
    """
    if one.source not in file.sources or run.is_shared(str(one.source)):
        return False
    same_date = file.fields["created_at"] == one.created_at
    return is_alike(one.slug, file.slug) or same_date or one.same_title or one.same_content


def _left_by_text(run: Matcher, file: File, one: Stored, family: frozenset[str]) -> bool:
    """Slug, text and date are the same, and the post's own file is gone, or it never had one."""
    same = is_alike(one.slug, file.slug) and _same_text(one) and _dated(file, one)
    return same and not run.is_of_another_file(one, file)


def _left_by_date(run: Matcher, file: File, one: Stored, family: frozenset[str]) -> bool:
    """Slug and date are the same, the text is not, and the post's own file is gone.

    A file without a date gets a post that never had a file, if title or content are the same. A
    numbered slug, such as `hello-2`, counts only where all before it are taken.
    """
    if one.slug not in family or run.is_of_another_file(one, file):
        return False
    if file.fields["created_at"] is None:
        return one.source is None and (one.same_title or one.same_content)
    return _dated(file, one)


_BY_TEXT: Final = (_own_by_text_and_date, _left_by_text)
_LEVELS: Final[tuple[_Level, ...]] = (
    _own_by_text_and_date,
    _own_by_text,
    _own_by_slug_and_date,
    _own,
    _left_by_text,
    _left_by_date,
)


def changes(file: File, stored: Stored, slug: str | None = None) -> dict[str, Any]:
    """Return the fields of a post that a file changes.

    `slug` is a free one for a post whose slug is another than the file says; a numbered variant is
    not another one. What a file does not say is empty, with these exceptions: a date, and a time of
    publishing that is not said, stay; and so do former slugs, which are promises. A time of the
    last change counts only where it is later, or something else changes with it: a text that is
    edited under an old one gets the time of the import.
    """
    said = file.fields
    fields: dict[str, Any] = {}
    if not stored.same_title:
        fields["title"] = said["title"]
    if not stored.same_content:
        fields["content"] = said["content"]
    keeps_time = said["published_at"] is None and said["status"] != DRAFT
    if keeps_time and said["status"] != stored.status:
        fields["status"] = said["status"]
    elif not keeps_time and (said["status"], said["published_at"]) != (
        stored.status,
        stored.published_at,
    ):
        # Both, so that nobody sees a draft's time as the trigger would have it.
        fields |= {"status": said["status"], "published_at": said["published_at"]}
    if said["created_at"] not in (None, stored.created_at):
        fields["created_at"] = said["created_at"]
    if not stored.same_tags:
        fields["tags"] = said["tags"]
    if not stored.same_metadata:
        fields["metadata"] = said["metadata"]
    former = [*stored.former_slugs]
    if not is_alike(stored.slug, file.slug):
        fields["slug"] = slug or file.slug
        former.append(stored.slug)
    new_slug = fields.get("slug", stored.slug)
    former += [one for one in said["former_slugs"] if one not in former]
    former = [one for one in former if one != new_slug]
    if former != [*stored.former_slugs]:
        fields["former_slugs"] = former
    updated_at = said["updated_at"]
    is_new_here = stored.source is None
    if updated_at not in (None, stored.updated_at) and (
        fields or is_new_here or updated_at > stored.updated_at
    ):
        fields["updated_at"] = updated_at
    if stored.source not in file.sources:
        fields["source"] = file.sources[0]
    return fields


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


def _family(slug: str, taken: Collection[str]) -> frozenset[str]:
    """Return the slug and its numbered variants that are taken, up to the first that is free."""
    return frozenset(takewhile(taken.__contains__, numbered(slug)))


def _dated(file: File, one: Stored) -> bool:
    return file.fields["created_at"] in (None, one.created_at)


def _same_text(one: Stored) -> bool:
    return one.same_title and one.same_content


def _end(source: str) -> str:
    return "/".join(source.split("/")[-2:])


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes.fromhex(found[1].decode())
