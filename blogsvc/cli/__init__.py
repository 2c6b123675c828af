"""The `blogsvc` command: a thin skin over `Migrator` and `BlogService`."""

from __future__ import annotations

from typing import Any

import asyncclick as click

from ..errors import BlogError
from . import migrations, posts, schema, sequelize, shell
from .terminal import printable


class _Group(click.Group):
    """Shows an error of ours as one line, and leaves tracebacks to what is a bug."""

    async def invoke(self, ctx: click.Context) -> Any:
        try:
            return await super().invoke(ctx)
        except BlogError as error:
            raise click.ClickException(printable(str(error))) from error
        except click.ClickException as error:
            # It quotes arguments, which a shell may have made of file names; this is what is shown.
            error.message = printable(error.message)  # type: ignore[misc]
            raise


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "-V", "--version", package_name="blogsvc", prog_name="blogsvc")
async def cli() -> None:
    """Blog posts in PostgreSQL: migrate the schema, look at it, bring posts in and out."""


def main() -> None:
    """Run the command."""
    cli()


for command in (
    migrations.upgrade,
    migrations.downgrade,
    migrations.sql,
    migrations.adopt,
    sequelize.import_sequelize,
    schema.status,
    schema.check,
    schema.describe,
    posts.list_posts,
    posts.import_command,
    posts.export,
    shell.psql,
):
    cli.add_command(command)
