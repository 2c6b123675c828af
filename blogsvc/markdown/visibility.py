"""Decide from its front matter whether the author of a file shows it to the public."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final, NamedTuple

from ..posts import ARCHIVED, DRAFT, PUBLISHED, Status

_NO: Final = ("false", "no", "off", "n", "0", "")
_YES: Final = ("true", "yes", "on", "y", "1")

# By `plain_key`: what hides a post when it is true, and what shows one when it is true.
_HIDING: Final = ("draft", "isdraft", "private", "hidden", "hide", "unlisted", "headless")
_SHOWING: Final = ("published", "publish", "ispublished", "public", "visible", "listed", "render")

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


def plain_key(key: object) -> str:
    """Return a key as generators compare it: `publish_date` and `PublishDate` are the same."""
    return str(key).lower().replace("_", "").replace("-", "")


def visibility_of(matter: Mapping[str, Any], path: PurePath) -> Visibility:
    """Return what the file's own site generator would do with it.

    A value that nobody can be sure of hides the post: it is a draft, and `held_back` names the
    value. `published` may be a date, which hides nothing.
    """
    if any(part.lower() == "_drafts" for part in path.parts[:-1]):
        return Visibility(DRAFT, "_drafts")
    status: Status = PUBLISHED
    for key, value in matter.items():
        name, said = plain_key(key), _word(value)
        told = f"{key}: {said}"[:100]
        if name in _HIDING and said not in _NO:
            return Visibility(DRAFT, told)
        if name in _SHOWING and said in _NO and said:
            return Visibility(DRAFT, told)
        if name in _SHOWING and said and said not in _YES and not said[:1].isdigit():
            return Visibility(DRAFT, told)
        if name == "password" and said:
            return Visibility(DRAFT, "password")
        if name == "permalink" and value is False:
            return Visibility(DRAFT, told)
        if name in ("visibility", "status", "poststatus") and said:
            status = _STATUSES.get(said, DRAFT)
            if status == DRAFT:
                return Visibility(DRAFT, told)
    return Visibility(status, None if status == PUBLISHED else "status: archived")


def _word(value: object) -> str:
    return "" if value is None else " ".join(str(value).split()).lower()
