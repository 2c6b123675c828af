"""A title is what its author typed, wherever it stands."""

from __future__ import annotations

import pytest

from blogsvc.errors import InvalidPost
from blogsvc.markdown.frontmatter import parse
from blogsvc.markdown.keys import Keys
from blogsvc.markdown.titles import shorten, title_of


def title(text: str, name: str = "x", *, is_dated: bool = False) -> str:
    matter, content = parse(text)
    keys = None if matter is None else Keys(matter, matter.spelled)
    return title_of(keys, content, name, is_dated=is_dated)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("1984", "1984"),
        ("012", "012"),
        ("12:30", "12:30"),
        ("1.10", "1.10"),
        ("2014-03-07", "2014-03-07"),
        ("yes", "yes"),
        ("Null and void", "Null and void"),
        ("' blanks '", " blanks "),
        ("One: two", "One: two"),
    ],
)
def test_a_title_is_as_it_was_typed(typed: str, expected: str) -> None:
    assert title(f"---\ntitle: {typed}\n---\n") == expected


@pytest.mark.parametrize("key", ["Title", "TITLE"])
def test_the_key_has_any_case(key: str) -> None:
    assert title(f"---\n{key}: x\n---\n# y\n") == "x"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("# Hello\n", "Hello"),
        ("\n\n   # Hello ##\ntext", "Hello"),
        ("Hello\n=====\n", "Hello"),
        ("# Hello {#top}\n", "Hello"),
        ("# **Hello** [world](/x) `code` 2 * 3\n", "Hello world code 2 * 3"),
        ("import X from './x'\nexport const y = 1\n\n# Hello\n", "Hello"),
    ],
)
def test_a_heading_that_begins_the_content_is_the_title(content: str, expected: str) -> None:
    assert title(f"---\na: b\n---\n{content}") == expected


@pytest.mark.parametrize(
    "content",
    [
        "",
        "text\n\n# Hello\n",
        "## Hello\n",
        "#Hello\n",
        "Hello\n---\n",
        "```\n# Hello\n```\n",
        "#\n",
    ],
)
def test_nothing_else_in_a_content_with_front_matter_is_a_title(content: str) -> None:
    with pytest.raises(InvalidPost, match="title is missing"):
        title(f"---\na: b\n---\n{content}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text\n\n## Hello\n# Later\n", "Hello"),
        ("Hello\n-----\n", "Hello"),
        ("```sh\n# no heading\n```\n\n# Hello\n", "Hello"),
        ("~~~\n```\n# no heading\n~~~~\n# Hello", "Hello"),
        ("- item\n---\n# Hello", "Hello"),
        (f"# {'long ' * 300}\n# Hello", "Hello"),
    ],
)
def test_without_front_matter_the_first_heading_is_the_title(text: str, expected: str) -> None:
    assert title(text) == expected


@pytest.mark.parametrize("text", ["", "text", "```\n# Hello\n", "# \n"])
def test_without_any_heading_there_is_no_title(text: str) -> None:
    with pytest.raises(InvalidPost, match="title is missing"):
        title(text)


def test_a_name_with_a_date_is_a_title_and_another_one_is_not() -> None:
    assert title("---\na: b\n---\n", "hello-big_world", is_dated=True) == "Hello Big World"
    assert title("text", "hello", is_dated=True) == "Hello"
    with pytest.raises(InvalidPost, match="title is missing"):
        title("text", "hello")


@pytest.mark.parametrize("value", ["[a]", "{a: b}"])
def test_a_title_that_is_a_list_is_refused_and_not_guessed(value: str) -> None:
    with pytest.raises(InvalidPost, match=r"title has the type .*: put it in quotes"):
        title(f"---\ntitle: {value}\n---\n# Hello\n")


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("x" * 255, "x" * 255),
        ("x" * 256, "x" * 254 + "…"),
        ("word " * 60, "word " * 49 + "word…"),
        ("a " + "x" * 300, "a " + "x" * 252 + "…"),
    ],
)
def test_a_title_that_is_too_long_is_cut_at_a_word(long: str, short: str) -> None:
    assert shorten(long) == short
    assert len(short) <= 255


def test_a_line_that_is_too_long_is_no_heading() -> None:
    # Patterns would take minutes on some of these.
    for line in ("# " + " #" * 100_000, "# " + "[" * 100_000, "# " + "*a" * 50_000, "`" * 99_999):
        with pytest.raises(InvalidPost):
            title(f"{line}\n" * 3)
