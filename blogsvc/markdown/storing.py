"""Store a batch of files: look their posts up, decide, and write it all in one transaction."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

from ..errors import AlreadyExists, OutcomeUnknown, TransactionConflict
from ..posts import (
    Change,
    PostRepository,
    Sought,
    find_stored,
    store_posts,
    taken_slugs,
)
from .matching import Match, Matcher, changes
from .numbering import is_alike, numbered
from .ownership import File

GAP: Final = 3
"""Free slugs in a row after which no numbered one is looked for: posts may have been deleted."""

ATTEMPTS: Final = 5
"""Times that files are looked up where somebody else writes the same posts."""

_MOST: Final = 100
"""Posts of one slug and its numbered variants that are looked at for a file without a date."""


class Outcome(NamedTuple):
    """What became of a file, and a note: why there is no post, or another slug than it says."""

    kind: Literal["created", "unchanged", "updated", "copied", "unclear"]
    note: str = ""


class _Plan(NamedTuple):
    """What is written for the files of a batch, by their places in it."""

    new: dict[str, Mapping[str, Any]]
    slugs: dict[int, str]
    changes: dict[int, Change]
    outcomes: dict[int, Outcome]


class Storing:
    """Makes the database hold what files say."""

    def __init__(self, posts: PostRepository, matcher: Matcher) -> None:
        self._posts = posts
        self._matcher = matcher

    async def unchanged(self, files: Sequence[File]) -> set[int]:
        """Return the places of the files whose posts are as they say.

        One statement does that, and a second one where files have no post under their sources: they
        are new, or their site has moved. The posts that they have there tell which.
        """
        by_source = [
            Sought(file.fields, file.digest, [*file.sources, *file.others]) for file in files
        ]
        found = await find_stored(self._posts, by_source)
        strangers = [place for place, posts in enumerate(found) if not posts]
        alike = [
            Sought(file.fields, file.digest, (), (file.slug,), by_date=True)
            for file in (files[place] for place in strangers)
        ]
        for place, posts in zip(strangers, await find_stored(self._posts, alike), strict=True):
            self._matcher.ownership.note(files[place], posts)
        for file, posts in zip(files, found, strict=True):
            self._matcher.ownership.note(file, posts)
        return {
            place
            for place, (file, posts) in enumerate(zip(files, found, strict=True))
            if self._matcher.unchanged(file, posts)
        }

    async def store(self, files: Sequence[File]) -> list[Outcome]:
        """Store what the files say and return what that was for each: all of them, or none.

        Where somebody else writes the same posts at the same time, the files are looked up again.
        Raises what the repository raises.
        """
        outcomes: dict[int, Outcome] = {}
        failure: Exception | None = None
        for _ in range(ATTEMPTS):
            waiting = [place for place in range(len(files)) if place not in outcomes]
            if not waiting:
                break
            try:
                done = await self._try([files[place] for place in waiting])
            except (AlreadyExists, OutcomeUnknown, TransactionConflict) as error:
                failure = error
            else:
                outcomes |= {waiting[place]: outcome for place, outcome in done.items()}
        if len(outcomes) < len(files):
            raise failure or TransactionConflict(
                "Somebody else writes the same posts. Import again."
            )
        return [outcomes[place] for place in range(len(files))]

    async def _try(self, files: Sequence[File]) -> dict[int, Outcome]:
        """Store the files, and return what became of those for which nobody else was faster."""
        families = await self._families(files)
        sought = []
        for file in files:
            former = self._matcher.ownership.former_sources(file)
            sources = [*file.sources, *file.others, *former]
            slugs = () if file.fields["created_at"] else families[file.slug][:_MOST]
            sought.append(Sought(file.fields, file.digest, sources, slugs, by_date=not slugs))
        found = await find_stored(self._posts, sought)
        taken = {slug for family in families.values() for slug in family}
        plain = {slug for file in files for slug in _plain(file)}
        if plain:
            taken |= await taken_slugs(self._posts, plain)
        matches = await asyncio.to_thread(self._matcher.match, files, found, taken)
        stored: set[int] = set()
        try:
            plan = _plan(files, matches, taken)
            created, changed = await store_posts(self._posts, plan.new, [*plan.changes.values()])
            stored = {place for place, slug in plan.slugs.items() if slug in created}
            stored |= {place for place, one in plan.changes.items() if one.stored.id in changed}
            stored |= plan.outcomes.keys() - plan.slugs.keys() - plan.changes.keys()
        finally:
            for place, match in enumerate(matches):
                if match.stored and not match.is_copy and place not in stored:
                    self._matcher.release(match.stored)
        return {place: plan.outcomes[place] for place in stored}

    async def _families(self, files: Sequence[File]) -> dict[str, list[str]]:
        """Return for each slug which of it and its numbered variants are taken.

        Looks on until there are as many free ones as files that may want one.
        """
        wanted = {slug: max(GAP, number) for slug, number in Counter(f.slug for f in files).items()}
        families: dict[str, list[str]] = {slug: [] for slug in wanted}
        first, step = 0, GAP + 1
        while wanted:
            asked = {slug: [*islice(numbered(slug), first, first + step)] for slug in wanted}
            taken = await taken_slugs(self._posts, {one for many in asked.values() for one in many})
            for slug, many in asked.items():
                there = [one for one in many if one in taken]
                families[slug] += there
                wanted[slug] -= len(many) - len(there)
            wanted = {slug: number for slug, number in wanted.items() if number > 0}
            first, step = first + step, step * 4
        return families


def _plan(files: Sequence[File], matches: Sequence[Match], taken: Collection[str]) -> _Plan:
    plan = _Plan({}, {}, {}, {})
    promised: set[str] = set()
    texts: dict[tuple[str, str, str], list[object]] = {}

    def free(slug: str) -> str:
        chosen = next(one for one in numbered(slug) if one not in taken and one not in promised)
        promised.add(chosen)
        return chosen

    for place, (stored, is_copy, unclear) in enumerate(matches):
        file = files[place]
        lost = {slug for slug in _plain(file) if slug in taken or slug in promised}
        if lost:
            file = _without(file, lost)
        if unclear:
            plan.outcomes[place] = Outcome("unclear", unclear)
        elif is_copy:
            plan.outcomes[place] = Outcome("copied")
        elif stored:
            fields = changes(file, stored)
            if "slug" in fields:
                fields = changes(file, stored, free(file.slug))
            if fields:
                plan.changes[place] = Change(stored, fields)
            note = _other_slug(file, fields.get("slug", file.slug))
            is_same = fields.keys() <= {"source"}
            plan.outcomes[place] = Outcome("unchanged" if is_same else "updated", note)
        else:
            date = file.fields["created_at"]
            twins = texts.setdefault((file.slug, file.fields["title"], file.digest), [])
            if date in twins or (date is None and twins):
                plan.outcomes[place] = Outcome("copied")
                continue
            twins.append(date)
            slug = free(file.slug)
            plan.slugs[place] = slug
            plan.new[slug] = file.fields
            plan.outcomes[place] = Outcome("created", _other_slug(file, slug))
    return plan


def _other_slug(file: File, slug: str) -> str:
    return slug if slug != file.slug else ""


def _plain(file: File) -> list[str]:
    """Return the former slugs of which a file's own is a numbered variant: `hello` of `hello-2`.

    It is numbered because another post has the plain one, which leads there and not here.
    """
    return [slug for slug in file.fields["former_slugs"] if is_alike(file.slug, slug)]


def _without(file: File, slugs: Collection[str]) -> File:
    former = [slug for slug in file.fields["former_slugs"] if slug not in slugs]
    return file._replace(fields={**file.fields, "former_slugs": former})
