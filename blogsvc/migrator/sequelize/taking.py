"""Take over the posts of an application that Sequelize made, again and again.

Its table is only read, in batches of rows in the order of their ids, and everything but the slugs
is made inside of the server. So this can be run until the old application is switched off.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from ...posts import MAX_SLUG, slug_base
from ..connection import NO_LIMIT
from ..migrator import Migrator
from . import statements
from .batches import batches
from .flaws import check_rows, naming_the_row
from .rows import OldPosts, old_posts
from .table import look


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What a run did, and what somebody should look at.

    `others` are ids under which either side has a post of its own: those were not touched.
    `only_here` counts posts that the old table does not have: made here, or deleted there.
    `edited_here` counts those that differ, and stay so: they were changed here later than there.
    `became_drafts` counts the posts of each status that we do not know, the most frequent ones.
    `status` is the column that says what is public; where there is none, every post is a draft
    unless it has a time of publishing. `soft_deleted` posts are archived here, `cut_titles` are
    whole in `metadata`, as are the values of the columns `in_metadata`.
    """

    table: str
    created: int
    updated: int
    total: int
    others: tuple[int, ...]
    only_here: int
    edited_here: int
    became_drafts: dict[str, int]
    status: str | None
    soft_deleted: int
    cut_titles: int
    in_metadata: tuple[str, ...]


async def take_over(
    migrator: Migrator,
    on_progress: Callable[[int], None] = lambda created: None,
    *,
    table: str | None = None,
    statuses: Mapping[str, str] | None = None,
) -> TakenOver:
    """Look at the old table, upgrade the schema, then bring over what is new or changed there.

    `table` is "Posts", or `posts`, unless it is named; `statuses` says what its values of `status`
    mean. Every row is kept, with its times, and with its id if that is an integer. What is not
    known to be public becomes a draft.

    Raises `MigrationError` where there is no such table or its types do not allow it, and
    `RowRefused` where a row cannot become a post: nothing was changed then.
    """
    async with migrator.session(locked=False) as connection:
        await check_rows(connection, await _read(connection, table, statuses))
    await migrator.upgrade()
    async with migrator.session() as connection:
        old = await _read(connection, table, statuses)
        taking = _Taking(connection, old)
        async for batch in batches(connection, old):
            await naming_the_row(connection, old, batch, taking.bring)
            on_progress(taking.created)
        return await taking.report()


async def _read(
    connection: asyncpg.Connection, table: str | None, statuses: Mapping[str, str] | None
) -> OldPosts:
    await connection.execute(statements.SETTINGS)
    return old_posts(await look(connection, table), statuses or {})


class _Taking:
    """A run, and what it has counted so far."""

    def __init__(self, connection: asyncpg.Connection, old: OldPosts) -> None:
        self._connection = connection
        self._old = old
        self.created = 0
        self.updated = 0
        self.others: list[int] = []

    async def bring(self, *batch: object) -> None:
        """Insert and update the posts of a batch of rows."""
        created, others = await self._insert(*batch)
        updated = await self._update(*batch)
        # Counted last: it may have failed, and is tried again.
        self.created += created
        self.updated += updated
        self.others += others

    async def report(self) -> TakenOver:
        """Continue the ids, and tell what there is."""
        table = self._old.table
        if table.keeps_ids:
            query = statements.CONTINUE_IDS.format(key=table.key.sql, table=table.sql)
            await self._connection.execute(query, table.sql, table.key.name, timeout=NO_LIMIT)
        counts = await self._connection.fetchrow(
            self._old.fill(statements.COUNTS), timeout=NO_LIMIT
        )
        became_drafts = (
            await self._fetch(statements.BECAME_DRAFTS) if self._old.columns.status else []
        )
        return TakenOver(
            table=str(table),
            created=self.created,
            updated=self.updated,
            **counts,
            others=tuple(self.others),
            only_here=(await self._fetch(statements.ONLY_HERE))[0][0],
            edited_here=(await self._fetch(statements.EDITED_HERE))[0][0],
            became_drafts={row[0]: row[1] for row in became_drafts},
            status=self._old.columns.status,
            in_metadata=self._old.columns.extra,
        )

    async def _insert(self, *batch: object) -> tuple[int, list[int]]:
        created = 0
        while rows := await self._fetch(statements.MISSING, *batch):
            new = [row for row in rows if row["other"] is None]
            if not new:
                break
            keys, slugs = [row["key"] for row in new], await self._choose_slugs(new)
            tag = await self._connection.execute(
                self._old.fill(statements.INSERT), *batch, keys, slugs, timeout=NO_LIMIT
            )
            created += int(tag.rpartition(" ")[2])
            if created == len(new):
                break  # else somebody took a slug meanwhile: once more those that are missing
        return created, [row["other"] for row in rows if row["other"] is not None]

    async def _update(self, *batch: object) -> int:
        rows = await self._fetch(statements.UPDATE, *batch)
        moved = [row["id"] for row in rows if row["moved"]]
        if moved:
            await self._connection.execute(statements.PUT_BACK, moved, timeout=NO_LIMIT)
        return len(rows) + len(await self._fetch(statements.ARCHIVE, *batch))

    async def _choose_slugs(self, rows: Sequence[asyncpg.Record]) -> list[str]:
        """Return a free slug for each post: its own or its title's, with an ending if need be."""
        bases = [row["slug"] or slug_base(row["title"]) for row in rows]
        with_ending = [
            f"{base[: MAX_SLUG - 21]}-{self._ending(row['key'])}"
            for base, row in zip(bases, rows, strict=True)
        ]
        taken = {
            row[0]
            for row in await self._connection.fetch(
                "SELECT slug FROM posts WHERE slug = ANY($1)", [*bases, *with_ending]
            )
        }
        chosen = []
        for base, ending in zip(bases, with_ending, strict=True):
            slug = next(
                (slug for slug in (base, ending) if slug not in taken),
                f"{base[: MAX_SLUG - 9]}-{secrets.token_hex(4)}",
            )
            taken.add(slug)
            chosen.append(slug)
        return chosen

    def _ending(self, key: str) -> str:
        if self._old.table.keeps_ids:
            return key
        return hashlib.sha256(key.encode()).hexdigest()[:8]

    async def _fetch(self, statement: str, *args: object) -> Sequence[asyncpg.Record]:
        rows: Sequence[asyncpg.Record] = await self._connection.fetch(
            self._old.fill(statement), *args, timeout=NO_LIMIT
        )
        return rows
