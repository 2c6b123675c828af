"""`blogsvc import-sequelize`: the way from the tutorial's own tool to this one."""

from __future__ import annotations

import sys

import asyncclick as click

from ..migrator import Migrator, TakenOver, take_over
from ..posts import STATUSES
from .migrations import show_step
from .target import Target, on_a_blog
from .terminal import echo, one_line

_EVERY = 100_000
_SHOWN = 10


@click.command("import-sequelize")
@click.option("--table", metavar="NAME", help='Posts, blog_posts, blog."Posts"; Posts without it.')
@click.option(
    "--status",
    "pairs",
    metavar="VALUE=STATUS",
    multiple=True,
    help="What values of status mean: 0=draft,1=published.",
)
@on_a_blog
async def import_sequelize(target: Target, table: str | None, pairs: tuple[str, ...]) -> None:
    """Bring over the posts of an application that Sequelize made; again, whatever changed there.

    Looks at its table, which is only read, and upgrades the schema first. Exits with 1 when a post
    could not be brought over because its id is taken here.
    """
    statuses = _read_pairs(pairs)
    told = 0

    def tell(created: int) -> None:
        nonlocal told
        if created // _EVERY > told:
            told = created // _EVERY
            echo(f"   {created} posts created so far")

    migrator = Migrator(**target, on_step=show_step)
    found = await take_over(migrator, tell, table=table, statuses=statuses)
    _show(found)
    if found.others:
        shown = ", ".join(map(str, found.others[:_SHOWN]))
        echo(
            f"{len(found.others)} could not be brought over: another post has the id here "
            f"({shown}). Make posts in one of the two applications only.",
            err=True,
        )
        sys.exit(1)


def _read_pairs(pairs: tuple[str, ...]) -> dict[str, str]:
    statuses = {}
    for pair in ",".join(pairs).split(",") if pairs else ():
        label, equals, status = pair.rpartition("=")
        if not equals or status.strip() not in STATUSES:
            raise click.UsageError(
                f"--status {pair!r} is not VALUE=STATUS with one of {', '.join(STATUSES)}, such as "
                "--status 0=draft,1=published."
            )
        statuses[label.strip()] = status.strip()
    return statuses


def _show(found: TakenOver) -> None:
    unchanged = found.total - found.created - found.updated - len(found.others)
    echo(f"{found.created} created, {found.updated} updated, {unchanged} as they were")
    if not found.total:
        echo(f"{found.table} is empty.")
    if found.soft_deleted:
        echo(f"{found.soft_deleted} are archived: they are marked as deleted in {found.table}")
    for status, count in list(found.became_drafts.items())[:_SHOWN]:
        echo(f"{count} became drafts: blogsvc has no status {one_line(repr(status), 60)}")
    if len(found.became_drafts) > _SHOWN:
        echo(f"... and {len(found.became_drafts) - _SHOWN} more values of {found.status}")
    if found.total and found.status is None:
        echo(
            f"{found.table} has no column status or published: only what has a publishedAt is "
            "published"
        )
    if found.cut_titles:
        echo(f"{found.cut_titles} titles have over 255 characters: cut, and whole in metadata")
    if found.total and found.in_metadata:
        echo(f"In metadata: {', '.join(found.in_metadata)}")
    if found.edited_here:
        echo(f"{found.edited_here} differ from {found.table}: edited here later, they stay")
    if found.only_here:
        echo(f"{found.only_here} are here and not in {found.table}: made here, or deleted there")
