"""Read the addresses that a file gives to its post: the last part of each is a slug."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from urllib.parse import unquote, urlsplit

from ..posts import MAX_SLUG, slug_base, text_is_storable
from .keys import FORMER_ADDRESSES, Keys

_PLACEHOLDER: Final = re.compile(r":([a-z_]+)")
_ADDRESS_IN_A_LIST: Final = re.compile(r",?\s+|,(?=/|https?://)")
_GOOD_IN_A_URL: Final = re.compile(r"[\w.~-]*\w[\w.~-]*")


def last_part(address: str) -> str:
    """Return the last part of an address without `index.html`, `.html`, and what follows `?`, `#`.

    An address without one, such as `/` or `/?p=7`, gives an empty text.
    """
    try:
        path = unquote(urlsplit(address.strip()).path)
    except ValueError:  # http://[ for example
        return ""
    parts = [part for part in path.split("/") if part]
    if parts and re.fullmatch(r"index\.html?", parts[-1], re.IGNORECASE):
        parts.pop()
    return re.sub(r"\.html?$", "", parts[-1], flags=re.IGNORECASE) if parts else ""


def fill(template: str, name: str, day: datetime | None) -> str:
    """Return an address whose placeholders, `:year` or `:title`, are filled as Jekyll and Hugo do.

    `name` is the post's name in its file's name. With a placeholder that is not known, or a
    template of Eleventy's, there is no address: an empty text.
    """
    if "{{" in template or "{%" in template:
        return ""
    values = dict.fromkeys(
        ("title", "slug", "name", "basename", "filename", "contentbasename", "slugorfilename"), name
    )
    # Only the last part counts, so it does not matter what the folders before it are called.
    values |= dict.fromkeys(("categories", "category", "collection", "lang", "section"), "_")
    values["output_ext"] = ".html"
    if day:
        values |= {
            "year": f"{day:%Y}",
            "short_year": f"{day:%y}",
            "month": f"{day:%m}",
            "i_month": str(day.month),
            "day": f"{day:%d}",
            "i_day": str(day.day),
        }
    if any(found[1] not in values for found in _PLACEHOLDER.finditer(template)):
        return template if "://" in template else ""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


def slug_from(name: str) -> str | None:
    """Return the slug that the last part of an address or a file's name gives, if any."""
    if not name:
        return None
    good = len(name) <= MAX_SLUG and _GOOD_IN_A_URL.fullmatch(name)
    return name if good else slug_base(name)


def former_slugs(keys: Keys) -> tuple[str, ...]:
    """Return the last parts of the addresses that a post had before, each once.

    Several are a list, or one text with blanks between them. The keys stay with the rest of the
    front matter: there is more in an address than a slug.
    """
    found: dict[str, None] = {}
    for entry in keys.find(FORMER_ADDRESSES):
        said = entry.spelled
        aliases = _ADDRESS_IN_A_LIST.split(said) if isinstance(said, str) else said
        for alias in aliases if isinstance(aliases, list) else ():
            former = last_part(alias) if isinstance(alias, str) else ""
            if former.strip() and len(former) <= MAX_SLUG and text_is_storable(former):
                found[former] = None
    return tuple(found)
