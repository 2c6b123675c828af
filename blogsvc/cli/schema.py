"""`blogsvc status`, `check` and `describe`: what looks at the schema and changes nothing."""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import asyncclick as click

from ..migrator import Fact, Migrator, VersionStatus
from .many import Found, on_many_blogs
from .target import Target, on_a_blog
from .terminal import echo, one_line


async def _status_of_one(migrator: Migrator, as_json: bool) -> Found:
    versions = await migrator.status()
    if as_json:
        raise click.UsageError("--json is for one blog.")
    counts = Counter(version.state for version in versions)
    applied = [version.label for version in versions if version.state == "applied"]
    told = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    up_to_date = set(counts) == {"applied"}
    return Found(
        "up to date" if up_to_date else "not up to date",
        f"{told}; newest: {applied[-1] if applied else 'none'}",
    )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@on_many_blogs(_status_of_one)
async def status(target: Target, as_json: bool) -> None:
    """List every migration, and whether and when it was applied."""
    report = await Migrator(**target).check()
    if as_json:
        rows = list(map(dataclasses.asdict, report.versions))
        echo(json.dumps(rows, default=datetime.isoformat, indent=2))
        return
    for version in report.versions:
        echo(_history_line(version))
    if report.advice:
        echo(report.advice)


async def _check_one(migrator: Migrator, strict: bool) -> Found:
    report = await migrator.check()
    wrong = [
        f"{state}: {_from_to([version.label for version in versions])}"
        for state, versions in itertools.groupby(report.versions, key=lambda each: each.state)
        if state != "applied"
    ]
    beside = [f"beside ours: {line}" for line in report.notices]
    told = "; ".join([*wrong, *report.drift, *beside])
    if report.advice:
        return Found("different", report.advice, 3)
    if report.drifted or (strict and beside):
        return Found("different", f"the schema differs: {told}", 3)
    if report.pending:
        return Found("behind", told, 2)
    if report.ahead:
        return Found("ahead", told, 4)
    return Found("up to date", "; ".join(["up to date", *beside]))


def _from_to(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{labels[0]} and {len(labels) - 1} more"


@click.command()
@click.option("--strict", is_flag=True, help="Count what stands beside ours as a difference.")
@on_many_blogs(_check_one)
async def check(target: Target, strict: bool) -> None:
    """Say whether the schema is the one that this blogsvc needs.

    Exits with 0 when it is, 1 when that could not be seen, 2 when migrations are pending, 3 when
    the schema differs from what they build, their files from what was applied, or a newer blogsvc
    has made it one that this one cannot run on; and 4 when a newer one has, and this one can.

    What others have added and is in nobody's way, such as a column that may be NULL, a plain index
    or a foreign key to a post, is told, and counts with --strict only.
    """
    report = await Migrator(**target).check()
    wrong = [version for version in report.versions if version.state != "applied"]
    for version in wrong:
        echo(f"{version.state}: {one_line(version.label)}")
    if report.drift:
        echo("The schema differs: + is there and should not be, - should be and is not.")
    for line in report.drift:
        echo(line)
    for line in report.notices:
        echo(f"beside ours: {line}")
    if report.drifted or (strict and report.notices):
        seek = "Next: see what changed it. docs/migrations.md tells what to do in each case."
        echo(report.advice or seek)
        sys.exit(3)
    if report.pending:
        echo("Next: blogsvc upgrade")
        sys.exit(2)
    if report.ahead:
        echo(
            "A newer blogsvc has migrated, and this one can run beside it. Next: install that one."
        )
        sys.exit(4)
    echo("The schema is up to date.")


@click.command()
@on_a_blog
async def describe(target: Target) -> None:
    """Show the live table as the database has it, and the history of its migrations."""
    facts, report = await Migrator(**target).describe()
    echo("\n".join(_described(facts)))
    echo("\nmigrations:")
    for version in report.versions:
        echo(f"  {_history_line(version)}")
    if report.advice:
        echo(f"\n{report.advice}")
    if not facts:
        raise click.ClickException("There is no table posts yet. Run `blogsvc upgrade`.")


def _described(facts: Iterable[Fact]) -> Iterator[str]:
    """Yield the lines that show a table: its facts under a heading for each kind."""
    plural = {"index": "indexes", "policy": "policies"}
    for kind, group in itertools.groupby(facts, key=lambda fact: fact.kind):
        if kind == "table":
            yield from (f"table {fact.name}: {fact.definition}" for fact in group)
            continue
        rows = list(group)
        width = max(len(fact.name) for fact in rows)
        yield f"\n{plural.get(kind, f'{kind}s')}:"
        yield from (f"  {fact.name:<{width}}  {fact.definition}" for fact in rows)


def _history_line(version: VersionStatus) -> str:
    when = f"{version.applied_at:%Y-%m-%d %H:%M:%S}Z" if version.applied_at else "-"
    took = f"{version.duration_ms / 1000:.3f}s" if version.duration_ms is not None else ""
    return f"{version.state:<12}  {when:<20}  {took:>8}  {one_line(version.label)}".rstrip()
