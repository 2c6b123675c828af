"""The values that callers hold and give: plain, typed, without a connection behind them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, Generic, Literal, TypeVar

from ..errors import DatabaseError
from .excerpts import excerpt_of

T = TypeVar("T")

Status = Literal["draft", "published", "archived"]

DRAFT: Final = "draft"
PUBLISHED: Final = "published"
ARCHIVED: Final = "archived"
STATUSES: Final[tuple[Status, ...]] = (DRAFT, PUBLISHED, ARCHIVED)

Order = Literal["newest", "oldest", "published", "updated"]


class Unset(Enum):
    """The type of `UNSET`, for annotations."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""Says "leave this field as it is", where None would say "make it null"."""


@dataclass(frozen=True, slots=True)
class PostRecord:
    """One stored post, as the database returned it.

    Times are aware and in UTC. A record does not change when the row does: read it again. Its hash
    leaves `metadata` out, which is a dict.
    """

    id: int
    title: str
    content: str
    slug: str
    status: Status
    published_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime
    tags: tuple[str, ...]
    metadata: dict[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class PostSummary:
    """One stored post without its content, for lists.

    `excerpt` is plain text, one line: the first 200 characters or so of the content, cut at a word,
    with a "…" where there is more. It is made of the first 1,000 characters, so it is shorter, or
    empty, where these are little but markup. All else is as in `PostRecord`.
    """

    id: int
    title: str
    excerpt: str
    slug: str
    status: Status
    published_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime
    tags: tuple[str, ...]
    metadata: dict[str, Any] = field(hash=False)


def _unfrozen(kind: Any) -> Any:
    """Return a class of the same slots as a frozen dataclass.

    A frozen dataclass sets each field through `object.__setattr__`, which takes four times as long
    as reading the row did. So a record is filled while it is not frozen yet.
    """
    return type(f"_Unfrozen{kind.__name__}", (), {"__slots__": kind.__slots__})


_UnfrozenRecord: Final = _unfrozen(PostRecord)
_UnfrozenSummary: Final = _unfrozen(PostSummary)


def record_of(row: Iterable[Any]) -> PostRecord:
    """Return the record of a row of `sql.COLUMNS`: its fields in their order."""
    record = _UnfrozenRecord()
    (
        record.id,
        record.title,
        record.content,
        record.slug,
        record.status,
        record.published_at,
        record.version,
        record.created_at,
        record.updated_at,
        tags,
        metadata,
    ) = row
    record.tags = tuple(tags) if tags else ()
    record.metadata = _metadata_of(record.id, metadata) if metadata else {}
    record.__class__ = PostRecord
    return record  # type: ignore[no-any-return]


def summary_of(row: Iterable[Any]) -> PostSummary:
    """Return the summary of a row of `sql.SUMMARY`: its fields, the excerpt not made yet."""
    summary = _UnfrozenSummary()
    (
        summary.id,
        summary.title,
        content,
        summary.slug,
        summary.status,
        summary.published_at,
        summary.version,
        summary.created_at,
        summary.updated_at,
        tags,
        metadata,
    ) = row
    summary.excerpt = excerpt_of(content)
    summary.tags = tuple(tags) if tags else ()
    summary.metadata = _metadata_of(summary.id, metadata) if metadata else {}
    summary.__class__ = PostSummary
    return summary  # type: ignore[no-any-return]


def _metadata_of(id: int, text: str) -> dict[str, Any]:
    try:
        metadata: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatabaseError(
            f"The metadata of post {id} is more than Python reads ({error}). It was written with "
            "SQL: shorten its numbers, or put fewer objects into one another, in the same way."
        ) from error
    return metadata


@dataclass(frozen=True, slots=True)
class NewPost:
    """A post that is not stored yet, as `create_many` takes it.

    Without a slug one is made from the title; without `created_at` and `updated_at` the database's
    clock counts. `former_slugs` lead to the post, too, until another one has them; `source` says
    where it was brought over from, for those who import.
    """

    title: str
    content: str
    status: Status = DRAFT
    slug: str | None = None
    published_at: datetime | None = None
    created_at: datetime | None = None
    tags: Iterable[str] = ()
    metadata: Mapping[str, Any] | None = field(default=None, hash=False)
    updated_at: datetime | None = None
    former_slugs: Iterable[str] = ()
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A slice of a listing.

    `next` goes into `after` of the same call to get the slice that follows; None says that there
    was none. `total` is None unless it was asked for.
    """

    items: tuple[T, ...]
    next: str | None = None
    total: int | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A post that matched a search.

    `snippet` is HTML: the text is escaped, matches stand in `<mark>`.
    """

    post: PostRecord
    rank: float
    snippet: str
