"""What a listing lets through and in which order, and the cursors that lead from page to page."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypedDict

from ..database import shown
from ..errors import InvalidCursor, InvalidQuery
from . import validation
from .records import PUBLISHED, Order, Status
from .sql import FILTERS, ORDERS

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_VERSION: Final = 1


class Filters(TypedDict, total=False):
    """What `count`, `page` and `stream` can be narrowed down to.

    `visible` keeps the posts that are published by now; `tag` those that have it; `metadata` those
    that contain all of it; the times are exclusive.
    """

    status: Status | None
    visible: bool
    tag: str | None
    metadata: Mapping[str, Any] | None
    created_before: datetime | None
    created_after: datetime | None
    published_before: datetime | None
    published_after: datetime | None


def conditions_of(filters: Filters, order: Order | None = None) -> dict[str, Any]:
    """Return the conditions that are in force, by name, with their values.

    Raises `InvalidQuery` for a value out of bounds. A listing by the time of publishing has only
    posts with such a time.
    """
    for name in filters.keys() - Filters.__annotations__.keys():
        raise TypeError(f"{name!r} is no filter; use {', '.join(Filters.__annotations__)}")
    # Cursors compare the values, so each comes back in one form, whatever form the caller's had.
    found: dict[str, Any] = {}
    for name, value in filters.items():
        if name == "visible":
            found[name] = bool(value) or None
        elif value is not None and value != {}:
            found[name] = validation.check_filter(name, value)
    found["dated"] = order == "published" or None
    known = (*Filters.__annotations__, "dated")
    return {name: found[name] for name in known if found.get(name) is not None}


def names_of(conditions: dict[str, Any]) -> tuple[str, ...]:
    """Return the conditions by the names that they have in SQL, each once."""
    names: dict[str, None] = {}
    for name, value in conditions.items():
        if name == "visible":
            names |= {PUBLISHED: None, "past": None}
        else:
            names[value if name == "status" else name] = None
    return tuple(names)


def values_of(conditions: dict[str, Any]) -> list[Any]:
    """Return the values of the conditions that have one in the statement, in their order."""
    return [value for name, value in conditions.items() if "{}" in FILTERS.get(name, "")]


def column_of(order: Order) -> str:
    """Return the column that an order goes by. Raises `InvalidQuery` where there is none."""
    try:
        return ORDERS[order][0]
    except (KeyError, TypeError):
        raise InvalidQuery("order", f"is {shown(order)}, not one of {', '.join(ORDERS)}") from None


def fingerprint(*query: object) -> bytes:
    """Return eight bytes that stand for an order and its filters."""
    return hashlib.blake2b(repr(query).encode(), digest_size=8).digest()


def encode(query: bytes, *place: int) -> str:
    """Return the cursor of a place in the answer to a query: a few numbers, an id among them."""
    packed = _layout(len(place)).pack(_VERSION, query, *place)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode(query: bytes, cursor: str, numbers: int = 2) -> tuple[int, ...]:
    """Return the numbers of a place. Raises `InvalidCursor` for what `encode` did not make."""
    try:
        packed = base64.b64decode(
            cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        version, made_for, *place = _layout(numbers).unpack(packed)
    except (AttributeError, UnicodeEncodeError, binascii.Error, struct.error):
        raise InvalidCursor("is not one of ours, or was cut") from None
    if version != _VERSION:
        raise InvalidCursor("is of another version of blogsvc")
    if made_for != query:
        raise InvalidCursor("belongs to another order or other filters")
    return tuple(place)


def _layout(numbers: int) -> struct.Struct:
    return struct.Struct(f">B8s{numbers}q")


def from_time(value: datetime) -> int:
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)  # so the driver returns an infinity
    return (value - _EPOCH) // _MICROSECOND


def to_time(position: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=position)
    except OverflowError:
        raise InvalidCursor("holds a time that cannot be") from None


def from_rank(value: float) -> int:
    return int.from_bytes(struct.pack(">f", value))


def to_rank(position: int) -> float:
    try:
        rank: float
        (rank,) = struct.unpack(">f", position.to_bytes(4))
    except OverflowError:
        rank = math.nan
    if math.isnan(rank):
        raise InvalidCursor("holds a rank that cannot be")
    return rank
