"""Values of front matter are JSON in the database, and are what they were when they come out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from blogsvc import BlogService
from blogsvc.markdown.metadata import from_json, to_json

EAST = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (date(2014, 3, 7), "2014-03-07"),
        (datetime(2014, 3, 7, 9, 5), "2014-03-07T09:05:00"),  # noqa: DTZ001 - has none
        (datetime(2014, 3, 7, 9, 5, 0, 1, EAST), "2014-03-07T09:05:00.000001+08:00"),
        (datetime(2014, 3, 7, tzinfo=UTC), "2014-03-07T00:00:00+00:00"),
        ("2014-3-7", "2014-3-7"),
        ("2014-99-99", "2014-99-99"),
        ("2014-03-07T09:05:00.000000", "2014-03-07T09:05:00.000000"),
        ("2014-03-07T09:05:00-00:00", "2014-03-07T09:05:00-00:00"),
        ("٢٠١٤-03-07", "٢٠١٤-03-07"),
        (1.5, 1.5),
        (1e-300, 1e-300),
        ([1, None, True, {"a": [date(2014, 3, 7)]}], [1, None, True, {"a": ["2014-03-07"]}]),
    ],
)
def test_what_json_can_say_needs_no_note(value: object, stored: object) -> None:
    assert to_json({"a": value}) == {"a": stored}
    assert from_json({"a": stored}) == {"a": value}


@pytest.mark.parametrize(
    ("value", "stored", "kind"),
    [
        ("2014-03-07", "2014-03-07", "text"),
        ("2014-03-07T09:05:00+08:00", "2014-03-07T09:05:00+08:00", "text"),
        (float("inf"), "inf", "float"),
        (float("-inf"), "-inf", "float"),
        (float("nan"), "nan", "float"),
        (-0.0, "-0.0", "float"),
        (1e300, "1e+300", "float"),
    ],
)
def test_what_json_would_change_is_noted(value: object, stored: str, kind: str) -> None:
    metadata = to_json({"a/b": {"~": [0, value]}})
    assert metadata == {"a/b": {"~": [0, stored]}, "blogsvc": {"types": {"/a~1b/~0/1": kind}}}
    assert repr(from_json(metadata)) == repr({"a/b": {"~": [0, value]}})


def test_a_time_of_day_is_text_as_yaml_has_none() -> None:
    assert to_json({"at": time(9, 5)}) == {"at": "09:05:00"}


@pytest.mark.parametrize(
    "metadata",
    [
        {"a": "free", "blogsvc": {"types": {"/a": "float"}}},
        {"a": 1, "blogsvc": {"types": {"/a": "text", "/gone": "float"}}},
        {"a": 1, "blogsvc": {"types": []}},
    ],
)
def test_a_note_that_does_not_fit_any_more_is_ignored(metadata: dict[str, Any]) -> None:
    assert from_json(metadata) == {"a": metadata["a"]}


def test_what_is_not_a_note_of_ours_stays() -> None:
    for value in (1, {}, {"types": {}, "more": 1}):
        assert from_json({"blogsvc": value}) == {"blogsvc": value}


async def test_the_database_gives_back_what_it_was_given(blog: BlogService) -> None:
    values = {"numbers": [1e300, -0.0, 1.0, 1e-7, 0.1, 10**30, float("nan")], "a": ["2014-03-07"]}
    post = await blog.posts.create("Hello", "", metadata=to_json(values))
    stored = (await blog.posts.get(post.id)).metadata
    assert repr(from_json(stored)["numbers"]) == repr(values["numbers"])
    assert from_json(stored)["a"] == values["a"]
