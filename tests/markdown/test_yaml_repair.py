"""Lines that only their author takes for YAML are read where they are clear, else refused."""

from __future__ import annotations

import contextlib
import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogsvc.markdown import yaml_repair
from blogsvc.markdown.yaml_repair import load_yaml

from ..support import calls_of


def values_of(source: str) -> Any:
    values, _ = load_yaml(source)
    return values


@pytest.mark.parametrize(
    "text",
    [
        "Docker: the guide",
        "Docker:",
        "a: b: c",
        "@home",
        "%TEMP%",
        "`code` and more",
        "*emphasis* of a word",
        "*alone",
        "&amp; and",
        "!wow! so",
        "!¡",
        "&é",
        '"Hello" world',
        '"Hello": world # 1',
        "'Hello' world",
        '"Hello',
        "'tis",
        "[WIP] Hello",
        "[WIP] Hello [again]",
        "{x} y",
        "{{ page.title }}",
        "{{ title | slug }}/index.html",
        "{% link hello.md %}",
        "|pipe",
        "> quote: it",
        "- item",
        "] closed",
        ", and",
        "a\tb",
        "😀: it's",
        "“Hello”: ‘world’",
    ],
)
@pytest.mark.parametrize("before", ["", "\t", "\xa0 ", "\u3000"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_value_that_yaml_cannot_be_is_the_text_that_it_is(
    text: str, before: str, newline: str
) -> None:
    lines = [
        "x: 1",
        f"title: {before}{text}",
        "nested:",
        f"  title: {before}{text} \t",
        "  list:",
        f"  - title:{before} {text}",
        "    y: 012",
        "z: yes",
    ]
    values, spelled = load_yaml(newline.join(lines))
    nested = {"title": text, "list": [{"title": text, "y": 10}]}
    assert values == {"x": 1, "title": text, "nested": nested, "z": True}
    nested = {"title": text, "list": [{"title": text, "y": "012"}]}
    assert spelled == {"x": "1", "title": text, "nested": nested, "z": "yes"}


@pytest.mark.parametrize(
    "source",
    [
        "title:\tHello\ntags:\n\t- a\n\t-\tb\nauthor:\n\tname:\tAnn\n\t\n\tage: 7",
        "title:\xa0Hello\ntags:\n\xa0\xa0- a\n  -\xa0b\nauthor:\n\u3000name: Ann\n\u3000age:\xa07",
        "title: Hello\ntags:\n\t- a\n  - b\nauthor:\n  name: Ann\n\tage: 7",
        "title: Hello\t\ntags: [a,\tb]\t\nauthor:\n  name: Ann\n  age: 7\t",
        "title: Hello\r\ntags:\r\n\t- a\r\n\t- b\r\nauthor:\r\n\tname: Ann\r\n\tage: 7\r\n",
    ],
)
def test_tabs_and_other_blanks_are_spaces_between_values(source: str) -> None:
    tidy = {"title": "Hello", "tags": ["a", "b"], "author": {"name": "Ann", "age": 7}}
    assert values_of(source) == tidy


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("'It's me'", "It's me"),
        ("'Rock'n'roll: it's'", "Rock'n'roll: it's"),
        ('"C:\\path"', "C:\\path"),
        ('"\\d+: \\w"', "\\d+: \\w"),
        ("[@a, %b, c#, 2014, #x, d: e]", ["@a", "%b", "c#", 2014, "#x", "d: e"]),
        ("[@a,\n  b,\n  c]", ["@a", "b", "c"]),
        (
            "this is\n  a long text: with a colon\n\n  in it",
            "this is a long text: with a colon\nin it",
        ),
        ("\n- @a\n  b\n- c", ["@a b", "c"]),
        ("\n- - @a\n    b\n  - c", [["@a b", "c"]]),
        ("!tag &a # comment\n  b: c: d", {"b": "c: d"}),
        ("Hello: world\n  # a comment", "Hello: world # a comment"),
    ],
)
def test_quotes_and_lists_mean_what_is_clear(line: str, value: object) -> None:
    assert values_of(f"x: {line}\ny: 1") == {"x": value, "y": 1}


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ("|\n  a: b: c\n\n  @d\n    \te", "a: b: c\n\n@d\n  \te\n"),
        ('"a\n  b: c: d"', "a b: c: d"),
        ('"a\nb @c"', "a b @c"),
        ("[\n'a',\n'b: c: d'\n]", ["a", "b: c: d"]),
        ('{\na: "1: 2",\nb: c\n}', {"a": "1: 2", "b": "c"}),
        ("# a comment: with: colons\n  - a\n  - b", ["a", "b"]),
        ("&a\n  b: c", {"b": "c"}),
        ("!tag &a # comment\n  - b", ["b"]),
        ("text # comment", "text"),
        ("0x10", 16),
    ],
)
def test_what_is_yaml_stays_as_it_is_beside_what_is_not(lines: str, value: object) -> None:
    assert values_of(f"x: {lines}\ntitle: Docker: it\n")["x"] == value
    assert values_of(f"title: Docker: it\nx: {lines}\n")["x"] == value


