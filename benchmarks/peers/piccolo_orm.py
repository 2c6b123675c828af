"""Piccolo ORM."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice

from piccolo.columns import BigSerial, Integer, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.engine.postgres import PostgresEngine
from piccolo.table import Table

from .peer import BATCH, POOL_SIZE, NewRow, Peer, server_of

ROWS_IN_A_STATEMENT = 4000
"""It sends one statement with a parameter a value, and PostgreSQL takes 32,767 of them."""


class Post(Table, tablename="posts"):
    id = BigSerial(primary_key=True)
    title = Varchar(length=255)
    content = Text()
    slug = Varchar(length=255, unique=True)
    status = Varchar(length=20, default="draft")
    published_at = Timestamptz(null=True, default=None)
    version = Integer(default=1)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow(), auto_update=lambda: datetime.now(UTC))


class Piccolo(Peer):
    async def open(self, url: str) -> None:
        server = server_of(url)
        self._engine = PostgresEngine(config={**server._asdict()})
        Post._meta.db = self._engine
        await self._engine.start_connection_pool(min_size=1, max_size=POOL_SIZE)

    async def close(self) -> None:
        await self._engine.close_connection_pool()

    async def get(self, id: int) -> object:
        return await Post.objects().get(Post.id == id)

    async def get_by_slug(self, slug: str) -> object:
        return await Post.objects().get(Post.slug == slug)

    async def page(self, limit: int) -> Sequence[object]:
        newest = Post.objects().order_by(Post.created_at, Post.id, ascending=False)
        return await newest.limit(limit)

    async def create(self, row: NewRow) -> object:
        return await Post.objects().create(**row._asdict())

    async def update(self, id: int, title: str) -> object:
        post = await Post.objects().get(Post.id == id)
        assert post is not None
        post.title = title
        await post.save([Post.title])
        return post

    async def publish(self, id: int, at: datetime) -> object:
        post = await Post.objects().get(Post.id == id)
        assert post is not None
        post.status = "published"
        post.published_at = at
        await post.save([Post.status, Post.published_at])
        return post

    async def create_many(self, rows: Sequence[NewRow]) -> object:
        posts = (Post(**row._asdict()) for row in rows)
        async with self._engine.transaction():
            while chunk := list(islice(posts, ROWS_IN_A_STATEMENT)):
                await Post.insert(*chunk)
        return None

    async def stream(self) -> int:
        number = 0
        oldest = Post.objects().order_by(Post.created_at, Post.id)
        async with await oldest.batch(batch_size=BATCH) as batches:
            async for batch in batches:
                number += len(batch)
        return number
