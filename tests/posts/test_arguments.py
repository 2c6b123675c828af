"""Every argument out of bounds is an error of ours that names it, before anything is sent."""

from __future__ import annotations

import functools
import math
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from blogsvc import BlogService, NewPost, config
from blogsvc.errors import (
    ConfigurationError,
    InvalidPost,
    InvalidQuery,
    MigrationError,
    PostNotFound,
    VersionConflict,
)
from blogsvc.markdown import export_posts, import_posts
from blogsvc.migrator import Migrator, take_over
from blogsvc.models import tortoise_connection

TOO_LONG = 10**5000
"""An int that Python does not write in decimal digits."""


importing: Any = import_posts
exporting: Any = export_posts


async def nothing() -> None:
    pass


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("limit", lambda blog: blog.posts.page(limit=0)),
        ("limit", lambda blog: blog.posts.page(limit=1001)),
        ("limit", lambda blog: blog.posts.page(limit=True)),
        ("limit", lambda blog: blog.posts.page(limit="5")),
        ("limit", lambda blog: blog.posts.search("x", limit=0)),
        ("query", lambda blog: blog.posts.search(None)),
        ("batch", lambda blog: anext(blog.posts.stream(batch=0))),
        ("batch", lambda blog: anext(blog.posts.stream(batch=math.nan))),
        ("order", lambda blog: anext(blog.posts.stream(order="best"))),
        ("status", lambda blog: blog.posts.count(status=[])),
        ("created_after", lambda blog: blog.posts.count(created_after="2026")),
        ("limit", lambda blog: blog.posts.page(limit=TOO_LONG)),
        ("id", lambda blog: blog.posts.get(TOO_LONG)),
        ("id", lambda blog: blog.posts.exists(-TOO_LONG)),
        ("id", lambda blog: blog.posts.neighbours(TOO_LONG)),
        ("ids", lambda blog: blog.posts.get_many([TOO_LONG])),
        ("expected_version", lambda blog: blog.posts.delete(1, expected_version=TOO_LONG)),
        ("expected_version", lambda blog: blog.posts.update(1, expected_version=TOO_LONG)),
        ("limit", lambda blog: blog.posts.summaries(limit=0)),
        ("tag", lambda blog: blog.posts.summaries(tag=["a"])),
        ("tag", lambda blog: blog.posts.search("x", tag=5)),
        ("metadata", lambda blog: blog.posts.summaries(metadata=[1])),
        ("metadata", lambda blog: blog.posts.page(metadata={"n": TOO_LONG})),
        ("id", lambda blog: blog.posts.neighbours("1")),
        ("id", lambda blog: blog.posts.neighbours(True)),
        ("token", lambda blog: blog.wait_for(None)),
        ("token", lambda blog: blog.wait_for("0/1\n")),
        ("id", lambda blog: blog.posts.get("1")),
        ("id", lambda blog: blog.posts.exists(None)),
        ("id", lambda blog: blog.posts.delete(1.0)),
        ("expected_version", lambda blog: blog.posts.delete(1, expected_version="1")),
        ("slug", lambda blog: blog.posts.get_by_slug(None)),
        ("slug", lambda blog: blog.posts.get_by_slug_or_none(b"s")),
        ("ids", lambda blog: blog.posts.get_many(None)),
        ("ids", lambda blog: blog.posts.get_many(1)),
        ("ids", lambda blog: blog.posts.get_many("12")),
        ("ids", lambda blog: blog.posts.get_many([1, None])),
        ("posts", lambda blog: blog.posts.create_many(None)),
        ("posts", lambda blog: blog.posts.create_many(NewPost("A", ""))),
        ("posts", lambda blog: blog.posts.create_many("AB")),
        ("attempts", lambda blog: blog.run_transaction(nothing, attempts=0)),
        ("attempts", lambda blog: blog.run_transaction(nothing, attempts=math.inf)),
        ("attempts", lambda blog: blog.run_transaction(nothing, attempts=-TOO_LONG)),
        ("body", lambda blog: blog.run_transaction(None)),
        ("paths", lambda blog: importing(blog.posts, None)),
        ("paths", lambda blog: importing(blog.posts, "posts")),
        ("paths", lambda blog: importing(blog.posts, Path("posts"))),
        ("paths", lambda blog: importing(blog.posts, [5])),
        ("paths", lambda blog: importing(blog.posts, ["a\0"])),
        ("directory", lambda blog: exporting(blog.posts, None)),
        ("directory", lambda blog: exporting(blog.posts, "a\0")),
    ],
)
async def test_an_argument_of_a_call_is_named(
    blog: BlogService, argument: str, call: Callable[[Any], Awaitable[object]]
) -> None:
    with pytest.raises(InvalidQuery, match=f"^{argument} ") as caught:
        await call(blog)
    assert caught.value.argument == argument


@pytest.mark.parametrize("values", [[NewPost("A", ""), "B"], ["A"], [None]])
async def test_what_is_no_post_is_named_by_its_place(blog: BlogService, values: Any) -> None:
    with pytest.raises(InvalidPost, match="not a NewPost") as caught:
        await blog.posts.create_many(values)
    assert caught.value.index == len(values) - 1


async def test_a_fault_of_the_iterable_itself_comes_out_as_it_is(blog: BlogService) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        await blog.posts.get_many(1 + number for number in "12")  # type: ignore[operator]


