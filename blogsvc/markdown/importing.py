"""Posts in from files and folders of Markdown."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..errors import (
    ConfigurationError,
    NotOpen,
    SchemaOutOfDate,
    TransactionAborted,
    Unavailable,
    WrongEventLoop,
)
from ..posts import PostRepository, iterator_of
from .files import path_of
from .finding import Skipped, find_files
from .frontmatter import in_one_line
from .languages import code_of
from .matching import Matcher
from .origins import is_name
from .reading import Memory, Order, Read, Sites, read_batches
from .report import HeldBack, ImportReport, Renamed
from .storing import Outcome, Storing

# What would be the same for every file: it ends the import.
_OF_THE_DATABASE: Final = (
    ConfigurationError,
    NotOpen,
    SchemaOutOfDate,
    TransactionAborted,
    Unavailable,
    WrongEventLoop,
)


async def import_posts(
    posts: PostRepository,
    paths: Iterable[Path],
    *,
    timezone: str | None = None,
    language: str | None = None,
    site: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Store Markdown files, and those in folders at any depth, as posts.

    What cannot be a post is named in the report, and the others are stored. In folders, what begins
    with a dot is not looked for, and a link is followed only where it leads to what is imported
    anyway: no file is published from elsewhere.

    A post remembers its file, by the site and the path below it, and is brought up to date with
    that file, whatever was edited there. The post of another file is not touched: a newcomer whose
    slug is taken gets `slug-2`. A moved file, and a post that has no file yet, are found by slug
    and date where exactly one fits. So importing twice stores nothing twice, and an import that was
    interrupted is finished by repeating it. Posts of files that are gone stay.

    A site is known by its folder, and also in another one as long as most of its files are as they
    were. Where that does not tell, a file is skipped rather than another one's post overwritten;
    `site` is a name that tells it, the same for each import of that site: see docs/markdown.md.

    `timezone` (such as `Europe/Berlin`) is the one of dates that name none, and `language` (such as
    `fr`) the one whose posts have the plain slugs; without them, the site's configuration counts.
    `on_progress` is called with how many files are done, 0 first, and how many there are. Raises
    `ConfigurationError`, before anything is stored, for a path that does not exist, a folder
    without Markdown or with section pages only, and an unknown time zone or language, or a `site`
    that is no name or would be that of several; and what the repository raises where it is the
    database that fails and not one file.
    """
    given = [path_of("paths", path) for path in iterator_of("paths", paths)]
    sites = Sites(given, _timezone(timezone), _language(language), _name(site))
    found = await asyncio.to_thread(find_files, given)
    matcher = await asyncio.to_thread(
        lambda: Matcher((path, sites.of(path)) for path in found.files)
    )
    if site is not None and matcher.ownership.has_several_folders:
        raise ConfigurationError(
            f"{site!r} would be the name of several sites. Nothing was imported: import them one "
            "by one, each under a name of its own."
        )
    return await _Import(posts, sites, matcher, on_progress).run(found.files, found.skipped)


