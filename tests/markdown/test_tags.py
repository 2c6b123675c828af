"""Tags are what their author meant by a list or a text, each once."""

from __future__ import annotations

from typing import Any

import pytest

from blogsvc.markdown.frontmatter import parse
from blogsvc.markdown.keys import Keys
from blogsvc.markdown.tags import tags_of


def read(yaml: str, *, split_at_blanks: bool = False) -> tuple[tuple[str, ...], dict[str, Any]]:
    matter, _ = parse(f"---\n{yaml}\n---\n")
    assert matter is not None
    keys = Keys(matter, matter.spelled)
    return tags_of(keys, split_at_blanks=split_at_blanks), keys.rest()


@pytest.mark.parametrize(
    ("yaml", "tags"),
    [
        ("tags: [a, b c, a]", ("a", "b c")),
        ("tags: [2014, 1.10, yes, 012]", ("2014", "1.10", "yes", "012")),
        ("tags: [' a ', 'a']", (" a ", "a")),
        ("tags: ['', ' ', null, a]", ("a",)),
        ("tags: ['a, b']", ("a, b",)),
        ("tags: a, b c ,, a", ("a", "b c")),
        ("tags: a, b; c", ("a, b", "c")),
        ("tags: two words", ("two words",)),
        ("tags: 2014", ("2014",)),
        ("tags:", ()),
        ("tags: ''", ()),
        ("tags: []", ()),
        ("Tags: [a]\ntag: b", ("a", "b")),
        ("tags: [[a, b], c]", ("a", "b", "c")),
        ("taxonomies: {tags: [a, b]}", ("a", "b")),
        ("tags: [a]\ntaxonomies: {tags: [b]}", ("a", "b")),
    ],
)
def test_tags_are_read_and_nothing_remains(yaml: str, tags: tuple[str, ...]) -> None:
    assert read(yaml) == (tags, {})


@pytest.mark.parametrize(
    ("yaml", "tags"),
    [
        ("tags: a b  a", ("a", "b")),
        ("tags: a b, c", ("a b", "c")),
        ("tags: [a b]", ("a b",)),
        ("tag: a b", ("a b",)),
    ],
)
def test_in_jekyll_blanks_part_tags(yaml: str, tags: tuple[str, ...]) -> None:
    assert read(yaml, split_at_blanks=True) == (tags, {})


@pytest.mark.parametrize(
    ("yaml", "tags", "rest"),
    [
        (
            "tags: [{name: a, url: /a/}, b]",
            ("a", "b"),
            {"tags": [{"name": "a", "url": "/a/"}, "b"]},
        ),
        ("tags: {a: 1}", (), {"tags": {"a": 1}}),
        ("tags: [[[a]], b]", ("b",), {"tags": [[["a"]], "b"]}),
        (f"tags: [{'x' * 256}, a]", ("a",), {"tags": ["x" * 256, "a"]}),
        ("taxonomies: {tags: [a], c: [b]}", ("a",), {"taxonomies": {"c": ["b"]}}),
        ("taxonomies: [a]", (), {"taxonomies": ["a"]}),
        ("categories: [a]\nkeywords: b", (), {"categories": ["a"], "keywords": "b"}),
    ],
)
def test_what_no_tag_can_say_remains(
    yaml: str, tags: tuple[str, ...], rest: dict[str, Any]
) -> None:
    assert read(yaml) == (tags, rest)


def test_lists_that_aliases_repeat_are_not_multiplied() -> None:
    # Of aliases, no more than a million characters are repeated, so this is the most there can be.
    tags, _ = read("x: &x [" + "a," * 9000 + "]\ntags: [" + "*x," * 40 + "]")
    assert tags == ("a",)
