"""`blogsvc upgrade`, `downgrade`, `sql` and `adopt`: what changes the schema."""

from __future__ import annotations

import asyncclick as click

from ..migrator import Migrator, Step, label
from .many import Found, on_many_blogs
from .target import Target, on_a_blog
from .terminal import confirm, echo, one_line

_to = click.option(
    "--to", metavar="VERSION", help="The version, or its number, that is the newest applied then."
)


async def _upgrade_one(migrator: Migrator, to: str | None, dry_run: bool) -> Found:
    if dry_run:
        steps = await migrator.rehearse(to)
        return Found("rehearsed", f"{len(steps)} migrations rehearsed, and rolled back")
    applied = await migrator.upgrade(to)
    if not applied:
        return Found("up to date", "up to date")
    return Found("migrated", f"{len(applied)} migrations applied, up to {label(applied[-1])}")


@click.command()
@_to
@click.option("--dry-run", is_flag=True, help="Run it in one transaction, and roll that back.")
@on_many_blogs(_upgrade_one)
async def upgrade(target: Target, to: str | None, dry_run: bool) -> None:
    """Apply the migrations that are pending."""
    migrator = Migrator(**target, on_step=show_step)
    if dry_run:
        for step in await migrator.rehearse(to):
            result = f"not rehearsed: {step.skipped}" if step.skipped else "rehearsed"
            echo(f"== {step.label}: {result}")
        echo("Rolled back: nothing was changed.")
    elif not await migrator.upgrade(to):
        echo("Nothing to apply: the schema is up to date.")


@click.command()
@_to
@click.option("--steps", type=click.IntRange(1), help="How many to undo; one without it.")
@click.option("--all", "everything", is_flag=True, help="Undo every one: no post is left.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@on_a_blog
async def downgrade(
    target: Target, to: str | None, steps: int | None, everything: bool, yes: bool
) -> None:
    """Undo the newest migrations. What they added is lost, with the data in it."""
    count = _count(to, steps, everything)
    migrator = Migrator(**target, on_step=show_step)
    planned = await migrator.plan(down=True, to=to, steps=count)
    if not planned:
        echo("Nothing to undo.")
        return
    echo("This will be undone, with the data that it added:")
    for version in planned:
        echo(f"  {one_line(label(version))}")
    if not yes:
        confirm("Go on?")
    await migrator.downgrade(to, count, expect=planned)


@click.command()
@_to
@click.option("--down", is_flag=True, help="What downgrade would run.")
@click.option("--steps", type=click.IntRange(1), help="With --down: how many; one without it.")
@click.option("--all", "everything", is_flag=True, help="With --down: every one.")
@on_a_blog
async def sql(
    target: Target, to: str | None, down: bool, steps: int | None, everything: bool
) -> None:
    """Print what upgrade would run, as a script for psql. Nothing is changed."""
    if not down and (steps or everything):
        raise click.UsageError("--steps and --all belong to --down.")
    migrator = Migrator(**target)
    for piece in await migrator.sql(down=down, to=to, steps=_count(to, steps, everything)):
        click.echo(piece)  # as it is: psql must get what upgrade runs


@click.command()
@_to
@click.option(
    "--repair", is_flag=True, help="Repair what Tortoise or `aerich init-db` made of posts."
)
@click.option("-y", "--yes", is_flag=True, help="With --repair: do not ask.")
@on_a_blog
async def adopt(target: Target, to: str | None, repair: bool, yes: bool) -> None:
    """Record migrations as applied whose work is there, if the schema is exactly theirs.

    With --repair, for a table posts that Tortoise made from the model, and for what `aerich
    init-db` recorded of our app: shows what it will do, asks, and does it in one transaction.
    Every post is kept.
    """
    if repair:
        if to is not None:
            raise click.UsageError("--repair leads to the newest version; leave out --to.")
        await _repair(Migrator(**target), yes)
        return
    adopted = await Migrator(**target).adopt(to)
    for version in adopted:
        echo(f"== {label(version)}: adopted")
    if not adopted:
        echo("Every version is recorded; the checksums are those of the files now.")


async def _repair(migrator: Migrator, yes: bool) -> None:
    planned = await migrator.plan_repair()
    if not planned:
        echo("Nothing to repair. Next: blogsvc check")
        return
    echo("This will be done, in one transaction:")
    for step in planned.steps:
        echo(f"  {one_line(step)}")
    if not yes:
        confirm("Go on?")
    done = await migrator.repair(expect=planned)
    echo(f"Repaired. {done.posts} posts are where they belong." if done.rebuilt else "Repaired.")
    if done.rebuilt:
        echo(
            'If a migration of your application has CREATE TABLE "posts", take that out of it, '
            "with its indexes and its comment: docs/tortoise.md shows how."
        )
    if done.rebuilt or done.bogus:
        echo(
            "So that it does not come back, have tortoise_connection() and tortoise_app() in your "
            "TORTOISE_ORM."
        )
    echo("Next: blogsvc upgrade")


def show_step(step: Step) -> None:
    """Print what a migration does, as it happens."""
    verbs = ("migrating", "migrated") if step.direction == "up" else ("reverting", "reverted")
    # `echo` flushes, also into a pipe.
    if step.seconds is None:
        echo(f"== {step.label}: {verbs[0]} =======")
    else:
        echo(f"== {step.label}: {verbs[1]} ({step.seconds:.3f}s)\n")


def _count(to: str | None, steps: int | None, everything: bool) -> int | None:
    if sum((to is not None, steps is not None, everything)) > 1:
        raise click.UsageError("Give one of --to, --steps and --all.")
    return None if everything else steps or 1
