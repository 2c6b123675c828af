"""Posts that look real to a database: made-up words, as unequally common as words are.

The vocabulary follows the curve of Zipf and Mandelbrot, lengths are log-normal, and everything
comes from one seed, so that every run stores the same.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from typing import Final

VOCABULARY: Final = 50_000
WORDS: Final = 100
"""Words in a post, on average: about 820 characters."""

_SYLLABLES: Final = [
    first + vowel + last
    for first in (*"bdfgklmnprstvz", "br", "kr", "st", "tr", "pl", "sh")
    for vowel in "aeiou"
    for last in ("", "", "n", "r", "l", "x")
]


class Texts:
    """An endless source of titles and contents."""

    def __init__(self, words: int = WORDS, seed: int = 7) -> None:
        self._random = random.Random(seed)
        self._words = words
        self.vocabulary = self._invent(VOCABULARY)
        self._weights = list(
            itertools.accumulate(1 / (rank + 2.7) for rank in range(1, VOCABULARY + 1))
        )

    def title(self) -> str:
        return " ".join(self._some(self._random.randint(3, 8))).capitalize()

    def content(self) -> str:
        length = self._random.lognormvariate(math.log(self._words) - 0.32, 0.8)
        words = self._some(max(5, round(length)))
        sentences = []
        while words:
            cut = self._random.randint(5, 18)
            sentences.append(" ".join(words[:cut]).capitalize() + ".")
            del words[:cut]
        return " ".join(sentences)

    def posts(self, number: int) -> Iterator[tuple[str, str]]:
        for _ in range(number):
            yield self.title(), self.content()

    def _some(self, number: int) -> list[str]:
        return self._random.choices(self.vocabulary, cum_weights=self._weights, k=number)

    def _invent(self, number: int) -> list[str]:
        """Return different words, the short ones first: common words are short."""
        words: dict[str, None] = {}
        while len(words) < number:
            syllables = 2 + (len(words) > 2000) + (len(words) > 20_000)
            words["".join(self._random.choices(_SYLLABLES, k=syllables))] = None
        return list(words)
