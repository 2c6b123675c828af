"""Read a time as people write it in front matter."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final

_MAX_LENGTH: Final = 100  # of a text that is a date; the expressions see no longer one

_MONTH_NAMES: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_MONTHS: Final = {
    "sept": 9,
    **{name[:3]: month for month, name in enumerate(_MONTH_NAMES, 1)},
    **{name: month for month, name in enumerate(_MONTH_NAMES, 1)},
}

# In hours, as RFC 2822 has them. Other names, IST for example, belong to several countries.
_ZONES: Final = {
    **dict.fromkeys(("z", "utc", "gmt", "ut"), 0),
    "edt": -4,
    "est": -5,
    "cdt": -5,
    "cst": -6,
    "mdt": -6,
    "mst": -7,
    "pdt": -7,
    "pst": -8,
}

_WEEKDAY: Final = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
_YEAR: Final = r"(?P<year>\d{4})"
_MONTH: Final = r"(?P<month>[a-z]+)\.?"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?"
_TIME: Final = (
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:[.,](?P<fraction>\d+))?)?)?"
    r"(?: ?(?P<half>[ap])\.?m\.?)?"
)
# Go writes +0200 CEST, JavaScript GMT+0200 (Central European Summer Time): the number counts.
_ZONE: Final = (
    r"(?:(?:utc ?|gmt ?)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?"
    r"(?: [a-z]{2,5}| \([^()]*\))?|(?P<zone>[a-z]{1,5}))"
)
# 2026-01-31-08:00 could mean an offset or a time: without a time, a blank comes before the zone.
_REST: Final = rf"(?:(?:t|,? (?:at )?){_TIME})?(?:(?(hour) ?| ){_ZONE})?"

_FORMATS: Final = tuple(
    re.compile(_WEEKDAY + form, re.ASCII | re.IGNORECASE)
    for form in (
        rf"{_YEAR}(?P<between>[-/.])(?P<month>\d{{1,2}})(?P=between)(?P<day>\d{{1,2}}){_REST}",
        rf"{_YEAR}(?P<month>\d\d)(?P<day>\d\d){_REST}",
        rf"{_YEAR}(?P<month>\d\d)(?P<day>\d\d)[t ]?"
        rf"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?(?: ?{_ZONE})?",
        rf"{_YEAR}[ -]{_MONTH}[ -]{_DAY}{_REST}",
        rf"{_MONTH} {_DAY}(?:, ?| ){_YEAR}{_REST}",
        rf"{_DAY}[ -](?:of )?{_MONTH},?[ -]{_YEAR}{_REST}",
        rf"{_MONTH} {_DAY} {_TIME} (?:{_ZONE} )?{_YEAR}",
    )
)
_YEAR_LAST: Final = re.compile(
    r"(?P<first>\d{1,2})(?P<between>[-/.])(?P<second>\d{1,2})(?P=between)(?P<year>\d{4})"
    r"(?P<rest>\D.*)?",
    re.ASCII,
)

_WRITE_IT: Final = "write it as 2026-01-31 or 2026-01-31T10:00:00+01:00"


def read_time(value: object, zone: tzinfo = UTC) -> datetime | None:
    """Return a time in UTC, or None where there is none: for None, and a text of blanks.

    A time without a time zone is taken to be in `zone`, a date without a time to be its midnight.
    Where clocks are put back, the first of two equal times counts; a time that they leave out
    counts as if they were not put forward. Seconds since 1970, and milliseconds, are times from
    2001 to 2030.

    Raises `ValueError`, which says why, for what is not a date, and for what may be one of two,
    such as 03/04/2014.
    """
    try:
        if isinstance(value, int) and 10**7 <= value < 10**14:  # no bool is that large
            value = str(value)
        if isinstance(value, str):
            text = value.strip()
            if not text:
                return None
            value = _read_text(" ".join(text.split()), zone) if len(text) <= _MAX_LENGTH else None
        elif value is None:
            return None
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day, tzinfo=zone)
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside of the years 1 to 9999") from error
    raise ValueError(f"is not a date: {_WRITE_IT}")


def _read_text(text: str, zone: tzinfo) -> datetime | None:
    """Return the time that a text without doubled blanks says, or None if it is not understood."""
    if text.isdecimal():
        for seconds in (int(text), int(text) / 1_000):
            if 1_000_000_000 <= seconds < 1_900_000_000:  # 2030010112 may be a day and an hour
                return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    found = _YEAR_LAST.fullmatch(text)
    if found:
        text = _year_first(found)
    for form in _FORMATS:
        found = form.fullmatch(text)
        if found:
            try:
                return _to_time(found.groupdict(), zone)
            except ValueError as error:
                raise ValueError(f"is not a date ({error}): {_WRITE_IT}") from error
    return None


def _year_first(found: re.Match[str]) -> str:
    """Return 14/08/2014 as 2014-08-14, where only one of the two numbers can be the month."""
    year, first, second = found["year"], found["first"], found["second"]
    readings = {
        f"{year}-{month:0>2}-{day:0>2}"
        for day, month in ((first, second), (second, first))
        if 1 <= int(month) <= 12
    }
    if len(readings) == 2:
        raise ValueError(f"may be {' or '.join(sorted(readings))}: write it as one of them")
    return readings.pop() + (found["rest"] or "") if readings else found[0]


def _to_time(parts: dict[str, str | None], zone: tzinfo) -> datetime:
    def number(name: str) -> int:
        return int(parts.get(name) or 0)

    month = (parts["month"] or "").lower()
    if not month.isdecimal() and month not in _MONTHS:
        raise ValueError(f"{month} is not the English name of a month")
    time_zone = _read_zone(parts) or zone
    day = datetime(
        number("year"), _MONTHS.get(month) or int(month), number("day"), tzinfo=time_zone
    )
    hour, half = number("hour"), (parts.get("half") or "").lower()
    if half and not 1 <= hour <= 12:
        raise ValueError(f"there is no {hour} {half}m")
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    microsecond = int((parts.get("fraction") or "").ljust(6, "0")[:6])
    time = day.replace(
        hour=hour % 24, minute=number("minute"), second=number("second"), microsecond=microsecond
    )
    if hour == 24 and time == day:  # the end of the day
        return day + timedelta(days=1)
    return time.replace(hour=hour)


def _read_zone(parts: dict[str, str | None]) -> tzinfo | None:
    name, sign = parts["zone"], parts["sign"]
    if name and name.lower() not in _ZONES:
        raise ValueError(f"the time zone {name} may be several, or none")
    if name:
        return timezone(timedelta(hours=_ZONES[name.lower()]))
    if not sign:
        return None
    hours, minutes = int(parts["hours"] or 0), int(parts["minutes"] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(f"there is no time zone {sign}{hours}:{minutes:02}")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if sign == "-" else offset)
