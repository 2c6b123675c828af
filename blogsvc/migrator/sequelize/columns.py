"""What each column of the old table becomes: pieces of SQL, chosen by the types that are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ...errors import MigrationError
from ...posts import DRAFT, PUBLISHED, STATUSES, Status, check_status
from .table import INTEGERS, Column, Table

_NUMBERS: Final = (*INTEGERS, "numeric", "float4", "float8")
_TIMES: Final = (*_NUMBERS, "timestamptz", "timestamp", "date")
_HOLD_BACK: Final = ("draft", "isdraft", "hidden", "ishidden", "private", "isprivate")
_PUBLISHED: Final = ("published", "ispublished")
_DELETED: Final = ("deleted", "isdeleted")

# Their values can hold objects of their own, in which a null means something.
_DOCUMENTS: Final = ("json", "jsonb")


@dataclass(frozen=True, slots=True)
class Columns:
    """The old table's columns as we need them: `sql` is a subquery that makes them of each row.

    `status` is the column that says what is public, None where none does. `names` are the keys of
    `metadata` that come from the table. `times` and `documents` are, by their columns' names, what
    may fail to be read.
    """

    sql: str
    status: str | None
    extra: tuple[str, ...]
    times: Mapping[str, str]
    documents: Mapping[str, str]


def read_columns(table: Table, statuses: Mapping[str, str]) -> Columns:
    """Return how to read the table; `statuses` says what its values of `status` mean.

    Raises `MigrationError` for a column that is missing, or of a type that cannot be understood.
    """
    return _Reader(table).read(
        {label: check_status("status", status) for label, status in statuses.items()}
    )


class _Reader:
    """Picks columns by their names, whether they are in camelCase or underscored."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._used = {table.key.name}
        self._columns: dict[str, Column] = {}
        for column in table.columns:
            self._columns.setdefault(column.name.replace("_", "").lower(), column)

    def read(self, statuses: Mapping[str, Status]) -> Columns:
        key = self._table.key
        title, content = self._text("title"), self._text("content", "body", also=_DOCUMENTS)
        times = {
            name: self._time(plain)
            for name, plain in {
                "created": "createdat",
                "updated": "updatedat",
                "planned": "publishedat",
            }.items()
        }
        # It stays among the extra columns: the note that a post was deleted, and when.
        deleted = self._columns.get("deletedat")
        times["deleted"] = _time(deleted) if deleted else "NULL::timestamptz"
        status = self._pick("status", *_PUBLISHED)
        meaning = _meaning(status, statuses) if status else self._no_status(times["planned"])
        slug = self._columns.get("slug")
        slug = self._use(slug) if slug and slug.category in "SE" else None
        tags, tags_left = self._tags()
        extra = [
            column
            for column in self._table.columns
            if column.name not in self._used and not column.generated and column.type != "tsvector"
        ]
        fields = {
            "raw_key": key.sql,
            "key": f"{key.sql}::text",
            "id": f"{key.sql}::bigint" if self._table.keeps_ids else "NULL::bigint",
            "title": f"{title.sql}::text",
            "content": f"{content.sql}::text",
            "slug": f"{slug.sql}::text" if slug else "NULL::text",
            "said": meaning,
            "said_as": f"{status.sql}::text" if status else "NULL::text",
            "held": self._held(status),
            "gone": self._gone(deleted),
            **times,
            "tags": tags,
            "tags_left": tags_left,
            "extra": _as_json(extra),
        }
        listed = ",\n        ".join(f"{value} AS {name}" for name, value in fields.items())
        return Columns(
            sql=f"(\n    SELECT {listed}\n    FROM {self._table.sql} AS raw)",
            status=status.name if status else None,
            extra=tuple(column.name for column in extra),
            times={
                self._columns[plain].name: times[name]
                for plain, name in {
                    "createdat": "created",
                    "updatedat": "updated",
                    "publishedat": "planned",
                    "deletedat": "deleted",
                }.items()
                if plain in self._columns
            },
            documents={
                column.name: f"{column.sql}::jsonb"
                for column in self._table.columns
                if column.type == "json" and column is not content
            },
        )

    def _pick(self, *names: str) -> Column | None:
        for name in names:
            if name in self._columns:
                return self._use(self._columns[name])
        return None

    def _use(self, column: Column) -> Column:
        self._used.add(column.name)
        return column

    def _text(self, *names: str, also: Iterable[str] = ()) -> Column:
        column = self._pick(*names)
        if column is None:
            there = ", ".join(column.name for column in self._table.columns)
            raise MigrationError(
                f"The table {self._table} has no column {names[0]}: it is not one of posts, or "
                f"calls it otherwise (it has {there}). Make a view that calls it {names[0]}, and "
                "name that with --table. Nothing was changed."
            )
        if column.category not in "SE" and column.type not in also:
            raise self._not_understood(column, "text")
        return column

    def _time(self, name: str) -> str:
        column = self._pick(name)
        if column is None:
            return "NULL::timestamptz"
        if column.type not in _TIMES and column.category != "S":
            raise self._not_understood(column, "a time")
        return _time(column)

    def _not_understood(self, column: Column, wanted: str) -> MigrationError:
        return MigrationError(
            f"The column {column.name} of {self._table} is of type {column.sql_type}, which cannot "
            f"be read as {wanted}. Make a view that casts it, and name that with --table. Nothing "
            "was changed."
        )

    def _no_status(self, planned: str) -> str:
        return f"CASE WHEN {planned} IS NOT NULL THEN '{PUBLISHED}' ELSE '{DRAFT}' END"

    def _held(self, status: Column | None) -> str:
        """Whether something beside the status says that a post is not public."""
        flags = [
            *(f"{column.sql} IS TRUE" for column in self._flags(_HOLD_BACK)),
            *(f"{column.sql} IS FALSE" for column in self._flags(_PUBLISHED) if column != status),
        ]
        return f"({' OR '.join(flags)})" if flags else "FALSE"

    def _gone(self, deleted: Column | None) -> str:
        flags = [f"{column.sql} IS TRUE" for column in self._flags(_DELETED)]
        if deleted:
            flags.append(f"{deleted.sql} IS {'TRUE' if deleted.type == 'bool' else 'NOT NULL'}")
        return f"({' OR '.join(flags)})" if flags else "FALSE"

    def _flags(self, names: Iterable[str]) -> list[Column]:
        found = [self._columns[name] for name in names if name in self._columns]
        return [column for column in found if column.type == "bool"]

    def _tags(self) -> tuple[str, str]:
        """Return the tags, and what there is in their column that cannot be one."""
        column = self._columns.get("tags")
        if column is None or (column.category not in "SA" and column.type not in _DOCUMENTS):
            return "'{}'::text[]", "NULL::jsonb"
        self._use(column)
        raw, fits = column.sql, "TRUE"
        if column.category == "S":
            each = f"regexp_split_to_table({raw}, ',')"
        elif column.category == "A":
            each = f"unnest({raw}::text[])"
        else:
            raw = f"{raw}::jsonb"
            # A CASE, since what is no array cannot be asked for its elements.
            fits = (
                f"(CASE jsonb_typeof({raw}) WHEN 'array' THEN NOT jsonb_path_exists("
                f"""{raw}, 'strict $[*] ? (@.type() != "string")') WHEN 'null' THEN TRUE """
                "ELSE FALSE END)"
            )
            array = f"CASE WHEN {fits} AND {raw} <> 'null' THEN {raw} ELSE '[]' END"
            each = f"jsonb_array_elements_text({array})"
        tags = f"""ARRAY(
            SELECT tag FROM (
                SELECT btrim(one, E' \\t\\r\\n') AS tag, min(place) AS place
                FROM {each} WITH ORDINALITY AS each (one, place) GROUP BY 1) AS trimmed
            WHERE tag ~ '[^[:space:]]' AND char_length(tag) <= 255 ORDER BY place LIMIT 1000)"""
        lost = f"EXISTS (SELECT FROM {each} AS each (one) OFFSET 1000) OR EXISTS (SELECT FROM "
        lost += f"{each} AS each (one) WHERE char_length(btrim(one, E' \\t\\r\\n')) > 255)"
        return tags, f"CASE WHEN NOT {fits} OR {lost} THEN to_jsonb({column.sql}) END"


