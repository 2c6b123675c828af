"""Full-text search, bounded: what is ranked is the newest thousand matches, however many there are.

To rank a match its text vector must be read, so ranking every match of a common word takes seconds
on a large table. A look at the newest posts tells whether the newest matches are found sooner by
going back from there, or by the index.
"""

from __future__ import annotations

import html
import re
from typing import Final

from ..database import Database
from ..errors import InvalidQuery
from . import paging, sql, validation
from .records import Page, SearchHit, record_of

RANKED: Final = 1000
"""How many matches are ranked; older ones are not found as long as so many newer ones match."""

SAMPLED: Final = 250
"""How many of the newest posts are looked at, to tell a common word from a rare one."""

MAX_QUERY: Final = 1000

_DASHES: Final = re.compile(r"(?:-\s*){2,}")

_MARKS: Final = str.maketrans({"\2": "<mark>", "\3": "</mark>"})


async def search(
    database: Database,
    table: str,
    query: str,
    *,
    visible: bool,
    limit: int,
    after: str | None,
) -> Page[SearchHit]:
    """Return the best matches; see `PostRepository.search`."""
    validation.check_limit(limit)
    if not isinstance(query, str) or len(query) > MAX_QUERY:
        raise InvalidQuery("query", f"is not a text of at most {MAX_QUERY} characters")
    asked = paging.fingerprint("search", query, visible)
    upto: int | None = None
    start: tuple[float, int] | tuple[()] = ()
    if after is not None:
        position, id, upto = paging.decode(asked, after, numbers=3)
        start = (paging.to_rank(position), id)
    if not query.strip() or not validation.text_is_storable(query):
        return Page(())
    statement = sql.search(table, visible=visible, after=after is not None)
    # PostgreSQL counts every dash of a row of them as one more "not", and runs out of room.
    words = _DASHES.sub("-", query)
    rows = await database.read(statement, words, upto, RANKED, limit + 1, SAMPLED, *start)
    hits = [
        SearchHit(record_of(row[3:]), row[1], html.escape(row[2]).translate(_MARKS))
        for row in rows
        if row[1] is not None
    ]
    following = None
    if len(hits) > limit:
        del hits[limit:]
        last = hits[-1]
        following = paging.encode(asked, paging.from_rank(last.rank), last.post.id, rows[0][0])
    return Page(tuple(hits), following)
