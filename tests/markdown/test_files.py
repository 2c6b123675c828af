"""Front matter ends where its author ended it, and no text crashes or stalls the reader."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from blogsvc.errors import InvalidPost
from blogsvc.markdown.files import parse, read_post


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("---\ntitle: x\n---\ntext", "text"),
        ("---\ntitle: x\n---\n\n\n  text\n\n", "\n  text\n"),
        ("+++\ntitle = 'x'\n+++\n\n\n  text\n\n", "\n  text\n"),
        ('{"title": "x"}\n\n\n  text\n\n', "\n  text\n"),
        ("---\r\ntitle: x\r\n---\r\n\r\n\r\ntext\r\n", "\r\ntext"),
        ("---\ntitle: x\n---\ntext\n---\nmore\n", "text\n---\nmore"),
        ("---\ntitle: x\n---\n---\n", "---"),
        ("+++\ntitle = 'x'\n+++\n---\n+++\n", "---\n+++"),
        ("---- \t\ntitle: x\n-----  \ntext", "text"),
        ("---\ntitle: x\n---", ""),
        ('{"title": "x"} \t\ntext', "text"),
        ('{"title": "x"} text', " text"),
        (" \n\n---\ntitle: x\n---\ntext", "text"),
    ],
)
def test_the_content_is_what_follows_the_front_matter(text: str, content: str) -> None:
    assert parse(text) == ({"title": "x"}, content)


@pytest.mark.parametrize("text", ["---\n---\n", "---\n# a comment\n---\n", "+++\n+++\n", "{}"])
def test_front_matter_may_be_empty(text: str) -> None:
    assert parse(text) == ({}, "")


@pytest.mark.parametrize("text", ["--\ntitle: x\n--\n", "--- x\n---\n", "-+-\n-+-\n", "---\r---\r"])
def test_a_text_that_begins_otherwise_has_no_front_matter(text: str) -> None:
    with pytest.raises(InvalidPost, match="is missing: the file must begin with"):
        parse(text)


@pytest.mark.parametrize(
    "text", ["---", "---\ntitle: x\n ---\n", "---\ntitle: x\n--- x\n", "---\ntitle: x\n+++\n"]
)
def test_a_missing_closing_line_is_named(text: str) -> None:
    with pytest.raises(InvalidPost, match=r"\(its closing line --- is missing\)"):
        parse(text)


@pytest.mark.parametrize("text", ["---\na: {}\n---\n", "+++\na = {}\n+++\n", '{{"a": {}}}'])
def test_brackets_nested_too_deeply_are_refused_in_every_format(text: str) -> None:
    with pytest.raises(InvalidPost, match="recursion"):
        parse(text.format("[" * 50_000 + "]" * 50_000))


def test_merging_a_mapping_twice_at_every_level_does_not_double_the_work() -> None:
    def calls(levels: int) -> int:
        lines = ["a0: &a0 {k0: 0}"]
        lines += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: 0}}" for n in range(1, levels)]
        made = 0

        def count(*_: object) -> None:
            nonlocal made
            made += 1

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            parse("\n".join(["---", *lines, "---"]))
        finally:
            sys.setprofile(before)
        return made

    assert calls(16) < 4 * calls(8)


def test_blanks_that_make_a_date_longer_than_any_date_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "hello.md"
    path.write_text(f'{{"title": "x", "date": "2026-05-01T10:00{" " * 100}Z"}}', encoding="utf-8")
    with pytest.raises(InvalidPost, match="date is not a date"):
        read_post(path)
