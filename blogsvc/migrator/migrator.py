"""`Migrator`: upgrade, downgrade, status and the rest, for code and for the command line."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import asyncpg

from ..database import DRIVER_ERRORS, Endpoint, check_target
from ..errors import BlogError, InvalidQuery, MigrationError, OutcomeUnknown
from . import connection as connections
from . import files, history, lock, plan, rehearsal, running, sql_script
from . import repair as repairs
from .drift import Drift, drift
from .files import MigrationFile
from .plan import VersionStatus
from .repair import Repair
from .schema import Fact, read_schema

Direction = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Step:
    """A version that is about to be applied or undone, or, with `seconds`, just has been."""

    version: str
    direction: Direction
    seconds: float | None = None

    @property
    def label(self) -> str:
        """The name as it is shown and typed: the file's, without `.py`."""
        return files.label(self.version)


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found: how each version stands, and the lines in which the schema differs.

    `notices` are of what stands beside ours and changes nothing: a column of somebody else's that
    our writes can leave out, a plain index, another table's foreign key. `advice` says what to
    type where Tortoise has made the table, or `aerich init-db` recorded a version.
    """

    versions: tuple[VersionStatus, ...]
    drift: tuple[str, ...]
    notices: tuple[str, ...] = ()
    advice: str = ""

    @property
    def pending(self) -> bool:
        """Whether an upgrade has something to do."""
        return any(version.state == "pending" for version in self.versions)

    @property
    def drifted(self) -> bool:
        """Whether the schema, or what is recorded of it, is not what the files make.

        Also where this blogsvc cannot run on what a newer release has applied.
        """
        wrong = any(
            version.breaking or version.state in ("edited", "out of order", "bogus")
            for version in self.versions
        )
        return bool(self.drift) or wrong or (self.ahead and self.pending)

    @property
    def ahead(self) -> bool:
        """Whether a newer release has migrated; unless `drifted`, this one can run beside it."""
        return any(version.state == "missing" for version in self.versions)


class Migrator:
    """Migrates one blog's schema: `url` and `schema` as for `BlogService`.

    A schema that is not there is created by what migrates, or with `create_schema=False` an error.

    It has a connection of its own for the time of a call, and touches nothing of the host's
    Tortoise. Any number of processes may call it at once; they wait for one another.

    A target is a version's number, or the name of its file. What goes wrong is a `MigrationError`
    that says where things stand and keeps its cause; before the first step also `LockedError`, when
    the migration lock could not be had in time, and `Unavailable`, `OperationTimeout` or
    `ConfigurationError`, when there is no database to work on or the network is silent.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        schema: str | None = None,
        on_step: Callable[[Step], None] | None = None,
        create_schema: bool = True,
    ) -> None:
        check_target(url, schema)
        if on_step is not None and not callable(on_step):
            raise InvalidQuery("on_step", f"is a {type(on_step).__name__}, not a function")
        self._url = url
        self._schema = schema
        self._create_schema = create_schema
        self._on_step = on_step or (lambda step: None)

    async def status(self) -> list[VersionStatus]:
        """Return every version, those of the files in their order first, then the missing ones."""
        async with self.session(locked=False) as connection:
            return plan.compare(files.all_files(), await history.read(connection))

    async def check(self) -> Report:
        """Compare what is applied with the files, and the live schema with what they build."""
        async with self.session(locked=False) as connection:
            return await _read_report(connection)

    async def describe(self) -> tuple[list[Fact], Report]:
        """Return what the live table is, and what `check` says of it."""
        async with self.session(locked=False) as connection:
            return await read_schema(connection), await _read_report(connection)

    async def plan(
        self, *, down: bool = False, to: str | None = None, steps: int | None = 1
    ) -> list[str]:
        """Return the versions that `upgrade` or, with `down`, `downgrade` would go through."""
        async with self.session(locked=False) as connection:
            planned = await _planned(connection, "down" if down else "up", to, steps)
        return [file.version for file in planned]

    async def sql(
        self, *, down: bool = False, to: str | None = None, steps: int | None = 1
    ) -> Iterator[str]:
        """Return the script, for psql, of what `upgrade` or, with `down`, `downgrade` would do."""
        async with self.session(locked=False) as connection:
            planned = await _planned(connection, "down" if down else "up", to, steps)
        return sql_script.script(planned, "down" if down else "up", self._schema)

    async def upgrade(self, to: str | None = None) -> list[str]:
        """Apply what is pending, so that `to`, or the head, is the newest applied; return it.

        What is applied stays applied when a later version fails.
        """
        async with self.session() as connection:
            planned = await _planned(connection, "up", to)
            return await self._go(connection, planned, "up")

    async def upgrade_new(self) -> list[str]:
        """Apply everything where nothing was ever applied, as `upgrade` does; elsewhere, nothing.

        Where everything was undone, nothing is applied either: there is a history.
        """
        async with self.session() as connection:
            if await history.exists(connection):
                return []
            planned = await _planned(connection, "up")
            return await self._go(connection, planned, "up")

    async def rehearse(self, to: str | None = None) -> list[rehearsal.Rehearsed]:
        """Run what `upgrade` would in one transaction, roll it back, and tell what came of it.

        The locks are held to the end: not for a database that is at work. Raises `MigrationError`
        where a version fails.
        """
        async with self.session() as connection:
            planned = await _planned(connection, "up", to)
            if planned:
                await lock.check_that_it_may_change(connection)
            return await rehearsal.rehearse(connection, planned)

    async def downgrade(
        self,
        to: str | None = None,
        steps: int | None = 1,
        *,
        expect: Sequence[str] | None = None,
    ) -> list[str]:
        """Undo the newest `steps` versions, or all that are newer than `to`; return them.

        `steps=None` undoes everything. `expect` is what `plan` returned and somebody agreed to: if
        another process has migrated since, nothing is undone.
        """
        async with self.session() as connection:
            planned = await _planned(connection, "down", to, steps)
            found = [file.version for file in planned]
            if expect is not None and found != list(expect):
                raise MigrationError(
                    "Another process has migrated since this was planned, and something else "
                    "would be undone now. Nothing was changed: look, and run it again."
                )
            return await self._go(connection, planned, "down")

    async def adopt(self, to: str | None = None) -> list[str]:
        """Record the versions up to `to` as applied, and return those that were not.

        For a database whose table somebody else made, and for files whose comments changed: the
        recorded checksums become the files'. Without `to` it is the newest version recorded, or
        the head where there is none. Raises `MigrationError`, with the differences, unless the
        schema is exactly what these versions build.
        """
        async with self.session() as connection:
            known = files.all_files()
            recorded = {row.version for row in await history.read(connection)}
            if any(map(files.is_bogus, recorded)):
                plan.refuse_unsafe(
                    plan.compare(known, await history.read(connection)), going_up=False
                )
            newest = [file for file in known if file.version in recorded or not recorded][-1:]
            target = files.find(known, to) if to is not None else (newest or known)[-1]
            wanted = known[: target.number + 1]
            beyond = sorted(recorded - {file.version for file in wanted})
            if beyond:
                raise MigrationError(
                    f"{files.label(beyond[-1])} is recorded as applied, and {target.label} does "
                    "not include it. Adopt up to that version; nothing was changed."
                )
            differences = (await drift(connection, target.version)).differences
            if differences and not recorded:
                await repairs.refuse_posts_of_tortoise(connection)
            if differences:
                raise MigrationError(
                    f"The schema is not what {target.label} makes of it; nothing was recorded. "
                    "+ is too much, - is missing:\n" + "\n".join(differences)
                )
            await history.create_table(connection)
            async with running.begun(connection):
                for file in wanted:
                    await history.accept(connection, file)
            return [file.version for file in wanted if file.version not in recorded]

    async def plan_repair(self) -> Repair:
        """Return what `repair` would do, and change nothing."""
        async with self.session(locked=False) as connection:
            return await repairs.plan_repair(connection)

    async def repair(self, *, expect: Repair | None = None) -> Repair:
        """Repair what `aerich init-db` and Tortoise have made of our table and its history.

        A `posts` that Tortoise made from the model is built anew by the migrations, and every post
        moves; rows of the history that are no migrations go. All of it is one transaction. `expect`
        is what `plan_repair` returned and somebody agreed to: if there is something else to do
        now, nothing is done. Raises `MigrationError`, too, where something would be lost, or a
        post breaks a rule.
        """
        async with self.session() as connection:
            planned = await repairs.plan_repair(connection)
            if expect is not None and planned != expect:
                raise MigrationError(
                    "Somebody has changed the database since this was planned. Nothing was "
                    "changed: look, and run it again."
                )
            return await repairs.repair(connection, planned) if planned else planned

    @contextlib.asynccontextmanager
    async def session(self, *, locked: bool = True) -> AsyncIterator[asyncpg.Connection]:
        """Open the connection that migrates, with the migration lock unless it is only to read."""
        endpoint = Endpoint(self._url)
        try:
            url = await endpoint.hold()
            async with connections.opened(
                url, self._schema, locked=locked, create_schema=self._create_schema
            ) as connection:
                yield connection
        finally:
            await endpoint.release()

    async def _go(
        self, connection: asyncpg.Connection, planned: Sequence[MigrationFile], way: Direction
    ) -> list[str]:
        """Take the steps, and when one fails, tell where that leaves the database."""
        done: list[MigrationFile] = []
        if planned:
            await lock.check_that_it_may_change(connection)
        if way == "up":
            await history.create_table(connection)
        for file in planned:
            self._on_step(Step(file.version, way))
            started = time.perf_counter()
            try:
                if way == "up":
                    await _apply(connection, file)
                else:
                    await _undo(connection, file)
            except (BlogError, *DRIVER_ERRORS) as error:
                raise MigrationError(_stopped(error, planned, done, file, way)) from error
            done.append(file)
            self._on_step(Step(file.version, way, time.perf_counter() - started))
        return [file.version for file in done]


