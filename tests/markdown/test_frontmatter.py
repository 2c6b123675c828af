"""Front matter ends where its author ended it, and no text crashes or stalls the reader."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from blogsvc.errors import InvalidPost
from blogsvc.markdown.frontmatter import MAX_JSON, MAX_MATTER, Matter, parse
from blogsvc.markdown.yaml_values import MAX_MERGED, MAX_REPEATED

from ..support import calls_of


def matter_of(text: str) -> Matter:
    matter, _ = parse(text)
    assert matter is not None
    return matter


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
        ("---\ntitle: x\n...\n\ntext\n---\n", "text\n---"),
        ("---\ntitle: x\n... \t\n---\ntext", "---\ntext"),
        ("---\rtitle: x\r---\r\r\rtext\rmore\r", "\rtext\rmore"),
        ("+++\rtitle = 'x'\r+++\rtext\r", "text"),
        ("\ufeff---\ntitle: x\n---\ntext", "text"),
        ("\ufeff\r\n---\r\ntitle: x\r\n---\r\n\ufefftext", "\ufefftext"),
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


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n # Hello\n\ntext\n",
        "--\ntitle: x\n--",
        "--- x\n---",
        "-+-\n-+-",
        "{{< note >}}\ntext",
        "{% raw %}",
        "text\n...\n",
    ],
)
def test_a_text_that_begins_otherwise_has_no_front_matter(text: str) -> None:
    assert parse(text) == parse(f"\ufeff{text}") == (None, text.removesuffix("\n"))


@pytest.mark.parametrize(
    ("text", "matter", "content"),
    [
        (
            "title: x: y\ndate: 2014-03-07\ntags:\n- a\n  # b\n---\n\ntext\n",
            {"title": "x: y", "date": date(2014, 3, 7), "tags": ["a"]},
            "text",
        ),
        ("title: x\r\n----\r\ntext", {"title": "x"}, "text"),
        ("Date: 2014-03-07\n---\ntext", {"Date": date(2014, 3, 7)}, "text"),
    ],
)
def test_in_old_posts_of_hexo_front_matter_ends_without_a_beginning(
    text: str, matter: dict[str, object], content: str
) -> None:
    assert parse(text) == (matter, content)


@pytest.mark.parametrize(
    ("text", "matter", "content"),
    [
        (
            "Title: x: 'y\nDate: 2014-03-07\nTags: a, b\n      c\nEmpty:\n\n\ntext\n",
            {"Title": "x: 'y", "Date": "2014-03-07", "Tags": "a, b c", "Empty": ""},
            "text",
        ),
        ("title: 012\r\nslug: 7\r\n \r\ntext", {"title": "012", "slug": "7"}, "text"),
        ("Title: x\n", {"Title": "x"}, ""),
    ],
)
def test_posts_of_pelican_begin_with_names_and_texts(
    text: str, matter: dict[str, object], content: str
) -> None:
    found, rest = parse(text)
    assert found is not None
    assert (found, found.spelled, rest) == (matter, matter, content)


@pytest.mark.parametrize(
    "text",
    [
        "Note: this is a heading\n---\ntext",
        "Note: this is a text\n\ntext",
        "title:\n---\ntext",
        "Title: \n\ntext",
        "Date: 2014\n\ntext",
        "Title: x\ntext",
        "Title: x\ntext\n\nmore",
        "Title: x\n- item\n\nmore",
        "Title: x\ntext\n---\nmore",
        "title: x\n'\n---\nmore",
        "http://x.com/title:\n---",
        "# Title: x\n\ntext",
        "title: x\n" + "- item\n" * 10_000,
        "title: x\n" + " indented\n" * 10_000 + "\n",
    ],
)
def test_lines_that_may_be_the_content_are(text: str) -> None:
    assert parse(text) == (None, text.removesuffix("\n"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\ntitle: x\ntext\n---\n", 4),
        ("\n\n---\ntitle: x\n{\n---\n", 6),
        ("---\ntitle: x\na: \b\n---\n", 3),
        ("+++\ntitle = 'x'\na =\n+++\n", 3),
        ("\n\n+++\ntitle = 'x'\na =\n+++\n", 5),
        ('{\n"title":\n}', 3),
    ],
)
def test_what_is_wrong_is_named_by_its_line_in_the_file(text: str, line: int) -> None:
    with pytest.raises(InvalidPost, match=rf"line {line}\b"):
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
        parse(text.format("[" * 30_000 + "]" * 30_000))


def test_merging_a_mapping_twice_at_every_level_does_not_double_the_work() -> None:
    def calls(levels: int) -> int:
        lines = ["a0: &a0 {k0: 0}"]
        lines += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: 0}}" for n in range(1, levels)]
        return calls_of(lambda: parse("\n".join(["---", *lines, "---"])))

    assert calls(16) < 4 * calls(8)


@pytest.mark.parametrize("matter", ["---\n{}---\n", "+++\n{}+++\n"])
def test_front_matter_may_be_as_long_as_the_limit_and_no_longer(matter: str) -> None:
    room = MAX_MATTER - len(matter.format(""))
    fits, too_long = (matter.format("#" * (length - 1) + "\n") for length in (room, room + 1))
    assert parse(f"{fits}text") == ({}, "text")
    with pytest.raises(InvalidPost, match="is missing in the first 65,536 characters"):
        parse(f"{too_long}text")


def test_a_line_that_the_limit_cuts_is_not_taken_for_a_fence() -> None:
    start = "---\n"
    text = start + "#" * (MAX_MATTER - len(start) - 4) + "\n---x\n---\n"
    assert text[:MAX_MATTER].endswith("\n---")
    with pytest.raises(InvalidPost, match="is missing in the first"):
        parse(text)


def test_front_matter_in_json_may_be_as_long_as_the_limit_and_no_longer() -> None:
    matter = '{{"title": "{}"}}'
    room = MAX_JSON - len(matter.format(""))
    _, content = parse(matter.format("x" * room) + "text")
    assert content == "text"
    with pytest.raises(InvalidPost, match="in the first 2,000,000 characters"):
        parse(matter.format("x" * (room + 1)) + "text")


@pytest.mark.parametrize(
    "matter",
    [
        "base: &m {{{keys}}}\n" + "x: {{<<: *m}}\n" * 200,
        "base: &m {{{keys}}}\nx: {{<<: [{many}]}}\n",
        "base: &m {{{keys}}}\nx: [{merges}]\n",
    ],
    ids=["in mappings", "in a list", "in a list of mappings"],
)
def test_merge_keys_that_copy_without_end_are_refused(matter: str) -> None:
    keys = ", ".join(map(str, range(MAX_MERGED // 100)))
    many, merges = ", ".join(["*m"] * 200), ", ".join(["{<<: *m}"] * 200)
    with pytest.raises(InvalidPost, match=r"merge keys .* copy more than"):
        parse(f"---\n{matter.format(keys=keys, many=many, merges=merges)}---\n")


def test_a_chain_of_mappings_that_merge_each_other_is_refused() -> None:
    lines = [f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: 0}}" for n in range(1, 1000)]
    with pytest.raises(InvalidPost, match=r"merge keys .* copy more than"):
        parse("\n".join(["---", "a0: &a0 {k0: 0}", *lines, "---"]))


def test_ordinary_anchors_and_merges_work() -> None:
    text = "---\nbase: &b {lang: en, x: 1}\nmine: {<<: *b, x: 2}\ncopy: *b\ntitle: x\n---\n"
    matter = matter_of(text)
    assert matter["mine"] == {"lang": "en", "x": 2}
    assert matter["copy"] == {"lang": "en", "x": 1}


@pytest.mark.parametrize(
    "line", ["a.{} = 1", "[a.{}]", "x = {{a.{} = 1}}", 'a."a".{} = 1', "a . {} = 1", "a.'.'.{}=1"]
)
def test_a_toml_key_of_very_many_parts_is_refused(line: str) -> None:
    with pytest.raises(InvalidPost, match="a key has more than 100 parts"):
        parse(f"+++\n{line.format('.'.join('a' * 1000))}\n+++\n")


def test_a_toml_text_with_very_many_dots_is_no_key() -> None:
    dots = "First. Second one ... " * 1000
    assert matter_of(f"+++\ntitle = '{dots}'\nx.y.z = 1\n+++\n")["title"] == dots


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("2014", 2014),
        ("012", 10),
        ("12:30", 750),
        ("1.10", 1.1),
        ("yes", True),
        ("Off", False),
        ("2014-03-07", date(2014, 3, 7)),
        (
            "2014-3-7 9:05:00 +08:00",
            datetime(2014, 3, 7, 9, 5, tzinfo=timezone(timedelta(hours=8))),
        ),
        ("Hello", "Hello"),
        ("08", "08"),
        ("2014-99-99", "2014-99-99"),
        ("9" * 900, "9" * 900),
    ],
)
def test_what_yaml_takes_for_something_else_is_there_as_it_is_typed(
    typed: str, value: object
) -> None:
    matter = matter_of(f"---\ntitle: {typed}\n{typed}: {{tags: [{typed}, '{typed}']}}\n---\n")
    assert matter == {"title": value, typed: {"tags": [value, typed]}}
    assert matter.spelled == {"title": typed, typed: {"tags": [typed, typed]}}


@pytest.mark.parametrize("nothing", ["", "~", "null", "Null", "# no text", "!!null nothing"])
def test_nothing_is_not_spelled(nothing: str) -> None:
    matter = matter_of(f"---\ntitle: {nothing}\n---\n")
    assert matter == matter.spelled == {"title": None}


@pytest.mark.parametrize(
    "text",
    [
        "+++\nv = 1.10\nn = 2014\nb = true\nd = 2014-03-07\nl = [1.0, {x = 2.50}]\n+++\n",
        '{"v": 1.10, "n": 2014, "b": true, "d": "2014-03-07", "l": [1.0, {"x": 2.50}]}',
    ],
    ids=["toml", "json"],
)
def test_numbers_bools_and_dates_of_other_formats_are_there_as_text(text: str) -> None:
    matter = matter_of(text)
    assert (matter["v"], matter["n"], matter["b"], matter["l"]) == (
        1.1,
        2014,
        True,
        [1, {"x": 2.5}],
    )
    assert matter.spelled == {
        "v": "1.10",
        "n": "2014",
        "b": "true",
        "d": "2014-03-07",
        "l": ["1.0", {"x": "2.50"}],
    }


def test_of_equal_keys_in_yaml_the_last_one_counts() -> None:
    assert matter_of("---\ntitle: x\ntag: 1\ntitle: y\n---\n") == {"title": "y", "tag": 1}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("!important read this", "read this"),
        ("!ruby/object:Gem::Version {version: 1}", {"version": 1}),
        ("!ruby/regexp /x/", "/x/"),
        ('!!python/object/apply:os.system ["exit 1"]', ["exit 1"]),
        ("!!python/name:os.system", ""),
        ("!!binary aGVsbG8=", "aGVsbG8="),
        ("!!set {a, b}", {"a": None, "b": None}),
        ("!!omap [a: 1]", [{"a": 1}]),
        ("!!str 012", "012"),
        ("!!int '12'", 12),
        ("!!int ten", "ten"),
        ("!!int ''", ""),
        ("!!bool maybe", "maybe"),
        ("!!timestamp soon", "soon"),
        ("=", "="),
    ],
)
def test_a_tag_makes_no_object(line: str, value: object) -> None:
    assert matter_of(f"---\nx: {line}\n---\n") == {"x": value}


@pytest.mark.parametrize("matter", ["x: &x [*x]", "x: &x {a: {b: *x}}", "x: &x\n- - *x"])
def test_a_value_that_holds_itself_is_refused(matter: str) -> None:
    with pytest.raises(InvalidPost, match=r"an alias .* stands for a value that it is part of"):
        parse(f"---\n{matter}\n---\n")


@pytest.mark.parametrize(
    "matter",
    [
        "a0: &a0 [x, x]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)),
        "a0: &a0 {x: x}\n"
        + "\n".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}" for n in range(1, 60)),
        f"a: &a {'x' * 10_000}\nb: [{'*a, ' * 1_000}]",
        f"a: &a {{{'x' * 1_000}: 1}}\nb: [{'*a, ' * 10_000}]",
    ],
    ids=["lists", "mappings", "a long text", "a long key"],
)
def test_aliases_that_repeat_without_end_are_refused(matter: str) -> None:
    with pytest.raises(InvalidPost, match=r"aliases \(\*\) repeat more than"):
        parse(f"---\n{matter}\n---\n")


def test_what_no_alias_repeats_is_never_too_much() -> None:
    text = "---\nx: [" + "a," * ((MAX_MATTER - 20) // 2) + "]\n---\n"
    assert len(matter_of(text)["x"]) > MAX_MATTER // 3
    assert 4 * MAX_MATTER < MAX_REPEATED


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(st.dictionaries(st.text(), values), st.sampled_from([None, True, False]))
def test_yaml_has_the_values_that_other_readers_find(
    matter: dict[str, object], flow: bool | None
) -> None:
    source = yaml.safe_dump(matter, default_flow_style=flow, allow_unicode=True)
    assert matter_of(f"---\n{source}---\n") == yaml.safe_load(source)
