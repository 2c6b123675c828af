"""Read front matter that its author took for YAML, with tabs, colons and quotes that it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from . import yaml_values

# YAML knows spaces only, but a tab, a no-break space and an ideographic space look like one.
_BLANK: Final = r"[ \t\xa0\u3000]"
_BLANKS: Final = " \t\xa0\u3000"
_SPACES: Final = str.maketrans(dict.fromkeys(_BLANKS, " "))
_ODD_INDENT: Final = re.compile(r"^[\t\xa0\u3000]+")

# `- name: value`, each of the three may be missing.
_ENTRY: Final = re.compile(
    rf"(?P<indent> *)(?P<dashes>(?:-{_BLANK}+)*)(?P<name>[\w$].*?:(?={_BLANK}|$)|)"
    rf"{_BLANK}*(?P<value>.*)"
)
_LOOKS_LIKE_AN_ENTRY: Final = re.compile(rf" *(?:-{_BLANK}|[\w-]+:(?:{_BLANK}|$))")

# No value on the same line, but perhaps an anchor, a tag or a comment before those that follow.
_NO_VALUE: Final = re.compile(r"(?:[&!]\S*(?:\s+|$))*(?:#.*)?")
_SIMPLE_LIST: Final = re.compile(r"\[([^\[\]{}\"']*)\]")
_UNCLOSED: Final = "unclosed"
_WRONG: Final = "wrong"
_PAIRS: Final = {"[": "]", "{": "}", '"': '"', "'": "'"}


def load_yaml(source: str, line: int = 1) -> tuple[Any, Any]:
    """Return what `yaml_values.load` does, also where single lines are not YAML, but clear.

    What is YAML is read as it is. Otherwise, tabs become spaces (two each before a line, as in
    Hexo), and a value that YAML cannot be is the text that it is: `Docker: the guide`, `@home`,
    `"Hello" world`, `{{ page.title }}`.

    Raises `ValueError` when that does not help, or the text is hostile. `line` is the number of the
    first line, for what it says.
    """
    value = problem = None
    for attempt in _attempts(source):
        try:
            value, spelled = yaml_values.load(attempt)
        except yaml.reader.ReaderError as error:
            line += source.count("\n", 0, error.position)
            raise ValueError(f"the character U+{error.character:04X} in line {line}") from error
        except yaml.MarkedYAMLError as error:
            problem = error
            continue
        if value is None or isinstance(value, dict):
            return value, spelled
    if problem is None:  # a text or a list
        return value, value
    line += problem.problem_mark.line if problem.problem_mark else 0
    raise ValueError(f"{problem.problem} in line {line}") from problem


def _attempts(source: str) -> Iterator[str]:
    yield source
    lines = source.replace("\r\n", "\n").split("\n")
    yield _repair(lines, unclosed_quotes=False)
    yield _repair(lines, unclosed_quotes=True)


def _repair(lines: list[str], *, unclosed_quotes: bool) -> str:
    """Return the same lines, in which values that are not YAML are text.

    One whose quotes are not closed is text only if `unclosed_quotes` is true: it may go on below.
    """
    lines = [_ODD_INDENT.sub(_to_spaces, line) for line in lines]
    anchors = frozenset(re.findall(r"&([\w-]+)", "\n".join(lines)))
    never_closed: set[str] = set()  # looked for once, so that the time is linear
    repaired: list[str] = []
    while len(repaired) < len(lines):
        at = len(repaired)
        entry = _ENTRY.match(lines[at])
        if not entry or not (entry["name"] or entry["dashes"]):
            repaired.append(lines[at])
            continue
        head = entry["indent"] + entry["dashes"].translate(_SPACES)
        column = len(head) if entry["name"] else len(head.rstrip()) - 1
        if entry["name"]:
            head += entry["name"] + " "
        value = entry["value"].rstrip(_BLANKS)
        if _NO_VALUE.fullmatch(value) and not _fault(value, anchors):
            repaired.append(head + value)
            continue
        end = _end_of_value(lines, at + 1, column)
        text = _to_yaml([value, *lines[at + 1 : end]], anchors, unclosed_quotes)
        if text is None:
            end = _end_of_pair(lines, end, value[0], never_closed)
            text = [value, *lines[at + 1 : end]]
        repaired += [head + text[0], *text[1:]]
    return "\n".join(repaired)


def _to_spaces(found: re.Match[str]) -> str:
    return found[0].replace("\t", "  ").translate(_SPACES)


def _end_of_value(lines: list[str], at: int, column: int) -> int:
    """Return where the lines end that are indented more than the name of a value."""
    end = at
    for n in range(at, len(lines)):
        line = lines[n].lstrip(" ")
        if not line:
            continue
        if len(lines[n]) - len(line) <= column:
            break
        end = n + 1
    return end


def _end_of_pair(lines: list[str], at: int, opening: str, never_closed: set[str]) -> int:
    """Return where the lines end that a bracket or a quote, opened before, may go on in."""
    closing = _PAIRS.get(opening)
    if closing and closing not in never_closed:
        for n in range(at, len(lines)):
            if closing in lines[n]:
                return n + 1
        never_closed.add(closing)
    return at


def _to_yaml(lines: list[str], anchors: frozenset[str], unclosed_quotes: bool) -> list[str] | None:
    """Return the lines of a value, quoted where they are not YAML, or None where it is unclear."""
    fault = _fault("\n".join(lines), anchors)
    if not fault:
        return lines
    whole = "\n".join(lines)
    simple = _SIMPLE_LIST.fullmatch(whole)
    if simple:
        items = [_item(item.strip(_BLANKS + "\n"), anchors) for item in simple[1].split(",")]
        return [f"[{', '.join(filter(None, items))}]", *[""] * (len(lines) - 1)]
    quote = whole[0]
    if _is_collection(whole) or (fault == _UNCLOSED and (quote in "[{" or not unclosed_quotes)):
        return None
    for candidate in _inside_quotes(whole):
        if not _fault(candidate, anchors):
            return candidate.split("\n")
    if any(map(_LOOKS_LIKE_AN_ENTRY.match, lines[1:])):
        return None
    return _quoted(whole).split("\n")


def _fault(value: str, anchors: frozenset[str]) -> str | None:
    try:
        yaml_values.load(f"k: {value}")
    except yaml.composer.ComposerError as error:
        named = re.search("undefined alias '(.*)'", error.problem or "")
        return None if named and named[1] in anchors else _WRONG
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return _UNCLOSED if mark and not value[mark.index - len("k: ") :].strip() else _WRONG
    return None


def _inside_quotes(value: str) -> Iterator[str]:
    """Yield what a value in quotes may mean: an apostrophe in it, or backslashes that are text."""
    if len(value) > 1 and value[0] == value[-1] == "'":
        yield "'" + re.sub(r"(?<=\w)'(?=\w)", "''", value[1:-1]) + "'"
    if len(value) > 1 and value[0] == value[-1] == '"':
        yield '"' + value[1:-1].replace("\\", "\\\\") + '"'


def _is_collection(value: str) -> bool:
    """Tell whether a value is one list or mapping, and no template: its first bracket ends it."""
    value = re.sub(r"\s#.*", "", value).rstrip()
    if value[:1] not in ("[", "{") or value.startswith(("{{", "{%")):
        return False
    depth = 0
    for n, character in enumerate(value):
        depth += (character in "[{") - (character in "]}")
        if depth == 0:
            return n == len(value) - 1
    return False


def _item(item: str, anchors: frozenset[str]) -> str:
    return _quoted(item) if item.startswith("#") or (item and _fault(item, anchors)) else item


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
