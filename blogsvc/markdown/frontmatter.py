"""Take a text apart into its front matter and its content.

Front matter holds the title, the date and so on, and stands before the content: YAML between lines
of `---`, TOML between lines of `+++`, or a JSON object.
"""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date, time
from typing import Any, Final

from ..errors import InvalidPost
from . import yaml_values

# A line of three or more; `[^\S\n]` is any blank but the line ending.
_YAML_FENCE: Final = re.compile(r"^-{3,}[^\S\n]*(?:\n|\Z)", re.MULTILINE)
_TOML_FENCE: Final = re.compile(r"^\+{3,}[^\S\n]*(?:\n|\Z)", re.MULTILINE)
_BLANK_REST_OF_LINE: Final = re.compile(r"[^\S\n]*\n")

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
    start = text.lstrip()
    try:
        matter, content = _split(start)
    except Exception as error:  # parsers raise anything on broken or hostile text
        raise InvalidPost("front matter", f"cannot be read ({in_one_line(error)})") from error
    newline = "\r\n" if start.partition("\n")[0].endswith("\r") else "\n"
    if matter is None:
        return None, text.removesuffix(newline)
    values, spelled = matter
    if values is None:  # empty YAML
        values = spelled = {}
    if not isinstance(values, dict):
        raise InvalidPost("front matter", "is not made of names and values, such as title: Hello")
    return Matter(values, spelled), content.removeprefix(newline).removesuffix(newline)


def _split(text: str) -> tuple[tuple[Any, Any] | None, str]:
    """Return the front matter, its values and their spelling, and the text after it."""
    # The parsers get no more than front matter can have, so that a large file costs no more time.
    limit = MAX_JSON if text.startswith("{") else MAX_MATTER
    head = text[:limit]
    where = ""
    if len(text) > limit:
        where = f" in the first {limit:,} characters, which is what front matter can have"
    if text.startswith("{"):
        try:
            values, end = json.JSONDecoder().raw_decode(head)
        except json.JSONDecodeError as error:
            raise ValueError(f"{error}{where}") from error
        blank = _BLANK_REST_OF_LINE.match(head, end)
        typed, _ = json.JSONDecoder(parse_float=str).raw_decode(head)
        return (values, _spell(typed)), text[blank.end() if blank else end :]
    if where:
        head = head[: head.rfind("\n") + 1]  # half a line could look like a fence
    for fence, load in ((_YAML_FENCE, yaml_values.load), (_TOML_FENCE, _load_toml)):
        opening = fence.match(head)
        if opening:
            closing = fence.search(head, opening.end())
            if not closing:
                raise ValueError(f"its closing line {text[:3]} is missing{where}")
            return load(head[opening.end() : closing.start()]), text[closing.end() :]
    return None, text


def _load_toml(source: str) -> tuple[Any, Any]:
    if _LONG_TOML_KEY.search(source):
        raise ValueError(f"a key has more than {_MAX_PARTS} parts")
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
