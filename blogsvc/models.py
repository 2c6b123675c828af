"""`Post`, the table: what the migrations build, as Tortoise ORM sees it."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class Post(Model):
    """A row of the table `posts`.

    For those who run Tortoise themselves and want a foreign key to a post or a query of their
    own. `BlogService` does not need it at run time. CHECK constraints, the default of `slug` and
    the text vector with its trigger live in the migrations only: Tortoise has no words for them.
    """

    id = fields.BigIntField(primary_key=True)
    title = fields.CharField(max_length=255)
    content = fields.TextField()
    slug = fields.CharField(max_length=255, unique=True)
    status = fields.CharField(max_length=20, default="draft")
    published_at = fields.DatetimeField(null=True)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "posts"
        indexes = (
            Index(fields=("created_at", "id"), name="posts_created_at_id_idx"),
            Index(fields=("updated_at", "id"), name="posts_updated_at_id_idx"),
            Index(fields=("published_at", "id"), name="posts_published_at_id_idx"),
            Index(fields=("status", "created_at", "id"), name="posts_status_created_at_id_idx"),
        )

    def __str__(self) -> str:
        return self.title
