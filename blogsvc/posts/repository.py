"""`PostRepository`: everything one can do with posts."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import datetime
from operator import index
from typing import Any, Final, Literal, Unpack

from ..database import Database
from ..errors import (
    AlreadyExists,
    DatabaseError,
    NotInTransaction,
    PostInUse,
    PostNotFound,
    VersionConflict,
)
from . import creating, listing, search, sql, validation
from .paging import Filters
from .records import (
    ARCHIVED,
    DRAFT,
    PUBLISHED,
    UNSET,
    NewPost,
    Order,
    Page,
    PostRecord,
    PostSummary,
    SearchHit,
    Status,
    Unset,
    record_of,
)

_ATTEMPTS: Final = 3
"""Times that a change is tried which changes nothing, though it should: somebody else may have set
the same just before, and something else just after.
"""


class PostRepository:
    """The posts of one blog, reached as `blog.posts`.

    Each call is one statement on the database (a search is two, seldom more), in the transaction
    of the calling task if it opened one. Outside of one, reads that have to wait for others share a
    statement, and each still sees all that was committed before it was called. Every failure is a
    `BlogError`.
    """

    def __init__(self, database: Database, schema: str | None = None) -> None:
        self._database = database
        self._table = sql.table_of(schema)

    async def create(
        self,
        title: str,
        content: str,
        *,
        status: Status = DRAFT,
        slug: str | None = None,
        published_at: datetime | None = None,
        created_at: datetime | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> PostRecord:
        """Store a new post and return it.

        Without a slug one is made from the title, and another one if that is taken. A post created
        as published without `published_at` is published now. `metadata` is any JSON object. Raises
        `InvalidPost`, and `AlreadyExists` when the slug that was asked for is taken.
        """
        post = NewPost(title, content, status, slug, published_at, created_at, tags, metadata)
        return await creating.create(self._database, self._table, post)

    async def create_many(self, posts: Iterable[NewPost]) -> list[int]:
        """Store new posts and return their ids in the order given: all of them, or none.

        The posts are taken from the iterable as they are sent, so a generator may be as long as it
        likes. Raises `InvalidPost` with the `index` of the offending post, or `AlreadyExists`.
        """
        return await creating.create_many(self._database, self._table, posts)

    async def get(self, id: int, *, lock: bool = False) -> PostRecord:
        """Return a post. Raises `PostNotFound`.

        With `lock`, nobody else changes it until this task's transaction ends; outside of
        `blog.transaction()` that raises `NotInTransaction`.
        """
        if lock and not self._database.in_transaction:
            raise NotInTransaction
        post = await (self._locked(id) if lock else self.get_or_none(id))
        if post is None:
            raise PostNotFound(id=id)
        return post

    async def get_or_none(self, id: int) -> PostRecord | None:
        """Return a post, or None where there is none."""
        if not validation.id_is_possible(id):
            return None
        id = index(id)
        found = await self._database.read_by_key(sql.get(self._table), (id,))
        return record_of(found[id]) if id in found else None

    async def get_by_slug(self, slug: str) -> PostRecord:
        """Return the post with this slug, or else the newest that had it before.

        Of such a former slug, the record has the present one: a web application redirects there.
        Raises `PostNotFound`.
        """
        post = await self.get_by_slug_or_none(slug)
        if post is None:
            raise PostNotFound(slug=slug)
        return post

    async def get_by_slug_or_none(self, slug: str) -> PostRecord | None:
        """Return the post that `get_by_slug` finds, or None where there is none."""
        if not validation.slug_is_possible(slug):
            return None
        slug = str.__str__(slug)  # a key, whatever a subclass takes for equal
        found = await self._database.read_by_key(sql.get_by_slug(self._table), (slug,))
        return record_of(found[slug]) if slug in found else None

    async def get_many(self, ids: Iterable[int]) -> dict[int, PostRecord]:
        """Return the posts with these ids, by id; those that do not exist are left out."""
        given = validation.iterator_of("ids", ids)
        keys = {index(id): None for id in given if validation.id_is_possible(id, "ids")}
        found = await self._database.read_by_key(sql.get(self._table), [*keys])
        return {id: record_of(found[id]) for id in keys if id in found}

    async def exists(self, id: int) -> bool:
        """Whether there is a post with this id."""
        if not validation.id_is_possible(id):
            return False
        id = index(id)
        return id in await self._database.read_by_key(sql.exists(self._table), (id,))

    async def count(self, **filters: Unpack[Filters]) -> int:
        """Return how many posts the filters of `page` let through. Reads all of them."""
        return await listing.count(self._database, self._table, filters)

    async def tags(self, *, visible: bool = False) -> dict[str, int]:
        """Return every tag and how many posts have it, most used first. Reads all that have any.

        `visible` counts the posts that are published by now.
        """
        rows = await self._database.read(sql.tags(self._table, visible=bool(visible)))
        return dict(rows)

    async def page(
        self,
        *,
        order: Order = "newest",
        limit: int = 20,
        after: str | None = None,
        with_total: bool = False,
        **filters: Unpack[Filters],
    ) -> Page[PostRecord]:
        """Return a slice of the posts, and the cursor of the slice that follows.

        `newest` and `oldest` go by `created_at`, `updated` by the last change first, `published`
        by `published_at`, latest first, and leaves out posts without one. Posts of equal time go by
        id. `visible` keeps the posts that are published by now, `tag` those with it, `metadata`
        those that contain all of it; the times are exclusive.
        `limit` goes from 1 to 1000. `with_total` counts all matching posts, in a second statement.

        Pages are stable: what is inserted or deleted between two calls makes no other post appear
        twice or get lost. Raises `InvalidCursor` and `InvalidQuery`.
        """
        return await listing.page(
            self._database,
            self._table,
            listing.RECORDS,
            filters,
            order=order,
            limit=limit,
            after=after,
            with_total=with_total,
        )

    async def summaries(
        self,
        *,
        order: Order = "newest",
        limit: int = 20,
        after: str | None = None,
        with_total: bool = False,
        **filters: Unpack[Filters],
    ) -> Page[PostSummary]:
        """Return a slice of the posts without their contents, each with an excerpt.

        It is `page` for lists of titles: of each content the first 1,000 characters are read, and
        not the rest. A cursor of one leads on in the other.
        """
        return await listing.page(
            self._database,
            self._table,
            listing.SUMMARIES,
            filters,
            order=order,
            limit=limit,
            after=after,
            with_total=with_total,
        )

    async def neighbours(
        self, id: int, *, visible: bool = True
    ) -> tuple[PostSummary | None, PostSummary | None]:
        """Return the posts before and after a post by the time of publishing: (older, newer).

        Posts of equal time go by id. With `visible` they are published by now, whatever the post
        itself is; without it, they are all that have a time of publishing. (None, None) for a post
        that has none. Raises `PostNotFound`.
        """
        return await listing.neighbours(self._database, self._table, id, visible=bool(visible))

    def stream(
        self,
        *,
        order: Order = "oldest",
        batch: int = 500,
        **filters: Unpack[Filters],
    ) -> AsyncIterator[PostRecord]:
        """Yield all posts that the filters let through, `batch` of them in memory at a time.

        Nothing is held open between two batches: no connection, no transaction. Stop whenever you
        like.
        """
        return listing.stream(self._database, self._table, filters, order=order, batch=batch)

    async def update(
        self,
        id: int,
        *,
        title: str | Unset = UNSET,
        content: str | Unset = UNSET,
        slug: str | Unset = UNSET,
        status: Status | Unset = UNSET,
        published_at: datetime | Unset | None = UNSET,
        tags: Iterable[str] | Unset = UNSET,
        metadata: Mapping[str, Any] | Unset | None = UNSET,
        expected_version: int | None = None,
    ) -> PostRecord:
        """Change the fields that are given, in one statement, and return the post.

        `version` goes up by one. Where nothing would change, nothing is written and the version
        stays. `tags` and `metadata` are set as a whole. A slug that the post gives up still leads
        to it. Raises `PostNotFound`, `InvalidPost`, `AlreadyExists` for a slug that is taken,
        `VersionConflict` when the post is not at `expected_version`, and `DatabaseError` when a
        trigger or a policy of yours keeps the post as it is, as all that changes posts does.
        """
        changes = validation.check_fields(
            title=title,
            content=content,
            slug=slug,
            status=status,
            published_at=published_at,
            tags=tags,
            metadata=metadata,
        )
        return await self._change(id, changes, expected_version)

    async def upsert(
        self,
        slug: str,
        *,
        title: str,
        content: str,
        status: Status | Unset = UNSET,
        published_at: datetime | Unset | None = UNSET,
        tags: Iterable[str] | Unset = UNSET,
        metadata: Mapping[str, Any] | Unset | None = UNSET,
    ) -> tuple[PostRecord, bool]:
        """Store a post under a slug, or bring the one that is there up to date.

        Returns it, and whether it was created. What is left out stays as it is; a new post is a
        draft. Where nothing would change, nothing is written. Raises `InvalidPost`.
        """
        validation.check_line("slug", slug)
        fields = validation.check_fields(
            title=title,
            content=content,
            status=status,
            published_at=published_at,
            tags=tags,
            metadata=metadata,
        )
        command = sql.upsert(self._table, tuple(fields))
        for _ in range(_ATTEMPTS):
            rows = await self._database.write(command, slug, *fields.values())
            if rows:
                post = record_of(rows[0])
                return post, post.version == 1
            found, is_equal = await self._compared("slug", slug, fields)
            if found is not None and is_equal:
                return found, False
        raise _held_back(slug, "stored")

    async def search(
        self,
        query: str,
        *,
        visible: bool = False,
        tag: str | None = None,
        limit: int = 20,
        after: str | None = None,
    ) -> Page[SearchHit]:
        """Return the posts that match, best first, each with its rank and a snippet.

        The query is written as for a web search: words, `"an exact phrase"`, `-without`, `or`.
        Words in the title count more than in the text, and forms of a word count as the word. If
        no word of the query can be searched for, nothing is found. With `tag`, only posts that
        have it are found. The newest 1000 matches are ranked. A query has at most 64 words, and
        five seconds. Raises `InvalidQuery`, `InvalidCursor` and `OperationTimeout`.
        """
        return await search.search(
            self._database,
            self._table,
            query,
            visible=visible,
            tag=tag,
            limit=limit,
            after=after,
        )

    async def publish(self, id: int, *, at: datetime | None = None) -> PostRecord:
        """Publish a post and return it.

        It is published `at` a time, which may lie ahead; without one, at the time that it has, from
        before or as a plan; and where it has none, now. Raises `PostNotFound`.
        """
        return await self._change(id, validation.check_fields(status=PUBLISHED, published_at=at))

    async def unpublish(self, id: int) -> PostRecord:
        """Make a post a draft again and return it.

        A time of publishing that has passed is cleared, one that lies ahead stays as the plan. A
        post that is a draft already stays as it is. Raises `PostNotFound`.
        """
        return await self._change(id, {"status": DRAFT})

    async def archive(self, id: int) -> PostRecord:
        """Take a post out of sight and return it.

        Its time of publishing stays. Raises `PostNotFound`.
        """
        return await self._change(id, {"status": ARCHIVED})

    async def delete(
        self, id: int, *, missing_ok: bool = False, expected_version: int | None = None
    ) -> None:
        """Delete a post.

        Raises `PostNotFound` unless `missing_ok`, `VersionConflict` when the post is not at
        `expected_version`, `PostInUse` when a foreign key of yours holds it, and `DatabaseError`
        when a trigger or a policy of yours does. Then it is not deleted.
        """
        if validation.id_is_possible(id) and validation.version_is_possible(expected_version):
            with _named(id):
                rows = await self._database.write(sql.delete(self._table), id, expected_version)
            if rows:
                return
        post = await self.get_or_none(id)
        if post is not None:
            _at_version(post, expected_version)
            raise _held_back(id, "deleted")
        if not missing_ok:
            raise PostNotFound(id=id)

    async def _locked(self, id: int) -> PostRecord | None:
        if not validation.id_is_possible(id):
            return None
        rows = await self._database.read(sql.get_locked(self._table), id)
        return record_of(rows[0]) if rows else None

    async def _change(
        self, id: int, changes: dict[str, object], expected_version: int | None = None
    ) -> PostRecord:
        possible = validation.id_is_possible(id) and validation.version_is_possible(
            expected_version
        )
        if not (changes and possible):
            return _at_version(await self.get(id), expected_version)
        command = sql.update(self._table, tuple(changes))
        for _ in range(_ATTEMPTS):
            with _named(id, changes.get("slug")):
                rows = await self._database.write(command, id, expected_version, *changes.values())
            if rows:
                return record_of(rows[0])
            found, is_equal = await self._compared("id", id, changes)
            if found is None:
                raise PostNotFound(id=id)
            post = _at_version(found, expected_version)
            if is_equal:
                return post
        raise _held_back(id, "changed")

    async def _compared(
        self, key: Literal["id", "slug"], value: int | str, fields: Mapping[str, object]
    ) -> tuple[PostRecord | None, bool]:
        """Return the post with this key, if there is one, and whether it has these fields."""
        query = sql.compare(self._table, key, tuple(fields))
        rows = await self._database.read(query, value, *fields.values())
        if not rows:
            return None, False
        *row, is_equal = rows[0]
        return record_of(row), is_equal


def _at_version(post: PostRecord, expected: int | None) -> PostRecord:
    if expected is not None and post.version != expected:
        raise VersionConflict(post.id, expected, post.version)
    return post


def _held_back(post: int | str, done: str) -> DatabaseError:
    return DatabaseError(
        f"Post {post!r} was not {done}, and PostgreSQL gave no reason: a trigger of yours, or a "
        "policy for rows, keeps it as it is. `blogsvc check` names them."
    )


@contextlib.contextmanager
def _named(id: int, slug: object = None) -> Iterator[None]:
    """Tell in an error of the database which post and which slug it is about."""
    try:
        yield
    except PostInUse as error:
        raise PostInUse(id, table=error.table, constraint=error.constraint) from error.__cause__
    except AlreadyExists as error:
        if error.field != "slug":
            raise
        raise AlreadyExists("slug", slug) from error.__cause__
