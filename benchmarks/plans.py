"""What the server reads for a page of each filter and order, at a million small posts.

    python -m benchmarks plans --posts 1000000

The table is made so that filters lie against the orders: tags that only the oldest posts have,
archived posts that are all old, drafts that have a tag which nothing published has, posts that
were published in another order than they were written. Each page is asked for by the repository,
in turn with the page of the same order without filters; then its statement is prepared as the
driver does it, run as often as it takes PostgreSQL to settle on a plan, and explained.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import asyncpg

from blogsvc import BlogService
from blogsvc.migrator import Migrator
from blogsvc.posts import paging, sql
from blogsvc.posts.records import Order
from blogsvc.posts.sql import lists

from .databases import filled

_BATCH: Final = 100_000

_MAKE: Final = """
    INSERT INTO posts (id, title, content, slug, status, published_at, created_at, updated_at,
        search, tags, metadata)
    SELECT id, 'Post number ' || id, repeat('Words of post ' || id || '. ', 12), 'post-' || id,
        status,
        CASE WHEN status <> 'draft' THEN
            created + CASE WHEN id > $3 - 200 THEN interval '30 days'
                ELSE (id * 7919 % 4320) * interval '1 minute' - interval '3 days' END
        END,
        created,
        created + CASE WHEN id % 10 = 0 THEN (id * 104729 % 100000) * interval '1 minute'
            ELSE interval '0' END,
        '',
        array_remove(ARRAY['t' || id % 50,
            CASE WHEN id % 3 = 0 THEN 'common' END,
            CASE WHEN id % 1000 = 7 THEN 'scarce' END,
            CASE WHEN id % ($3 / 20) = 11 THEN 'rare' END,
            CASE WHEN id <= $3 / 10 THEN 'old' END,
            CASE WHEN status = 'draft' THEN 'unpublished' END], NULL),
        CASE WHEN id % 2 = 0 THEN jsonb_build_object('language', 'en', 'author', 'a' || id % 200)
            ELSE '{}' END
            || CASE WHEN id % ($3 / 20) = 13 THEN '{"series": "rare"}'::jsonb ELSE '{}' END
            || CASE WHEN id <= $3 / 10 THEN '{"imported": true}'::jsonb ELSE '{}' END
    FROM generate_series($1::bigint, $2::bigint) AS id
    CROSS JOIN LATERAL (SELECT
        now() - ($3::bigint - id) * interval '1 minute' AS created,
        CASE WHEN id % 7 = 0 THEN 'draft' WHEN id < $3 / 5 AND id % 2 = 0 THEN 'archived'
            ELSE 'published' END AS status
    ) AS facts"""

Call = Callable[[], Awaitable[Any]]

WALK: Final = lists.FAR
"""Pages that may be read before the matches count: it looks at so many posts along its order, each
perhaps on a page of its own.
"""


@dataclass(frozen=True)
class Seen:
    """One listing: how long it took, and what the server did for it."""

    filters: str
    order: str
    deep: bool
    took: float
    plain: float
    matches: int
    """What its rarest filter lets through."""

    buffers: int
    nodes: str

    @property
    def ratio(self) -> float:
        return self.took / self.plain

    @property
    def bound(self) -> str:
        """Say which of the two bounds holds."""
        if self.ratio <= 2:
            return "twice"
        return "matches" if self.buffers <= WALK + 2 * self.matches else "none"


@dataclass(frozen=True)
class Plans:
    """What was seen, and what it takes to count."""

    posts: int
    pages: list[Seen]
    summaries: float
    """What `summaries` took against `page`: the median of all first pages."""

    counted: dict[str, float]
    neighbours: dict[str, tuple[float, int]]
    """Seconds and pages read, for a post in the middle and for the oldest that is visible."""


def filters(posts: int) -> dict[str, dict[str, Any]]:
    """Return what a page is narrowed down to, by a name; the table was filled just now."""
    now = datetime.now(UTC)

    def at(share: float) -> datetime:
        return now - timedelta(minutes=posts * (1 - share))

    month = {"published_after": at(0.3), "published_before": at(0.31)}
    written = {"created_after": at(0.3), "created_before": at(0.31)}
    return {
        "none": {},
        "visible": {"visible": True},
        "published": {"status": "published"},
        "drafts": {"status": "draft"},
        "archived, all old": {"status": "archived"},
        "common tag": {"tag": "common"},
        "scarce tag": {"tag": "scarce"},
        "rare tag": {"tag": "rare"},
        "no such tag": {"tag": "nobody has it"},
        "tag of old posts": {"tag": "old"},
        "common metadata": {"metadata": {"language": "en"}},
        "an author": {"metadata": {"author": "a8"}},
        "rare metadata": {"metadata": {"series": "rare"}},
        "metadata of old posts": {"metadata": {"imported": True}},
        "visible, common tag": {"visible": True, "tag": "common"},
        "visible, scarce tag": {"visible": True, "tag": "scarce"},
        "visible, tag of drafts": {"visible": True, "tag": "unpublished"},
        "published, tag of drafts": {"status": "published", "tag": "unpublished"},
        "archived, common tag": {"status": "archived", "tag": "common"},
        "common tag and metadata": {"tag": "common", "metadata": {"language": "en"}},
        "tag of old, author": {"tag": "old", "metadata": {"author": "a8"}},
        "written in a week": written,
        "written before": {"created_before": at(0.05)},
        "published in a week": month,
        "published before": {"published_before": at(0.05)},
        "visible in a week": {"visible": True, **month},
        "in a week, common tag": {**month, "tag": "common"},
        "in a week, tag of old": {**month, "tag": "old"},
    }


async def fill(url: str, posts: int) -> None:
    """Migrate an empty database and store so many small posts, without the trigger's work."""
    await Migrator(url).upgrade()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET maintenance_work_mem = '256MB'; SET synchronous_commit = off")
        indexes = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes "
            "WHERE tablename = 'posts' AND indexname <> 'posts_pkey'"
        )
        for name, _ in indexes:
            await connection.execute(f'DROP INDEX "{name}"')
        await connection.execute("ALTER TABLE posts DISABLE TRIGGER posts_keep_rules")
        for first in range(1, posts + 1, _BATCH):
            await connection.execute(_MAKE, first, min(first + _BATCH - 1, posts), posts)
        await connection.execute("ALTER TABLE posts ENABLE TRIGGER posts_keep_rules")
        for _, definition in indexes:
            await connection.execute(definition)
        await connection.execute("SELECT setval('posts_id_seq', max(id)) FROM posts")
        await connection.execute("VACUUM (ANALYZE) posts")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def look(
    server: str, posts: int, rounds: int, keep: bool, told: Callable[[str], None]
) -> Plans:
    """Fill a table and look at every page of it."""
    told(f"filling a table with {posts:,} small posts")
    async with (
        filled(server, posts, keep=keep, kind="plans", fill=fill) as url,
        BlogService(url, max_size=1, command_timeout=300) as blog,
    ):
        connection = await asyncpg.connect(url)
        try:
            return await _look(blog, connection, posts, rounds, told)
        finally:
            await connection.close()


