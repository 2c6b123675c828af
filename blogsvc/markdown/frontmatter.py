"""Take a text apart into its front matter and its content.

Front matter holds the title, the date and so on, and stands before the content: YAML between lines
of `---`, TOML between lines of `+++`, or a JSON object.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, Final

import yaml

from ..errors import InvalidPost

# A line of three or more; `[^\S\n]` is any blank but the line ending.
_YAML_FENCE: Final = re.compile(r"^-{3,}[^\S\n]*(?:\n|\Z)", re.MULTILINE)
_TOML_FENCE: Final = re.compile(r"^\+{3,}[^\S\n]*(?:\n|\Z)", re.MULTILINE)
_BLANK_REST_OF_LINE: Final = re.compile(r"[^\S\n]*\n")

MAX_MATTER: Final = 65_536
"""Characters that front matter can have: a hundred times what a large blog needs.

It bounds the time that the parsers take, which are written in Python. Where theirs grows faster
than the text, the two limits below hold.
"""

MAX_MERGED: Final = 100_000
"""Values that the mappings in YAML can have, those that merge keys (`<<`) copy counted as often."""

_MAX_PARTS: Final = 100

# A TOML key of more parts, a.b.c: the parser takes quadratic time on one. Each begins a word or a
# quote, so that looking for it takes linear time.
_LONG_TOML_KEY: Final = re.compile(
    rf"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{_MAX_PARTS}}}"""
)


def parse(text: str) -> tuple[dict[str, Any], str]:
    """Return the values in the front matter of a text, and the content that follows it.

    The content is unchanged, except that one blank line before it and its last line ending are
    removed. Raises `InvalidPost` when the front matter is missing or cannot be read.
    """
    text = text.lstrip()
    try:
        matter, content = _split(text)
    except InvalidPost:
        raise
    except Exception as error:  # parsers raise anything on broken or hostile text
        raise InvalidPost("front matter", f"cannot be read ({in_one_line(error)})") from error
    if matter is None:  # empty YAML
        matter = {}
    if not isinstance(matter, dict):
        raise InvalidPost("front matter", "is not made of names and values, such as title: Hello")
    newline = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    return matter, content.removeprefix(newline).removesuffix(newline)


def _split(text: str) -> tuple[Any, str]:
    """Return the front matter, parsed, and the text after it."""
    # The parsers get no more than front matter can have, so that a large file costs no more time.
    head = text[:MAX_MATTER]
    where = ""
    if len(text) > MAX_MATTER:
        where = f" in the first {MAX_MATTER:,} characters, which is what front matter can have"
    if text.startswith("{"):
        try:
            matter, end = json.JSONDecoder().raw_decode(head)
        except json.JSONDecodeError as error:
            raise ValueError(f"{error}{where}") from error
        blank = _BLANK_REST_OF_LINE.match(head, end)
        return matter, text[blank.end() if blank else end :]
    if where:
        head = head[: head.rfind("\n") + 1]  # half a line could look like a fence
    for fence, load in ((_YAML_FENCE, _load_yaml), (_TOML_FENCE, _load_toml)):
        opening = fence.match(head)
        if opening:
            closing = fence.search(head, opening.end())
            if not closing:
                raise ValueError(f"its closing line {text[:3]} is missing{where}")
            return load(head[opening.end() : closing.start()]), text[closing.end() :]
    raise InvalidPost("front matter", "is missing: the file must begin with ---, +++ or {")


# Not yaml.CSafeLoader: with a libyaml older than 0.2.6, deeply nested brackets crash it.
class _YamlLoader(yaml.SafeLoader):
    """Stops where merge keys copy so much that a short text would take minutes."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._merged = 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        self._merged += len(node.value)
        if self._merged > MAX_MERGED:
            raise ValueError(f"its merge keys (<<) copy more than {MAX_MERGED:,} values")


def _load_yaml(source: str) -> Any:
    return yaml.load(source, Loader=_YamlLoader)


def _load_toml(source: str) -> Any:
    if _LONG_TOML_KEY.search(source):
        raise ValueError(f"a key has more than {_MAX_PARTS} parts")
    return tomllib.loads(source)


def in_one_line(error: Exception) -> str:
    """Return what an error says, on one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__
