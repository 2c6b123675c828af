"""What Tortoise and Aerich make of `posts` without our migrations, and the way back.

A table that Tortoise made from the model has no defaults, rules and trigger. It is not altered into
ours, which would be a second way to make it: the migrations build a new one, in the same
transaction, and the posts move.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from ..database import DRIVER_ERRORS, quoted
from ..errors import MigrationError
from . import files, history, running
from .connection import NO_LIMIT
from .drift import drift
from .files import MigrationFile
from .history import Applied
from .schema import Fact, expected, read_schema

_OLD: Final = "posts_made_by_tortoise"

_FOREIGN_KEYS: Final = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE confrelid = to_regclass('posts')::oid AND contype = 'f' AND conparentid = 0::oid
    ORDER BY 1, 2"""

_GRANTS: Final = """
    SELECT pg_catalog.format('GRANT %s ON posts TO %s%s', privilege_type,
        CASE grantee WHEN 0::oid THEN 'PUBLIC' ELSE grantee::regrole::text END,
        CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_class, aclexplode(relacl)
    WHERE oid = to_regclass('posts')::oid AND grantee <> relowner"""

_CONSTRAINTS: Final = f"""
    SELECT conname FROM pg_constraint
    WHERE conrelid = to_regclass('{_OLD}')::oid AND contype <> 'n'"""

_INDEXES: Final = f"""
    SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = to_regclass('{_OLD}')::oid"""

_SEQUENCES: Final = f"""
    SELECT objid::regclass::text FROM pg_depend JOIN pg_class ON pg_class.oid = objid
    WHERE refobjid = to_regclass('{_OLD}')::oid AND relkind = 'S' AND deptype IN ('a', 'i')"""

_CONTINUE_IDS: Final = f"""
    SELECT setval(pg_get_serial_sequence('posts', 'id')::regclass, greatest($1::bigint, max(id)))
    FROM {_OLD}
    HAVING greatest($1::bigint, max(id)) IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key that points at `posts`, as PostgreSQL writes it."""

    table: str
    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair does, or has done; nothing at all where it is false.

    `bogus` are versions that Aerich has recorded of our app and that are no migrations; `adopted`
    those whose work is there and was not recorded. `rebuilt` says that the table is built anew,
    with its `posts`; the `foreign_keys` then point at the new one.
    """

    bogus: tuple[str, ...] = ()
    adopted: tuple[str, ...] = ()
    rebuilt: bool = False
    posts: int = field(default=0, compare=False)
    foreign_keys: tuple[ForeignKey, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.bogus or self.adopted or self.rebuilt)

    @property
    def steps(self) -> list[str]:
        """What it does, a line each, for whoever is to agree."""
        steps = [
            f"take {files.label(version)} out of the history: `aerich init-db` has recorded it, "
            "and it is no migration"
            for version in self.bogus
        ]
        if self.adopted:
            steps.append(
                f"record {files.label(self.adopted[0])} to {files.label(self.adopted[-1])}, whose "
                "work is there"
            )
        if self.rebuilt:
            steps.append(
                f"build the table posts by the migrations, move all {self.posts} posts there, and "
                "drop the table that Tortoise has made"
            )
        steps += [f"point {key.name} of {key.table} at the new table" for key in self.foreign_keys]
        return steps


async def plan_repair(connection: asyncpg.Connection) -> Repair:
    """Return what is to be repaired. Raises `MigrationError` for a table of somebody else's."""
    applied = await history.read(connection)
    bogus = tuple(row.version for row in applied if files.is_bogus(row.version))
    if len(bogus) < len(applied) or not await _there_are_posts(connection):
        return Repair(bogus)
    matching = await _matching_version(connection)
    if matching is not None:
        known = files.all_files()[: matching.number + 1]
        return Repair(bogus, tuple(file.version for file in known))
    _check_that_nothing_is_lost(await read_schema(connection))
    return Repair(
        bogus,
        rebuilt=True,
        posts=await connection.fetchval("SELECT count(*) FROM posts", timeout=NO_LIMIT),
        foreign_keys=tuple(ForeignKey(*row) for row in await connection.fetch(_FOREIGN_KEYS)),
    )


async def repair(connection: asyncpg.Connection, planned: Repair) -> Repair:
    """Do what was planned, in one transaction, and return it, with the posts that were moved."""
    await history.create_table(connection)
    moved = planned.posts
    try:
        async with running.begun(connection):
            if planned.rebuilt:
                moved = await _rebuild(connection, planned)
            for version in planned.bogus:
                await history.erase(connection, version)
            for file in files.all_files():
                if planned.rebuilt or file.version in planned.adopted:
                    await history.accept(connection, file)
    except DRIVER_ERRORS as error:
        raise MigrationError(
            f"The repair was stopped, and all of it rolled back: {running.what_stopped_it(error)}. "
            "Fix that in the table posts, or what depends on it, and run this again."
        ) from error
    return Repair(planned.bogus, planned.adopted, planned.rebuilt, moved, planned.foreign_keys)


async def refuse_posts_of_others(
    connection: asyncpg.Connection, applied: Sequence[Applied]
) -> None:
    """Raise `MigrationError` where nothing is applied, and there is a table `posts`."""
    found = await posts_of_others(connection, applied)
    if found:
        raise MigrationError(f"{found} Nothing was changed.")