async def _read_report(connection: asyncpg.Connection) -> Report:
    """Return what `Migrator.check` does, read on a connection that `session` has opened."""
    applied = await history.read(connection)
    versions = plan.compare(files.all_files(), applied)
    # Of what this blogsvc has no file of, it cannot know what it should look like.
    unknown = any(version.state in ("missing", "out of order") for version in versions)
    newest = next((r.version for r in reversed(applied) if not files.is_bogus(r.version)), None)
    found = Drift([], []) if unknown else await drift(connection, newest)
    advice = plan.advice_on_bogus(versions) or await repairs.posts_of_others(connection, applied)
    return Report(tuple(versions), tuple(found.differences), tuple(found.notices), advice)


async def _planned(
    connection: asyncpg.Connection,
    way: Direction,
    to: str | None = None,
    steps: int | None = None,
) -> list[MigrationFile]:
    known, applied = files.all_files(), await history.read(connection)
    if way == "down":
        return plan.plan_downgrade(known, applied, to, steps)
    planned = plan.plan_upgrade(known, applied, to)
    await repairs.refuse_posts_of_others(connection, applied)
    return planned


async def _apply(connection: asyncpg.Connection, file: MigrationFile) -> None:
    started = time.perf_counter()
    if file.in_transaction:
        async with running.begun(connection):
            await running.run_in_transaction(connection, file.up)
            await history.record(connection, file, time.perf_counter() - started)
    else:
        await running.run_alone(connection, file.up)
        await history.record(connection, file, time.perf_counter() - started)


