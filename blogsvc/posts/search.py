"""Full-text search, bounded: what is ranked is the newest thousand matches, however many there are.

To rank a match its text vector must be read, so ranking every match of a common word takes seconds
on a large table. A first statement looks at the newest posts to tell how common the words are; a
second one finds the newest matches in the way that is shortest then, and ranks them.

The two need no common snapshot. The first one only says up to which id posts count, so that what is
created in between is left out, and suggests a way. Where that one finds fewer than a thousand, be
it that posts were deleted or that the newest ones misled, a third statement asks the search index.
"""

from __future__ import annotations

import html
import math
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

_GREATEST: Final = 2**63 - 1
"""The greatest bigint: no id is greater, and no table has more posts."""

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
    upto, start = _GREATEST, (math.inf, _GREATEST)
    if after is not None:
        position, id, upto = paging.decode(asked, after, numbers=3)
        start = (paging.to_rank(position), id)
    if not query.strip() or not validation.text_is_storable(query):
        return Page(())
    # PostgreSQL counts every dash of a row of them as one more "not", and runs out of room.
    words = _DASHES.sub("-", str.__str__(query))
    rows = await database.read(sql.sample(table, SAMPLED, visible=visible), words, upto)
    if not rows:
        return Page(())
    upto, matches, indexed = rows[0]
    for way, reach in _ways(upto, matches, indexed):
        statement = sql.search(table, way, RANKED, visible=visible)
        rows = await database.read(statement, words, upto, *start, limit + 1, *reach)
        if rows and rows[0][0] == RANKED:
            break
    hits = [
        SearchHit(record_of(row[3:]), row[1], html.escape(row[2]).translate(_MARKS)) for row in rows
    ]
    following = None
    if len(hits) > limit:
        del hits[limit:]
        last = hits[-1]
        following = paging.encode(asked, paging.from_rank(last.rank), last.post.id, upto)
    return Page(tuple(hits), following)


def _ways(upto: int, matches: int, indexed: bool) -> list[tuple[sql.Way, tuple[int, ...]]]:
    """Return the ways to try, each with how many posts it goes back at most.

    The first one should read least: where a fifth of the newest posts matches, go back post by
    post; where a hundredth does, combine the search index with the ids of that many posts; else
    take all that the search index has, which is also what remains where the first one found too
    few. The index does not know such queries as have only -words. The limits were measured at a
    million posts: see docs/performance.md.
    """
    if not indexed:
        return [("steps", (_GREATEST,))]
    if matches * 100 > SAMPLED:
        reach = 2 * RANKED * SAMPLED // matches  # twice as far as should be enough
        if reach * 2 < upto:
            return [("steps" if matches * 5 > SAMPLED else "window", (reach,)), ("index", ())]
    return [("index", ())]
