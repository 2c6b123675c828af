"""The models of a host that points at posts, and its TORTOISE_ORM."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from tortoise import fields
from tortoise.models import Model

from blogsvc.database import target_of
from blogsvc.models import Post, tortoise_app, tortoise_connection


class Comment(Model):
    """A foreign key to a post."""

    id = fields.BigIntField(primary_key=True)
    text = fields.TextField()
    post: fields.ForeignKeyRelation[Post] = fields.ForeignKeyField(
        "blogsvc.Post", related_name="comments", on_delete=fields.CASCADE
    )


class Label(Model):
    """Many labels for many posts."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=100)
    posts: fields.ManyToManyRelation[Post] = fields.ManyToManyField(
        "blogsvc.Post", related_name="labels", through="label_posts"
    )


def configuration(url: str, **options: Any) -> dict[str, Any]:
    return {
        "connections": {"default": tortoise_connection(url, **options)},
        "apps": {
            "shop": {"models": [__name__], "default_connection": "default"},
            "blogsvc": tortoise_app("default"),
        },
        "use_tz": True,
        "timezone": "Europe/Berlin",
    }


def stock_connection(url: str) -> dict[str, Any]:
    """Return the same connection on Tortoise's own engine."""
    target = target_of(url)
    host, port = target.hosts[0]
    password = urlsplit(url).password
    return {
        "engine": "tortoise.backends.asyncpg",
        "credentials": {
            "user": target.user,
            "password": unquote(password) if password else None,
            "database": target.database,
            "host": host,
            "port": port,
        },
    }
