"""What Citus refuses in statements that write, told from how PostgreSQL has understood them.

Citus plans a write on the server that was asked, and sends it to the one that has the blog. It
takes no answer of a function that may be another one there:

- in what an UPDATE sets, and in the WHERE of an UPDATE or DELETE: no VOLATILE function, no STABLE
  one of a column, and neither inside CASE or COALESCE;
- in ON CONFLICT DO UPDATE, and in RETURNING: none that is not IMMUTABLE.

Casts count as the functions behind them: an array as text is STABLE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import asyncpg

_TOKEN: Final = re.compile(
    r"\{(?P<node>\w+)|(?P<mark>[(){}])|:(?P<field>\w+)|(?P<atom>(?:\\.|[^\s(){}\\])+)"
)

_UPDATE, _INSERT, _DELETE = "2", "3", "4"

_CALLS: Final = ("funcid", "opfuncid")

_TYPES: Final = re.compile(
    "vartype|paramtype|consttype|funcresulttype|opresulttype|resulttype|casetype|coalescetype"
    "|array_typeid|typeId"
)


@dataclass
class Node:
    """A node of a query tree, with the nodes and words of each of its fields."""

    name: str
    fields: dict[str, list[Node | str]] = field(default_factory=dict)

    def word(self, name: str) -> str:
        return next((each for each in self.fields.get(name, []) if isinstance(each, str)), "")

    def below(self, *names: str) -> Iterator[Node]:
        """Yield all nodes of these fields, or of all, and what is below them."""
        for name in names or self.fields:
            for child in self.fields.get(name, []):
                if isinstance(child, Node):
                    yield child
                    yield from child.below()


def _parsed(tree: str) -> list[Node]:
    top = Node("")
    stack = [top]
    into: list[list[Node | str]] = [top.fields.setdefault("", [])]
    for token in _TOKEN.finditer(tree):
        if token["node"]:
            node = Node(token["node"])
            into[-1].append(node)
            stack.append(node)
            into.append(node.fields.setdefault("", []))
        elif token["mark"] == "}":
            stack.pop()
            into.pop()
        elif token["field"]:
            into[-1] = stack[-1].fields.setdefault(token["field"], [])
        elif token["atom"]:
            into[-1].append(token["atom"])
    return [node for node in top.fields[""] if isinstance(node, Node)]


async def refusals(connection: asyncpg.Connection, statement: str) -> list[str]:
    """Return what of a statement Citus would refuse."""
    prepared = await connection.prepare(statement)
    types = ", ".join(f"{each.oid}::regtype::text" for each in prepared.get_parameters())
    arguments = ", ".join(await connection.fetchrow(f"SELECT {types}") or ()) if types else ""
    returns = "SETOF record" if re.search(r"\bRETURNING\b", statement) else "void"
    await connection.execute(
        f"CREATE OR REPLACE FUNCTION pg_temp.written({arguments}) RETURNS {returns} "
        f"BEGIN ATOMIC {statement}; END"
    )
    tree = await connection.fetchval(
        "SELECT prosqlbody::text FROM pg_proc WHERE proname = 'written' "
        "AND pronamespace = pg_my_temp_schema()"
    )
    await connection.execute(f"DROP FUNCTION pg_temp.written({arguments})")
    functions = {
        str(row["oid"]): row
        for row in await connection.fetch("SELECT oid, proname, provolatile FROM pg_proc")
    }
    texts = {
        str(row["oid"]): (str(row["read"]), str(row["written"]))
        for row in await connection.fetch(
            "SELECT oid, typinput::oid AS read, typoutput::oid AS written FROM pg_type"
        )
    }
    found: list[str] = []

    def called(node: Node) -> list[str]:
        ids = [node.word(name) for name in _CALLS]
        if node.name == "COERCEVIAIO":
            [argument] = (each for each in node.fields["arg"] if isinstance(each, Node))
            of = next(argument.word(name) for name in argument.fields if _TYPES.fullmatch(name))
            ids += [texts[of][1], texts[node.word("resulttype")][0]]
        return [each for each in ids if each in functions]

    def changing(*nodes: Node, kinds: str = "sv") -> list[str]:
        names = [
            functions[each]["proname"]
            for node in nodes
            for each in called(node)
            if functions[each]["provolatile"].decode() in kinds
        ]
        return names + [
            node.name for node in nodes if node.name == "SQLVALUEFUNCTION" and "s" in kinds
        ]

    def note(place: str, names: list[str]) -> None:
        found.extend(f"{name} in {place}" for name in names)

    nodes = (node for top in _parsed(tree) for node in (top, *top.below()))
    queries = [node for node in nodes if node.name == "QUERY"]
    assert any(query.word("commandType") in (_UPDATE, _INSERT, _DELETE) for query in queries)
    for query in queries:
        command = query.word("commandType")
        note("RETURNING", changing(*query.below("returningList")))
        note("ON CONFLICT", changing(*query.below("onConflict")))
        places = ["jointree"] if command in (_UPDATE, _DELETE) else []
        places += ["targetList"] if command == _UPDATE else []
        for node in query.below(*places) if places else ():
            note(f"an UPDATE or DELETE ({node.name})", changing(node, kinds="v"))
            inside = list(node.below())
            if any(each.name == "VAR" for each in inside):
                note("an UPDATE or DELETE, of a column", changing(node, kinds="s"))
            if node.name in ("CASEEXPR", "COALESCEEXPR"):
                note(node.name, changing(*inside))
    return found