def _meaning(column: Column, statuses: Mapping[str, Status]) -> str:
    """Return what a status means, NULL where it is not understood.

    A number says nothing by itself; what a bool says is plain.
    """
    known: dict[str, Status] = (
        {"true": PUBLISHED, "false": DRAFT}
        if column.type == "bool"
        else {status: status for status in STATUSES}
    )
    labels = "".join(
        f" WHEN lower(btrim({literal(label)})) THEN '{status}'"
        for label, status in {**known, **statuses}.items()
    )
    return (
        f"CASE WHEN {column.sql} IS NULL THEN '{DRAFT}' "
        f"ELSE CASE lower(btrim({column.sql}::text)){labels} END END"
    )


def _time(column: Column) -> str:
    """Return a moment. Sequelize writes UTC; a number is seconds or, if it is large, ms."""
    raw = column.sql
    if column.type == "timestamptz":
        return raw
    if column.type in ("timestamp", "date"):
        return f"({raw}::timestamp AT TIME ZONE 'UTC')"
    if column.type in _NUMBERS:
        return _epoch(raw)
    if column.category != "S":
        return "NULL::timestamptz"
    # As JavaScript prints it: Thu Nov 20 2025 12:34:56 GMT+0100 (Central European Standard Time).
    # PostgreSQL reads GMT+0100 as a zone of POSIX, the other way round.
    text = rf"regexp_replace(regexp_replace({raw}, '\s*\(.*\)\s*$', ''), '(GMT|UTC)(?=[+-])', '')"
    return (
        rf"(CASE WHEN {raw} !~ '[^[:space:]]' THEN NULL WHEN {raw} ~ '^\s*\d+\s*$' "
        f"THEN {_epoch(f'{raw}::numeric')} ELSE ({text})::timestamptz END)"
    )


def _epoch(number: str) -> str:
    seconds = f"CASE WHEN abs({number}) < 1e11 THEN {number} ELSE {number} / 1e3 END"
    return f"to_timestamp(({seconds})::float8)"


def _as_json(columns: Iterable[Column]) -> str:
    """Return the columns of a row as an object, without those that are NULL."""
    columns = list(columns)
    plain = [c for c in columns if c.type not in _DOCUMENTS and c.category not in "AC"]
    parts = [
        f"CASE WHEN {c.sql} IS NULL THEN '{{}}' ELSE "
        f"jsonb_build_object({literal(c.name)}, {c.sql}) END"
        for c in columns
        if c not in plain
    ]
    if plain:
        row = ", ".join(c.sql for c in plain)
        parts.append(f"jsonb_strip_nulls(to_jsonb((SELECT row FROM (SELECT {row}) AS row)))")
    return " || ".join(["'{}'::jsonb", *parts])


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
