"""`within` bounds a wait as `asyncio.timeout` does, and sets up nothing where there is no wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from blogsvc.database.waiting import within

from ..support import PATIENCE

told: list[str] = []


async def at_once() -> str:
    return "result"


async def fails_at_once() -> str:
    raise LookupError


async def after_a_while() -> str:
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):  # as the driver has timeouts of its own
        await asyncio.sleep(0.01)
    return "result"


async def fails_after_a_while() -> str:
    await asyncio.sleep(0)
    raise LookupError


async def never() -> str:
    try:
        await asyncio.Event().wait()
    finally:
        told.append("cleaned up")
        await asyncio.sleep(0)
        told.append("and waited for it")
    return ""


@pytest.mark.parametrize("work", [at_once, after_a_while])
async def test_it_returns_what_comes(work: Any) -> None:
    assert await within(PATIENCE, work(), set()) == "result"


@pytest.mark.parametrize("work", [fails_at_once, fails_after_a_while])
async def test_it_raises_what_comes(work: Any) -> None:
    with pytest.raises(LookupError):
        await within(PATIENCE, work(), set())


async def test_it_ends_what_takes_too_long_and_lets_it_clean_up() -> None:
    told.clear()
    with pytest.raises(TimeoutError):
        await within(0.01, never(), set())
    assert told == ["cleaned up", "and waited for it"]
    await asyncio.sleep(0)  # nobody is cancelled any more


async def test_a_timeout_inside_is_told_from_its_own() -> None:
    async def impatient() -> str:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
        return ""

    with pytest.raises(TimeoutError):
        await within(PATIENCE, impatient(), set())
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_whoever_is_cancelled_meanwhile_is_cancelled() -> None:
    told.clear()
    waiting = asyncio.create_task(within(PATIENCE, never(), set()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert told == ["cleaned up", "and waited for it"]


async def test_what_need_not_wait_costs_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(seconds: float) -> Awaitable[None]:
        raise AssertionError(seconds)

    monkeypatch.setattr(asyncio, "timeout", refuse)
    assert await within(PATIENCE, at_once(), set()) == "result"
