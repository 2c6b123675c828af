"""The `blogsvc` command: a thin skin over `Migrator` and `BlogService`."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

import asyncclick as click

from ..errors import BlogError
from . import migrations, posts, project, schema, sequelize, shell
from .terminal import echo, printable

_KEPT: Final = {
    "upgrade": "What was applied is kept; `blogsvc upgrade` goes on from there.",
    "downgrade": "What was undone stays undone; `blogsvc status` shows where you are.",
    "adopt": "All of it was recorded, or nothing; `blogsvc status` shows which.",
    "import": "The posts that were stored are kept; the same command goes on with the rest.",
    "export": "The files that were written are kept; the same command writes all of them.",
    "import-sequelize": "What was brought over is kept; the same command goes on with the rest.",
    "init": "The same command goes on.",
    "url": "The data of the embedded PostgreSQL are kept.",
}
"""What Ctrl-C leaves of the commands that change something."""

_INTERRUPTED: Final = 130
"""The exit code of a program that SIGINT has ended, as shells count."""


class _Group(click.Group):
    """Shows an error of ours, or Ctrl-C, as one line, and leaves tracebacks to what is a bug."""

    async def invoke(self, ctx: click.Context) -> Any:
        try:
            return await super().invoke(ctx)
        except BlogError as error:
            raise click.ClickException(printable(str(error))) from error
        except click.ClickException as error:
            # It quotes arguments, which a shell may have made of file names; this is what is shown.
            error.message = printable(error.message)  # type: ignore[misc]
            raise
        except click.Abort:
            echo("Aborted! Nothing was changed.", err=True)
            sys.exit(1)
        except (asyncio.CancelledError, KeyboardInterrupt):
            # Here, and not around the event loop: which command it was is known, and its
            # connections are closed.
            kept = _KEPT.get(str(ctx.invoked_subcommand), "Nothing was changed.")
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            echo(f"\nStopped. {kept}", err=True)
            # At once: a second Ctrl-C has the event loop complain of what it did not finish.
            os._exit(_INTERRUPTED)


def _epilog() -> str:
    package = Path(__file__).resolve().parents[1]
    inside = package / "docs"  # in the wheel; in a checkout beside the package
    documents = inside if inside.is_dir() else package.parent / "docs"
    return f"""\b
Environment:
  DATABASE_URL            the database, where no --url is given; without both,
                          the embedded PostgreSQL
  BLOGSVC_SCHEMA          the PostgreSQL schema, where no --schema is given
  BLOGSVC_DATA_DIR        where the embedded PostgreSQL keeps its data
  BLOGSVC_MIGRATION_WAIT  seconds to wait while another process migrates: 60

\b
Completion, for .bashrc (zsh_source and fish_source are for the other two):
  eval "$(_BLOGSVC_COMPLETE=bash_source blogsvc)"

\b
Documents: {documents}"""


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_epilog(),
)
@click.version_option(None, "-V", "--version", package_name="blogsvc", prog_name="blogsvc")
async def cli() -> None:
    """Blog posts in PostgreSQL: migrate the schema, look at it, bring posts in and out."""


def main() -> None:
    """Run the command."""
    try:
        cli()
    except KeyboardInterrupt:  # a second one, while the first was being seen to
        os._exit(_INTERRUPTED)


for command in (
    project.init,
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
    shell.url,
):
    # In full: click would cut it to what fits into a line.
    sentence = inspect.cleandoc(command.help or "").partition("\n\n")[0].partition(". ")[0]
    command.short_help = sentence.removesuffix(".")
    cli.add_command(command)
