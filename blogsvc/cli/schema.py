"""`blogsvc status`, `check` and `describe`: what looks at the schema and changes nothing."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from datetime import datetime

import asyncclick as click

from ..migrator import Migrator, VersionStatus, catalog
from ..migrator.migrator import read_report
from .target import Target, on_a_blog


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@on_a_blog
async def status(target: Target, as_json: bool) -> None:
    """List every migration, and whether and when it was applied."""
    versions = await Migrator(**target).status()
    if as_json:
        rows = list(map(dataclasses.asdict, versions))
        click.echo(json.dumps(rows, default=datetime.isoformat, indent=2))
        return
    for version in versions:
        click.echo(_history_line(version))


@click.command()
@on_a_blog
async def check(target: Target) -> None:
    """Say whether the schema is the one that this blogsvc needs.

    Exits with 0 when it is, 1 when that could not be seen, 2 when migrations are pending, and 3
    when the schema differs from what they build or their files from what was applied.
    """
    report = await Migrator(**target).check()
    wrong = [version for version in report.versions if version.state != "applied"]
    for version in wrong:
        click.echo(f"{version.state}: {version.label}")
    if report.drift:
        click.echo("The schema differs: + is there and should not be, - should be and is not.")
    for line in report.drift:
        click.echo(line)
    if report.drifted:
        click.echo("Next: see what changed it. docs/migrations.md tells what to do in each case.")
        sys.exit(3)
    if report.pending:
        click.echo("Next: blogsvc upgrade")
        sys.exit(2)
    click.echo("The schema is up to date.")


@click.command()
@on_a_blog
async def describe(target: Target) -> None:
    """Show the live table as the database has it, and the history of its migrations."""
    async with Migrator(**target).session(take_turn=False) as connection:
        table = await catalog.read_table(connection)
        report = await read_report(connection)
    click.echo("\n".join(describe_table(table)))
    click.echo("\nMigrations:")
    for version in report.versions:
        click.echo(f"  {_history_line(version)}")
    if not table.exists:
        raise click.ClickException("There is no table posts yet. Run `blogsvc upgrade`.")


def describe_table(table: catalog.Table) -> Iterator[str]:
    """Yield the lines that show a table."""
    yield f'Table "{table.name}"'
    rows = [("Column", "Type", "Nullable", "Default")]
    rows += [
        (column.name, column.type, "not null" if column.not_null else "", column.default or "")
        for column in table.columns
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        yield " " + " | ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip(" ")
        if number == 0:
            yield "-" + "-+-".join("-" * width for width in widths)
    for heading, rules in (
        ("Indexes", table.indexes),
        ("Constraints", table.constraints),
        ("Triggers", table.triggers),
    ):
        if rules:
            yield f"{heading}:"
        for rule in rules:
            yield f'    "{rule.name}" {rule.definition}{"" if rule.valid else "  <-- NOT VALID"}'


def _history_line(version: VersionStatus) -> str:
    when = f"{version.applied_at:%Y-%m-%d %H:%M:%S}Z" if version.applied_at else "-"
    took = f"{version.duration_ms / 1000:.3f}s" if version.duration_ms is not None else ""
    return f"{version.state:<12}  {when:<20}  {took:>8}  {version.label}".rstrip()
