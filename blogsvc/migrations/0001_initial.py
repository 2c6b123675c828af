"""`Post`, for the migrations of Tortoise itself: it is there, and how is not their business."""

from __future__ import annotations

from typing import Any

from tortoise import migrations
from tortoise.cli.utils import CLIError
from tortoise.migrations import operations
from tortoise.models import Model

from ..models import Post


class PostsAreThere(operations.CreateModel):
    """Has Tortoise know the model as it is now; looks at whether there is a table, and makes none.

    Of this blogsvc's model and not of a copy: nobody else changes it, so that a later release needs
    no second file.
    """

    def __init__(self) -> None:
        super().__init__(name=Post.__name__, fields=[])

    @property
    def model(self) -> type[Model]:
        return Post

    def describe(self) -> str:
        return "Leave posts to the migrations of blogsvc"

    async def database_forward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        if state_editor is None or state_editor.collect_sql:
            return
        rows = await state_editor.client.execute_query_dict(
            "SELECT to_regclass('posts') IS NULL AS missing"
        )
        if rows[0]["missing"]:
            raise CLIError(
                "There is no table posts yet, and the migrations of blogsvc make it: type "
                "`blogsvc upgrade` first, then this again."
            )

    async def database_backward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        """Leave the table as it is; `blogsvc downgrade` undoes what made it."""


class Migration(migrations.Migration):
    """The only one: see `PostsAreThere`."""

    initial = True
    operations = [PostsAreThere()]  # noqa: RUF012 - as Tortoise reads it
