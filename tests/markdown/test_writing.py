"""A post that is written as a file and read again is the same post, to the last word."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from blogsvc.markdown import keys, visibility
from blogsvc.markdown.files import read_post
from blogsvc.markdown.frontmatter import parse
from blogsvc.markdown.meaning import post_of
from blogsvc.markdown.sites import Site
from blogsvc.markdown.writing import write
from blogsvc.posts import NewPost, PostRecord

DAY = datetime(2014, 3, 7, 9, 5, tzinfo=UTC)

UNDERSTOOD = [
    name
    for group in (
        keys.TITLE,
        keys.SLUG,
        keys.ADDRESSES,
        keys.PATH,
        keys.FORMER_ADDRESSES,
        keys.TAGS,
        keys.TAXONOMIES,
        keys.LANGUAGE,
        keys.WRITTEN,
        keys.PUBLISHED,
        keys.UPDATED,
        keys.EXPIRES,
        visibility.HIDING,
        visibility.SHOWING,
        visibility.STATUS,
        visibility.PASSWORD,
        visibility.BUILD,
    )
    for name in group
]

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
lines = texts.filter(str.strip)
meaningful = st.sampled_from(
    ["true", "no", "2014-03-07", "2014-03-07T09:05:00", "09:05:00", "1e3", "012", "null", "<<",
     "fr", "inf", "draft", "/a/b/", "a, b", "~", "text", "float", ""]
)  # fmt: skip
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | meaningful,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(texts, inside, max_size=3),
    max_leaves=8,
)
types = st.dictionaries(st.sampled_from(["/a", "/b/0"]), st.sampled_from(["text", "float", 1]))
metadata = st.dictionaries(texts | st.sampled_from([*UNDERSTOOD, "Title", "a", "b"]), values) | (
    st.builds(lambda there, noted: {**there, "blogsvc": {"types": noted}},
              st.dictionaries(st.sampled_from("ab"), values), types)
)  # fmt: skip
moments = st.datetimes(
    datetime(1, 1, 3),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=st.just(UTC),
)
records = st.builds(
    lambda status, published_at, created_at, **rest: PostRecord(
        id=1,
        version=1,
        status=status,
        created_at=created_at,
        # A post that is published has a time.
        published_at=published_at or (created_at if status == "published" else None),
        **rest,
    ),
    title=lines,
    content=texts | st.just("# A heading\n"),
    slug=lines,
    status=st.sampled_from(["draft", "published", "archived"]),
    published_at=st.none() | moments,
    created_at=moments,
    updated_at=moments,
    tags=st.lists(lines | meaningful.filter(str.strip), unique=True).map(tuple),
    metadata=metadata,
)


def record(**changes: Any) -> PostRecord:
    fields: dict[str, Any] = {
        "id": 1,
        "title": "Hello",
        "content": "text",
        "slug": "hello",
        "status": "published",
        "published_at": DAY,
        "version": 1,
        "created_at": DAY,
        "updated_at": DAY,
        "tags": (),
        "metadata": {},
    }
    return PostRecord(**fields | changes)


def read(text: str) -> NewPost:
    return post_of(*parse(text), Path("/folder/name.md"), Site(Path("/folder"))).post


def matter_of(text: str) -> dict[str, Any]:
    """Return front matter as any reader of YAML has it."""
    matter: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return matter


def fields(post: PostRecord | NewPost) -> tuple[object, ...]:
    return (
        post.title,
        post.content,
        post.slug,
        post.status,
        post.published_at,
        post.created_at,
        post.updated_at,
        tuple(post.tags),
        json.dumps(post.metadata or {}, sort_keys=True),
    )


@settings(deadline=None)
@given(records)
@example(record(metadata={"title": 1, "draft": True, "date": "soon", "author": "Ann"}))
@example(record(metadata={"blogsvc": {"metadata": {"a": 1}}, "tags": ["x"], "slug": "other"}))
@example(record(metadata={"Title": "Other", "URL": "/other/", "expiryDate": "2001-01-01"}))
@example(record(metadata={"language": "fr", "lang": "de"}, content="# A heading"))
@example(record(metadata={"title": ""}, content="# A heading"))
@example(record(title="x\x85y", slug="a\u2028b", metadata={"\ufeff": "\x85", "---": "\n---\n"}))
def test_every_post_comes_back_equal(post: PostRecord) -> None:
    assert fields(read(write(post))) == fields(post)


@given(records, st.lists(lines | meaningful.filter(str.strip), unique=True, max_size=3))
@settings(deadline=None)
@example(record(metadata={"aliases": ["/a/", "/b/"], "redirect_from": "/b/"}), ["c", "a", "b"])
@example(record(metadata={"aliases": ["/a/"], "draft": True}), ["a", "b"])
@example(record(metadata={"aliases": ["/a/"], "Aliases": {}, "x": "y" * 70_000}), ["a", "b"])
def test_its_former_slugs_come_back_with_a_post(post: PostRecord, former: list[str]) -> None:
    former = [slug for slug in former if slug != post.slug]
    again = read(write(post, former))
    assert fields(again) == fields(post)
    assert {*again.former_slugs} >= {*former}


def test_former_slugs_that_aliases_say_are_written_once() -> None:
    post = record(metadata={"aliases": ["/2014/old/"]})
    assert "blogsvc" not in matter_of(write(post, ["old"]))
    assert matter_of(write(post, ["old", "older"]))["blogsvc"] == {"former_slugs": ["older"]}


def nested(depth: int) -> Any:
    value: Any = "deep"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(
    "metadata",
    [
        {"a": nested(98)},
        {"text": "x y " * 200_000},
        {"Text": "x " * 200_000, "when": "2014-03-07", "draft": True},
        {"list": ["2014-03-07"] * 10_000},
        {"title": "x" * 70_000},
    ],
    ids=["deep", "long", "long with words of ours", "many", "a title"],
)
def test_metadata_that_is_too_much_for_yaml_comes_back(metadata: dict[str, Any]) -> None:
    post = record(metadata=metadata, tags=("a", "b"))
    assert fields(read(write(post))) == fields(post)


@pytest.mark.parametrize("depth", [99, 200, 400])
def test_metadata_that_is_nested_more_deeply_than_we_read_is_written(depth: int) -> None:
    metadata = {"a": nested(depth)}
    matter, content = parse(write(record(metadata=metadata)))
    assert matter is not None
    noted = matter.get("blogsvc", {}).get("metadata") or {"a": matter["a"]}
    assert repr(noted) == repr(metadata)
    assert content == "text"


@pytest.mark.parametrize("title", ["x\x85y", "x\u2028y", "x\ufeffy", "x\x7fy", "x\ty"])
def test_what_cannot_be_printed_is_escaped(title: str) -> None:
    text = write(record(title=title))
    assert text.startswith("---\n")
    assert matter_of(text)["title"] == title


def test_metadata_is_written_beside_the_title_as_authors_write_it() -> None:
    post = record(
        tags=("Ruby on Rails", "2014"),
        metadata={"author": "Ann", "event": "2014-08-14", "image": {"src": "/a.png", "width": 7}},
    )
    assert write(post) == (
        "---\n"
        "title: Hello\n"
        "slug: hello\n"
        "date: 2014-03-07 09:05:00+00:00\n"
        "updated: 2014-03-07 09:05:00+00:00\n"
        "tags:\n"
        "- Ruby on Rails\n"
        "- '2014'\n"
        "author: Ann\n"
        "event: 2014-08-14\n"
        "image:\n"
        "  src: /a.png\n"
        "  width: 7\n"
        "---\n"
        "\n"
        "text\n"
    )


def test_only_what_would_be_mistaken_stands_apart() -> None:
    post = record(metadata={"author": "Ann", "draft": True, "Aliases": ["/old/"], "Private": False})
    matter = matter_of(write(post))
    assert matter["author"] == "Ann"
    assert matter["Aliases"] == ["/old/"]
    assert matter["Private"] is False
    assert matter["blogsvc"] == {"metadata": {"draft": True}}
    assert "draft" not in matter


def test_of_many_entries_only_those_stand_apart_that_have_to() -> None:
    plain = {f"key {number}": number for number in range(500)}
    mistaken = {"draft": True, "tags": ["a"], "expiryDate": "2001-01-01"}
    matter = matter_of(write(record(metadata=plain | mistaken)))
    assert matter.keys() >= plain.keys()
    assert matter["blogsvc"] == {"metadata": mistaken}


EVERYTHING = """\
---
title: Hello
slug: hello
date: 2014-03-07 09:05:00
day: 2014-03-07
time: 2014-03-07 09:05:00.250
zoned: 2014-03-07T09:05:00+08:00
utc: 2014-03-07 09:05:00Z
dates in a list: [2014-03-07, '2014-03-07']
text like a day: '2014-03-07'
text like a time: "2014-03-07T09:05:00"
text like a number: '012'
text like a bool: 'yes'
number: 12
octal: 012
large: 12345678901234567890123
float: 1.50
power: 1.0e+300
minus zero: -0.0
infinite: .inf
below: -.inf
nothing:
yes and no: [yes, no, true, False]
author: {name: Ann, born: 1990-01-31, "a/b~c": [2014-01-01, '2014-01-01', {x: .inf}]}
empty: [[], {}, '']
blocks: |
  two
  lines
