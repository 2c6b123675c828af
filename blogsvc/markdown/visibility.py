"""Decide from its front matter whether the author of a file shows it to the public."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ..posts import ARCHIVED, DRAFT, PUBLISHED, Status
from .dates import read_time
from .keys import Entry, Keys, plain_key

_NO: Final = ("false", "no", "off", "n", "0", "")
_YES: Final = ("true", "yes", "on", "y", "1")

# By `plain_key`: what hides a post when it is true, and what shows one when it is true.
HIDING: Final = (
    "draft",
    "isdraft",
    "private",
    "isprivate",
    "hidden",
    "hide",
    "unlisted",
    "headless",
    "eleventyexcludefromcollections",
)
SHOWING: Final = ("published", "publish", "ispublished", "public", "visible", "listed", "render")
STATUS: Final = ("status", "poststatus", "visibility")
PASSWORD: Final = ("password", "postpassword")
BUILD: Final = ("build",)

# The status of the post says all that these do, so that nothing of them is left for its metadata.
_OURS: Final = ("draft", "isdraft", "published", "publish", "ispublished", "status", "poststatus")

_STATUSES: Final[dict[str, Status]] = {
    "published": PUBLISHED,
    "publish": PUBLISHED,
    "public": PUBLISHED,
    "draft": DRAFT,
    "archived": ARCHIVED,
}


class Visibility(NamedTuple):
    """The status of a post, and what in the file holds it back from the public, if anything."""

    status: Status
    held_back: str | None


def visibility_of(keys: Keys, folders: Sequence[str]) -> Visibility:
    """Return what the file's own site generator would do with it.

    A value that nobody can be sure of hides the post: it is a draft, and `held_back` names the
    value. `published` may be a date, which hides nothing.
    """
    status: Status = PUBLISHED
    reasons = ["_drafts"] if any(folder.lower() == "_drafts" for folder in folders) else []
    for entry in keys:
        name, said = plain_key(entry.key), _word(entry.spelled)
        reason = _reason(name, said, entry)
        if reason:
            reasons.append(reason)
        if name in STATUS:
            status = _STATUSES.get(said, status)
        known = _STATUSES if name in STATUS else (*_YES, *_NO)
        if name in _OURS and said in known:
            keys.used.add(entry.key)
    if reasons:
        return Visibility(DRAFT, reasons[0])
    return Visibility(status, None if status == PUBLISHED else f"status: {status}")


def _reason(name: str, said: str, entry: Entry) -> str | None:
    """Return what in an entry hides the post, if anything."""
    told = f"{entry.key}: {said}"[:100]
    if name in HIDING:
        return told if said not in _NO else None
    if name in SHOWING:
        if not said or said in _YES or (name == "published" and _is_time(entry.value)):
            return None
        return told
    if name in STATUS:
        return told if said and _STATUSES.get(said, DRAFT) == DRAFT else None
    if name in PASSWORD:
        return entry.key if said else None
    if name == "permalink":
        return told if entry.value is False else None
    if name in BUILD and isinstance(entry.spelled, dict):
        return next(
            (
                f"{entry.key}: {key}: {_word(value)}"[:100]
                for key, value in entry.spelled.items()
                if plain_key(key) in ("render", "list") and _word(value) in ("never", *_NO)
            ),
            None,
        )
    return None


def _is_time(value: Any) -> bool:
    try:
        return read_time(value) is not None
    except ValueError:
        return False


def _word(value: object) -> str:
    """Return what was typed, in one case; of a list or mapping, only that it is one."""
    if isinstance(value, str):
        return " ".join(value[:1000].split()).lower()
    return "" if value is None else f"a {type(value).__name__}"
