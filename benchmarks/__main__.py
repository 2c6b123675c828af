"""Measure, and print Markdown.

    python -m benchmarks                 everything, in eight and a half minutes
    python -m benchmarks --quick         the same shape in two minutes
    python -m benchmarks plans           what is read for a page of each filter, at a million posts
    python -m benchmarks updates         what 200,000 updates make of 1,000 posts, by setting
    python -m benchmarks failover        what a killed primary loses; needs Patroni and etcd
    python -m benchmarks growth --posts 10000 1000000 10000000 --keep --url postgresql://...

The server is the embedded one, or the one that --url names; databases are made on it and dropped.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from . import cold, compare, failover, growth, import_files, lists, plans, report, together, updates
from .databases import filled, server

T = TypeVar("T")

PARTS = ("compare", "together", "cold", "growth", "lists", "import_files")
ASKED_FOR = ("plans", "updates", "failover")
"""What takes minutes or more programs, and is left out unless it is named."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS + ASKED_FOR))
    parser.add_argument("--quick", action="store_true", help="small tables and few rounds")
    parser.add_argument("--url", help="a PostgreSQL server; without it, the embedded one")
    parser.add_argument("--posts", type=int, nargs="+", help="the sizes for growth and plans")
    parser.add_argument("--keep", action="store_true", help="leave the databases there")
    parser.add_argument("--output", type=Path, help="a directory for results.md and ratios.svg")
    options = parser.parse_args()
    if set(options.parts) - {*PARTS, *ASKED_FOR}:
        parser.error(f"the parts are {', '.join(PARTS + ASKED_FOR)}")
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)  # before minutes are spent on it
    with server(options.url) as url:
        text = run(url, options)
    print(text)
    if options.output:
        (options.output / "results.md").write_text(text, encoding="utf-8")


def run(url: str, options: argparse.Namespace) -> str:
    parts = options.parts or PARTS
    plan = compare.QUICK if options.quick else compare.FULL
    sizes = options.posts or ([1000, 10_000] if options.quick else [10_000, 1_000_000])
    said = [report.where_and_when(asyncio.run(version_of(url)))]
    if {"compare", "together", "cold"} & {*parts}:
        with asyncio.Runner() as runner:
            database = filled(url, plan.posts, keep=options.keep)
            own = runner.run(database.__aenter__())
            results: list[compare.Result] = []
            reads: list[together.Together] = []
            if "compare" in parts:
                results = [
                    result
                    for loop in ("uvloop", "asyncio")
                    for result in on(loop, compare.compare(own, plan, loop, tell))
                ]
                said.append(report.side_by_side(results, plan))
            if "together" in parts:
                rounds = 3 if options.quick else 9
                reads = on("uvloop", together.read_together(own, plan.posts, rounds, tell))
                said.append(report.together(reads, rounds))
            if options.output and (results or reads):
                bars = report.bars(results, reads)
                report.chart(bars, said[0], options.output / "ratios.svg")
            if "cold" in parts:
                said.append(report.cold(cold.measure(own, 1 if options.quick else 5, tell)))
            runner.run(database.__aexit__(None, None, None))
    if "growth" in parts:
        rounds = 3 if options.quick else 15
        grown = on("uvloop", growth.grow(url, sizes, rounds, options.keep, tell))
        said.append(report.growth(grown))
    if "import_files" in parts:
        files = 1000 if options.quick else 10_000
        measured = import_files.measure(url, files, 1 if options.quick else 3, tell)
        said.append(report.imported(files, measured))
    if "lists" in parts:
        costs = on("uvloop", lists.measure(url, 5 if options.quick else 21, tell))
        said.append(report.lists(costs))
    if "plans" in parts:
        posts = max(options.posts or [10_000 if options.quick else 1_000_000])
        seen = on("uvloop", plans.look(url, posts, 3 if options.quick else 7, options.keep, tell))
        said.append(report.plans(seen))
    if "updates" in parts:
        number, rounds = (5_000, 5) if options.quick else (200_000, 21)
        said.append(report.updated(on("uvloop", updates.measure(url, number, rounds, tell))))
    if "failover" in parts:
        drilled = asyncio.run(failover.measure(1 if options.quick else 2, tell))
        said.append(report.failovers(drilled))
    return "\n".join(said)


def on(loop: str, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on an event loop of this kind."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


async def version_of(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        version: str = await connection.fetchval("SHOW server_version")
        return version
    finally:
        await connection.close()


def tell(what: str) -> None:
    print(f"... {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
