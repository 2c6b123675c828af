"""Every argument out of bounds is an error of ours that names it, before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from blogsvc import BlogService, NewPost, config
from blogsvc.errors import ConfigurationError, InvalidPost, InvalidQuery


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
        ("body", lambda blog: blog.run_transaction(None)),
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
    ids=str,
)
def test_an_argument_of_the_service_is_named_when_it_is_made(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"^{next(iter(given))} is "):
        BlogService(**given)


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
