"""`Post`, the table: what the migrations build, as Tortoise ORM sees it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any, Self

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.expressions import RawSQL
from tortoise.fields.db_defaults import Now
from tortoise.indexes import Index
from tortoise.models import Model
from tortoise.queryset import QuerySet

from .posts import PUBLISHED, slug_base

_WRITTEN = ("id", "title", "content", "slug", "status")
_KEPT = ("published_at", "version", "created_at", "updated_at")


class Post(Model):
    """A row of the table `posts`, for those who run Tortoise themselves.

    Create, save, query, and point foreign keys at it. The table keeps `version` and the times, and
    `save` reads them back. CHECK constraints, the trigger and the text vector live in the
    migrations only: Tortoise has no words for them.
    """

    id = fields.BigIntField(primary_key=True)
    title = fields.CharField(max_length=255)
    content = fields.TextField()
    slug = fields.CharField(max_length=255, unique=True)
    status = fields.CharField(max_length=20, default="draft")
    published_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField(db_default=Now())
    updated_at = fields.DatetimeField(db_default=Now())
    tags: fields.Field[list[str]] = ArrayField(element_type="text", default=list)
    metadata: fields.Field[dict[str, Any]] = fields.JSONField(default=dict)

    class Meta:
        table = "posts"
        indexes = (
            Index(fields=("created_at", "id"), name="posts_created_at_id_idx"),
            Index(fields=("updated_at", "id"), name="posts_updated_at_id_idx"),
            Index(fields=("published_at", "id"), name="posts_published_at_id_idx"),
            Index(fields=("status", "created_at", "id"), name="posts_status_created_at_id_idx"),
        )

    def __init__(self, **kwargs: Any) -> None:
        """Without a slug, one is made from the title; its random ending makes it unique."""
        if "slug" not in kwargs and isinstance(kwargs.get("title"), str):
            kwargs["slug"] = f"{slug_base(kwargs['title'])}-{secrets.token_hex(4)}"
        super().__init__(**kwargs)

    def __str__(self) -> str:
        return self.title

    @classmethod
    def visible(cls) -> QuerySet[Self]:
        """Return a query for the posts that are published by now, by the database's clock."""
        return cls.filter(status=PUBLISHED, published_at__lte=RawSQL("now()"))

    async def save(
        self,
        using_db: BaseDBAsyncClient | None = None,
        update_fields: Iterable[str] | None = None,
        force_create: bool = False,
        force_update: bool = False,
    ) -> None:
        """Store the post, and read back the version and the times that the table keeps.

        A whole post that somebody else has changed since it was loaded is refused by the table,
        with SQLSTATE 40001: read it again, redo the change, and save that. If somebody else changes
        it right after this write, the version stays as it was, so that the next save is refused.
        """
        # Chosen once, for writing: a router of the host's may send reads to a replica.
        db = using_db or self._choose_db(for_write=True)
        await super().save(db, update_fields, force_create, force_update)
        written = {name: getattr(self, name) for name in _WRITTEN if hasattr(self, name)}
        for row in await Post.filter(**written).using_db(db).values(*_KEPT):
            for name, value in row.items():
                setattr(self, name, value)
