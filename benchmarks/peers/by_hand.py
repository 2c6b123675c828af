"""asyncpg as its documentation shows it: a pool, SQL, records. What everything is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

from .peer import BATCH, POOL_SIZE, NewRow, Peer

COLUMNS: Final = "id, title, content, slug, status, published_at, version, created_at, updated_at"

SEARCH: Final = f"""
    SELECT {COLUMNS}, rank, ts_headline('english', content, query) AS snippet
    FROM (
        SELECT posts.*, query, ts_rank(search, query) AS rank
        FROM posts, websearch_to_tsquery('english', $1) AS query
        WHERE search @@ query
        ORDER BY rank DESC, id DESC
        LIMIT 20
    ) AS best"""


class ByHand(Peer):
    _options: dict[str, Any] = {}  # noqa: RUF012 - never changed

    async def open(self, url: str) -> None:
        self._pool = await asyncpg.create_pool(url, min_size=1, max_size=POOL_SIZE, **self._options)

    async def close(self) -> None:
        await self._pool.close()

    async def get(self, id: int) -> object:
        return await self._pool.fetchrow(f"SELECT {COLUMNS} FROM posts WHERE id = $1", id)

    async def get_by_slug(self, slug: str) -> object:
        return await self._pool.fetchrow(f"SELECT {COLUMNS} FROM posts WHERE slug = $1", slug)

    async def page(self, limit: int) -> Sequence[object]:
        rows: list[asyncpg.Record] = await self._pool.fetch(
            f"SELECT {COLUMNS} FROM posts ORDER BY created_at DESC, id DESC LIMIT $1", limit
        )
        return rows

    async def create(self, row: NewRow) -> object:
        return await self._pool.fetchrow(
            f"INSERT INTO posts (title, content, slug) VALUES ($1, $2, $3) RETURNING {COLUMNS}",
            *row,
        )

    async def update(self, id: int, title: str) -> object:
        return await self._pool.fetchrow(
            f"UPDATE posts SET title = $2 WHERE id = $1 RETURNING {COLUMNS}", id, title
        )

    async def publish(self, id: int, at: datetime) -> object:
        return await self._pool.fetchrow(
            "UPDATE posts SET status = 'published', published_at = $2 "
            f"WHERE id = $1 RETURNING {COLUMNS}",
            id,
            at,
        )

    async def create_many(self, rows: Sequence[NewRow]) -> object:
        return await self._pool.executemany(
            "INSERT INTO posts (title, content, slug) VALUES ($1, $2, $3)", rows
        )

    async def stream(self) -> int:
        number = 0
        async with self._pool.acquire() as connection, connection.transaction():
            async for _ in connection.cursor(
                f"SELECT {COLUMNS} FROM posts ORDER BY created_at, id", prefetch=BATCH
            ):
                number += 1
        return number

    async def search(self, words: str) -> Sequence[object]:
        rows: list[asyncpg.Record] = await self._pool.fetch(SEARCH, words)
        return rows


class ByHandWithoutReset(ByHand):
    """Spares the round trip with which a pool resets each connection it gets back, as we do."""

    async def open(self, url: str) -> None:
        async def leave_as_is(connection: asyncpg.Connection) -> None: ...

        self._options = {"reset": leave_as_is}
        await super().open(url)
