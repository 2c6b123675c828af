"""Which table it is, and what there is in it; looked at before anything is migrated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from ...database import is_name, quoted, shown
from ...errors import MigrationError
from .. import history

DEFAULT: Final = "Posts"
"""What sequelize-cli calls the table of a model Post; `posts`, where it is `underscored`."""

INTEGERS: Final = ("int2", "int4", "int8")

_NAME: Final = re.compile(
    r'(?:(?P<schema>"(?:[^"]|"")+"|[^".]+)\.)?(?P<table>"(?:[^"]|"")+"|[^".]+)'
)

_RELATIONS: Final = """
    SELECT pg_class.oid, nspname, relname, row_security_active(pg_class.oid) AS hides_rows,
        has_schema_privilege(relnamespace, 'USAGE') AS usable
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname = ANY($1) AND relname = ANY($2)
    ORDER BY array_position($2, relname::text), array_position($1, nspname::text)"""

_COLUMNS: Final = """
    SELECT attname, coalesce(base.typname, own.typname) AS type,
        coalesce(base.typcategory, own.typcategory)::text AS category,
        format_type(atttypid, NULL) AS sql_type,
        attgenerated <> '' AS generated,
        has_column_privilege(attrelid, attnum, 'SELECT') AS readable
    FROM pg_attribute JOIN pg_type AS own ON own.oid = atttypid
        LEFT JOIN pg_type AS base ON base.oid = own.typbasetype
    WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum"""

_PRIMARY_KEY: Final = """
    SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indrelid = $1::oid AND indisprimary AND indnkeyatts = 1"""

_LOOK_ALIKE: Final = """
    SELECT nspname, relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
        AND nspname !~ '^pg_' AND nspname <> 'information_schema'
        AND (nspname, relname) IS DISTINCT FROM (current_schema()::text, $1)
        AND (relname ~* 'post|article|blog' OR EXISTS (SELECT FROM pg_attribute
            WHERE attrelid = pg_class.oid AND lower(attname) = 'title'))
    ORDER BY nspname, relname LIMIT 10"""

_COUNT: Final = """
    SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema'"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the old table; `type` is its type's own name, below any domain."""

    name: str
    type: str
    category: str
    sql_type: str
    generated: bool

    @property
    def sql(self) -> str:
        return f"raw.{quoted(self.name)}"


@dataclass(frozen=True, slots=True)
class Table:
    """The old table. A row of it is known by `key`, which is `unique` where it is declared so."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: Column
    unique: bool
    elsewhere: bool

    @property
    def sql(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def __str__(self) -> str:
        name = quoted(self.name)
        return f"{quoted(self.schema)}.{name}" if self.elsewhere else name

    @property
    def keeps_ids(self) -> bool:
        """Whether its ids are such as a post can have."""
        return self.key.type in INTEGERS


async def look(connection: asyncpg.Connection, wanted: str | None) -> Table:
    """Find the table, and read what it is made of.

    Raises `MigrationError` where there is none, where it cannot be read, and where its name, or
    that of another one, is in the way of our own table.
    """
    here = await connection.fetchval("SELECT current_schema()::text")
    schema, names = _parsed(wanted)
    schemas = [schema] if schema else list(dict.fromkeys([*filter(None, [here]), "public"]))
    found = await connection.fetch(_RELATIONS, schemas, names)
    applied = await history.read(connection) if here else []
    ours = (here, "posts")
    if applied:
        found = [row for row in found if (row["nspname"], row["relname"]) != ours]
    elif here and await connection.fetch(_RELATIONS, [here], ["posts"]):
        raise _in_our_way(here, chosen=bool(found) and (found[0][1], found[0][2]) == ours)
    if not found:
        raise await _not_there(connection, wanted, schemas, names, ours=bool(applied))
    row = found[0]
    return await _read(connection, row, elsewhere=row["nspname"] not in (here, "public"))


def _parsed(wanted: str | None) -> tuple[str | None, list[str]]:
    """Return the schema, where one is named, and the names that the table may have."""
    if wanted is None:
        return None, [DEFAULT, DEFAULT.lower()]
    match = _NAME.fullmatch(wanted.strip()) if isinstance(wanted, str) else None
    parts = [_bare(part) for part in match.groups() if part] if match else []
    if match is None or not all(map(is_name, parts)):
        raise MigrationError(
            f'{shown(wanted)} is no name of a table. Write it as Posts, blog.Posts or blog."Posts".'
        )
    table = match["table"]
    names = [_bare(table)] if table.startswith('"') else [table, table.lower()]
    return _bare(match["schema"]) if match["schema"] else None, list(dict.fromkeys(names))


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _in_our_way(schema: str, *, chosen: bool) -> MigrationError:
    what = "The old table is called" if chosen else "There is another table called"
    return MigrationError(
        f"{what} {schema}.posts, as blogsvc calls its own: both cannot be in one schema. Nothing "
        "was changed. Keep the blog in a schema of its own, which leaves the old application as "
        "it is: blogsvc import-sequelize --schema blog. Or move the old table out of the way, with "
        f'CREATE SCHEMA old; ALTER TABLE {quoted(schema)}."posts" SET SCHEMA old; and name it: '
        "--table old.posts."
    )


async def _not_there(
    connection: asyncpg.Connection,
    wanted: str | None,
    schemas: Sequence[str],
    names: Sequence[str],
    *,
    ours: bool,
) -> MigrationError:
    database = await connection.fetchval("SELECT current_database()")
    alike = await connection.fetch(_LOOK_ALIKE, "posts" if ours else None)
    if alike:
        shown = ", ".join(f"{quoted(row[0])}.{quoted(row[1])}" for row in alike)
        advice = f"Tables that look like one: {shown}. Name the right one with --table."
    elif count := await connection.fetchval(_COUNT):
        advice = f"None of its {count} tables has a title, so this may be another application's."
    else:
        advice = "It has no table at all."
    where = "this schema or in public" if len(schemas) > 1 or not wanted else schemas[0]
    return MigrationError(
        f"There is no table {quoted(names[0])} in {where}. This is the database {database!r}. "
        f"{advice} Name the database that sequelize-cli migrated in DATABASE_URL or with --url. "
        "Nothing was changed."
    )


async def _read(connection: asyncpg.Connection, row: asyncpg.Record, *, elsewhere: bool) -> Table:
    oid, schema, name = row["oid"], row["nspname"], row["relname"]
    shown = f"{quoted(schema)}.{quoted(name)}"
    read = await connection.fetch(_COLUMNS, oid)
    closed = [column["attname"] for column in read if not column["readable"]]
    if closed or not row["usable"]:
        role = await connection.fetchval("SELECT quote_ident(current_user)")
        raise MigrationError(
            f"This role may not read {shown}"
            f"{f' (column {quoted(closed[0])})' if closed and len(closed) < len(read) else ''}. "
            f"As its owner: GRANT USAGE ON SCHEMA {quoted(schema)} TO {role}; GRANT SELECT ON "
            f"{shown} TO {role}. Nothing was changed."
        )
    if row["hides_rows"]:
        raise MigrationError(
            f"Row security hides rows of {shown} from this role, so posts would be missing. Name a "
            "role that owns the table or has BYPASSRLS. Nothing was changed."
        )
    columns = {column["attname"]: Column(*tuple(column)[:5]) for column in read}
    primary = await connection.fetchval(_PRIMARY_KEY, oid)
    key = columns.get(primary or "id")
    if key is None:
        raise MigrationError(
            f"{shown} has no primary key of one column and no column id, so its rows cannot be "
            "told apart. Make a view of it that has one, and name that with --table. Nothing was "
            "changed."
        )
    if key.type not in (*INTEGERS, "uuid", "numeric") and key.category != "S":
        raise MigrationError(
            f"{quoted(key.name)} of {shown} is of type {key.sql_type}; an id is an integer, a uuid "
            "or a text. Make a view of it, and name that with --table. Nothing was changed."
        )
    return Table(schema, name, tuple(columns.values()), key, primary is not None, elsewhere)
