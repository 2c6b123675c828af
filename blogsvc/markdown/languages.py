"""The codes of languages, as people write them in names and in front matter."""

from __future__ import annotations

import re
from typing import Final

CODES: Final = frozenset(
    [
        "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr",
        "gl", "he", "hi", "hr", "hu", "hy", "id", "it", "ja", "ka", "ko", "lt", "lv", "nb", "nl",
        "nn", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "th", "tr", "uk", "ur", "vi",
        "zh",
    ]
)  # fmt: skip
"""The languages that are known by two letters: not all there are, as `io` and `rs` are words."""

_CODE: Final = re.compile(r"([a-z]{2})([-_][a-z]{2}|[-_][a-z]{4})?", re.IGNORECASE)


def code_of(text: str) -> str | None:
    """Return the code of a language, `pt_BR` as `pt-br`, or None for what is none."""
    found = _CODE.fullmatch(text.strip())
    if not found or found[1].lower() not in CODES:
        return None
    return text.strip().lower().replace("_", "-")


def are_same(one: str, other: str) -> bool:
    """Whether two codes name one language, where `en` stands for `en-us`, too."""
    return one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-")
