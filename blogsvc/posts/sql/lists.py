"""Posts in an order, with filters, counted, and their tags."""

from __future__ import annotations

from typing import Final

from ...database import Query
from ..records import Order
from .table import FILTERS, SUMMARY, cache

# Each order: the column it follows (ties go by id), and whether the greatest comes first.
ORDERS: Final[dict[Order, tuple[str, bool]]] = {
    "newest": ("created_at", True),
    "oldest": ("created_at", False),
    "published": ("published_at", True),
    "updated": ("updated_at", True),
}

# The column that a filter is about; as (filter, greatest first), those that a cursor implies.
_BOUNDS: Final = {
    "past": "published_at",
    "dated": "published_at",
    "published_before": "published_at",
    "published_after": "published_at",
    "created_before": "created_at",
    "created_after": "created_at",
}
_IMPLIED: Final = {
    True: {"past", "published_before", "created_before"},
    False: {"published_after", "created_after"},
}

NEAR: Final = 1000
"""Posts that are looked at along an order before the index of a tag or of metadata is asked."""

FAR: Final = 10_000
"""The same, before an index of another time or of the status is asked: more posts have these."""


_PLANNED_FOR: Final = (32, 128, 512, 2048)
"""Posts of a slice that PostgreSQL plans for: the next greater one of these.

It takes a LIMIT that it does not know for a tenth of the table, and would go on making a new plan
for each slice.
"""


@cache
def count(table: str, filters: tuple[str, ...]) -> Query:
    """Count what the filters let through; the parameters are theirs."""
    conditions, _ = _conditions(filters)
    wanted = " AND ".join(conditions.values()) or "true"
    return Query(f"SELECT count(*) FROM {table} WHERE {wanted}")


def listing(
    table: str, columns: str, order: Order, filters: tuple[str, ...], most: int, *, after: bool
) -> Query:
    """Read a slice of `most` posts, or fewer; `columns` have the id, and that of the order.

    Parameters are the filters', then position and id to start after, limit.
    """
    # A statement for each limit would be too many to keep: a visitor may type it.
    room = next((number for number in _PLANNED_FOR if number >= most), most)
    return _listing(table, columns, order, filters, room, after)


@cache
def _listing(
    table: str, columns: str, order: Order, filters: tuple[str, ...], room: int, after: bool
) -> Query:
    column, descending = ORDERS[order]
    conditions, used = _conditions(filters)
    bounds = {name for name in filters if _BOUNDS.get(name) == column}
    cursor = "true"
    if after:
        sign = "<" if descending else ">"
        cursor = f"({column}, id) {sign} (${used + 1}, ${used + 2})"
        used += 2
        for name in bounds & _IMPLIED[descending]:
            # An index has one beginning. As IS TRUE this is none, and the cursor is.
            conditions[name] = f"({conditions[name]}) IS TRUE"
    way = "DESC" if descending else "ASC"
    wanted = " AND ".join([cursor, *conditions.values()])
    ordered = f"ORDER BY {column} {way}, id {way}"
    limit = f"LIMIT ${used + 1}"
    reach = _reach(column, {*filters} - bounds)
    if reach is None:
        return Query(f"""
            SELECT * FROM (
                SELECT {columns} FROM {table} WHERE {wanted} {ordered} LIMIT {room}
            ) AS slice
            {ordered} {limit}""")
    # A plan that walks along the order is right where many posts match and reads the whole table
    # where few do; one that asks the filters' indexes is right where few do. The planner cannot
    # know for a prepared statement. So walk a little way first. OFFSET 0 keeps the two apart.
    start = " AND ".join([cursor, *(conditions[name] for name in filters if name in bounds)])
    return Query(f"""
        WITH near AS MATERIALIZED (
            SELECT id FROM (SELECT * FROM {table} WHERE {start} {ordered} LIMIT {reach}) AS walked
            WHERE {wanted} {ordered} {limit}
        ), far AS MATERIALIZED (
            SELECT id FROM (SELECT id, {column} FROM {table} WHERE {wanted} OFFSET 0) AS matching
            WHERE (SELECT count(*) FROM near) < ${used + 1}
            {ordered} {limit}
        )
        SELECT {columns} FROM {table}
        WHERE id IN (SELECT id FROM near UNION ALL SELECT id FROM far)
        {ordered} {limit}""")


def _reach(column: str, filters: set[str]) -> int | None:
    """Return how many posts to look at along an order before the filters' indexes are asked.

    None says that there is no need for them: the order's own index serves, or that of the status,
    or most posts are expected to match.
    """
    if filters & {"tag", "metadata"}:
        return NEAR
    if filters & _BOUNDS.keys() - {"past", "dated"}:
        return FAR
    if filters & {"draft", "archived"} and column != "created_at":
        return FAR
    return None


@cache
def neighbours(table: str, *, visible: bool) -> Query:
    """Read the posts before and after the post $1 by the time of publishing, ties by id.

    No row says that there is no such post. Else there are up to two, whose first column says
    whether it is the newer one, or one in which that is NULL.
    """
    wanted = FILTERS["visible"] if visible else "true"
    older, newer = (
        f"""(
                SELECT {newer} AS newer, * FROM {table}
                WHERE (published_at, id) {sign} (post.at, post.post_id) AND {shown}
                ORDER BY published_at {way}, id {way} LIMIT 1
            )"""
        # As in a listing: back in time, the index has to begin at the post.
        for newer, sign, way, shown in (
            ("false", "<", "DESC", f"({wanted}) IS TRUE"),
            ("true", ">", "ASC", wanted),
        )
    )
    return Query(f"""
        SELECT newer, {SUMMARY}
        FROM (SELECT published_at AS at, id AS post_id FROM {table} WHERE id = $1) AS post
        LEFT JOIN LATERAL ({older} UNION ALL {newer}) AS neighbour ON true""")


@cache
def tags(table: str, *, visible: bool) -> Query:
    """Read each tag and how many posts have it, most used first."""
    return Query(f"""
        SELECT tag, count(*) FROM {table}, pg_catalog.unnest(tags) AS tag
        WHERE {FILTERS["visible"] if visible else "true"}
        GROUP BY tag
        ORDER BY 2 DESC, tag""")


def _conditions(filters: tuple[str, ...]) -> tuple[dict[str, str], int]:
    """Return the conditions by name, and how many parameters they use; some use none."""
    conditions: dict[str, str] = {}
    used = 0
    for name in filters:
        used += "{}" in FILTERS[name]
        conditions[name] = FILTERS[name].format(f"${used}")
    return conditions, used
