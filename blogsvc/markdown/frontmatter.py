"""Take a text apart into its front matter and its content.

Front matter holds the title, the date and so on, and stands before the content: YAML between lines
of `---`, TOML between lines of `+++`, or a JSON object. Old posts of Hexo have the second `---`
only; Pelican's begin with lines such as `Title: Hello` and a blank one.
"""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date, time
from typing import Any, Final

from ..errors import InvalidPost
from .yaml_repair import load_yaml

# Lines of three or more; `[^\S\n]` is any blank but the line ending.
_YAML_FENCE: Final = re.compile(r"^-{3,}[^\S\n]*(?:\n|\Z)", re.MULTILINE)
_YAML_END: Final = re.compile(r"^(?:-{3,}|\.{3})[^\S\n]*(?:\n|\Z)", re.MULTILINE)
_TOML_FENCE: Final = re.compile(r"^\+{3,}[^\S\n]*(?:\n|\Z)", re.MULTILINE)
_BLANK_REST_OF_LINE: Final = re.compile(r"[^\S\n]*\n")

# `{{ x }}` and `{% x %}` begin a content.
_JSON_START: Final = re.compile(r'\{\s*["}]')

# Lines without a fence before them: names and values, which go on in lines that are indented or,
# in YAML, are items of a list.
_HEADER: Final = re.compile(
    r"[A-Za-z][\w-]*:.*\n(?:(?:[A-Za-z][\w-]*:|[^\S\n]+\S|-[^\S\n]|#).*(?:\n|\Z))*"
)
_HEADER_LINE: Final = re.compile(r"([A-Za-z][\w-]*):(.*)|[^\S\n]+(.*)")
_BLANK_LINE: Final = re.compile(r"[^\S\n]*(?:\n|\Z)")

_LINE_ENDING: Final = re.compile(r"\r\n|\n|\r")

MAX_MATTER: Final = 65_536
"""Characters that front matter can have: a hundred times what a large blog needs.

It bounds the time that the parsers take, which are written in Python. Where theirs grows faster
than the text, other limits hold: `_MAX_PARTS`, and those of `yaml_values`.
"""

MAX_JSON: Final = 2_000_000
"""Characters that front matter in JSON can have, whose parser is fast: all metadata fits."""

_MAX_PARTS: Final = 100

# A TOML key of more parts, a.b.c: the parser takes quadratic time on one. Each begins a word or a
# quote, so that looking for it takes linear time.
_LONG_TOML_KEY: Final = re.compile(
    rf"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{_MAX_PARTS}}}"""
)


class Matter(dict[str, Any]):
    """The values in front matter: text, bools, numbers, dates, None, lists and dicts.

    `spelled` has the same keys, and text in place of each bool, number and date, at any depth: what
    the author typed, so that `title: 012` is 012, which YAML takes for ten. Keys are text as it is
    typed. No value holds itself, and what aliases in YAML repeat is bounded.
    """

    def __init__(self, values: dict[str, Any], spelled: dict[str, Any]) -> None:
        super().__init__(values)
        self.spelled = spelled


def parse(text: str) -> tuple[Matter | None, str]:
    """Return the values in the front matter of a text, and the content that follows it.

    The content is unchanged, except that one blank line before it and its last line ending are
    removed. A text without front matter has None, and all of it is content. Raises `InvalidPost`
    when there is front matter and it cannot be read.
    """
    text = text.removeprefix("\ufeff")
    start = text.lstrip()
    ending = _LINE_ENDING.search(start)
    newline = ending[0] if ending else "\n"
    try:
        matter, content = _split(start, 1 + text.count("\n", 0, len(text) - len(start)))
    except Exception as error:  # parsers raise anything on broken or hostile text
        raise InvalidPost("front matter", f"cannot be read ({in_one_line(error)})") from error
    if matter is None:
        return None, text.removesuffix(newline)
    values, spelled = matter
    if values is None:  # empty YAML
        values = spelled = {}
    if not isinstance(values, dict):
        raise InvalidPost("front matter", "is not made of names and values, such as title: Hello")
    return Matter(values, spelled), content.removeprefix(newline).removesuffix(newline)


