"""Which stored post is the one of a file, and what of it the file changes."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..posts import DRAFT, Stored
from .numbering import family, is_alike
from .origins import Origin, is_folder
from .ownership import File, Owner, Ownership
from .sites import Site


class Match(NamedTuple):
    """What becomes of a file: its own post, or a copy of another file's, or neither yet.

    `unclear` says why it gets none: the post may be that of another site.
    """

    stored: Stored | None = None
    is_copy: bool = False
    unclear: str | None = None


class _Candidate(NamedTuple):
    """A post that may be a file's, and whose it is."""

    stored: Stored
    owner: Owner


class Matcher:
    """One run: knows its files, and which posts they have got.

    The table of `_LEVELS` decides, the strongest first. A post that no level gives to a file is
    never changed for it.
    """

    def __init__(self, files: Iterable[tuple[Path, Site]]) -> None:
        self.ownership = Ownership(files)
        self._claimed: set[int] = set()

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
        families = {file.slug: family(file.slug, taken) for file in files}
        waiting = dict(enumerate(files))
        candidates = {
            place: [_Candidate(one, self.ownership.of(file, one)) for one in found[place]]
            for place, file in waiting.items()
        }
        for level in _LEVELS:
            fits: dict[int, list[Stored]] = {}
            for place, file in waiting.items():
                fits[place] = [
                    one.stored
                    for one in candidates[place]
                    if one.stored.id not in self._claimed
                    and level(self, file, one, families[file.slug])
                ]
            wanted = Counter(one.id for posts in fits.values() for one in posts)
            for place, posts in fits.items():
                choice = self._choose(level, waiting[place], posts, wanted)
                if choice is not None:
                    self.claim(choice)
                    matches[place] = Match(choice)
                    del waiting[place]
        for place, file in waiting.items():
            matches[place] = self._without_post(file, candidates[place])
        return matches

    def _without_post(self, file: File, candidates: Sequence[_Candidate]) -> Match:
        """Return what becomes of a file that gets none of these posts."""
        for one, _ in candidates:
            if is_alike(one.slug, file.slug) and _same_text(one) and _dated(file, one):
                return Match(one, is_copy=True)
        for one, owner in candidates:
            if owner is Owner.UNCLEAR and one.id not in self._claimed and _resembles(file, one):
                return Match(unclear=_why(file, one))
        return Match()

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


_Level = Callable[[Matcher, File, _Candidate, frozenset[str]], bool]


def _own_by_text_and_date(run: Matcher, file: File, one: _Candidate, known: frozenset[str]) -> bool:
    return _own_by_text(run, file, one, known) and _dated(file, one.stored)


def _own_by_text(run: Matcher, file: File, one: _Candidate, known: frozenset[str]) -> bool:
    return one.owner is Owner.FILE and _same_text(one.stored)


def _own_by_slug_and_date(run: Matcher, file: File, one: _Candidate, known: frozenset[str]) -> bool:
    return (
        one.owner is Owner.FILE
        and is_alike(one.stored.slug, file.slug)
        and _dated(file, one.stored)
    )


def _own(run: Matcher, file: File, one: _Candidate, known: frozenset[str]) -> bool:
    """The file's own, and the same slug, date, title or content.

    A path alone does not do: another post may have been written there.
    """
    is_own = one.owner is Owner.FILE and not run.ownership.is_shared(str(one.stored.source))
    return is_own and _resembles(file, one.stored)


def _left_by_text(run: Matcher, file: File, one: _Candidate, known: frozenset[str]) -> bool:
    """Slug, text and date are the same, and the post's own file is gone, or it never had one."""
    return (
        one.owner is Owner.NOBODY
        and is_alike(one.stored.slug, file.slug)
        and _same_text(one.stored)
        and _dated(file, one.stored)
    )


def _left_by_date(run: Matcher, file: File, one: _Candidate, known: frozenset[str]) -> bool:
    """Slug and date are the same, the text is not, and the post's own file is gone.

    A file without a date gets a post that never had a file, if title or content are the same. A
    numbered slug, such as `hello-2`, counts only where all before it are taken, as `known` says.
    """
    stored = one.stored
    if one.owner is not Owner.NOBODY or stored.slug not in known:
        return False
    if file.fields["created_at"] is None:
        return stored.source is None and (stored.same_title or stored.same_content)
    return _dated(file, stored)


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


def _dated(file: File, one: Stored) -> bool:
    return file.fields["created_at"] in (None, one.created_at)


def _same_text(one: Stored) -> bool:
    return one.same_title and one.same_content


def _resembles(file: File, one: Stored) -> bool:
    same_date = file.fields["created_at"] == one.created_at
    return is_alike(one.slug, file.slug) or same_date or one.same_title or one.same_content


def _why(file: File, one: Stored) -> str:
    """Return why a file gets no post, and what to do."""
    origin = Origin.of(one.source or "")
    if one.source is None or one.source in file.sources:
        return (
            "may be of another site: most files here have nothing but the slugs of their posts; "
            "import it alone if this is the same site, else with --site and a new name"
        )
    site = origin.site or "/"
    where = str(origin) if is_folder(site) else f"{origin.path} of the site {site!r}"
    return (
        f"may be of another site: its post came from {where}; import with --site "
        f"{shlex.quote(site)} if this is that site, else with --site and a new name"
    )
