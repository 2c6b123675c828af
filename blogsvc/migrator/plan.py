"""Compare the versions that are applied with the files, and plan what to apply or undo."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..database import shown
from ..errors import InvalidQuery, MigrationError, SchemaOutOfDate
from . import files
from .files import MigrationFile
from .history import Applied

State = Literal["applied", "pending", "missing", "edited", "out of order", "bogus"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version, and how it stands with it.

    `pending`: not applied yet. `missing`: applied, but this blogsvc has no file of it. `edited`:
    the file changed since it was applied. `out of order`: pending, though a newer one is applied.
    A missing one may be `breaking`: then this blogsvc cannot run on it. `bogus`: recorded by
    `aerich init-db` for our app, and no migration at all.
    """

    version: str
    state: State
    applied_at: datetime | None = None
    duration_ms: float | None = None
    breaking: bool = False

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
    for row in rows.values():
        state = "bogus" if files.is_bogus(row.version) else "missing"
        found.append(
            VersionStatus(row.version, state, row.applied_at, row.duration_ms, row.breaking)
        )
    return found


def check_versions(applied: Mapping[str, bool], schema: str | None) -> None:
    """Raise `SchemaOutOfDate` unless this blogsvc can run on the versions that are applied.

    The values say which are breaking. A newer release may have applied others that are not: while
    a deployment rolls, the older one runs beside it, and a warning is logged.
    """
    known = files.all_versions()
    pending = tuple(version for version in known if version not in applied)
    unknown = sorted(applied.keys() - set(known))
    bogus = tuple(version for version in unknown if files.is_bogus(version))
    missing = tuple(version for version in unknown if version not in bogus)
    breaking = tuple(version for version in missing if applied[version])
    option = f" --schema {schema}" if schema else ""
    if breaking or (missing and pending):
        raise SchemaOutOfDate(
            "The schema is ahead of this blogsvc, which cannot run on "
            f"{_listed(breaking or missing)}. Install the blogsvc that applied it.",
            pending=pending,
            missing=missing,
        )
    if bogus and pending:
        raise SchemaOutOfDate(
            f"{_bogus(bogus)} Not applied: {_listed(pending)}. Type `blogsvc adopt "
            f"--repair{option}`: it shows what it would do, and asks first.",
            pending=pending,
            missing=bogus,
        )
    if bogus:
        _log.warning("%s Type `blogsvc adopt --repair%s`, to be rid of it.", _bogus(bogus), option)
    if missing:
        _log.warning(
            "The schema is ahead of this blogsvc, which does not know %s. Nothing of it is "
            "breaking, so this one goes on: install the blogsvc that applied it when you can.",
            # Somebody else wrote it, and a log is read on a terminal.
            _listed(missing).encode("unicode_escape").decode(),
        )
    if pending:
        raise SchemaOutOfDate(
            f"The schema is behind; not applied: {_listed(pending)}. Run `blogsvc "
            f"upgrade{option}`, or open the service with migrate=True.",
            pending=pending,
        )


def refuse_unsafe(versions: Sequence[VersionStatus], *, going_up: bool) -> None:
    """Raise `MigrationError` where going on would build on what nobody knows.

    Going up on top of a newer release's migrations is safe where there is nothing left to apply.
    """
    states = {version.state for version in versions}
    breaking = any(version.breaking for version in versions)
    if going_up and not breaking and states <= {"applied", "missing", "bogus"}:
        return
    by_state = {
        state: [version.version for version in versions if version.state == state]
        for state in ("missing", "edited", "out of order", "bogus")
    }
    if by_state["bogus"]:
        raise MigrationError(f"{advice_on_bogus(versions)} Nothing was changed.")
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
    versions = compare(known, applied)
    refuse_unsafe(versions, going_up=True)
    # Nothing is out of order: the applied ones are the first of the files.
    newest = sum(version.state == "applied" for version in versions) - 1
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
    newest_first = [row.version for row in reversed(applied) if not files.is_bogus(row.version)]
    if to is not None:
        target = files.find(known, to)
        if target.version not in newest_first:
            raise MigrationError(
                f"{target.label} is not applied, so there is no way down to it. `blogsvc status` "
                "shows what is; nothing was changed."
            )
        newest_first = newest_first[: newest_first.index(target.version)]
    else:
        if steps is not None and (type(steps) is not int or steps < 0):
            raise InvalidQuery("steps", f"is {shown(steps)}, not a whole number from 0 on, or None")
        newest_first = newest_first[: None if steps is None else min(steps, len(newest_first))]
    undone = [found for found in compare(known, applied) if found.version in newest_first]
    refuse_unsafe(undone, going_up=False)
    return [by_version[version] for version in newest_first]


def advice_on_bogus(versions: Sequence[VersionStatus]) -> str:
    """Return what to do about versions that `aerich init-db` recorded; empty where there are none.

    They stand in nobody's way, so that not every command refuses to work beside them.
    """
    bogus = [version.version for version in versions if version.state == "bogus"]
    if not bogus:
        return ""
    return (
        f"{_bogus(bogus)} Type `blogsvc adopt --repair`: it shows what it would do, and asks first."
    )


def _bogus(versions: Sequence[str]) -> str:
    return f"`aerich init-db` has recorded {_listed(versions)}, which is no migration of blogsvc."


def _listed(versions: Sequence[str]) -> str:
    more = f" and {len(versions) - 1} more" if len(versions) > 1 else ""
    return files.label(versions[0]) + more
