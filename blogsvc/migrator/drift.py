"""How the live schema differs from the one that the migrations build, by its meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import asyncpg

from . import files, running, schema
from .schema import Fact

_LITERAL: Final = r"'(?:[^']|'')*'"
_CAST: Final = r"::(?:text|character varying)(?:\[\])?(?![\w(])"
_PLAIN_NAME: Final = r'"([a-z_][a-z0-9_]*)"'
_NOISE: Final = re.compile(f"({_LITERAL})|{_CAST}|{_PLAIN_NAME}")
_TOKEN: Final = re.compile(f"{_LITERAL}|[()]|[^'()]+")
_ATOM: Final = re.compile(rf"\w+|{_LITERAL}")
_FOREIGN_KEY: Final = re.compile(r"FOREIGN KEY \(([^)]*)\)")
_FOR_EVERYBODY: Final = "  ALSO IN REPLICATION"
"""How a trigger ends that fires for everybody, as ours does, and on a subscriber, too."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs, `+` is too much, `-` is missing; and `notices`, of what is in nobody's way."""

    differences: list[str]
    notices: list[str]


async def drift(connection: asyncpg.Connection, version: str | None) -> Drift:
    """Compare the live schema with a version's.

    `version` is the newest applied one; None, that there should be nothing. An index that a later
    version is to build beside the traffic may be there, of a run that did not come to its end: the
    next one clears it away.
    """
    known = files.all_files()
    later = known[files.find(known, version).number + 1 :] if version else known
    begun = {running.index_name(file.up) for file in later}
    facts = await schema.read_schema(connection)
    return compare(
        schema.expected(version),
        [fact for fact in facts if fact.kind != "index" or fact.name not in begun],
    )


def compare(wanted: Sequence[str], facts: Sequence[Fact]) -> Drift:
    """Compare the lines of a snapshot with the facts of a live schema.

    What is not wanted is told as a notice where it stands beside ours: a column that our writes can
    leave out, an index that refuses nothing, a foreign key of another table.
    """
    meant = {_meaning(line) for line in wanted}
    there = {_meaning(str(fact)) for fact in facts}
    names = {(line.split()[0], line.split()[1]) for line in wanted}
    others = [fact for fact in facts if _meaning(str(fact)) not in meant]
    beside = [fact for fact in others if names and _is_beside(fact, names)]
    return Drift(
        schema.in_order(
            [f"- {line}" for line in wanted if _meaning(line) not in there],
            [f"+ {fact}" for fact in others if fact not in beside],
        ),
        [str(fact) for fact in beside],
    )


def _is_beside(fact: Fact, names: set[tuple[str, str]]) -> bool:
    if not fact.beside or (fact.kind, fact.name) in names:
        return False
    # A foreign key of our table is in nobody's way on columns that our writes leave NULL.
    key = _FOREIGN_KEY.match(fact.definition) if fact.kind == "constraint" else None
    columns = key[1].split(", ") if key else []
    return not any(("column", column) in names for column in columns)


@lru_cache(maxsize=1024)
def _meaning(line: str) -> str:
    """Return a line without what PostgreSQL prints in another way after a dump and restore.

    Texts mean the same as `text` and as `varchar`, and a plain name in quotation marks or not;
    parentheses around one thing, or around others, say nothing.
    """
    line = line.removesuffix(_FOR_EVERYBODY)
    tokens = _TOKEN.findall(_NOISE.sub(lambda match: match[1] or match[2] or "", line))
    while (needless := _needless(tokens)) is not None:
        first, last = needless
        rest = (*tokens[:first], *tokens[first + 1 : last], *tokens[last + 1 :])
        tokens = _TOKEN.findall("".join(rest))
    return "".join(tokens)


def _needless(tokens: Sequence[str]) -> tuple[int, int] | None:
    """Return where the first pair of parentheses is that says nothing."""
    pairs: dict[int, int] = {}
    waiting: list[int] = []
    for place, token in enumerate(tokens):
        if token == "(":
            waiting.append(place)
        elif token == ")" and waiting:
            pairs[waiting.pop()] = place
    for first, last in sorted(pairs.items()):
        around_others = pairs.get(first + 1) == last - 1
        around_one = last == first + 2 and _ATOM.fullmatch(tokens[first + 1])
        of_a_call = first > 0 and re.search(r"[\w\"]$", tokens[first - 1])
        if around_others or (around_one and not of_a_call):
            return first, last
    return None
