"""`blogsvc import-sequelize`: the way from the tutorial's own tool to this one."""

from __future__ import annotations

import sys

import asyncclick as click

from ..migrator import Migrator, take_over
from .migrations import show_step
from .target import Target, on_a_blog
from .terminal import echo

_EVERY = 100_000


@click.command("import-sequelize")
@on_a_blog
async def import_sequelize(target: Target) -> None:
    """Bring over the posts of a database that sequelize-cli made; again, whatever changed there.

    Upgrades the schema first. The table "Posts" is only read. Exits with 1 when a post could not
    be brought over because its id is taken here.
    """

    def tell(created: int) -> None:
        if created % _EVERY == 0:
            echo(f"   {created} posts created so far")

    found = await take_over(Migrator(**target, on_step=show_step), tell)
    unchanged = found.total - found.created - found.updated - len(found.others)
    echo(f"{found.created} created, {found.updated} updated, {unchanged} as they were")
    for status, count in found.became_drafts.items():
        echo(f"{count} became drafts: blogsvc has no status {status!r}")
    if found.only_here:
        echo(f'{found.only_here} are here and not in "Posts": made here, or deleted there')
    if found.others:
        shown = ", ".join(map(str, found.others[:10]))
        echo(
            f"{len(found.others)} could not be brought over: another post has the id here "
            f"({shown}). Make posts in one of the two applications only.",
            err=True,
        )
        sys.exit(1)
