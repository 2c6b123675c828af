"""All peers side by side: each round asks everybody in turn, so that noise hurts all alike."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg

from .operations import MANY, OPERATIONS, Arguments, Operation
from .peers import ALL, BASELINE, NewRow, Peer, load
from .texts import Texts


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    posts: int
    rounds: int
    long_rounds: int
    many: int
    seconds: float
    """What one measurement of the baseline should take."""


FULL = Plan(posts=100_000, rounds=21, long_rounds=3, many=MANY, seconds=0.012)
QUICK = Plan(posts=10_000, rounds=5, long_rounds=1, many=500, seconds=0.005)


@dataclass
class Result:
    """The seconds that one call took in each round, by peer."""

    operation: Operation
    loop: str
    tasks: int
    taken: dict[str, list[float]] = field(default_factory=dict)

    def median(self, peer: str) -> float:
        return statistics.median(self.taken[peer])

    def ratios(self, peer: str) -> list[float]:
        """Return what the peer took against asyncpg by hand, round by round."""
        pairs = zip(self.taken[peer], self.taken[BASELINE], strict=True)
        return sorted(took / baseline for took, baseline in pairs)

    def ratio(self, peer: str) -> float:
        return statistics.median(self.ratios(peer))

    def best_orm(self) -> str:
        """Return the fastest peer that is neither ours nor the driver."""
        others = [name for name in self.taken if "asyncpg" not in name and name != "blogsvc"]
        return min(others, key=self.ratio)


async def compare(url: str, plan: Plan, loop: str, told: Callable[[str], None]) -> list[Result]:
    """Measure every operation of every peer that is installed, in 1 and in 8 tasks."""
    texts = Texts(seed=8)
    rows = [
        NewRow(f"{title} {number}", content, f"many-{number}")
        for number, (title, content) in enumerate(texts.posts(plan.many))
    ]
    some = Arguments(plan.posts, texts, rows)
    peers = installed(told)
    keeper = await asyncpg.connect(url)
    results = []
    for peer in peers.values():
        await peer.open(url)
    try:
        for operation in OPERATIONS:
            for tasks in [1] if operation.alone else [1, 8]:
                told(f"{loop}, {tasks} at a time: {operation.name}")
                result = Result(operation, loop, tasks)
                await _measure(result, peers, some, plan, keeper)
                results.append(result)
    finally:
        for peer in peers.values():
            await peer.close()
        await keeper.close()
    return results


def installed(told: Callable[[str], None] = lambda _: None) -> dict[str, Peer]:
    peers = {}
    for name in ALL:
        try:
            peers[name] = load(name)
        except ImportError as error:
            told(f"{name} is left out: {error}")
    return peers


async def _measure(
    result: Result,
    peers: dict[str, Peer],
    some: Arguments,
    plan: Plan,
    keeper: asyncpg.Connection,
) -> None:
    operation = result.operation
    gc.collect()
    able = {}
    for name, peer in peers.items():
        try:
            if not operation.alone:
                await _timed(operation, peer, some, result.tasks, result.tasks * 5)
            able[name] = peer
        except NotImplementedError:
            continue
    calls = 1
    if not operation.alone:
        once = await _timed(operation, able[BASELINE], some, result.tasks, result.tasks * 5)
        calls = max(1, round(plan.seconds / once / result.tasks)) * result.tasks
    result.taken = {name: [] for name in able}
    order = list(able)
    for number in range(plan.long_rounds if operation.alone else plan.rounds):
        for name in order:
            some.begin(number)
            taken = await _timed(operation, able[name], some, result.tasks, calls)
            result.taken[name].append(taken)
            if operation.grows and operation.alone:
                await _take_out(keeper, some.posts)
        if operation.grows:
            await _take_out(keeper, some.posts)
        order.append(order.pop(0))  # nobody always follows the same one


async def _timed(
    operation: Operation, peer: Peer, some: Arguments, tasks: int, calls: int
) -> float:
    """Return the seconds a call took, of so many in so many tasks."""

    async def work() -> None:
        for _ in range(calls // tasks):
            await operation.call(peer, some)

    started = time.perf_counter()
    if tasks == 1:
        await work()
    else:
        await asyncio.gather(*(work() for _ in range(tasks)))
    return (time.perf_counter() - started) / calls


async def _take_out(keeper: asyncpg.Connection, posts: int) -> None:
    await keeper.execute("DELETE FROM posts WHERE id > $1", posts)
    await keeper.execute("VACUUM posts")
