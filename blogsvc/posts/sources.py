"""What imports and exports ask and store: posts and their files, hundreds in a statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from . import sql
from .creating import array, create_where_free, time
from .repository import PostRepository


class Sought(NamedTuple):
    """A file whose post is looked for: under these sources and slugs, and by its date.

    `by_date` looks at all posts of the file's date whose slugs begin as its own. `fields` are the
    post's as they are sent, `digest` is the SHA-256 of its content.
    """

    fields: Mapping[str, Any]
    digest: str
    sources: Sequence[str]
    slugs: Sequence[str] = ()
    by_date: bool = False


class Stored(NamedTuple):
    """A post that may be the one of a file, and what of it is the same there."""

    id: int
    version: int
    slug: str
    source: str | None
    status: str
    published_at: datetime | None
    created_at: datetime
    updated_at: datetime
    former_slugs: Sequence[str]
    same_title: bool
    same_content: bool
    same_tags: bool
    same_metadata: bool


class Change(NamedTuple):
    """Fields to set of a post that is still as it was seen."""

    stored: Stored
    fields: Mapping[str, Any]


async def find_stored(posts: PostRepository, files: Sequence[Sought]) -> list[list[Stored]]:
    """Return for each file the posts that may be its own, without their content."""
    found: list[list[Stored]] = [[] for _ in files]
    rows = [
        (
            file.fields["slug"],
            time(file.fields["created_at"]) if file.by_date else None,
            file.fields["title"],
            file.digest,
            array(file.fields["tags"]),
            file.fields["metadata"],
        )
        for file in files
    ]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        by_source = _pairs(file.sources for file in files)
        by_slug = _pairs(file.slugs for file in files)
        query = sql.of_files(posts._table)
        for place, *facts in await posts._database.read(query, *columns, *by_source, *by_slug):
            found[place - 1].append(Stored(*facts))
    return found


def _pairs(wanted: Iterable[Iterable[str]]) -> tuple[list[str], list[str]]:
    """Return the places, from 1, and the values of what is wanted, one beside the other."""
    pairs = [(str(place), value) for place, values in enumerate(wanted, 1) for value in values]
    return [place for place, _ in pairs], [value for _, value in pairs]


async def taken_slugs(posts: PostRepository, slugs: Iterable[str]) -> set[str]:
    """Return those of the slugs that a post has."""
    rows = await posts._database.read(sql.taken_slugs(posts._table), list(slugs))
    return {slug for (slug,) in rows}


async def former_slugs(posts: PostRepository, ids: Iterable[int]) -> dict[int, list[str]]:
    """Return the former slugs of those of the posts that have some, the oldest first."""
    query = sql.former_slugs(posts._table)
    return dict(await posts._database.read(query, [str(id) for id in ids]))


async def store_posts(
    posts: PostRepository, new: Mapping[str, Mapping[str, Any]], changes: Sequence[Change]
) -> tuple[set[str], set[int]]:
    """Store new posts, by their slugs, and changes, in one transaction.

    Returns the slugs and the ids of those that were stored: not those whose slug is taken by now,
    and not those that somebody else changed since they were seen.
    """
    database, table = posts._database, posts._table
    changed: set[int] = set()
    async with database.transaction():
        created = await create_where_free(database, table, new)
        for stored, fields in changes:
            command = sql.update_seen(table, tuple(fields))
            seen = stored.id, stored.version, stored.source
            changed.update(id for (id,) in await database.write(command, *seen, *fields.values()))
    return set(created), changed
