"""How long to wait before something is tried again."""

from __future__ import annotations

import random
from collections.abc import Iterator


def pauses(first: float, longest: float) -> Iterator[float]:
    """Yield seconds to sleep between attempts, without end.

    They double from `first` up to `longest`. Each is cut at random, down to a half at most, so that
    two who were in each other's way do not try again at the same moment.
    """
    pause = first
    while True:
        yield min(pause, longest) * random.uniform(0.5, 1.0)
        pause = min(pause * 2, longest)
