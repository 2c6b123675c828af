"""Front matter ends where its author ended it, and no text crashes or stalls the reader."""

from __future__ import annotations

import sys

import pytest

from blogsvc.errors import InvalidPost
from blogsvc.markdown.frontmatter import MAX_MATTER, MAX_MERGED, parse


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
        parse(text.format("[" * 30_000 + "]" * 30_000))


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
    room = MAX_MATTER - len(matter.format(""))
    _, content = parse(matter.format("x" * room) + "text")
    assert content == "text"
    with pytest.raises(InvalidPost, match="in the first 65,536 characters"):
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
    matter, _ = parse(text)
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
    assert parse(f"+++\ntitle = '{dots}'\nx.y.z = 1\n+++\n")[0]["title"] == dots
