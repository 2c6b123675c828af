"""Compare the versions that are applied with the files, and plan what to apply or undo."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..errors import MigrationError, SchemaOutOfDate
from . import files
from .files import MigrationFile
from .history import Applied

State = Literal["applied", "pending", "missing", "edited", "out of order"]


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version, and how it stands with it.

    `pending`: not applied yet. `missing`: applied, but this blogsvc has no file of it. `edited`:
    the file changed since it was applied. `out of order`: pending, though a newer one is applied.
    """

    version: str
    state: State
    applied_at: datetime | None = None
    duration_ms: float | None = None

    @property
    def label(self) -> str:
        """The name as it is shown and typed: the file's, without `.py`."""
        return files.label(self.version)


def compare(known: Sequence[MigrationFile], applied: Sequence[Applied]) -> list[VersionStatus]:
    """Tell how each version stands: those of the files in their order, then the missing ones."""
    rows = {row.version: row for row in applied}
    newest = max((file.number for file in known if file.version in rows), default=-1)
    found: list[VersionStatus] = []
    for file in known:
        row = rows.pop(file.version, None)
        if row is None:
            state: State = "out of order" if file.number < newest else "pending"
            found.append(VersionStatus(file.version, state))
        else:
            edited = row.checksum is not None and row.checksum != file.checksum
            state = "edited" if edited else "applied"
            found.append(VersionStatus(file.version, state, row.applied_at, row.duration_ms))
    missing = [
        VersionStatus(row.version, "missing", row.applied_at, row.duration_ms)
        for row in rows.values()
    ]
    return found + missing


def check_versions(applied: Set[str], schema: str | None) -> None:
    """Raise `SchemaOutOfDate` unless exactly the versions of this blogsvc are applied."""
    known = files.all_versions()
    pending = tuple(version for version in known if version not in applied)
    missing = tuple(sorted(applied - set(known)))
    option = f" --schema {schema}" if schema else ""
    if missing:
        raise SchemaOutOfDate(
            f"The schema is ahead of this blogsvc, which does not know {_listed(missing)}. "
            "Install the blogsvc that applied it.",
            pending=pending,
            missing=missing,
        )
    if pending:
        raise SchemaOutOfDate(
            f"The schema is behind; not applied: {_listed(pending)}. Run `blogsvc "
            f"upgrade{option}`, or open the service with migrate=True.",
            pending=pending,
        )


def refuse_unsafe(versions: Sequence[VersionStatus]) -> None:
    """Raise `MigrationError` where going on would build on what nobody knows."""
    by_state = {
        state: [version.version for version in versions if version.state == state]
        for state in ("missing", "edited", "out of order")
    }
    if by_state["missing"]:
        raise MigrationError(
            f"The database is ahead of this blogsvc: {_listed(by_state['missing'])} is applied and "
            "has no file here. Install the blogsvc that applied it; nothing was changed."
        )
    if by_state["edited"]:
        raise MigrationError(
            f"{_listed(by_state['edited'])} was edited after it was applied, so the database is "
            "not what the file says; nothing was changed. Bring the file back as it was (git "
            "checkout) and write a new migration for the change. If only its comments differ, type "
            "`blogsvc adopt`: it looks at the schema and accepts the file."
        )
    if by_state["out of order"]:
        raise MigrationError(
            f"{_listed(by_state['out of order'])} is not applied, though a newer version is: no "
            "release of blogsvc leads there; nothing was changed. If its work is in the schema, "
            "type `blogsvc adopt`: it looks and records it. If not, `blogsvc downgrade --to` the "
            "version before it, and upgrade from there."
        )


def plan_upgrade(
    known: Sequence[MigrationFile], applied: Sequence[Applied], to: str | None
) -> list[MigrationFile]:
    """Return what to apply, oldest first, so that `to`, or the head, is the newest applied.

    Raises `MigrationError` for what `refuse_unsafe` refuses, and for a target that is behind.
    """
    refuse_unsafe(compare(known, applied))
    # Nothing is missing and nothing out of order: the applied ones are the first of the files.
    newest = len({row.version for row in applied}) - 1
    target = files.find(known, to) if to is not None else known[-1]
    if target.number < newest:
        raise MigrationError(
            f"{target.label} is behind: {known[newest].label} is applied. To go back, type "
            f"`blogsvc downgrade --to {target.number}`; nothing was changed."
        )
    return list(known[newest + 1 : target.number + 1])


def plan_downgrade(
    known: Sequence[MigrationFile],
    applied: Sequence[Applied],
    to: str | None,
    steps: int | None,
) -> list[MigrationFile]:
    """Return what to undo, newest first; `steps=None` is all.

    Raises `MigrationError` where a file is missing or edited, and for a target not applied.
    """
    by_version = {file.version: file for file in known}
    newest_first = [row.version for row in reversed(applied)]
    if to is not None:
        target = files.find(known, to)
        if target.version not in newest_first:
            raise MigrationError(
                f"{target.label} is not applied, so there is no way down to it. `blogsvc status` "
                "shows what is; nothing was changed."
            )
        newest_first = newest_first[: newest_first.index(target.version)]
    else:
        newest_first = newest_first[:steps]
    refuse_unsafe([found for found in compare(known, applied) if found.version in newest_first])
    return [by_version[version] for version in newest_first]


def _listed(versions: Sequence[str]) -> str:
    more = f" and {len(versions) - 1} more" if len(versions) > 1 else ""
    return files.label(versions[0]) + more
