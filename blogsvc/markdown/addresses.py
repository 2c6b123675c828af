"""Read the addresses that a file gives to its post: the last part of each is a slug."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from .visibility import plain_key

_PLACEHOLDER: Final = re.compile(r":([a-z_]+)")
_LANGUAGES: Final = frozenset(
    [
        "ar",
        "bg",
        "bn",
        "ca",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "eu",
        "fa",
        "fi",
        "fr",
        "gl",
        "he",
        "hi",
        "hr",
        "hu",
        "hy",
        "id",
        "it",
        "ja",
        "ka",
        "ko",
        "lt",
        "lv",
        "nb",
        "nl",
        "nn",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sr",
        "sv",
        "th",
        "tr",
        "uk",
        "ur",
        "vi",
        "zh",
    ]
)
_LANGUAGE: Final = re.compile(r"([a-z]{2})([-_][a-z]{2}|[-_][a-z]{4})?", re.IGNORECASE)


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


def split_language(path: Path) -> tuple[str, str | None]:
    """Return the stem of a file's name without its language, and the language: of `about.fr.md`.

    It is one only where that is proven: in `index.fr.md`, beside an `about.md`, or with a region as
    in `about.pt-br.md`. `socket.io.md` and `v1.2.md` have none.
    """
    stem, _, ending = path.stem.rpartition(".")
    found = _LANGUAGE.fullmatch(ending)
    if not stem or not found or found[1].lower() not in _LANGUAGES:
        return path.stem, None
    if stem.lower() == "index" or found[2] or path.with_name(stem + path.suffix).exists():
        return stem, ending.lower().replace("_", "-")
    return path.stem, None


def address_of(matter: Mapping[str, Any], *names: str) -> str:
    """Return the first address under one of these keys, however it is spelled."""
    for name in names:
        for key, value in matter.items():
            if plain_key(key) == name and isinstance(value, str) and value.strip():
                return value.strip()
    return ""
