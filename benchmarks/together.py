"""Many callers at once on one pool: reads that wait travel together.

Beside the time that a read takes, what the processor spends on it, here and in the server: on a
machine that others use, too, the former says little.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from .operations import Arguments
from .peers import BASELINE, Peer, load
from .texts import Texts

OURS: Final = "blogsvc"
PEERS: Final = (BASELINE, "asyncpg, no reset", OURS)
CALLERS: Final = (1, 8, 64, 256)
CALLS: Final = 512

READS: Final[dict[str, Callable[[Peer, Arguments], Awaitable[object]]]] = {
    "get": lambda peer, some: peer.get(some.id()),
    "get by slug": lambda peer, some: peer.get_by_slug(some.slug()),
    "the same page of 20": lambda peer, some: peer.page(20),
}

_BACKENDS: Final = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'"""


@dataclass
class Together:
    """The seconds that a read took in each round, and those of the processor, by peer."""

    read: str
    callers: int
    taken: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PEERS})
    worked: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PEERS})

    def ratio(self, name: str) -> float:
        """Return how many times what asyncpg by hand took a peer did: the median of the rounds."""
        pairs = zip(self.taken[name], self.taken[BASELINE], strict=True)
        return statistics.median(took / by_hand for took, by_hand in pairs)

    def against(self, other: str, spent: dict[str, list[float]]) -> float:
        """Return how many times what we took another peer did: the median of the rounds."""
        pairs = zip(spent[other], spent[OURS], strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)


async def read_together(
    url: str, posts: int, rounds: int, told: Callable[[str], None]
) -> list[Together]:
    """Measure these reads with so many callers, the peers in turn."""
    some = Arguments(posts, Texts(seed=8), [])
    peers = {name: load(name) for name in PEERS}
    keeper = await asyncpg.connect(url)
    results = []
    for peer in peers.values():
        await peer.open(url)
    try:
        for read in READS:
            for callers in CALLERS:
                told(f"{read}, {callers} at once")
                result = Together(read, callers)
                for number in range(rounds):
                    for name in random.sample(PEERS, len(PEERS)):
                        some.begin(number)
                        await _measure(result, name, peers[name], some, keeper)
                results.append(result)
    finally:
        for peer in peers.values():
            await peer.close()
        await keeper.close()
    return results


async def _measure(
    result: Together, name: str, peer: Peer, some: Arguments, keeper: asyncpg.Connection
) -> None:
    async def call(times: int) -> None:
        for _ in range(times):
            await READS[result.read](peer, some)

    async def all_call(times: int) -> None:
        await asyncio.gather(*(call(times) for _ in range(result.callers)))

    await all_call(2)
    pids = [row[0] for row in await keeper.fetch(_BACKENDS)]
    times = CALLS // result.callers
    worked = time.process_time() + _worked(pids)
    started = time.perf_counter()
    await all_call(times)
    taken = time.perf_counter() - started
    worked = time.process_time() + _worked(pids) - worked
    result.taken[name].append(taken / CALLS)
    result.worked[name].append(worked / CALLS)


def _worked(pids: Sequence[int]) -> float:
    """Return the seconds of the processor that the server's processes on this machine had."""
    seconds = 0.0
    for pid in pids:
        # Not where the server is another machine, or none with Linux: then it counts as nothing.
        with (
            contextlib.suppress(OSError),
            open(f"/proc/{pid}/schedstat", encoding="ascii") as file,
        ):
            seconds += int(file.read().split()[0]) / 1e9
    return seconds
