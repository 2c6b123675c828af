"""Each row of the old table as a post, in SQL that does not depend on how the table is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .columns import Columns, literal, read_columns
from .table import Table

# What ours asks for and theirs may lack: a title that fits, a content, a known status.
_JUDGED: Final = """(
    SELECT *, CASE WHEN gone THEN 'archived' WHEN held AND said = 'published' THEN 'draft'
            ELSE coalesce(said, 'draft') END AS status
    FROM {columns} AS typed)"""

_OLD: Final = """(
    SELECT raw_key, key, id, status, gone, said, said_as, deleted, tags,
        char_length(title) > 255 AS cut,
        CASE WHEN title !~ '[^[:space:]]' OR title IS NULL THEN 'Untitled'
            WHEN char_length(title) <= 255 THEN title
            ELSE coalesce(substring(left(title, 256) FROM '^(.{{100,254}}\\S)\\s'),
                left(title, 255)) END AS title,
        coalesce(content, '') AS content,
        CASE WHEN slug ~ '[^[:space:]]' AND char_length(slug) <= 255 THEN slug END AS slug,
        created AS created_at,
        coalesce(updated, created) AS updated_at,
        coalesce(created, planned, updated) AS began_at,
        CASE WHEN status <> 'draft' OR planned > now() THEN planned END AS planned_at,
        CASE WHEN status <> 'draft' AND said = 'published' THEN
            coalesce(planned, created, updated) END AS published_at,
        {source} || key AS source,
        extra
            || CASE WHEN char_length(title) > 255 THEN jsonb_build_object('title', title)
                ELSE '{{}}' END
            || jsonb_strip_nulls(jsonb_build_object('sequelize', nullif(jsonb_strip_nulls(
                jsonb_build_object(
                    'id', CASE WHEN id IS NULL THEN key END,
                    'slug', CASE WHEN slug ~ '[^[:space:]]' AND char_length(slug) > 255
                        THEN slug END,
                    'status', CASE WHEN said IS DISTINCT FROM status THEN said_as END,
                    'publishedAt', CASE WHEN status = 'draft' AND planned <= now()
                        THEN planned END,
                    'tags', tags_left)), '{{}}'))) AS metadata
    FROM {judged} AS judged)"""

_BATCH: Final = """($1::text IS NULL OR old.raw_key > $1::text::{type})
    AND ($2::text IS NULL OR old.raw_key <= $2::text::{type})
    AND ($3::text[] IS NULL OR old.key = ANY($3::text[]))"""


@dataclass(frozen=True, slots=True)
class OldPosts:
    """The old table's rows as posts: `sql` stands for them in a FROM.

    `beside` is how to find what may be the same post here, and `same` whether it is.
    """

    table: Table
    columns: Columns
    sql: str
    beside: str
    same: str

    @property
    def batch(self) -> str:
        """The condition for the rows of a batch."""
        return _BATCH.format(type=self.table.key.sql_type)

    def fill(self, statement: str) -> str:
        """Return a statement with the table's own parts in their places."""
        names = ", ".join(map(literal, (*self.columns.extra, "title", "sequelize")))
        return statement.format(
            old=self.sql,
            beside=self.beside,
            same=self.same,
            batch=self.batch,
            id="id, " if self.table.keeps_ids else "",
            names=f"ARRAY[{names}]::text[]",
            updated_at="coalesce(old.updated_at, posts.created_at)",
        )


def old_posts(table: Table, statuses: Mapping[str, str]) -> OldPosts:
    """Return how to read the table. Raises `MigrationError` where its types do not allow it."""
    columns = read_columns(table, statuses)
    judged = _JUDGED.format(columns=columns.sql)
    source = literal(f"sequelize:{table.name}/")
    return OldPosts(
        table,
        columns,
        f"{_OLD.format(judged=judged, source=source)} AS old",
        # An id that a post can have is kept. The moment of creation tells whose post it is, and
        # where that is not known, as with an id of another kind, the source.
        "posts.id = old.id" if table.keeps_ids else "posts.source = old.source",
        "(posts.created_at = old.created_at OR posts.source = old.source)"
        if table.keeps_ids
        else "posts.id IS NOT NULL",
    )