async def _undo(connection: asyncpg.Connection, file: MigrationFile) -> None:
    async with running.begun(connection):
        await running.run_in_transaction(connection, file.down)
        await history.erase(connection, file.version)


def _stopped(
    error: BaseException,
    planned: Sequence[MigrationFile],
    done: Sequence[MigrationFile],
    failed: MigrationFile,
    way: Direction,
) -> str:
    left = planned[len(done) + 1 :]
    never = f"{left[0].label} to {left[-1].label} ({len(left)})" if left else "nothing"
    verb, past = ("apply", "Applied") if way == "up" else ("undo", "Undone")
    if isinstance(error, OutcomeUnknown):
        rolled_back = "may be in or not: the answer to its COMMIT was lost"
    elif failed.in_transaction or way == "down":
        rolled_back = "was rolled back"
    else:
        rolled_back = (
            "runs outside of a transaction: what it did stays, and is taken up again next time"
        )
    command = "upgrade" if way == "up" else "downgrade"
    return (
        f"Could not {verb} {failed.label}: {error}\n"
        f"  {past} and kept: {', '.join(file.label for file in done) or 'nothing'}\n"
        f"  Failed: {failed.label}, which {rolled_back}\n"
        f"  Never ran: {never}\n"
        f"Fix the cause and run `blogsvc {command}` again; `blogsvc status` shows where you are."
    )