def _split(text: str, line: int) -> tuple[tuple[Any, Any] | None, str]:
    """Return the front matter, its values and their spelling, and the text after it.

    `line` is the number of the first line, for what errors say.
    """
    # The parsers get no more than front matter can have, so that a large file costs no more time.
    # To them, an old Mac's line ending is one, too; what is replaced keeps its place.
    is_json = _JSON_START.match(text)
    limit = MAX_JSON if is_json else MAX_MATTER
    head = re.sub(r"\r(?!\n)", "\n", text[: limit + 1])[:limit]
    where = ""
    if len(text) > limit:
        where = f" in the first {limit:,} characters, which is what front matter can have"
    if is_json:
        try:
            values, end = json.JSONDecoder().raw_decode(head)
        except json.JSONDecodeError as error:
            raise ValueError(f"{error}{where}") from error
        blank = _BLANK_REST_OF_LINE.match(head, end)
        typed, _ = json.JSONDecoder(parse_float=str).raw_decode(head)
        return (values, _spell(typed)), text[blank.end() if blank else end :]
    if where:
        head = head[: head.rfind("\n") + 1]  # half a line could look like a fence
    for fence, end_of, load in (
        (_YAML_FENCE, _YAML_END, load_yaml),
        (_TOML_FENCE, _TOML_FENCE, _load_toml),
    ):
        opening = fence.match(head)
        if opening:
            closing = end_of.search(head, opening.end())
            if not closing:
                raise ValueError(f"its closing line {text[:3]} is missing{where}")
            matter = load(head[opening.end() : closing.start()], line + 1)
            return matter, text[closing.end() :]
    return _read_header(head, text)


def _read_header(head: str, text: str) -> tuple[tuple[Any, Any] | None, str]:
    """Return front matter that no fence begins, and the text after it.

    Only where it is unmistakable: all lines have names and values, and a title or a date is there.
    """
    header = _HEADER.match(head)
    if not header:
        return None, text
    fence = _YAML_FENCE.match(head, header.end())
    blank = _BLANK_LINE.match(head, header.end())
    if fence:
        try:
            values, spelled = load_yaml(header[0])
        except ValueError:
            return None, text
        if _has(values, "title", "date"):
            return (values, spelled), text[fence.end() :]
    elif blank and (header.end() < len(head) or head == text):
        values = _read_lines(header[0])
        if values and _has(values, "title"):
            return (values, values), text[blank.end() :]
    return None, text


def _has(values: Any, *names: str) -> bool:
    return isinstance(values, dict) and any(
        key.lower() in names and value not in (None, "") for key, value in values.items()
    )


def _read_lines(header: str) -> dict[str, str] | None:
    """Return the names and the texts that lines of Pelican's have, or None if they have others."""
    values: dict[str, str] = {}
    name = ""
    for line in header.splitlines():
        found = _HEADER_LINE.fullmatch(line)
        if not found:
            return None
        if found[1]:
            name = found[1]
            values[name] = found[2].strip()
        else:
            values[name] = f"{values[name]} {found[3].strip()}".strip()
    return values


def _load_toml(source: str, line: int) -> tuple[Any, Any]:
    if _LONG_TOML_KEY.search(source):
        raise ValueError(f"a key has more than {_MAX_PARTS} parts")
    source = "\n" * min(line - 1, MAX_MATTER) + source  # so that an error has the line of the file
    return tomllib.loads(source), _spell(tomllib.loads(source, parse_float=str))


def _spell(value: Any) -> Any:
    """Return values of TOML or JSON, whose floats are text already, with text for the others."""
    if isinstance(value, dict):
        return {key: _spell(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_spell(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (date, time)):
        return value.isoformat()
    return value if value is None else str(value)


def in_one_line(error: Exception) -> str:
    """Return what an error says, on one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__
