"""What somebody can do who may CREATE in a schema on the search_path of others.

Beside each operator and function of PostgreSQL that our statements name, decoys are made whose
argument types fit those statements better. To be chosen is enough to be found out: nobody but the
attacker may execute a decoy, and PostgreSQL asks for that right before it reads the first row.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import asyncpg

from blogsvc.database import quoted

from ..migrations.migrating import connected
from ..support import ROOT

# fmt: off
OPERATORS = [
    "=", "<>", "<", "<=", ">", ">=", "||", "~", "!~", "-", "+", "/", "*", "<<", "|", "@@", "&&",
    "@>",
]
# fmt: on

# fmt: off
TYPES = [
    "text", "varchar", "bpchar", "name", '"char"', "boolean", "uuid", "jsonb", "timestamptz",
    "smallint", "integer", "bigint", "real", "float8", "numeric", "oid", "regclass", "regnamespace",
    "tsvector", "tsquery", "text[]", "varchar[]", "bigint[]", "anyelement", "anyarray",
]
# fmt: on

ANYTHING = ("text", "varchar", "name", "bigint", "uuid", "timestamptz", "regnamespace", "text[]")
ANY_ARRAY = ("text[]", "varchar[]", "name[]", "bigint[]", "timestamptz[]")
FITS = {
    "text": ("text", "varchar", "name"),
    "name": ("text", "varchar", "name"),
    "bigint": ("bigint", "integer"),
    "integer": ("bigint", "integer"),
    "double precision": ("double precision", "bigint"),
    "oid": ("oid", "regclass"),
    '"any"': ANYTHING,
    "anyelement": ANYTHING,
    "anyarray": ANY_ARRAY,
    "anycompatiblearray": ANY_ARRAY,
}
"""What our statements may hand to a parameter of a type."""

ROWS = ["to_jsonb", "to_json", "row_to_json", "jsonb_build_array", "count", "max", "concat"]

AT_MOST = 500
"""Decoys of one function: of a very wide one, as `format` is, more would be nothing new."""


async def plant(url: str, schema: str) -> None:
    """Make decoys in a schema, as the role of the URL."""
    async with connected(url) as attacker:
        await attacker.execute("SET search_path = pg_catalog")  # away from one's own decoys
        names = sorted(_names_in_our_sql())
        found = await attacker.fetch(
            """SELECT DISTINCT proname, ARRAY(SELECT format_type(type, NULL)
                FROM unnest(proargtypes) WITH ORDINALITY AS argument (type, place) ORDER BY place)
            FROM pg_proc WHERE proname = ANY($1) AND pronamespace = 'pg_catalog'::regnamespace""",
            names,
        )
        decoys = sorted(set(_functions(found)))
        place = quoted(schema)
        await _run(attacker, (_function(place, *decoy) for decoy in decoys))
        await _run(attacker, _operators(place))


async def plant_for_rows(url: str, schema: str, table: str) -> None:
    """Make decoys that take a row of a table, which has to be there."""
    async with connected(url) as attacker:
        place = quoted(schema)
        row = f"{place}.{quoted(table)}"
        await _run(attacker, (_function(place, name, row) for name in ROWS))
        if table != "posts":
            return
        nearly = itertools.product(("text", "varchar", "name", "anyelement"), ("boolean", "text"))
        await _run(
            attacker,
            (
                _function(place, "posts_search_words", ", ".join(types))
                for types in nearly
                if types != ("text", "boolean")
            ),
        )


def _names_in_our_sql() -> set[str]:
    folders = (ROOT / "blogsvc", ROOT / "migrations")
    files = itertools.chain.from_iterable(Path(folder).rglob("*.py") for folder in folders)
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return {name.lower() for name in re.findall(r"\b(\w+)\(", text)}


def _functions(found: list[asyncpg.Record]) -> Iterator[tuple[str, str]]:
    for name, types in found:
        variadic = types[-1:] == ['"any"']
        for more in range(4) if variadic else range(1):
            # A literal without a type fits text best.
            choices = [FITS.get(type, (type, "text")) for type in [*types, *types[-1:] * more]]
            for chosen in itertools.islice(itertools.product(*choices), AT_MOST):
                yield name, ", ".join(chosen)


def _function(place: str, name: str, types: str) -> str:
    return f"""CREATE FUNCTION {place}.{quoted(name)}({types}) RETURNS text LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'led astray'; END $$;"""


def _operators(place: str) -> Iterator[str]:
    for left, right in itertools.product(TYPES, TYPES):
        name = f"{place}.{quoted(f'operator of {left} and {right}')}"
        yield f"""CREATE FUNCTION {name}({left}, {right}) RETURNS boolean LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION 'led astray'; END $$;"""
        for operator in OPERATORS:
            yield f"""CREATE OPERATOR {place}.{operator}
                (FUNCTION = {name}, LEFTARG = {left}, RIGHTARG = {right});"""


async def _run(attacker: asyncpg.Connection, statements: Iterable[str]) -> None:
    # Decoys are kept from the others, so that choosing one is refused.
    await attacker.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    left = list(statements)
    while left:
        # Not all at once: each statement holds locks until its transaction ends.
        await attacker.execute("".join(left[:500]))
        del left[:500]
