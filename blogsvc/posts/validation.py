"""What a post and a query must be, checked before anything is sent.

The database holds the same rules for everybody; here they come with better words, and for what
PostgreSQL cannot take at all.
"""

from __future__ import annotations

import contextlib
import json
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from ..database import is_whole, shown
from ..errors import InvalidPost, InvalidQuery
from .records import PUBLISHED, STATUSES, UNSET, NewPost, Status

T = TypeVar("T")

# What the driver sends as -infinity and infinity.
_INFINITIES: Final = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))

MAX_CONTENT: Final = 100_000_000
"""Bytes in UTF-8 that a content can have.

PostgreSQL refuses a message of 1 GB. Long before that, at about 255 MB, a statement takes more than
the 10 s that it has, and the event loop stands still for seconds while the driver copies. This much
is stored in about 4 s on a busy machine, also where it cannot be compressed.
"""

MAX_METADATA: Final = 1_000_000
"""Characters that metadata can have as JSON."""

MAX_DEPTH: Final = 100
"""Objects and lists in one another that metadata can have."""

MAX_TITLE: Final = 255
MAX_SLUG: Final = 255
MAX_TAG: Final = 255
MAX_SOURCE: Final = 2000
"""Bytes of a source: its index takes no entry of more than 2,704."""

MAX_LIMIT: Final = 1000
MAX_BIGINT: Final = 2**63 - 1
MAX_INT: Final = 2**31 - 1
MAX_BITS: Final = 1000

_MAX_LENGTHS: Final = {"title": MAX_TITLE, "slug": MAX_SLUG}


def check_post(post: NewPost, index: int | None = None) -> dict[str, Any]:
    """Return the fields of a new post as they are sent. Raises `InvalidPost`."""
    if not isinstance(post, NewPost):
        raise InvalidPost("post", f"is a {type(post).__name__}, not a NewPost", index=index)
    try:
        fields: dict[str, Any] = {}
        for field, check in _CHECKS.items():
            value = getattr(post, field)
            # Without a slug, one is made from the title.
            fields[field] = None if field == "slug" and value is None else check(field, value)
        return fields
    except InvalidPost as error:
        if index is None:
            raise
        raise InvalidPost(error.field, error.reason, index=index) from None


def check_fields(**given: object) -> dict[str, object]:
    """Return the fields that are given as they are sent, those that are `UNSET` left out.

    Raises `InvalidPost` when one breaks a rule. For a post that is to be published, None as its
    time is as good as none given: the database keeps the one it has, or takes now.
    """
    fields = {
        name: _CHECKS[name](name, value) for name, value in given.items() if value is not UNSET
    }
    if fields.get("status") == PUBLISHED and fields.get("published_at", UNSET) is None:
        del fields["published_at"]
    return fields


def check_line(field: str, value: str) -> str:
    """A title or a slug: not blank, and not too long."""
    check_text(field, value)
    if not value.strip():
        raise InvalidPost(field, "is blank")
    if len(value) > _MAX_LENGTHS[field]:
        raise InvalidPost(field, f"is {len(value)} characters long; {_MAX_LENGTHS[field]} fit")
    return value


def check_status(field: str, value: str) -> Status:
    """Return the status as we write it, whatever kind of str it was."""
    try:
        return STATUSES[STATUSES.index(value)]
    except ValueError:
        raise InvalidPost(field, f"is {shown(value)}, not one of {', '.join(STATUSES)}") from None


def check_text(field: str, value: str) -> str:
    """Return a text as a plain str, whatever kind of str it was. It may be empty."""
    reason = _text_flaw(value)
    if reason:
        raise InvalidPost(field, reason)
    return str.__str__(value)


