"""Storing new posts, one or very many, each under a slug that is free."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ..database import Database
from ..errors import AlreadyExists
from . import sql, validation
from .records import NewPost, PostRecord, record_of
from .slugs import slug_candidates

CHUNK: Final = 500
"""Posts that go into one statement."""

CHUNK_SIZE: Final = 8_000_000
"""Characters after which a statement is full: PostgreSQL takes messages of at most 1 GB."""

_OPTIONAL: Final[dict[str, Any]] = {
    "tags": [],
    "metadata": "{}",
    "updated_at": None,
    "former_slugs": [],
    "source": None,
}


_New = dict[str, Any]
"""The fields of a new post as they are sent."""


async def create(database: Database, table: str, post: NewPost) -> PostRecord:
    """Store a post; see `PostRepository.create`."""
    fields = validation.check_post(post)
    del fields["slug"]
    # Most posts have none of these: they cost nothing where the table's defaults serve.
    fields = {name: value for name, value in fields.items() if _OPTIONAL.get(name, ...) != value}
    command = sql.create(table, tuple(fields))
    for slug in [post.slug] if post.slug is not None else slug_candidates(post.title):
        rows = await database.write(command, slug, *fields.values())
        if rows:
            return record_of(rows[0])
    raise _taken(post.slug)


async def create_many(database: Database, table: str, posts: Iterable[NewPost]) -> list[int]:
    """Store posts in one transaction; see `PostRepository.create_many`."""
    ids: list[int] = []
    made: dict[int, list[str]] = {}
    source = validation.iterator_of("posts", posts)
    async with database.transaction():
        while chunk := _take_chunk(source, len(ids)):
            ids += await _create_chunk(database, table, chunk, len(ids), made)
    return ids


async def create_where_free(
    database: Database, table: str, posts: Mapping[str, Mapping[str, Any]]
) -> dict[str, int]:
    """Store posts under these slugs, each where no post has it; return the ids of those stored.

    Each post is its fields, as `check_post` returns them.
    """
    if not posts:
        return {}
    wanted = {slug: place for place, slug in enumerate(posts)}
    rows = await database.write(sql.create_many(table), *_columns([*posts.values()], wanted))
    return dict(rows)


def _take_chunk(source: Iterator[NewPost], first: int) -> list[_New]:
    """Take the posts of one statement, each as its fields, which are checked."""
    chunk: list[_New] = []
    size = 0
    for index, post in enumerate(source, first):
        fields = validation.check_post(post, index)
        chunk.append(fields)
        size += len(fields["content"]) + len(fields["metadata"])
        if len(chunk) == CHUNK or size >= CHUNK_SIZE:
            break
    return chunk


async def _create_chunk(
    database: Database, table: str, chunk: Sequence[_New], first: int, made: dict[int, list[str]]
) -> list[int]:
    """Store the posts of one statement.

    `made` has the posts of this call whose slugs were made from their titles: their former slugs by
    their ids.
    """
    ids: dict[int, int] = {}
    asked = {post["slug"] for post in chunk}
    sources = [
        iter([post["slug"]]) if post["slug"] is not None else slug_candidates(post["title"])
        for post in chunk
    ]
    # Slugs that were asked for come first, so that none made from a title takes them.
    waiting = sorted(range(len(chunk)), key=lambda place: chunk[place]["slug"] is None)
    while waiting:
        wanted: dict[str, int] = {}
        for place in waiting:
            slug = next((slug for slug in sources[place] if slug not in wanted), None)
            if slug is None:
                raise _taken(chunk[place]["slug"], first + place)
            wanted[slug] = place
        rows = await database.write(sql.create_many(table), *_columns(chunk, wanted))
        for slug, id in rows:
            ids[wanted[slug]] = id
            if chunk[wanted[slug]]["slug"] is None:
                made[id] = chunk[wanted[slug]]["former_slugs"]
        waiting = [place for place in waiting if place not in ids]
        for place in waiting:
            slug = chunk[place]["slug"]
            if slug is not None:
                if not await _make_way(database, table, slug, asked, made):
                    raise _taken(chunk[place]["slug"], first + place)
                sources[place] = iter([slug])
    return [ids[place] for place in range(len(chunk))]


def _taken(slug: str | None, index: int | None = None) -> AlreadyExists:
    return AlreadyExists(
        "slug",
        slug,
        index=index,
        advice="Choose another one, or leave it out and one is made from the title.",
    )


async def _make_way(
    database: Database,
    table: str,
    slug: str,
    asked: Collection[str | None],
    made: dict[int, list[str]],
) -> bool:
    """Give the post that holds a slug another one, if its own was made in this call.

    So a slug that is asked for is had, whichever of the two posts comes in an earlier statement.
    """
    found = await database.read_by_key(sql.get_by_slug(table), (slug,))
    holder = record_of(found[slug]) if slug in found else None
    if holder is None or holder.id not in made:
        return False
    # Nobody has seen the slug that it gives up, so that is none of its former ones.
    command = sql.update(table, ("slug", "former_slugs"))
    for other in slug_candidates(holder.title):
        if other not in asked:
            with contextlib.suppress(AlreadyExists):
                async with database.transaction():
                    return bool(
                        await database.write(command, holder.id, None, other, made[holder.id])
                    )
    return False


def _columns(chunk: Sequence[Mapping[str, Any]], wanted: dict[str, int]) -> list[list[Any]]:
    """Turn posts into the columns that one INSERT takes, in the order of the posts."""
    rows = [
        (
            post["title"],
            post["content"],
            slug,
            post["status"],
            time(post["published_at"]),
            time(post["created_at"]),
            array(post["tags"]),
            post["metadata"],
            time(post["updated_at"]),
            array(post["former_slugs"]),
            post["source"],
        )
        for slug, place in wanted.items()
        for post in (chunk[place],)
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def time(value: datetime | None) -> str | None:
    """Return a time as text: a column of them is sent as texts, which the driver knows."""
    return None if value is None else value.isoformat()


def array(texts: Iterable[str]) -> str:
    """Return texts as PostgreSQL writes an array: a row of a column cannot be one itself."""
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"
