"""`Post`, for the migrations of Tortoise itself: it is there, and how is not their business."""

from __future__ import annotations

from typing import Any

from tortoise import Tortoise, migrations
from tortoise.cli.utils import CLIError
from tortoise.migrations import operations
from tortoise.models import Model

from ..models import Post


class IsThere(operations.CreateModel):
    """Has Tortoise know a model as it is now, and makes no table.

    Of the model and not of a copy: nobody else changes it, so that a later release needs no second
    file.
    """

    def __init__(self, model: type[Model]) -> None:
        super().__init__(name=model.__name__, fields=[])
        self._model = model

    def describe(self) -> str:
        return f"Leave {self.model._meta.db_table} to the migrations of blogsvc"

    async def database_forward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        """Make nothing."""

    async def database_backward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        """Leave the table as it is; `blogsvc downgrade` undoes what made it."""


class PostsAreThere(IsThere):
    """Looks at whether there is a table `posts`, too."""

    def __init__(self) -> None:
        super().__init__(Post)

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


class Migration(migrations.Migration):
    """The only one.

    With Aerich's own model, where a TORTOISE_ORM has that in our app: `tortoise makemigrations`
    would write a second file here, for what it does not know.
    """

    initial = True

    def __init__(self, name: str, app_label: str) -> None:
        super().__init__(name, app_label)
        apps = Tortoise.apps
        models = apps[app_label].values() if apps and app_label in apps else ()
        others = [IsThere(model) for model in models if model is not Post]
        self.operations = [PostsAreThere(), *others]
