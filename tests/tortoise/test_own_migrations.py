"""Tortoise's own migrations: a host's work beside ours, and nothing is written into our package."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import blogsvc
from blogsvc.migrator import Migrator

from ..migrations.migrating import fetch
from ..support import ROOT, run
from .shop import stock_connection

PACKAGE = Path(blogsvc.__file__).parent


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """The example, as it would be without Aerich."""
    shutil.copytree(ROOT / "examples" / "tortoise_app" / "shop", tmp_path / "shop")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.tortoise]\ntortoise_orm = "shop.settings.TORTOISE_ORM"\n'
    )
    settings = tmp_path / "shop" / "settings.py"
    text = settings.read_text().replace(', "aerich.models"]', '], "migrations": "shop.migrations"')
    assert "shop.migrations" in text
    settings.write_text(text)
    before = contents()
    yield tmp_path
    assert contents() == before


def contents() -> dict[str, bytes]:
    """Return every file of the package."""
    return {
        str(path): path.read_bytes()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


async def types(project: Path, url: str, *words: str, status: int = 0) -> str:
    ended = await run("tortoise", *words, url=url, checkout=project)
    assert ended.status == status, ended.output
    assert "Traceback" not in ended.output
    return ended.output


async def test_a_hosts_own_migrations_point_at_the_posts_that_ours_make(
    project: Path, empty_database: str
) -> None:
    said = await types(project, empty_database, "makemigrations")
    assert "Created models.0001_initial" in said
    assert "blogsvc" not in said
    [written] = (project / "shop" / "migrations").glob("0*.py")
    assert "dependencies = [('blogsvc', '0001_initial')]" in written.read_text()

    said = await types(project, empty_database, "migrate", status=1)
    assert "There is no table posts yet" in said
    assert "type `blogsvc upgrade` first" in said
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    assert await fetch(empty_database, tables) == [("tortoise_migrations",)]

    await Migrator(empty_database).upgrade()
    assert "Applying models.0001_initial... OK" in await types(project, empty_database, "migrate")
    keys = "SELECT conrelid::regclass::text FROM pg_constraint WHERE confrelid = 'posts'::regclass"
    assert sorted(await fetch(empty_database, keys)) == [
        ("comment",),
        ("post_author",),
        ("post_tag",),
    ]
    assert "No changes detected" in await types(project, empty_database, "makemigrations")
    assert not (await Migrator(empty_database).check()).drifted


async def test_the_next_ones_change_the_hosts_tables_only(
    project: Path, empty_database: str
) -> None:
    await Migrator(empty_database).upgrade()
    await types(project, empty_database, "makemigrations")
    await types(project, empty_database, "migrate")
    with (project / "shop" / "models.py").open("a") as models:
        models.write(
            "\n\nclass Like(Model):\n"
            '    post = fields.ForeignKeyField("blogsvc.Post", related_name="likes")\n'
        )
    assert "Created models.0002" in await types(project, empty_database, "makemigrations")
    await types(project, empty_database, "migrate")
    assert not (await Migrator(empty_database).check()).drifted
    await types(project, empty_database, "downgrade", "models", "0001_initial")
    await types(project, empty_database, "downgrade", "blogsvc")
    tables = "SELECT to_regclass('posts') IS NULL, to_regclass('comment') IS NULL"
    assert await fetch(empty_database, tables) == [(False, True)]
    assert not (await Migrator(empty_database).check()).drifted


@pytest.mark.parametrize("models", [["blogsvc.models"], ["blogsvc.models", "aerich.models"]])
async def test_without_our_recipe_nothing_is_written_into_the_package_either(
    project: Path, empty_database: str, models: list[str]
) -> None:
    ours = {"models": models, "default_connection": "default"}
    theirs = {
        "models": ["shop.models"],
        "migrations": "shop.migrations",
        "default_connection": "default",
    }
    stock = {
        "connections": {"default": stock_connection(empty_database)},
        "apps": {"models": theirs, "blogsvc": ours},
    }
    (project / "shop" / "settings.py").write_text(f"TORTOISE_ORM = {stock!r}")
    said = await types(project, empty_database, "makemigrations")
    assert "Created models.0001_initial" in said
    assert "blogsvc.0" not in said
    await types(project, empty_database, "init")


async def test_the_configuration_of_the_two_aerich_commands_has_nothing_to_write_either(
    project: Path, empty_database: str
) -> None:
    ours = ("-c", "blogsvc.config.TORTOISE_ORM")
    assert "No changes detected" in await types(project, empty_database, *ours, "makemigrations")
