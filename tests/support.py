"""What the tests of every folder share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PATIENCE = 60.0
"""Seconds after which a test gives up. Only a failing one waits for so long."""


def eventually(condition: Callable[[], object]) -> bool:
    """Wait until a condition holds, and say whether it does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


async def becomes_true(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait until a condition that must be awaited holds. Raises `TimeoutError`."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - what we wait for is in the database
            await asyncio.sleep(0.02)
