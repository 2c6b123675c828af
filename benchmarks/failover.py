"""Kill the primary under writers, and count what was lost and what was told wrongly.

Patroni keeps three servers, writers create posts through one BlogService that names all of them,
and every process of the primary's node is killed at once; or, where the network goes first, after
its standbys have heard nothing of it for a moment. Afterwards SQL reads what is stored.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from blogsvc import BlogService
from blogsvc.errors import BlogError, OutcomeUnknown
from blogsvc.migrator import Migrator

from . import patroni

WRITERS: Final = 8
BEFORE: Final = 5.0
"""Seconds of writing before the primary is killed, and after the next one has taken a write."""

CUT: Final = 0.3
"""Seconds for which the standbys hear nothing, where the network goes before the machine."""


@dataclass
class Tally:
    """The slugs that writers tried to store, by what they were told."""

    acknowledged: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    not_stored: list[str] = field(default_factory=list)
    untyped: list[str] = field(default_factory=list)
    killed: float | None = None
    healed: float = 0.0
    is_healed: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Failover:
    """What one kill did; `outage` is until the first write that began after it was answered."""

    synchronous: bool
    cut: bool
    acknowledged: int
    lost: int
    untyped: int
    told_wrongly: int
    unknown: int
    unknown_stored: int
    outage: float


async def measure(rounds: int, told: Callable[[str], None]) -> list[Failover]:
    """Kill the primary of a new cluster in each round, with both kinds of replication."""
    found = []
    for synchronous, cut in itertools.product((True, False), repeat=2):
        for number in range(rounds):
            kind = "synchronous" if synchronous else "asynchronous"
            first = ", the network first" if cut else ""
            told(f"failover, {kind} replication{first}, {number + 1} of {rounds}")
            with patroni.running(synchronous=synchronous) as cluster:
                await cluster.wait_for_standbys(synchronous=synchronous)
                found.append(await _kill_primary(cluster, synchronous, cut))
    return found


async def _kill_primary(cluster: patroni.Cluster, synchronous: bool, cut: bool) -> Failover:
    await Migrator(cluster.url).upgrade()
    tally = Tally()
    async with BlogService(cluster.url) as blog:
        running = asyncio.Event()
        running.set()
        writers = [
            asyncio.create_task(_write(blog, f"writer-{number}", tally, running))
            for number in range(WRITERS)
        ]
        try:
            await asyncio.sleep(BEFORE)
            primary = await cluster.primary()
            if cut:
                await cluster.cut_off()
                await asyncio.sleep(CUT)
            tally.killed = time.perf_counter()
            cluster.kill(primary)
            async with asyncio.timeout(patroni.PATIENCE):
                await tally.is_healed.wait()
            await asyncio.sleep(BEFORE)
        finally:
            running.clear()
            await asyncio.gather(*writers)
    connection = await asyncpg.connect(cluster.url, timeout=10)
    try:
        stored = {slug for (slug,) in await connection.fetch("SELECT slug FROM posts")}
    finally:
        await connection.close()
    return Failover(
        synchronous,
        cut,
        acknowledged=len(tally.acknowledged),
        lost=len({*tally.acknowledged} - stored),
        untyped=len(tally.untyped),
        told_wrongly=len({*tally.not_stored} & stored),
        unknown=len(tally.unknown),
        unknown_stored=len({*tally.unknown} & stored),
        outage=tally.healed - (tally.killed or 0),
    )


async def _write(blog: BlogService, name: str, tally: Tally, running: asyncio.Event) -> None:
    number = 0
    while running.is_set():
        number += 1
        slug = f"{name}-{number}"
        began = time.perf_counter()
        try:
            await blog.posts.create("A title", "A text", slug=slug)
        except OutcomeUnknown:
            tally.unknown.append(slug)
        except BlogError:
            tally.not_stored.append(slug)
        except Exception:  # noqa: BLE001 - this is what is counted
            tally.untyped.append(slug)
        else:
            tally.acknowledged.append(slug)
            if tally.killed is not None and began > tally.killed and not tally.is_healed.is_set():
                tally.healed = time.perf_counter()
                tally.is_healed.set()
            continue
        await asyncio.sleep(0.02)
