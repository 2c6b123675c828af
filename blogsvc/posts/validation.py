"""What a post and a query must be, checked before anything is sent.

The database holds the same rules for everybody; here they come with better words, and for what
PostgreSQL cannot take at all.
"""

from __future__ import annotations

import contextlib
import operator
from datetime import UTC, datetime
from typing import Final

from ..errors import InvalidPost, InvalidQuery
from .records import STATUSES, NewPost, Status

# What the driver sends as -infinity and infinity.
_INFINITIES: Final = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))

MAX_TITLE: Final = 255
MAX_SLUG: Final = 255
MAX_LIMIT: Final = 1000
MAX_BIGINT: Final = 2**63 - 1
MAX_INT: Final = 2**31 - 1


def check_post(post: NewPost, index: int | None = None) -> None:
    """Raise `InvalidPost` when a new post breaks a rule."""
    if not isinstance(post, NewPost):
        raise InvalidPost("post", f"is a {type(post).__name__}, not a NewPost", index=index)
    try:
        check_title(post.title)
        check_text("content", post.content)
        if post.slug is not None:
            check_slug(post.slug)
        check_status(post.status)
        check_time("published_at", post.published_at)
        check_time("created_at", post.created_at)
    except InvalidPost as error:
        if index is None:
            raise
        raise InvalidPost(error.field, error.reason, index=index) from None


def check_title(title: str) -> None:
    check_text("title", title)
    if not title.strip():
        raise InvalidPost("title", "is blank")
    if len(title) > MAX_TITLE:
        raise InvalidPost("title", f"is {len(title)} characters long; {MAX_TITLE} fit")


def check_slug(slug: str) -> None:
    check_text("slug", slug)
    if not slug.strip():
        raise InvalidPost("slug", "is blank")
    if len(slug) > MAX_SLUG:
        raise InvalidPost("slug", f"is {len(slug)} characters long; {MAX_SLUG} fit")


def check_status(status: str) -> Status:
    """Return the status as we write it, whatever kind of str it was."""
    try:
        return STATUSES[STATUSES.index(status)]
    except ValueError:
        raise InvalidPost("status", f"is {status!r}, not one of {', '.join(STATUSES)}") from None


def check_text(field: str, value: str) -> None:
    reason = _text_flaw(value)
    if reason:
        raise InvalidPost(field, reason)


def check_time(field: str, value: datetime | None) -> None:
    if value is None:
        return
    if not isinstance(value, datetime):
        raise InvalidPost(field, f"is a {type(value).__name__}, not a datetime")
    if value.tzinfo is None:
        raise InvalidPost(
            field, "has no time zone: write datetime(..., tzinfo=UTC) or .astimezone()"
        )
    try:
        endless = value.astimezone(UTC) in _INFINITIES
    except OverflowError:
        endless = True
    if endless:
        raise InvalidPost(field, "is before or after all time that can be stored")


def check_filter_time(argument: str, value: datetime | None) -> None:
    try:
        check_time(argument, value)
    except InvalidPost as error:
        raise InvalidQuery(argument, error.reason) from None


def check_limit(limit: int) -> None:
    if not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise InvalidQuery("limit", f"is {limit!r}; it goes from 1 to {MAX_LIMIT}")


def text_is_storable(value: str) -> bool:
    """Whether PostgreSQL can hold this text, and so whether it can be found in it."""
    return _text_flaw(value) is None


def id_is_possible(id: int) -> bool:
    """Whether a post can have this id at all. Raises `InvalidQuery` for what is no int."""
    return 0 < _whole("id", id) <= MAX_BIGINT


def version_is_possible(version: int | None) -> bool:
    """Whether a post can be at this version at all; None stands for any.

    Raises `InvalidQuery` for what is no int.
    """
    return version is None or -MAX_INT <= _whole("expected_version", version) <= MAX_INT


def _whole(argument: str, value: object) -> int:
    if not isinstance(value, bool):
        with contextlib.suppress(TypeError):
            return operator.index(value)  # type: ignore[arg-type]
    raise InvalidQuery(argument, f"is a {type(value).__name__}, not an int")


def _text_flaw(value: object) -> str | None:
    if value is None:
        return "is missing"
    if not isinstance(value, str):
        return f"is a {type(value).__name__}, not a str"
    if "\0" in value:
        return "holds a NUL character, which PostgreSQL cannot store"
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return "holds a lone surrogate, which is no character"
    return None
