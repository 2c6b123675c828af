"""The model, the record and the table say the same."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any, get_type_hints

import asyncpg
import pytest

from blogsvc import BlogService, NewPost, PostRecord
from blogsvc.models import Post

PYTHON_TYPES = {
    "BigIntField": int,
    "IntField": int,
    "CharField": str,
    "TextField": str,
    "DatetimeField": datetime,
    "ArrayField": tuple[str, ...],
    "JSONField": dict[str, Any],
}


def test_model_and_record_name_the_same_columns_with_the_same_types() -> None:
    model = {}
    # What serves to find a post is no part of a record.
    for name in list(Post._meta.fields_db_projection)[:-2]:
        field = Post._meta.fields_map[name]
        kind = PYTHON_TYPES[type(field).__name__]
        model[name] = kind | None if field.null else kind
    record = {**get_type_hints(PostRecord), "status": str}
    # In the same order, too.
    assert list(record.items()) == list(model.items())


async def test_table_and_model_name_the_same_columns(sql: asyncpg.Connection) -> None:
    names = await sql.fetch(
        "SELECT attname FROM pg_attribute "
        "WHERE attrelid = 'posts'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    assert {row[0] for row in names} == {*Post._meta.fields_db_projection, "search"}


async def test_table_and_record_name_the_same_columns(sql: asyncpg.Connection) -> None:
    names = await sql.fetch(
        "SELECT attname FROM pg_attribute "
        "WHERE attrelid = 'posts'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    # The text vector is the database's own, former slugs and the source serve to find a post.
    hidden = {"search", "former_slugs", "source"}
    assert {row[0] for row in names} == set(PostRecord.__slots__) | hidden


def test_a_new_post_has_the_fields_of_a_record_that_callers_choose() -> None:
    chosen = {field.name for field in dataclasses.fields(NewPost)}
    made_by_the_database = {"id", "version"}
    of_an_import = {"former_slugs", "source"}
    assert chosen - of_an_import == set(PostRecord.__slots__) - made_by_the_database


async def test_a_record_is_frozen_hashable_and_equal_by_value(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "")
    with pytest.raises(dataclasses.FrozenInstanceError):
        post.title = "Changed"  # type: ignore[misc]
    assert len({post, await blog.posts.get(post.id)}) == 1
