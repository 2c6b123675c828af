"""Read the tags of a post: a list, or one text that holds several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..posts import MAX_TAG
from .keys import TAGS, TAXONOMIES, Keys, plain_key


def tags_of(keys: Keys, *, split_at_blanks: bool) -> tuple[str, ...]:
    """Return the tags in front matter, each once, blank ones left out.

    Commas part the tags of one text, as in Pelican, or semicolons where there are some; in Jekyll,
    blanks do. Zola keeps them in `taxonomies`. What no tag can say, such as the address in
    `- {name: Ruby, url: /ruby/}`, stays with the rest of the front matter.
    """
    tags: dict[str, None] = {}
    for entry in keys.find(TAGS):
        # Jekyll takes `tag` for a single one.
        blanks = split_at_blanks and plain_key(entry.key) == TAGS[0]
        found, whole = _names(entry.spelled, blanks)
        tags |= dict.fromkeys(found)
        if whole:
            keys.used.add(entry.key)
    for entry in keys.find(TAXONOMIES):
        if isinstance(entry.value, dict):
            remaining = dict(entry.value)
            for key in entry.value:
                found, whole = _names(entry.spelled[key], blanks=False)
                if whole and plain_key(key) in TAGS:
                    tags |= dict.fromkeys(found)
                    del remaining[key]
            keys.keep(entry.key, remaining)
    return tuple(tags)


def _names(value: Any, blanks: bool) -> tuple[list[str], bool]:
    """Return the tags in a value, and whether they say all that it says."""
    if isinstance(value, str):
        value = _split(value, blanks)
    if not isinstance(value, list):
        return [], value is None
    names: list[str] = []
    whole = True
    for item in _flat(value):
        name = item
        if isinstance(item, dict):
            whole = False
            name = next((item[key] for key in ("name", "title", "label") if key in item), None)
        if isinstance(name, str) and name.strip() and len(name) <= MAX_TAG:
            names.append(name)
        elif name is not None and not (isinstance(name, str) and not name.strip()):
            whole = False
    return names, whole


def _split(text: str, blanks: bool) -> list[str]:
    for mark in (";", ","):
        if mark in text:
            return [part.strip() for part in text.split(mark)]
    return text.split() if blanks else [text.strip()]


def _flat(values: list[Any]) -> Iterator[Any]:
    """Yield values, and those of lists among them: Hexo puts lists into the list of categories."""
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value