Größe: "😀"
---
text
"""


def test_every_type_of_yaml_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "hello.md"
    path.write_text(EVERYTHING, encoding="utf-8")
    post = read_post(path)
    assert post.metadata
    stored = json.loads(json.dumps(post.metadata, allow_nan=False))
    text = write(record(created_at=DAY, published_at=DAY, metadata=stored))
    before, after = matter_of(EVERYTHING), matter_of(text)
    del before["date"], after["date"], after["updated"]
    # A list, as 2014-03-07 09:05 and 2014-03-07 09:05Z are not equal, while 1 and True are.
    assert list(map(repr, before.items())) == [repr((key, after.pop(key))) for key in before]
    assert after == {}
    assert fields(read(text))[-1] == json.dumps(stored, sort_keys=True)


def test_a_number_that_is_no_json_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "hello.md"
    path.write_text("+++\ntitle = 'x'\nnone = nan\nat = 09:05:00\n+++\n", encoding="utf-8")
    post = read_post(path)
    assert post.metadata == {
        "none": "nan",
        "at": "09:05:00",
        "blogsvc": {"types": {"/none": "float"}},
    }
    matter = matter_of(write(record(metadata=post.metadata)))
    assert repr(matter["none"]) == "nan"
    assert matter["at"] == "09:05:00"


def test_values_that_an_application_changed_since_keep_their_meaning() -> None:
    noted = {"types": {"/price": "float", "/gone": "text", "/list/7": "text"}}
    post = record(metadata={"price": "free", "list": [], "blogsvc": noted})
    assert fields(read(write(post))) == fields(post)


def test_a_long_title_is_cut_at_a_word_and_written_back_whole(tmp_path: Path) -> None:
    title = "A word " * 50 + "ends"
    path = tmp_path / "hello.md"
    path.write_text(f"---\ntitle: {title}\n---\n", encoding="utf-8")
    post = read_post(path)
    assert len(post.title) <= 255
    assert post.title == "A word " * 36 + "A…"
    text = write(record(title=post.title, metadata=post.metadata))
    assert matter_of(text)["title"] == title
    assert read(text).title == post.title
    # Another title that an application has given since is the one that counts.
    assert read(write(record(title="New", metadata=post.metadata))).title == "New"
