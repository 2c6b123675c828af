"""Django's asynchronous ORM, with the connection pool of psycopg."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections, models

from .peer import BATCH, POOL_SIZE, NewRow, Peer, server_of


@cache
def model_of(url: str) -> Any:
    """Configure Django, which a process does once, and return the model."""
    server = server_of(url)
    settings.configure(
        USE_TZ=True,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": server.host,
                "PORT": server.port,
                "USER": server.user,
                "PASSWORD": server.password,
                "NAME": server.database,
                "OPTIONS": {"pool": {"min_size": 1, "max_size": POOL_SIZE}},
            }
        },
    )
    django.setup()

    class Post(models.Model):  # type: ignore[misc] # Django ships no types
        id = models.BigAutoField(primary_key=True)
        title = models.CharField(max_length=255)
        content = models.TextField()
        slug = models.CharField(max_length=255, unique=True)
        status = models.CharField(max_length=20, default="draft")
        published_at = models.DateTimeField(null=True)
        version = models.IntegerField(default=1)
        created_at = models.DateTimeField(auto_now_add=True)
        updated_at = models.DateTimeField(auto_now=True)

        class Meta:
            app_label = "benchmarks"
            db_table = "posts"
            managed = False

    return Post


class Django(Peer):
    async def open(self, url: str) -> None:
        self._posts = model_of(url).objects
        self._post = model_of(url)

    async def close(self) -> None:
        await sync_to_async(connections.close_all)()
        await sync_to_async(connections["default"].close_pool)()

    async def get(self, id: int) -> object:
        return await self._posts.aget(id=id)

    async def get_by_slug(self, slug: str) -> object:
        return await self._posts.aget(slug=slug)

    async def page(self, limit: int) -> Sequence[object]:
        return [post async for post in self._posts.order_by("-created_at", "-id")[:limit]]

    async def create(self, row: NewRow) -> object:
        return await self._posts.acreate(**row._asdict())

    async def update(self, id: int, title: str) -> object:
        post = await self._posts.aget(id=id)
        post.title = title
        await post.asave(update_fields=["title"])
        return post

    async def publish(self, id: int, at: datetime) -> object:
        post = await self._posts.aget(id=id)
        post.status = "published"
        post.published_at = at
        await post.asave(update_fields=["status", "published_at"])
        return post

    async def create_many(self, rows: Sequence[NewRow]) -> object:
        return await self._posts.abulk_create([self._post(**row._asdict()) for row in rows])

    async def stream(self) -> int:
        number = 0
        oldest = self._posts.order_by("created_at", "id")
        async for _ in oldest.aiterator(chunk_size=BATCH):
            number += 1
        return number