def test_a_single_line_whose_blank_is_none_in_yaml_has_a_name_and_a_value() -> None:
    assert values_of("title:\xa0Hello") == {"title": "Hello"}


def test_an_alias_is_one_where_its_anchor_is() -> None:
    assert values_of("x: &a [1]\ny: *a\nz: *b\n") == {"x": [1], "y": [1], "z": "*b"}


def test_a_quote_that_is_not_closed_ends_with_its_line() -> None:
    source = 'title: "Hello\ndate: "2014"\nx: \'a\ny: 1'
    assert values_of(source) == {"title": '"Hello', "date": "2014", "x": "'a", "y": 1}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("title: x\nmore text\ny: 1", "could not find expected ':' in line 4"),
        ("title: x\n  date: 2014\ny: 1", "mapping values are not allowed here in line 3"),
        ("tags: [a, b\ny: 1", r"expected ',' or '\]'.* in line 3"),
        ("x: 1\ntags: {a: b: c}", "expected ',' or '}'.* in line 3"),
        ("x: 1\ntags: {a: b: c} # d", "expected ',' or '}'.* in line 3"),
        ("tags: [@a, {}, b]", "token in line 2"),
        ("tags: [\n@a\n]", "token in line 3"),
        ("%x: 1\ny: 2", "line 2"),
        ("? [a]\n: b", "a key must be text, not a list or a mapping in line 2"),
        ("x: 1\ny: \x7f", r"U\+007F in line 3"),
        ("x: {{}}\ny: [1", "in line 3"),
    ],
)
def test_what_is_not_clear_is_refused(source: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        load_yaml(source, line=2)


@pytest.mark.parametrize("source", ["title:Hello", "text", "- title: x", "2014"])
def test_what_has_no_names_is_no_mapping(source: str) -> None:
    assert not isinstance(values_of(source), dict)


@given(
    st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" \t\xa0"), max_size=20)
)
def test_no_value_in_one_line_changes_another(text: str) -> None:
    try:
        values = values_of(f"draft: yes\ntitle: {text}\nslug: 'x'\nz: \"y\"\n")
    except ValueError:
        assert set(text) & set("[{")
    else:
        del values["title"]
        assert values == {"draft": True, "slug": "x", "z": "y"}


@pytest.mark.parametrize(
    "line",
    ["a: b: c", "a: [", "a: {", 'a: "', "a: '\n", "a:\t*b", "- @x", "a: [@, @]", "\t\t@", "x"],
)
def test_the_work_grows_as_the_text_does(line: str) -> None:
    def calls(lines: int) -> int:
        return calls_of(lambda: load_yaml(f"{line}\n" * lines), ValueError, RecursionError)

    assert calls(80) < 2.5 * calls(40)


@pytest.mark.parametrize("line", ["a: [", "a: {", "a: [x\nb: {y"])
def test_what_is_never_closed_is_looked_for_once(line: str) -> None:
    """Looking through the lines makes no calls: so the lines of code that run are counted."""

    def steps(lines: int) -> int:
        ran = 0

        def count(frame: FrameType, event: str, _: object) -> Any:
            nonlocal ran
            if frame.f_code.co_filename != yaml_repair.__file__:
                return None
            ran += event == "line"
            return count

        before = sys.gettrace()
        sys.settrace(count)
        try:
            with contextlib.suppress(ValueError):
                load_yaml(f"{line}\n" * lines)
        finally:
            sys.settrace(before)
        return ran

    assert steps(160) < 5 * steps(40)
