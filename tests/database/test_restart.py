"""A server that crashes and comes back under many callers: typed results, and a quiet log."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from blogsvc import BlogService, embedded
from blogsvc.errors import BlogError, OutcomeUnknown, Unavailable

from ..support import eventually
from .cluster import crash

CALLERS = 30

Good = type(None)


async def test_no_caller_is_told_to_change_its_configuration(
    reachable: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = await asyncio.to_thread(embedded.start, reachable)
    try:
        async with BlogService(server.url, migrate=True) as blog:
            post = await blog.posts.create("Here", "Text")
            results: Counter[type] = Counter()
            running = True

            async def call(number: int) -> None:
                while running:
                    try:
                        if number % 3:
                            await blog.posts.get(post.id)
                        else:
                            await blog.posts.update(post.id, content=f"By {number}")
                        results[Good] += 1
                    except BlogError as error:
                        results[type(error)] += 1
                    await asyncio.sleep(0)

            callers = [asyncio.create_task(call(number)) for number in range(CALLERS)]
            for _ in range(2):
                failed = results.total() - results[Good]
                await crash(server.url)
                assert await asyncio.to_thread(
                    eventually,
                    lambda failed=failed: results.total() - results[Good] > failed,  # type: ignore[misc] # of ints
                )
                # What is answered from now on, and more than was on its way, is answered again.
                answered = results[Good]
                assert await asyncio.to_thread(
                    eventually,
                    lambda answered=answered: results[Good] > answered + 10 * CALLERS,  # type: ignore[misc]
                )
            running = False
            await asyncio.gather(*callers)
            assert set(results) <= {Good, Unavailable, OutcomeUnknown}, results
            assert (await blog.posts.get(post.id)).id == post.id
    finally:
        await asyncio.to_thread(server.release)
    assert all(record.exc_info is None for record in caplog.records)
    assert len(caplog.records) <= 4, caplog.text