def check_texts(field: str, value: Iterable[str]) -> list[str]:
    """Tags or former slugs: none blank, none too long, none twice."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        kind = "missing" if value is None else f"a {type(value).__name__}"
        raise InvalidPost(field, f"is {kind}, not a list of texts")
    texts: dict[str, None] = {}
    for text in value:
        reason = _text_flaw(text)
        if reason or not text.strip():
            raise InvalidPost(field, f"has one that {reason or 'is blank'}")
        if len(text) > MAX_TAG:
            raise InvalidPost(field, f"has one of {len(text)} characters; {MAX_TAG} fit")
        if text in texts:
            raise InvalidPost(field, f"has {text!r} twice")
        texts[text] = None
    return list(texts)


def check_metadata(field: str, value: Mapping[str, Any] | None) -> str:
    """Return a JSON object as the text that is sent; None stands for an empty one."""
    if value is None or value == {}:
        return "{}"
    if not isinstance(value, Mapping):
        raise InvalidPost(field, f"is a {type(value).__name__}, not a dict")
    reason = _json_flaw(value)
    if reason:
        raise InvalidPost(field, reason)
    try:
        text = json.dumps(dict(value), ensure_ascii=False, sort_keys=True, default=dict)
    except ValueError:
        raise InvalidPost(field, "holds a number that is too long") from None
    if len(text) > MAX_METADATA:
        raise InvalidPost(field, f"is {len(text):,} characters as JSON; {MAX_METADATA:,} fit")
    return text


def check_source(field: str, value: str | None) -> str | None:
    if value is None:
        return None
    check_text(field, value)
    if len(value.encode()) > MAX_SOURCE:
        raise InvalidPost(field, f"is {len(value.encode()):,} bytes long; {MAX_SOURCE:,} fit")
    return value


def check_content(field: str, value: str) -> str:
    """A text that PostgreSQL can hold, and of a size that it can be sent in."""
    # First what costs nothing: a text of 1 GB is not even looked through.
    too_long = isinstance(value, str) and len(value) > MAX_CONTENT
    if not too_long:
        check_text(field, value)
        # A character has up to four bytes, so a shorter text need not be encoded to be counted.
        too_long = len(value) > MAX_CONTENT // 4 and len(value.encode()) > MAX_CONTENT
    if too_long:
        raise InvalidPost(field, f"is too long: {MAX_CONTENT:,} bytes in UTF-8 fit")
    return value


def check_time(field: str, value: datetime | None) -> datetime | None:
    if value is None:
        return None
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
    return value


_CHECKS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "title": check_line,
    "content": check_content,
    "slug": check_line,
    "status": check_status,
    "published_at": check_time,
    "created_at": check_time,
    "tags": check_texts,
    "metadata": check_metadata,
    "updated_at": check_time,
    "former_slugs": check_texts,
    "source": check_source,
}


def check_filter(argument: str, value: Any) -> Any:
    """Return a filter's value as we write it. Raises `InvalidQuery`."""
    try:
        if argument == "status":
            return check_status(argument, value)
        if argument == "tag":
            return check_text(argument, value)
        if argument == "metadata":
            return check_metadata(argument, value)
        check_time(argument, value)
        return value.astimezone(UTC)
    except InvalidPost as error:
        raise InvalidQuery(argument, error.reason) from None


def check_limit(limit: int, argument: str = "limit") -> None:
    if not is_whole(limit) or not 1 <= limit <= MAX_LIMIT:
        raise InvalidQuery(argument, f"is {shown(limit)}; it goes from 1 to {MAX_LIMIT}")


def iterator_of(argument: str, values: Iterable[T]) -> Iterator[T]:
    """Return an iterator of the values. Raises `InvalidQuery` for what is no iterable, or a str."""
    # What the iterable itself raises later is its own affair, so only this is caught.
    with contextlib.suppress(TypeError):
        if not isinstance(values, str | bytes):
            return iter(values)
    raise InvalidQuery(argument, f"is a {type(values).__name__}, not an iterable such as a list")


def text_is_storable(value: str) -> bool:
    """Whether PostgreSQL can hold this text, and so whether it can be found in it."""
    return _text_flaw(value) is None


def id_is_possible(id: int, argument: str = "id") -> bool:
    """Whether a post can have this id at all. Raises `InvalidQuery` for what is no int."""
    return 0 < _whole(argument, id) <= MAX_BIGINT


def slug_is_possible(slug: str) -> bool:
    """Whether a post can have this slug at all. Raises `InvalidQuery` for what is no str."""
    if not isinstance(slug, str):
        raise InvalidQuery("slug", f"is a {type(slug).__name__}, not a str")
    return len(slug) <= MAX_SLUG and text_is_storable(slug)


def version_is_possible(version: int | None) -> bool:
    """Whether a post can be at this version at all; None stands for any.

    Raises `InvalidQuery` for what is no int.
    """
    return version is None or -MAX_INT <= _whole("expected_version", version) <= MAX_INT


def _whole(argument: str, value: object) -> int:
    if type(value) is not int and not isinstance(value, bool):
        with contextlib.suppress(TypeError):
            value = operator.index(value)  # type: ignore[arg-type]
    if type(value) is int:
        if value.bit_length() > MAX_BITS:
            raise InvalidQuery(argument, f"has {value.bit_length():,} bits; none has so many")
        return value
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


def _json_flaw(value: object, depth: int = 0) -> str | None:
    """Say what of a value JSON, or PostgreSQL's kind of it, cannot hold."""
    if value is None or isinstance(value, bool | int):
        return None
    if isinstance(value, str):
        reason = _text_flaw(value)
        return reason and f"holds a text that {reason}"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"holds {value}, which is no number in JSON"
    if depth == MAX_DEPTH:
        return f"holds more than {MAX_DEPTH} objects and lists in one another"
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                return f"holds the name {shown(name)}, which is a {type(name).__name__}, not a str"
        inside: Iterable[object] = (*value, *value.values())
    elif isinstance(value, list | tuple):
        inside = value
    else:
        return f"holds a {type(value).__name__}, which JSON does not have: write it as text"
    return next((flaw for one in inside if (flaw := _json_flaw(one, depth + 1))), None)
