"""Keep the values of front matter as JSON, and give them back with their types.

JSON has neither dates nor all numbers. A date becomes its text in ISO 8601, and a text of that form
is a date again. What would be taken for something else is noted by its path, in one entry of our
own: `{"blogsvc": {"types": {"/released": "text"}}}` says that the author put quotes around it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any, Final

OWN: Final = "blogsvc"
"""The one name in metadata and in front matter that is ours."""

_TYPES: Final = "types"
_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{6})?([+-]\d\d:\d\d)?)?", flags=re.ASCII
)


def to_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of front matter as JSON has them; `from_json` gives them back."""
    types: dict[str, str] = {}

    def convert(value: Any, path: str) -> Any:
        if isinstance(value, str):
            if _date_of(value):
                types[path] = "text"
            return value
        if isinstance(value, float) and not _is_plain(value):
            types[path] = "float"
            return repr(value)
        if isinstance(value, date | time):
            return value.isoformat()
        return value

    metadata: dict[str, Any] = _walk(values, convert)
    return {**metadata, OWN: {_TYPES: types}} if types else metadata


def from_json(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as the values that front matter had."""
    values = dict(metadata)
    types: Any = None
    if isinstance(values.get(OWN), dict) and values[OWN].keys() == {_TYPES}:
        types = values.pop(OWN)[_TYPES]
    if not isinstance(types, dict):
        types = {}

    def convert(value: Any, path: str) -> Any:
        if not isinstance(value, str) or types.get(path) == "text":
            return value
        if types.get(path) == "float":
            return _float_of(value)
        return _date_of(value) or value

    restored: dict[str, Any] = _walk(values, convert)
    return restored


def _walk(value: Any, convert: Callable[[Any, str], Any], path: str = "") -> Any:
    """Return a copy in which each value that is no list or mapping is converted.

    It is told the path of each, as RFC 6901 writes it: `/a/0`.
    """
    if isinstance(value, Mapping):
        return {
            key: _walk(inside, convert, f"{path}/{key.replace('~', '~0').replace('/', '~1')}")
            for key, inside in value.items()
        }
    if isinstance(value, list | tuple):
        return [_walk(inside, convert, f"{path}/{place}") for place, inside in enumerate(value)]
    return convert(value, path)


def _is_plain(number: float) -> bool:
    """Whether PostgreSQL gives a number back as it was: it keeps no zero with a sign."""
    zero_with_sign = number == 0 and math.copysign(1, number) < 0
    return math.isfinite(number) and "e+" not in repr(number) and not zero_with_sign


def _float_of(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:  # somebody changed it since
        return text


def _date_of(text: str) -> date | None:
    """Return the date that `to_json` writes as this text, if there is one."""
    if not _DATE.fullmatch(text):
        return None
    kind = date if len(text) == 10 else datetime
    try:
        found = kind.fromisoformat(text)
    except ValueError:  # 2026-99-99, for example
        return None
    return found if found.isoformat() == text else None
