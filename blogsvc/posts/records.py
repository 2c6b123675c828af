"""The values that callers hold and give: plain, typed, without a connection behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, make_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, Generic, Literal, TypeVar

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

    Times are aware and in UTC. A record does not change when the row does: read it again.
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


# A frozen dataclass sets each field through `object.__setattr__`, which takes four times as long as
# reading the row did. So a record is filled while it is not frozen yet: a twin with equal slots.
_Unfrozen: Any = make_dataclass(
    "_Unfrozen", [(field.name, field.type) for field in fields(PostRecord)], slots=True
)


def record_of(row: Iterable[Any]) -> PostRecord:
    """Return the record of a row that holds the fields in their order."""
    record = _Unfrozen(*row)
    record.__class__ = PostRecord
    return record  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class NewPost:
    """A post that is not stored yet, as `create_many` takes it.

    Without a slug one is made from the title; without `created_at` the database's clock counts.
    """

    title: str
    content: str
    status: Status = DRAFT
    slug: str | None = None
    published_at: datetime | None = None
    created_at: datetime | None = None


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
