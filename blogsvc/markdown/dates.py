"""Read a time as people write it in front matter."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from typing import Final

_MAX_LENGTH: Final = 100  # of a text that is a date; the expressions see no longer one


def read_time(value: object, zone: tzinfo = UTC) -> datetime | None:
    """Return a time in UTC, or None where there is none: for None, and a text of blanks.

    A time without a time zone is taken to be in `zone`, a date without a time to be its midnight.
    Raises `ValueError`, which says why, for what is not a date.
    """
    if value is None or (isinstance(value, str) and (not value or value.isspace())):
        return None
    try:
        if isinstance(value, str) and len(value) <= _MAX_LENGTH:
            # Some site generators write 2026-01-31 10:00:00 +0100.
            value = datetime.fromisoformat(re.sub(r"\s+(?=[+-]|Z$)", "", value.strip()))
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day, tzinfo=zone)
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("is not a date: write it as 2026-01-31 or 2026-01-31T10:00:00+01:00")
