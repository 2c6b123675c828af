"""What became of the files of an import, told by reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from .finding import Skipped

_SHORT: Final = {
    "title is missing": "no title",
    "file is not UTF-8": "not UTF-8",
    "is a link to": "links out of the folder",
}
"""Reasons, by how they begin, in fewer words."""

_SHORT_AT_THE_END: Final = {" lies ahead": "scheduled", " is past": "expired"}

_MANY: Final = 20
"""Reasons or keys of a kind that a summary tells."""

_LONG: Final = 60
"""Characters of each."""

_DETAIL: Final = re.compile(r"[(:;].*|\d[\d,.]* ", re.DOTALL)


class HeldBack(NamedTuple):
    """A file whose post the public does not see (yet), and what in the file says so."""

    path: Path
    reason: str


class Renamed(NamedTuple):
    """A file whose post got another slug than it says, as that one is another post's."""

    path: Path
    slug: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the files of an import.

    `section_pages` are the section pages, `_index.md`; `skipped` what could not be stored. Each
    post that was changed is in `updated_files`, and each that got another slug than its file says,
    now, in `renamed`. `copies` are files with the slug, the date and the
    text of another file's post: they have none of their own. `held_back` are the posts that the
    public does not see, whether they are new or not, and `kept` the keys of front matter that were
    put into the metadata, each with the number of files that have it.
    """

    created: int
    unchanged: int
    updated: int
    section_pages: tuple[Path, ...]
    skipped: tuple[Skipped, ...]
    updated_files: tuple[Path, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    copies: tuple[Path, ...] = ()
    held_back: tuple[HeldBack, ...] = ()
    kept: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether every file that should be a post is one."""
        return not self.skipped

    def summary(self) -> list[str]:
        """Return lines that tell it all by reason; there are few, however many files there were."""
        lines = [
            f"{self.created} created, {self.unchanged} unchanged, {self.updated} updated, "
            f"{len(self.skipped)} skipped, {len(self.section_pages)} section pages ignored"
        ]
        if self.renamed:
            lines.append(
                f"{len(self.renamed)} under a numbered slug, as another post has the plain one"
            )
        if self.copies:
            lines.append(f"{len(self.copies)} of the unchanged are copies of other files")
        if self.skipped:
            kinds = _by_kind(one.reason for one in self.skipped)
            lines.append(f"{len(self.skipped)} skipped: {_told(kinds)}")
        if self.held_back:
            kinds = _by_kind(one.reason for one in self.held_back)
            lines.append(f"{len(self.held_back)} held back: {_told(kinds)}")
        if self.kept:
            keys = [f"{key[:_LONG]} ({number})" for key, number in self.kept.items()]
            lines.append(f"kept in metadata: {_few(keys, 'keys')}")
        return lines


def _by_kind(reasons: Iterable[str]) -> list[tuple[str, int]]:
    """Count reasons that differ in names and numbers only as one kind, the most frequent first."""
    counted = Counter(map(kind_of, reasons))
    return sorted(counted.items(), key=lambda kind: (-kind[1], kind[0]))


def _told(kinds: Iterable[tuple[str, int]]) -> str:
    return _few([f"{number} {kind[:_LONG]}" for kind, number in kinds], "reasons")


def _few(parts: Sequence[str], what: str) -> str:
    more = len(parts) - _MANY
    return ", ".join([*parts[:_MANY], *([f"and {more} other {what}"] if more > 0 else [])])


def kind_of(reason: str) -> str:
    """Return a reason without its details.

    `title is 299 characters long; 255 fit` is of the kind `title is characters long`, and
    `draft: true` of the kind `draft`.
    """
    for beginning, short in _SHORT.items():
        if reason.startswith(beginning):
            return short
    for end, short in _SHORT_AT_THE_END.items():
        if reason.endswith(end):
            return short
    key, _, value = reason.partition(": ")
    if value and " " not in key:
        return key if value in ("true", "yes") else reason
    return " ".join(_DETAIL.sub("", reason).split()) or reason
