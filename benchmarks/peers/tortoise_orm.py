"""Tortoise ORM, on the model that blogsvc publishes for its users."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import tortoise
from tortoise.models import Model

from blogsvc.models import Post

from .peer import POOL_SIZE, NewRow, Peer, server_of


class Tortoise(Peer):
    async def open(self, url: str) -> None:
        server = server_of(url)._asdict()
        await tortoise.Tortoise.init(
            config={
                "connections": {
                    "default": {
                        "engine": "tortoise.backends.asyncpg",
                        "credentials": {**server, "minsize": 1, "maxsize": POOL_SIZE},
                    }
                },
                "apps": {
                    "blogsvc": {"models": ["blogsvc.models"], "default_connection": "default"}
                },
                "use_tz": True,
            }
        )

    async def close(self) -> None:
        await tortoise.Tortoise.close_connections()

    async def get(self, id: int) -> object:
        return await Post.get(id=id)

    async def get_by_slug(self, slug: str) -> object:
        return await Post.get(slug=slug)

    async def page(self, limit: int) -> Sequence[object]:
        return await Post.all().order_by("-created_at", "-id").limit(limit)

    async def create(self, row: NewRow) -> object:
        post = Post(**row._asdict())
        await Model.save(post)  # as Tortoise does it: ours reads back what the table keeps
        return post

    async def update(self, id: int, title: str) -> object:
        post = await Post.get(id=id)
        post.title = title
        await Model.save(post, update_fields=["title"])
        return post

    async def publish(self, id: int, at: datetime) -> object:
        post = await Post.get(id=id)
        post.status = "published"
        post.published_at = at
        await Model.save(post, update_fields=["status", "published_at"])
        return post

    async def create_many(self, rows: Sequence[NewRow]) -> object:
        await Post.bulk_create([Post(**row._asdict()) for row in rows])
        return None

    async def stream(self) -> int:
        number = 0
        async for _ in Post.all().order_by("created_at", "id"):  # loads all of them first
            number += 1
        return number
