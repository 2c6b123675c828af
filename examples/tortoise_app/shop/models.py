"""What the shop knows about posts, and blogsvc does not."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from blogsvc.models import Post


class Author(Model):
    """Who wrote a post, or several together."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=100, unique=True)
    posts: fields.ManyToManyRelation[Post] = fields.ManyToManyField(
        "blogsvc.Post", related_name="authors", through="post_author"
    )


class Comment(Model):
    """What a reader says; it goes with its post."""

    id = fields.BigIntField(primary_key=True)
    post: fields.ForeignKeyRelation[Post] = fields.ForeignKeyField(
        "blogsvc.Post", related_name="comments", on_delete=fields.CASCADE
    )
    text = fields.TextField()
    created_at = fields.DatetimeField(auto_now_add=True)


class Tag(Model):
    """A tag with a page of its own; blogsvc's own tags are names only."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=100, unique=True)
    description = fields.TextField(default="")
    posts: fields.ManyToManyRelation[Post] = fields.ManyToManyField(
        "blogsvc.Post", related_name="topics", through="post_tag"
    )
