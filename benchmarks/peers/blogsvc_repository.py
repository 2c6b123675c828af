"""blogsvc. It makes the slugs itself; all others are given them ready."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from blogsvc import BlogService, NewPost

from .peer import BATCH, POOL_SIZE, NewRow, Peer


class Blogsvc(Peer):
    async def open(self, url: str) -> None:
        self._blog = BlogService(url, min_size=1, max_size=POOL_SIZE, command_timeout=300)
        await self._blog.open()

    async def close(self) -> None:
        await self._blog.close()

    async def get(self, id: int) -> object:
        return await self._blog.posts.get(id)

    async def get_by_slug(self, slug: str) -> object:
        return await self._blog.posts.get_by_slug(slug)

    async def page(self, limit: int) -> Sequence[object]:
        return (await self._blog.posts.page(limit=limit)).items

    async def create(self, row: NewRow) -> object:
        return await self._blog.posts.create(row.title, row.content)

    async def update(self, id: int, title: str) -> object:
        return await self._blog.posts.update(id, title=title)

    async def publish(self, id: int, at: datetime) -> object:
        return await self._blog.posts.publish(id, at=at)

    async def create_many(self, rows: Sequence[NewRow]) -> object:
        return await self._blog.posts.create_many(NewPost(row.title, row.content) for row in rows)

    async def stream(self) -> int:
        number = 0
        async for _ in self._blog.posts.stream(batch=BATCH):
            number += 1
        return number

    async def search(self, words: str) -> Sequence[object]:
        return (await self._blog.posts.search(words)).items
