"""Posts in from files and folders of Markdown."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final, Literal, NamedTuple

from ..errors import (
    AlreadyExists,
    ConfigurationError,
    InvalidPost,
    NotOpen,
    PostNotFound,
    SchemaOutOfDate,
    TransactionAborted,
    Unavailable,
    WrongEventLoop,
)
from ..posts import DRAFT, MAX_SLUG, UNSET, NewPost, PostRecord, PostRepository
from .files import read_post
from .finding import Skipped, find_files
from .frontmatter import in_one_line

GAP: Final = 3
"""Free slugs in a row after which no numbered one is looked for: posts may have been deleted."""

# What would be the same for every file: it ends the import.
_OF_THE_DATABASE: Final = (
    ConfigurationError,
    NotOpen,
    SchemaOutOfDate,
    TransactionAborted,
    Unavailable,
    WrongEventLoop,
)

Outcome = Literal["created", "unchanged", "updated"]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the files of an import.

    `section_pages` are the section pages, `_index.md`; `skipped` what could not be stored.
    """

    created: int
    unchanged: int
    updated: int
    section_pages: tuple[Path, ...]
    skipped: tuple[Skipped, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every file that should be a post is one."""
        return not self.skipped


async def import_posts(
    posts: PostRepository,
    paths: Iterable[Path],
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Store Markdown files, and those in folders at any depth, as posts.

    What cannot be a post is named in the report, and the others are stored. In folders, what begins
    with a dot is not looked for, and a link is followed only where it leads to what is imported
    anyway: no file is published from elsewhere.

    A stored post is the one of a file when slug and date agree, or the slug alone where the file
    has no date; it is brought up to date with the file. A post that has the slug for another reason
    is not touched: the newcomer gets `slug-2`, and is found there the next time. So importing twice
    stores nothing twice, and an import that was interrupted is finished by repeating it.

    `on_progress` is called with how many files are done, 0 first, and how many there are. Raises
    `ConfigurationError`, before anything is stored, for a path that does not exist, and what the
    repository raises where it is the database that fails and not one file.
    """
    found = await asyncio.to_thread(find_files, [Path(path) for path in paths])
    done = count()

    def tick() -> None:
        if on_progress:
            on_progress(next(done), len(found.files))

    tick()
    survey = await asyncio.to_thread(_survey, found.files)
    skipped = [*found.skipped, *survey.skipped]
    for _ in (*survey.sections, *survey.skipped):
        tick()
    storing = _Storing(posts)
    outcomes: Counter[str] = Counter()
    for path in survey.ordered:
        try:
            # Read again: the survey kept no content, so that one file is in memory at a time.
            new = await asyncio.to_thread(read_post, path)
            outcomes[await storing.store(new)] += 1
        except InvalidPost as error:
            skipped.append(_skip(path, error))
        except _OF_THE_DATABASE:
            raise
        except Exception as error:  # noqa: BLE001 - an error of one file is that file's
            await posts.exists(1)  # where the database does not answer, that ends the import
            skipped.append(Skipped(path, f"could not be stored ({in_one_line(error)})"))
        tick()
    return ImportReport(
        created=outcomes["created"],
        unchanged=outcomes["unchanged"],
        updated=outcomes["updated"],
        section_pages=survey.sections,
        skipped=tuple(skipped),
    )


class _Survey(NamedTuple):
    ordered: list[Path]
    sections: tuple[Path, ...]
    skipped: list[Skipped]


def _survey(files: Iterable[Path]) -> _Survey:
    """Order the files by date, so that the oldest of two posts keeps the plain slug."""
    dated: list[tuple[datetime, str, Path]] = []
    sections: list[Path] = []
    skipped: list[Skipped] = []
    for path in files:
        if path.name.lower().startswith("_index."):
            sections.append(path)
            continue
        try:
            created_at = read_post(path).created_at
        except InvalidPost as error:
            skipped.append(_skip(path, error))
        else:
            dated.append((created_at or datetime.max.replace(tzinfo=UTC), str(path), path))
    return _Survey([path for *_, path in sorted(dated)], tuple(sections), skipped)


def _skip(path: Path, error: InvalidPost) -> Skipped:
    return Skipped(path, f"{error.field} {error.reason}")


class _Storing:
    """One run: remembers which slugs its files have got, so that no two of them share one."""

    def __init__(self, posts: PostRepository) -> None:
        self._posts = posts
        self._taken: dict[str, tuple[datetime, bytes]] = {}

    async def store(self, new: NewPost) -> Outcome:
        """Make the database hold what a file says."""
        while True:
            slug, post = await self._find(new)
            try:
                if slug in self._taken:
                    return "unchanged"  # a copy of a file that was stored in this run
                stored = await (self._update(post, new) if post else self._create(slug, new))
            except (AlreadyExists, PostNotFound):
                continue  # somebody else was faster: look again
            self._taken[slug] = stored.created_at, await asyncio.to_thread(_digest, stored)
            if post is None:
                return "created"
            return "unchanged" if stored.version == post.version else "updated"

    async def _find(self, new: NewPost) -> tuple[str, PostRecord | None]:
        """Return the slug for a post, and the post that is stored there if it is the same one.

        Of several that it may be, the one with the same text is it: the files of the others may
        not be part of this run.
        """
        free: list[str] = []
        similar: PostRecord | None = None
        digest = await asyncio.to_thread(_digest, new)
        for slug in _numbered(new.slug or ""):
            post = None
            if slug in self._taken:
                created_at, text = self._taken[slug]
            else:
                try:
                    post = await self._posts.get_by_slug(slug)
                except PostNotFound:
                    free.append(slug)
                    if len(free) == GAP:
                        break
                    continue
                created_at, text = post.created_at, await asyncio.to_thread(_digest, post)
            if new.created_at in (None, created_at):
                if text == digest:
                    return slug, post
                if not free:
                    similar = similar or post
        return (similar.slug, similar) if similar else (free[0], None)

    async def _create(self, slug: str, new: NewPost) -> PostRecord:
        return await self._posts.create(
            new.title,
            new.content,
            status=new.status,
            slug=slug,
            published_at=new.published_at,
            created_at=new.created_at,
        )

    async def _update(self, post: PostRecord, new: NewPost) -> PostRecord:
        # In one statement: nobody sees the old text as published, or the new one as a draft. A file
        # that does not say when it was published leaves that time as it is.
        keeps_time = new.published_at is None and new.status != DRAFT
        return await self._posts.update(
            post.id,
            title=new.title,
            content=new.content,
            status=new.status,
            published_at=UNSET if keeps_time else new.published_at,
        )


def _digest(post: NewPost | PostRecord) -> bytes:
    return hashlib.sha256(f"{len(post.title)} {post.title}{post.content}".encode()).digest()


def _numbered(slug: str) -> Iterator[str]:
    """Yield `hello`, `hello-2`, `hello-3` and so on, none longer than a slug can be."""
    yield slug
    for number in count(2):
        ending = f"-{number}"
        yield slug[: MAX_SLUG - len(ending)] + ending