class _Import:
    """One run over the files, twice: first what is as it was, then what is new or changed, by date.

    A file that is as it was costs one look, and has its post before any other one is asked. Of the
    others the order stays in memory, and as much of them as there is room for.
    """

    def __init__(
        self,
        posts: PostRepository,
        sites: Sites,
        matcher: Matcher,
        on_progress: Callable[[int, int], None] | None,
    ) -> None:
        self._posts = posts
        self._sites = sites
        self._memory = Memory()
        self._storing = Storing(posts, matcher)
        self._on_progress = on_progress
        self._done, self._total = 0, 0
        self._outcomes: Counter[str] = Counter()
        self._skipped: list[Skipped] = []
        self._updated: list[Path] = []
        self._renamed: list[Renamed] = []
        self._copies: list[Path] = []
        self._held_back: list[HeldBack] = []
        self._kept: Counter[str] = Counter()

    async def run(self, files: Sequence[Path], skipped: Sequence[Skipped]) -> ImportReport:
        self._total = len(files)
        self._skipped += skipped
        if self._on_progress:
            self._on_progress(0, self._total)
        sections = [path for path in files if _is_section(path)]
        self._tick(len(sections))
        waiting: list[Order] = []
        one_by_one = ([path] for path in files if not _is_section(path))
        async for batch in read_batches(one_by_one, self._sites, self._memory):
            waiting += await self._look(self._readable(batch))
        if not (waiting or self._outcomes or self._skipped):
            raise ConfigurationError(
                "There are only section pages, _index.md, and no post. Nothing was imported: name "
                "a folder with posts."
            )
        waiting.sort()
        alike = itertools.groupby(waiting, key=lambda order: order[:2])
        groups = ([Path(path) for *_, path in orders] for _, orders in alike)
        async for batch in read_batches(groups, self._sites, self._memory):
            await self._store(self._readable(batch))
        return ImportReport(
            created=self._outcomes["created"],
            unchanged=self._outcomes["unchanged"] + self._outcomes["copied"],
            updated=self._outcomes["updated"],
            section_pages=tuple(sections),
            skipped=tuple(self._skipped),
            updated_files=tuple(self._updated),
            renamed=tuple(self._renamed),
            copies=tuple(self._copies),
            held_back=tuple(self._held_back),
            kept=dict(sorted(self._kept.items(), key=lambda key: (-key[1], key[0]))),
        )

    def _readable(self, batch: Sequence[Read | Skipped]) -> list[Read]:
        for one in batch:
            if isinstance(one, Skipped):
                self._skipped.append(one)
                self._tick(1)
        return [one for one in batch if isinstance(one, Read)]

    async def _look(self, batch: Sequence[Read]) -> list[Order]:
        """Take note of the files whose posts are as they say; return the order of the others."""
        unchanged = await self._storing.unchanged([read.file for read in batch])
        for place in sorted(unchanged):
            self._note(batch[place], Outcome("unchanged"))
        others = [read for place, read in enumerate(batch) if place not in unchanged]
        for read in others:
            self._memory.keep(read)
        return [read.order for read in others]

    async def _store(self, batch: Sequence[Read]) -> None:
        """Store a batch; where that fails, its halves, until the error is that of one file."""
        try:
            outcomes = await self._storing.store([read.file for read in batch])
        except _OF_THE_DATABASE:
            raise
        except Exception as error:  # noqa: BLE001 - an error of one file is that file's
            await self._posts.exists(1)  # where the database does not answer, that ends the import
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._store(batch[:middle])
                await self._store(batch[middle:])
                return
            path = batch[0].file.path
            self._skipped.append(Skipped(path, f"could not be stored ({in_one_line(error)})"))
            self._tick(1)
        else:
            for read, outcome in zip(batch, outcomes, strict=True):
                self._note(read, outcome)

    def _note(self, read: Read, outcome: Outcome) -> None:
        path = read.file.path
        self._tick(1)
        if outcome.kind == "unclear":
            self._skipped.append(Skipped(path, outcome.note))
            return
        self._outcomes[outcome.kind] += 1
        if outcome.kind == "updated":
            self._updated.append(path)
        elif outcome.kind == "copied":
            self._copies.append(path)
        if outcome.note:
            self._renamed.append(Renamed(path, outcome.note))
        if read.held_back:
            self._held_back.append(HeldBack(path, read.held_back))
        self._kept.update(read.kept)

    def _tick(self, number: int) -> None:
        for _ in range(number):
            self._done += 1
            if self._on_progress:
                self._on_progress(self._done, self._total)


def _timezone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    # It raises what opening a file of that name raises, too.
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError) as error:
        raise ConfigurationError(
            f"There is no time zone {name!r}. Nothing was imported: write it as Europe/Berlin or "
            "UTC."
        ) from error


def _language(name: str | None) -> str | None:
    if name is not None and (not isinstance(name, str) or code_of(name) is None):
        raise ConfigurationError(
            f"There is no language {name!r}. Nothing was imported: write it as fr or pt-br."
        )
    return name


def _name(site: str | None) -> str | None:
    if site is None:
        return None
    if not is_name(site):
        raise ConfigurationError(
            f"{site!r} cannot be the name of a site. Nothing was imported: choose another one, of "
            "at most 255 characters and without //."
        )
    return site.rstrip("/")


def _is_section(path: Path) -> bool:
    return path.name.lower().startswith("_index.")
