"""A fresh database, one that was upgraded step by step, and the models say the same."""

from __future__ import annotations

import pytest
from tortoise.backends.asyncpg.schema_generator import AsyncpgSchemaGenerator
from tortoise.context import TortoiseContext

from blogsvc.migrator import Migrator, files
from blogsvc.migrator.aerich import BlogClient, tortoise_config

from .migrating import execute, facts

ONLY_IN_THE_TABLES = {
    # Tortoise has no words for these, so `aerich migrate` neither sees nor drops them.
    "column search",
    "index posts_tags_idx",
    "index posts_metadata_idx",
    "index posts_former_slugs_idx",
    "index posts_source_idx",
    "function posts_texts_valid",
    "function posts_search_words",
    "constraint posts_tags_valid",
    "constraint posts_metadata_object",
    "constraint posts_former_slugs_valid",
    "index posts_search_idx",
    "trigger posts_keep_rules",
    "function posts_keep_rules",
    "constraint posts_published_has_time",
    "constraint posts_slug_not_blank",
    "constraint posts_status_known",
    "constraint posts_title_not_blank",
    "constraint posts_version_positive",
}
ONLY_IN_THE_MODELS = {
    # Tortoise makes UNIQUE a constraint, which cannot be built beside the traffic; ours is the
    # unique index of the same name.
    "constraint posts_slug_key",
}
DEFAULTS = {
    "slug",
    "status",
    "version",
    "created_at",
    "updated_at",
    "tags",
    "metadata",
    "former_slugs",
}
"""Columns whose default is in the table, for every client; the model's are in Python."""


async def test_a_fresh_database_is_what_an_upgraded_one_is(
    empty_database: str, migrated: str
) -> None:
    for file in files.all_files():
        await Migrator(empty_database).upgrade(file.version)
        await execute(
            empty_database, "INSERT INTO posts (title, content) VALUES ('A post', 'of its time')"
        )
    assert await facts(empty_database) == await facts(migrated)


async def test_the_models_build_the_same_but_for_a_list_of_exceptions(
    empty_database: str, migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in ("USE_TZ", "TIMEZONE"):  # which Tortoise leaves behind
        monkeypatch.setenv(setting, "")
    monkeypatch.setattr(BlogClient, "schema_generator", AsyncpgSchemaGenerator)
    await build_by_the_models(empty_database)
    models = {without_default(fact) for fact in await facts(empty_database)}
    tables = {without_default(fact) for fact in await facts(migrated)}
    assert {name(fact) for fact in tables - models} == ONLY_IN_THE_TABLES
    assert {name(fact) for fact in models - tables} == ONLY_IN_THE_MODELS


async def test_each_default_in_the_table_is_one_that_the_model_has_or_leaves_out(
    migrated: str,
) -> None:
    defaults = {fact.split()[1] for fact in await facts(migrated) if " default " in fact}
    assert defaults - {"id"} == DEFAULTS


def without_default(fact: str) -> str:
    """Leave out who gives the value of a column: that is told apart on purpose."""
    return fact.partition(" default ")[0].partition(" generated ")[0]


def name(fact: str) -> str:
    return " ".join(fact.split()[:2])


async def build_by_the_models(url: str) -> None:
    """Build the tables as Tortoise would, which blogsvc itself never does."""
    context = TortoiseContext()
    with context:
        await context.init(config=tortoise_config(url, None))
        await context.generate_schemas()
        await context.close_connections()