async def _look(
    blog: BlogService,
    connection: asyncpg.Connection,
    posts: int,
    rounds: int,
    told: Callable[[str], None],
) -> Plans:
    pages: list[Seen] = []
    ratios: list[float] = []
    by_name = filters(posts)
    matches = {
        name: min([await blog.posts.count(**one) for one in _singly(each)], default=posts)
        for name, each in by_name.items()
    }
    for order in sql.ORDERS:
        middle = await _middle(connection, order, {})
        for name, each in by_name.items():
            told(f"plans: {order}, {name}")
            place = await _middle(connection, order, each)
            for deep in (False, True):
                after = _cursor(order, each, place) if deep else None
                plain_after = _cursor(order, {}, middle) if deep else None

                calls: list[Call] = [
                    partial(blog.posts.page, order=order, after=after, **each),
                    partial(blog.posts.page, order=order, after=plain_after),
                ]
                if not deep:
                    calls.append(partial(blog.posts.summaries, order=order, **each))
                took, bare, *short = await _in_turn(calls, rounds)
                if short:
                    ratios.append(short[0] / took)
                buffers, nodes = await _explain(connection, order, each, place if deep else None)
                pages.append(Seen(name, order, deep, took, bare, matches[name], buffers, nodes))
    counting: dict[str, Call] = {
        "`count()`": blog.posts.count,
        "`count(visible=True)`": partial(blog.posts.count, visible=True),
        '`count(tag="scarce")`': partial(blog.posts.count, tag="scarce"),
        '`count(tag="common")`': partial(blog.posts.count, tag="common"),
        '`count(metadata={"author": "a8"})`': partial(blog.posts.count, metadata={"author": "a8"}),
        "`tags()`": blog.posts.tags,
        "`tags(visible=True)`": partial(blog.posts.tags, visible=True),
    }
    counted = {}
    for what, count in counting.items():
        told(f"plans: {what}")
        (counted[what],) = await _in_turn([count], 3)
    (oldest,) = await blog.posts.page(visible=True, order="oldest", limit=1)
    neighbours = {}
    for what, id in {"in the middle": posts // 2 + 1, "the oldest visible": oldest.id}.items():
        (took,) = await _in_turn([partial(blog.posts.neighbours, id)], rounds)
        buffers, _ = await _explained(connection, sql.neighbours("posts", visible=True), [id])
        neighbours[what] = (took, buffers)
    return Plans(posts, pages, statistics.median(ratios), counted, neighbours)


def _singly(each: dict[str, Any]) -> list[dict[str, Any]]:
    """Return filters one by one, but the two ends of a time together."""
    times = {key: value for key, value in each.items() if isinstance(value, datetime)}
    return [{key: each[key]} for key in each.keys() - times.keys()] + [times] * bool(times)


async def _middle(
    connection: asyncpg.Connection, order: Order, filters: Any
) -> tuple[datetime, int]:
    """Return the place of the post half way through a listing, or of any where nothing matches."""
    conditions = paging.conditions_of(filters, order)
    names, values = paging.names_of(conditions), paging.values_of(conditions)
    number = await connection.fetchval(sql.count("posts", names), *values)
    if not number:
        return await _middle(connection, order, {})
    half, (column, _) = max(1, number // 2), sql.ORDERS[order]
    statement = sql.listing("posts", f"{column}, id", order, names, half, after=False)
    at, id = (await connection.fetch(statement, *values, half))[-1]
    return at, id


def _cursor(order: Order, filters: Any, place: tuple[datetime, int]) -> str:
    conditions = paging.conditions_of(filters, order)
    query = paging.fingerprint(order, sorted(conditions.items()))
    return paging.encode(query, paging.from_time(place[0]), place[1])


async def _in_turn(calls: list[Call], rounds: int) -> list[float]:
    """Return the least of the seconds that each call takes, once its plan is settled."""
    taken: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 6):
        for each, call in zip(taken, calls, strict=True):
            started = time.perf_counter()
            await call()
            if number >= 6:
                each.append(time.perf_counter() - started)
    return [min(each) for each in taken]


async def _explain(
    connection: asyncpg.Connection, order: Order, filters: Any, place: tuple[datetime, int] | None
) -> tuple[int, str]:
    conditions = paging.conditions_of(filters, order)
    statement = sql.listing(
        "posts", sql.COLUMNS, order, paging.names_of(conditions), 21, after=place is not None
    )
    return await _explained(
        connection, statement, [*paging.values_of(conditions), *(place or ()), 21]
    )


async def _explained(
    connection: asyncpg.Connection, statement: str, values: list[Any]
) -> tuple[int, str]:
    """Return the pages that a statement reads, and the nodes of its plan that were at work."""
    await connection.execute(f"PREPARE looked_at AS {statement}")
    written = ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)
    run = f"EXECUTE looked_at({written})"
    for _ in range(6):
        await connection.execute(run)
    said = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {run}")
    await connection.execute("DEALLOCATE looked_at")
    plan = json.loads(said)[0]["Plan"]
    buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return buffers, ", ".join(dict.fromkeys(_nodes(plan)))


def _nodes(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Actual Loops"]:
        name = plan["Node Type"]
        if plan.get("Index Name"):
            yield f"{name} {plan['Index Name'].removeprefix('posts_').removesuffix('_idx')}"
        elif name in ("Sort", "Incremental Sort", "Seq Scan"):
            yield name
        for inner in plan.get("Plans", []):
            yield from _nodes(inner)
