"""Snippets: the places of a post where it matches, as HTML.

PostgreSQL marks the forms of words in a piece of the text. What it reads in another way than the
search does (Chinese, `Node.js`, `café`) is looked for here, letter by letter, in the text as its
author wrote it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from .sql import UNSPACED, UNSPACED_MARKS

LENGTH: Final = 160
"""Characters of a fragment, or a few more, so that no word is cut."""

BEFORE: Final = 40
"""Characters of a fragment before its first match."""

FRAGMENTS: Final = 2

_BETWEEN: Final = " … "

_OPERAND: Final = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')
_RUN: Final = re.compile(rf"[{UNSPACED}{UNSPACED_MARKS}]+|[^{UNSPACED}{UNSPACED_MARKS}]+")
_IS_RUN: Final = re.compile(f"[{UNSPACED}]")
_AROUND: Final = re.compile(r"^(?:https?|ftp)://(?:www\.)?|^[^\w.]+|[^\w+#]+$")
_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "ħ": "h", "æ": "ae", "œ": "oe", "þ": "th"}
)
# Letters of a script without blanks belong to no word.
_LETTER: Final = re.compile(rf"[^\W{UNSPACED}{UNSPACED_MARKS}]")
_TAG: Final = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>")

_LONGEST: Final = 100
"""Letters of a word that is looked for here."""

Span = tuple[int, int]


class Snippets:
    """Cuts the snippets of the posts that match one query."""

    def __init__(self, query: str) -> None:
        words = [word for word in _words_of(query) if 0 < len(word) <= _LONGEST]
        # Plain words are PostgreSQL's affair: it knows their forms, and which ones say nothing.
        special = [word for word in words if not (word.isascii() and word.isalnum())]
        self._special = _pattern(special)
        self._any = _pattern(words)

    def of(self, marked: str) -> str:
        """Return the snippet of a piece of text whose matches stand between \\x02 and \\x03."""
        text, spans = _read(_TAG.sub(" ", marked))
        if self._special is not None:
            spans = _joined([*spans, *_found(self._special, text)])
        if self._any is not None and not spans:
            spans = _joined(_found(self._any, text))
        fragments = _fragments(text, spans)
        return _BETWEEN.join(_html(text, spans, *fragment) for fragment in fragments)


def _words_of(query: str) -> list[str]:
    """Return the words that are wanted, folded; those of scripts without blanks as their runs."""
    words = []
    for unwanted, phrase, word in _OPERAND.findall(query):
        if not unwanted and word.lower() != "or":
            for each in (phrase or word).split():
                words += [_AROUND.sub("", run) for run in _RUN.findall(_fold(each)[0])]
    return words


def _pattern(words: list[str]) -> re.Pattern[str] | None:
    """Return what finds these words; a hyphen may stand between any two letters of one.

    Whether a place is inside of a longer word, `_is_whole` says: with that, it takes milliseconds
    to compile for each word.
    """
    if not words:
        return None
    alternatives = []
    for word in sorted(set(words), key=len, reverse=True):
        if _IS_RUN.match(word):
            alternatives.append(re.escape(word))
        else:
            letters = re.sub(r"(?<=\w)-(?=\w)", "", word)
            alternatives.append(
                "".join(
                    re.escape(letter) + ("-?" if letter.isalnum() and following.isalnum() else "")
                    for letter, following in zip(letters, letters[1:] + " ", strict=True)
                )
            )
    return re.compile("|".join(alternatives))


def _found(pattern: re.Pattern[str], text: str) -> list[Span]:
    folded, places = _fold(text)
    spans = []
    match = pattern.search(folded)
    while match:
        start, end = match.span()
        whole = _is_whole(folded, start, end)
        if whole:
            spans.append((places[start], places[end]))
        match = pattern.search(folded, end if whole else start + 1)
    return spans


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether what stands there is no part of a longer word."""
    in_one = (start and _LETTER.match(text[start]) and _LETTER.match(text[start - 1])) or (
        end < len(text) and _LETTER.match(text[end - 1]) and _LETTER.match(text[end])
    )
    return not in_one


def _fold(text: str) -> tuple[str, Sequence[int]]:
    """Return the text in small letters without accents, and where each character was."""
    if text.isascii():
        return text.lower(), range(len(text) + 1)
    folded: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        plain = _plain(letter)
        folded.append(plain)
        places += [place] * len(plain)
    places.append(len(text))
    return "".join(folded), places


@lru_cache(maxsize=20_000)
def _plain(letter: str) -> str:
    parts = unicodedata.normalize("NFKD", letter.casefold())
    plain = "".join(part for part in parts if not "\u0300" <= part <= "\u036f")
    return unicodedata.normalize("NFC", plain).translate(_LETTERS)


def _read(marked: str) -> tuple[str, list[Span]]:
    text = ""
    spans: list[Span] = []
    for piece in marked.split("\x02"):
        match, _, after = piece.rpartition("\x03")
        if match:
            spans.append((len(text), len(text) + len(match)))
        text += match + after
    return text, spans


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif end > start:
            joined.append((start, end))
    return joined


def _fragments(text: str, spans: list[Span]) -> list[Span]:
    """Return the stretches to show, in their order: those with the most words, rare ones first."""
    words = [text[start:end].casefold() for start, end in spans]
    worth = {word: 1 / number for word, number in Counter(words).items()}
    chosen: list[Span] = []
    while len(chosen) < FRAGMENTS:
        # What begins at each match in turn: `inside` counts its words, `worth` those of use still.
        inside: Counter[str] = Counter()
        best, most, value, upto = -1, 0.0, 0.0, 0
        for number, (start, _) in enumerate(spans):
            while upto < len(spans) and (
                upto == number or spans[upto][1] <= start + LENGTH - BEFORE
            ):
                inside[words[upto]] += 1
                value += worth[words[upto]] if inside[words[upto]] == 1 else 0.0
                upto += 1
            if value > most + 1e-9:
                best, most = number, value
            inside[words[number]] -= 1
            value -= worth[words[number]] if inside[words[number]] == 0 else 0.0
        if best < 0:
            break
        first = spans[best][0]
        chosen.append(_stretch(text, first))
        for word, (start, end) in zip(words, spans, strict=True):
            if start == first or first <= start <= end <= first + LENGTH - BEFORE:
                worth[word] = 0.0
    return _joined(chosen) or [_stretch(text, 0)]


def _stretch(text: str, start: int) -> Span:
    """Return a stretch from a little before `start` on, from blank to blank where there are any."""
    first = max(start - BEFORE, 0)
    if first:
        blank = re.search(r"\s", text[first:start])
        first += blank.end() if blank else 0
    last = min(first + LENGTH, len(text))
    if last < len(text):
        blank = re.search(r"\s", text[last : last + 20])
        last += blank.start() if blank else 0
    return first, last


def _html(text: str, spans: list[Span], first: int, last: int) -> str:
    pieces = []
    place = first
    for start, end in spans:
        start, end = max(start, first), min(end, last)
        if start < end:
            pieces.append(html.escape(text[place:start]))
            pieces.append(f"<mark>{html.escape(text[start:end])}</mark>")
            place = end
    pieces.append(html.escape(text[place:last]))
    return " ".join("".join(pieces).split())