@pytest.mark.parametrize(
    "given",
    [
        {"min_size": 20},
        {"min_size": -1},
        {"min_size": "1"},
        {"min_size": True},
        {"max_size": 0},
        {"max_size": 2.5},
        {"max_size": 10**9},
        {"max_size": TOO_LONG},
        {"connect_timeout": 10**400},
        {"acquire_timeout": 1e300},
        {"schema": ""},
        {"command_timeout": 0},
        {"command_timeout": math.nan},
        {"connect_timeout": -1},
        {"connect_timeout": None},
        {"connect_timeout": "3"},
        {"connect_timeout": math.inf},
        {"acquire_timeout": math.nan},
        {"acquire_timeout": True},
        {"url": 5},
        {"url": b"postgresql://h"},
        {"schema": 5},
        {"schema": "a" * 64},
        {"schema": "é" * 32},
        {"schema": "a\0"},
        {"schema": "\ud800"},
    ],
    ids=lambda given: str(next(iter(given))),
)
def test_an_argument_of_the_service_is_named_when_it_is_made(given: dict[str, Any]) -> None:
    for make in (BlogService, tortoise_connection):
        if make is tortoise_connection and "acquire_timeout" in given:
            continue  # it has none
        with pytest.raises(ConfigurationError, match=f"^{next(iter(given))} is "):
            make(**given)


@pytest.mark.parametrize("schema", ["", 5, "a" * 64, "a\0", "\ud800"])
async def test_a_schema_that_can_be_none_is_named(blog: BlogService, schema: Any) -> None:
    for make in (blog.in_schema, lambda schema: Migrator(schema=schema)):
        with pytest.raises(ConfigurationError, match=r"^schema is "):
            make(schema)


@pytest.mark.parametrize(
    "call",
    [
        lambda blog, number: blog.posts.get(number),
        lambda blog, number: blog.posts.neighbours(number),
        lambda blog, number: blog.posts.update(number, title="T"),
        lambda blog, number: blog.posts.delete(number),
    ],
)
async def test_an_id_that_no_post_can_have_is_not_found(
    blog: BlogService, call: Callable[..., Awaitable[object]]
) -> None:
    for number in (0, -1, 2**63, 10**100):
        with pytest.raises(PostNotFound):
            await call(blog, number)


async def test_a_version_that_no_post_can_have_is_another_one(blog: BlogService) -> None:
    post = await blog.posts.create("T", "C")
    for version in (0, 2**31, 10**100):
        with pytest.raises(VersionConflict):
            await blog.posts.update(post.id, title="New", expected_version=version)
        with pytest.raises(VersionConflict):
            await blog.posts.delete(post.id, expected_version=version)


@pytest.mark.parametrize("steps", [-1, "1", math.nan, True, 1.0])
async def test_a_number_of_steps_that_makes_no_sense_undoes_nothing(
    database: str, steps: Any
) -> None:
    migrator = Migrator(database)
    for call in (migrator.downgrade, functools.partial(migrator.plan, down=True)):
        with pytest.raises(InvalidQuery, match=r"^steps is "):
            await call(steps=steps)
    assert {version.state for version in await migrator.status()} == {"applied"}


async def test_an_argument_of_a_migrator_is_named(database: str) -> None:
    with pytest.raises(InvalidQuery, match=r"^to is a int"):
        await Migrator(database).upgrade(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidQuery, match=r"^on_step is a int"):
        Migrator(database, on_step=5)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"^url is a int"):
        Migrator(5)  # type: ignore[arg-type]
    for table in (5, "a" * 64, "a\0"):
        with pytest.raises(MigrationError, match="is no name of a table"):
            await take_over(Migrator(database), table=table)  # type: ignore[arg-type]


async def test_a_source_that_does_not_fit_into_its_index_is_refused(blog: BlogService) -> None:
    fits = secrets.token_hex(1000)
    assert await blog.posts.create_many([NewPost("A", "", source=fits)])
    with pytest.raises(InvalidPost, match="source is 2,001 bytes long; 2,000 fit"):
        await blog.posts.create_many([NewPost("A", "", source=f"{fits}x")])


async def test_a_slug_that_no_post_can_have_is_not_sent(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncpg.Connection, "fetch", None)
    assert await blog.posts.get_by_slug_or_none("a" * 256) is None


def test_what_is_in_bounds_is_taken() -> None:
    BlogService("postgresql://h", min_size=0, max_size=1, command_timeout=None, schema="a" * 63)
    BlogService(min_size=2, max_size=2, command_timeout=1, connect_timeout=0.1, acquire_timeout=5)


@pytest.mark.parametrize("wait", ["nan", "inf", "-1", "soon", "-inf", "1e999"])
def test_a_wait_for_migrations_that_has_no_end_is_refused(
    monkeypatch: pytest.MonkeyPatch, wait: str
) -> None:
    monkeypatch.setenv("BLOGSVC_MIGRATION_WAIT", wait)
    with pytest.raises(ConfigurationError, match=f"BLOGSVC_MIGRATION_WAIT is '{wait}'"):
        config.migration_wait()


@pytest.mark.parametrize(("wait", "seconds"), [("0", 0), ("2.5", 2.5), ("", 60)])
def test_a_wait_for_migrations_is_a_number_of_seconds(
    monkeypatch: pytest.MonkeyPatch, wait: str, seconds: float
) -> None:
    monkeypatch.setenv("BLOGSVC_MIGRATION_WAIT", wait)
    assert config.migration_wait() == seconds
