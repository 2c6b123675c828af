"""The stock `aerich` command while it runs: which of its commands, on which app, with what allowed.

Every name of Aerich's that we rely on stands in this module.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import MigrationError
from . import files
from .history import Applied
from .plan import compare, plan_upgrade

ONLY_READ: Final = ("heads", "history", "inspectdb", "migrate")
"""What changes no database, and so needs no migration lock."""

_TYPES: Final = {
    "tsvector": "tortoise.contrib.postgres.fields.TSVectorField",
    "_text": "tortoise.contrib.postgres.fields.ArrayField",
}
"""Types of our columns for which `aerich inspectdb` has no field of its own."""

_OWN_MIGRATIONS: Final = (
    "blogsvc brings its own migrations, so there is nothing to make. Type `aerich upgrade`, with "
    "the options that you gave before the command. Nothing was changed."
)
_REFUSED: Final = {
    "init-db": _OWN_MIGRATIONS,
    "init-migrations": _OWN_MIGRATIONS,
    "fix-migrations": (
        "The migration files of blogsvc are released ones, and stay as they are: the checksum of "
        "each stands in every database that has it. Nothing was changed."
    ),
}
_NOT_IN_A_PACKAGE: Final = (
    "The migrations of blogsvc come with its releases, and none can be made in an installed "
    "package. For what you add beside the table posts, write a migration of your own application; "
    "`blogsvc check` tells whether the table is as it should be. Nothing was changed."
)


@dataclass(frozen=True, slots=True)
class Running:
    """A command of Aerich's at work: its name, its app, and the options behind its name."""

    command: str
    app: str
    options: dict[str, Any]

    @property
    def is_ours(self) -> bool:
        """Whether it works on the migrations of blogsvc, and not on those of the host."""
        return self.app == files.APP

    @property
    def only_reads(self) -> bool:
        """Whether it changes nothing in the database."""
        return self.command in ONLY_READ


def running() -> Running | None:
    """Return the command of Aerich's that this task is in; None elsewhere, as in a host's own."""
    context = _context()
    if context is None:
        return None
    root = context.find_root()
    made = (root.obj or {}).get("command")
    app = made.app if made is not None else root.params.get("app")
    return Running(
        root.invoked_subcommand or "", app or "", dict(context.params) if context != root else {}
    )


def _context() -> Any:
    cli, click = sys.modules.get("aerich.cli"), sys.modules.get("asyncclick")
    context = click.get_current_context(silent=True) if cli and click else None
    if context is None or context.find_root().command is not cli.cli:  # type: ignore[union-attr]
        return None
    return context


def fit_aerich() -> None:
    """Let Aerich, where its command runs, work beside our app in a host's TORTOISE_ORM.

    - It finds our migrations where they are installed, whatever `location` says: that is the folder
      of the host's own migrations, and Aerich knows only one for all apps.
    - What would write into our files, or record what is no migration, is refused.
    - `aerich migrate` knows the table that a foreign key of the host's points at. It compares the
      models of one app only, and would end in a traceback.
    - `aerich inspectdb` has words for each column of `posts`.
    """
    if _context() is None:
        return
    from aerich.migrate import Migrate

    directory_of, diff_models = Migrate.get_migration_dir, Migrate.diff_models

    def directory(location: str, app: str) -> Path:
        made = _context().find_root().obj.get("command")
        if made is not None:
            made._inspectdb_fields = {**_TYPES, **(made._inspectdb_fields or {})}
        if app != files.APP:
            return directory_of(location, app)
        refuse_command()
        return files.folder()

    def diff(
        old: dict[str, Any], new: dict[str, Any], upgrade: bool = True, no_input: bool = False
    ) -> None:
        # On both sides, so that nothing of it is made or changed.
        ours = {} if Migrate.app == files.APP else _describe_our_models()
        old = old and {**old, **ours}
        diff_models(old, {**new, **ours}, upgrade, no_input)

    Migrate.get_migration_dir = staticmethod(directory)  # type: ignore[method-assign]
    Migrate.diff_models = staticmethod(diff)  # type: ignore[assignment, method-assign]


def _describe_our_models() -> dict[str, Any]:
    from aerich.utils import get_models_describe

    try:
        return get_models_describe(files.APP)
    except KeyError:
        return {}  # this TORTOISE_ORM has no app of this name


def refuse_command() -> None:
    """Refuse what Aerich must not do with our files, on its command line."""
    from asyncclick import ClickException

    now = running()
    refused = _REFUSED.get(now.command) if now else None
    if now and now.command == "migrate" and files.is_installed():
        refused = _NOT_IN_A_PACKAGE
    if refused:
        raise ClickException(refused)


def refuse_options() -> None:
    """Raise `MigrationError` for an option with which the history would tell what is not so."""
    now = running()
    if now is None or not now.is_ours:
        return
    if now.options.get("fake"):
        instead = (
            "`blogsvc adopt` looks at the schema and records the versions whose work is there"
            if now.command == "upgrade"
            else "`aerich downgrade` undoes a version and forgets it"
        )
        raise MigrationError(
            f"With --fake, the history would tell what is not so. Instead, {instead}. Nothing was "
            "changed."
        )
    if now.options.get("delete"):
        raise MigrationError(
            "--delete would delete files of blogsvc, which every database needs that has them. "
            "Leave it out; nothing was changed."
        )


def refuse_a_draft(applied: list[Applied]) -> None:
    """Raise `MigrationError` where `aerich migrate` has nothing to compare the models with."""
    pending = [each for each in compare(files.all_files(), applied) if each.state == "pending"]
    if pending and plan_upgrade(files.all_files(), applied, None):
        raise MigrationError(
            f"{pending[0].label} is not applied, and a new migration begins where the last one "
            "ended. Type `aerich upgrade` first; nothing was changed."
        )
