"""What a Tortoise application needs of us: `Post`, the table, and its place in TORTOISE_ORM.

TORTOISE_ORM = {
    "connections": {"default": tortoise_connection(URL)},
    "apps": {
        "models": {"models": ["shop.models", "aerich.models"], "default_connection": "default"},
        "blogsvc": tortoise_app("default"),
    },
}
"""

from __future__ import annotations

import copy
import dataclasses
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, Self

import asyncpg
from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.expressions import RawSQL
from tortoise.fields.db_defaults import Now
from tortoise.indexes import Index
from tortoise.models import Model
from tortoise.queryset import QuerySet

from .database import (
    CONNECT_TIMEOUT,
    DatabaseURL,
    check_seconds,
    check_sizes,
    check_target,
)
from .errors import ConfigurationError, InvalidPost
from .migrator import APP, fit_aerich
from .posts import PUBLISHED, PostRecord, slug_base

_WRITTEN: Final = ("id", "title", "content", "slug", "status")
_KEPT: Final = ("published_at", "version", "created_at", "updated_at", "former_slugs")

_IN_A_RECORD: Final = tuple(field.name for field in dataclasses.fields(PostRecord))
_IN_NO_RECORD: Final = ("former_slugs", "source")


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
    former_slugs: fields.Field[list[str]] = ArrayField(element_type="text", default=list)
    source = fields.TextField(null=True)

    class Meta:
        app = APP  # also where a host's module of models imports it, and Tortoise finds it there
        table = "posts"
        indexes = (
            Index(fields=("created_at", "id"), name="posts_created_at_id_idx"),
            Index(fields=("updated_at", "id"), name="posts_updated_at_id_idx"),
            Index(fields=("published_at", "id"), name="posts_published_at_id_idx"),
            Index(fields=("status", "created_at", "id"), name="posts_status_created_at_id_idx"),
        )

    class PydanticMeta:
        exclude = ("source",)  # a path on the machine of whoever imported, and no reader's business

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

    @classmethod
    def from_record(cls, record: PostRecord) -> Self:
        """Return the stored post of a record, to save it, or to point a foreign key at it.

        `former_slugs` and `source`, which a record does not tell, are there after a
        `refresh_from_db`; `save` leaves them as they are.
        """
        values = {name: copy.deepcopy(getattr(record, name)) for name in _IN_A_RECORD}
        values["tags"] = list(record.tags)
        post = cls.construct(_saved_in_db=True, **values)
        for name in _IN_NO_RECORD:
            delattr(post, name)
        return post

    def to_record(self) -> PostRecord:
        """Return what the repository would return for this post, as it stands here.

        Raises `InvalidPost` for a post that was never stored.
        """
        if not self._saved_in_db:
            raise InvalidPost("id", "is not known before the post is saved")
        values = {name: getattr(self, name) for name in _IN_A_RECORD}
        for name, value in values.items():
            if isinstance(value, datetime):
                # Tortoise takes the zone away where `use_tz` is off; it was UTC.
                aware = value if value.tzinfo else value.replace(tzinfo=UTC)
                values[name] = aware.astimezone(UTC)
        values["tags"] = tuple(self.tags)
        values["metadata"] = copy.deepcopy(self.metadata)
        return PostRecord(**values)

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
        if update_fields is None and self._saved_in_db and not hasattr(self, "former_slugs"):
            update_fields = [name for name in _IN_A_RECORD if name != "id"]
        await super().save(db, update_fields, force_create, force_update)
        written = {name: getattr(self, name) for name in _WRITTEN if hasattr(self, name)}
        for row in await Post.filter(**written).using_db(db).values(*_KEPT):
            for name, value in row.items():
                setattr(self, name, value)


def tortoise_connection(
    url: str | None = None,
    *,
    schema: str | None = None,
    min_size: int = 1,
    max_size: int = 10,
    command_timeout: float | None = 10.0,
    connect_timeout: float = CONNECT_TIMEOUT,
) -> dict[str, Any]:
    """Return an entry of `connections` in TORTOISE_ORM: the database that holds the posts.

    The arguments are those of `BlogService`. `aerich init-db` and the like make the host's tables
    there, with their foreign keys to `posts`, and leave `posts` itself to our migrations.
    Raises `ConfigurationError` for an argument that is out of bounds.
    """
    check_target(url, schema)
    check_sizes(min_size, max_size)
    check_seconds("connect_timeout", connect_timeout)
    if command_timeout is not None:
        check_seconds("command_timeout", command_timeout)
    return {
        "engine": "blogsvc.migrator.aerich",
        "credentials": {
            "dsn": DatabaseURL(url) if url else None,
            "schema": schema,
            "minsize": min_size,
            "maxsize": max_size,
            "command_timeout": command_timeout,
            "connect_timeout": connect_timeout,
        },
    }


def tortoise_app(connection: str = "default") -> dict[str, Any]:
    """Return the entry `blogsvc` of `apps` in TORTOISE_ORM.

    `connection` is the name that `tortoise_connection` has in `connections`, and the one that the
    host's models use, too, where they point at `blogsvc.Post`. With it, `aerich --app blogsvc`
    finds our migrations where they are installed, whatever `location` says.
    """
    fit_aerich()
    return {
        "models": [__name__],
        "default_connection": connection,
        # For Tortoise's own commands: that `posts` is there, and nothing to make.
        "migrations": "blogsvc.migrations",
    }


async def tortoise_pool(connection: str = "default") -> asyncpg.Pool:
    """Return the pool of a `tortoise_connection`, opened, for `BlogService(pool=...)` to share.

    Call it where Tortoise is initialised and in no transaction. The pool stays Tortoise's, which
    closes it: close the service first. Raises `ConfigurationError` for a connection on another
    engine.
    """
    client = get_connection(connection)
    open_pool = getattr(client, "open_pool", None)
    if open_pool is None:
        raise ConfigurationError(
            f"The connection {connection} is a {type(client).__name__}. Share the pool of one made "
            "by tortoise_connection(), or give BlogService a url."
        )
    return await open_pool()