async def posts_of_others(connection: asyncpg.Connection, applied: Sequence[Applied]) -> str:
    """Return what to do about a `posts` of which nothing is applied; empty where there is none."""
    if any(not files.is_bogus(row.version) for row in applied):
        return ""
    if not await _there_are_posts(connection):
        return ""
    matching = await _matching_version(connection)
    if matching is not None:
        head = matching == files.all_files()[-1]
        return (
            f"There is a table posts already. It is what {matching.label} makes, and the history "
            f"does not say so: type `blogsvc adopt{'' if head else f' --to {matching.number}'}`, "
            "which looks and records it."
        )
    return (
        "There is a table posts already, and no migration of blogsvc has made it. Tortoise makes "
        "such a table from the model, and so does `aerich init-db`. Type `blogsvc adopt --repair`: "
        "it shows what it would do, keeps every post, and asks first."
    )


async def refuse_posts_of_tortoise(connection: asyncpg.Connection) -> None:
    """Raise `MigrationError` where a repair, and no adoption, takes the table over."""
    try:
        planned = await plan_repair(connection)
    except MigrationError:
        return  # it is not Tortoise's alone
    if planned.rebuilt:
        raise MigrationError(
            "The table posts is one that Tortoise makes from the model, and not what migrations "
            "make. Type `blogsvc adopt --repair`: it shows what it would do, keeps every post, and "
            "asks first. Nothing was changed."
        )


async def _there_are_posts(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("SELECT to_regclass('posts') IS NOT NULL"))


async def _matching_version(connection: asyncpg.Connection) -> MigrationFile | None:
    for file in reversed(files.all_files()):
        if not (await drift(connection, file.version)).differences:
            return file
    return None


def _check_that_nothing_is_lost(found: Sequence[Fact]) -> None:
    """Raise `MigrationError` for what Tortoise does not make: it would go with the table."""
    known = {tuple(line.split()[:2]) for line in expected(files.all_files()[-1].version)}
    known.add(("constraint", "posts_slug_key"))  # Tortoise's own way to a unique index
    others = [
        fact
        for fact in found
        if fact.kind in ("trigger", "function", "policy")
        or ((fact.kind, fact.name) not in known and fact.kind != "reference")  # those are moved
    ]
    others += [fact for fact in found if fact.kind == "table" and "ordinary" not in str(fact)]
    if others:
        raise MigrationError(
            "The table posts is not one that Tortoise makes from the model, and what it has more "
            "would be lost. Nothing was changed. Rename the table or what it has more, and run "
            "this again; or, if it was made by our migrations once, take the differences back that "
            "`blogsvc adopt` shows, and adopt it:\n" + "\n".join(f"+ {fact}" for fact in others)
        )


async def _rebuild(connection: asyncpg.Connection, planned: Repair) -> int:
    """Replace the table, and return how many posts have moved."""
    await running.run_in_transaction(connection, f"ALTER TABLE posts RENAME TO {_OLD}")

    async def run(sql: str, *args: Any) -> None:
        await connection.execute(sql, *args, timeout=NO_LIMIT)

    grants = await connection.fetch(_GRANTS.replace("'posts'", f"'{_OLD}'"))
    last_id = await _make_way(connection, planned)
    for file in files.all_files():
        await running.run_each(connection, _in_a_transaction(file))
    names = await _columns(connection, "posts")
    both = ", ".join(sorted(names & await _columns(connection, _OLD)))
    await run(f"INSERT INTO posts ({both}) SELECT {both} FROM {_OLD} ORDER BY id")
    await connection.fetch(_CONTINUE_IDS, last_id, timeout=NO_LIMIT)  # without an index
    for key in planned.foreign_keys:
        await run(f"ALTER TABLE {key.table} ADD CONSTRAINT {quoted(key.name)} {key.definition}")
    for grant in grants:
        await run(grant[0])
    here, there = await connection.fetchrow(
        f"SELECT (SELECT count(*) FROM posts), (SELECT count(*) FROM {_OLD})", timeout=NO_LIMIT
    )
    differences = (await drift(connection, files.all_files()[-1].version)).differences
    if here != there or differences:
        raise MigrationError(
            f"{here} of {there} posts were moved, and the new table differs: {differences}. All of "
            "it was rolled back. Please report this."
        )
    await run(f"DROP TABLE {_OLD}")
    return int(here)


async def _make_way(connection: asyncpg.Connection, planned: Repair) -> int | None:
    """Free the names that the migrations will use, and return the last id that was given."""
    for key in planned.foreign_keys:
        await connection.execute(f"ALTER TABLE {key.table} DROP CONSTRAINT {quoted(key.name)}")
    for row in await connection.fetch(_CONSTRAINTS):
        await connection.execute(f"ALTER TABLE {_OLD} DROP CONSTRAINT {quoted(row[0])}")
    for row in await connection.fetch(_INDEXES):
        await connection.execute(f"DROP INDEX {row[0]}")
    last_id = None
    for row in await connection.fetch(_SEQUENCES):
        last_id = await connection.fetchval(
            f"SELECT CASE WHEN is_called THEN last_value END FROM {row[0]}"
        )
        await connection.execute(f"ALTER SEQUENCE {row[0]} RENAME TO {_OLD}_id_seq")
    return last_id


def _in_a_transaction(file: MigrationFile) -> str:
    """Return the way up for a table that nobody else sees yet: an index needs no CONCURRENTLY."""
    if running.index_name(file.up) is None:
        return file.up
    return re.sub(r"\bCONCURRENTLY\b", "", file.up, count=1, flags=re.IGNORECASE)


async def _columns(connection: asyncpg.Connection, table: str) -> set[str]:
    """Return the columns that hold what was written; `search` follows from them."""
    rows = await connection.fetch(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1)::oid "
        "AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        table,
    )
    return {quoted(row[0]) for row in rows if row[0] != "search"}
