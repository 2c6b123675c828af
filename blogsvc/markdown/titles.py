"""Find the title of a post: in its front matter, its first heading, or its file's name."""

from __future__ import annotations

import re
from typing import Final

from ..errors import InvalidPost
from ..posts import MAX_TITLE
from .keys import TITLE, Keys

_SOME_LINES: Final = 100_000
"""Characters of a content in which a heading is looked for."""

_LONG_LINE: Final = 1000  # characters: no heading, and the expressions see no longer one

_HEADING: Final = re.compile(r"[ ]{0,3}(#{1,6})[ \t]+(?P<text>.*?)(?:[ \t]+#+)?[ \t]*")
_UNDERLINE: Final = re.compile(r"[ ]{0,3}(=+|-+)[ \t]*")
_FENCE: Final = re.compile(r"[ ]{0,3}(```+|~~~+)")
_OF_MDX: Final = re.compile(r"(import|export)\b")
_ANCHOR: Final = re.compile(r"[ \t]*\{#[^{}]*\}$")
_LINK: Final = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_EMPHASIS: Final = re.compile(r"(\*{1,3}|`+)(?=\S)(.+?)(?<=\S)\1")


def title_of(keys: Keys | None, content: str, name: str, *, is_dated: bool) -> str:
    """Return the title as its author typed it.

    Front matter without one leaves it to a heading of the first level that begins the content; a
    file without front matter to its first heading. The content keeps the heading. A name that
    begins with a date is a title, too, as in Jekyll: `2014-08-14-hello-world.md` is Hello World.
    Raises `InvalidPost` when there is none.
    """
    for entry in keys.find(TITLE) if keys else ():
        if isinstance(entry.spelled, dict | list):
            kind = type(entry.spelled).__name__
            raise InvalidPost(entry.key, f"has the type {kind}, not text: put it in quotes")
        if entry.text:
            return entry.text
    title = _heading(content, only_first=keys is not None)
    if not title and is_dated:
        title = " ".join(word[:1].upper() + word[1:] for word in re.split(r"[-_\s]+", name))
    if not title.strip():
        raise InvalidPost("title", "is missing")
    return title


def shorten(title: str) -> str:
    """Return a title that fits, cut at a word where there is one, with `…` for what is left out."""
    if len(title) <= MAX_TITLE:
        return title
    words = title[: MAX_TITLE - 1]
    before, blank, _ = words.rpartition(" ")
    return (before.rstrip() if blank and len(before) > MAX_TITLE // 2 else words) + "…"


def _heading(content: str, *, only_first: bool) -> str:
    lines = [line[:_LONG_LINE] for line in content[:_SOME_LINES].splitlines()]
    inside = ""
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if inside:
            if fence and fence[1].startswith(inside):
                inside = ""
            continue
        heading = _HEADING.fullmatch(line) if len(line) < _LONG_LINE else None
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if heading and heading["text"].strip() and (not only_first or len(heading[1]) == 1):
            return _plain(heading["text"])
        if line.strip() and not fence and _UNDERLINE.fullmatch(below):
            level = 1 if "=" in below else 2
            if (not only_first or level == 1) and not re.match(r"[ ]{0,3}([-*_>|]|\d+\.)", line):
                return _plain(line)
        if only_first and line.strip() and not _OF_MDX.match(line):
            return ""
        inside = fence[1] if fence else ""
    return ""


def _plain(heading: str) -> str:
    """Return the words of a heading without the commonest marks of Markdown."""
    text = _LINK.sub(r"\1", _ANCHOR.sub("", heading.strip()))
    return _EMPHASIS.sub(r"\2", text).strip()
