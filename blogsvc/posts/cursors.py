"""Page cursors: opaque, bound to their query, and nothing but numbers inside."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from ..errors import InvalidCursor

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_VERSION: Final = 1
_MICROSECOND: Final = timedelta(microseconds=1)


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
