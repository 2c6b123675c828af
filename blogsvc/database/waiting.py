"""Waits that have a bound, and how long to wait before something is tried again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Generator, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


def pauses(first: float, longest: float) -> Iterator[float]:
    """Yield seconds to sleep between attempts, without end.

    They double from `first` up to `longest`. Each is cut at random, down to a half at most, so that
    two who were in each other's way do not try again at the same moment.
    """
    pause = first
    while True:
        yield min(pause, longest) * random.uniform(0.5, 1.0)
        pause = min(pause * 2, longest)


async def within(seconds: float, work: Awaitable[T], limits: set[asyncio.Timeout]) -> T:
    """Await `work` as `asyncio.timeout` would, but set up no timer for what need not wait.

    While it waits, its limit is among `limits`, for who has to end it sooner. Raises
    `TimeoutError`.
    """
    steps = work.__await__()
    try:
        first = next(steps)
    except StopIteration as done:
        result: T = done.value
        return result
    async with asyncio.timeout(seconds) as limit:
        limits.add(limit)
        try:
            return await _Begun(steps, first)
        finally:
            limits.discard(limit)


class _Begun(Awaitable[T]):
    """What is left of something that was awaited up to the first thing it waits for."""

    def __init__(self, steps: Generator[Any, Any, T], first: object) -> None:
        self._steps = steps
        self._first = first

    def __await__(self) -> Generator[Any, Any, T]:
        waits_for = self._first
        try:
            while True:
                try:
                    yield waits_for
                except BaseException as error:  # noqa: BLE001 - handed on
                    waits_for = self._steps.throw(error)
                else:
                    waits_for = next(self._steps)
        except StopIteration as done:
            result: T = done.value
            return result
