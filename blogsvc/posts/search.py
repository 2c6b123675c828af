"""Full-text search, bounded: what is ranked is the newest thousand matches, however many there are.

To rank a match its text vector must be read, so ranking every match of a common word takes seconds
on a large table. A first statement looks at the newest posts to tell how common the words are; a
second one finds the newest matches in the way that is shortest then, and ranks them. (Where many
millions of posts make a wrong way a long one, the first one may look once more, at more of them.)

The two need no common snapshot. The first one only says up to which id posts count, so that what is
created in between is left out, and suggests a way. Where that one finds fewer than a thousand, be
it that posts were deleted or that the newest ones misled, a third statement asks the search index,
for a part of the posts at a time if it has very many matches.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from ..database import Database
from ..errors import InvalidQuery, OperationTimeout
from . import paging, sql, validation
from .records import Page, SearchHit, record_of
from .snippets import Snippets

RANKED: Final = 1000
"""How many matches are ranked; older ones are not found as long as so many newer ones match."""

SAMPLED: Final = 250
"""How many of the newest posts are looked at, to tell a common word from a rare one."""

SAMPLED_AGAIN: Final = 2000
"""How many are looked at where the first ones leave in doubt which way is the shorter one."""

LONG: Final = 100_000
"""Entries of the search index that take so long to read that a second look is worth it."""

UNWANTED: Final = 10_000
"""How many of the newest posts are looked at for a query of -words only, which no index knows."""

ENTRIES_A_POST: Final = 18
"""How many entries of the search index are read in the time that looking at a post takes."""

MANY: Final = 20_000
"""As many matches of words that seemed rare are too many to visit all of them."""

MAX_QUERY: Final = 1000

MAX_WORDS: Final = 64
"""Words of a query; of scripts without blanks between words, each letter counts as one."""

TIMEOUT: Final = 5.0
"""Seconds that a search has, where the service gives its statements more."""

IN_A_ROW: Final = 10
"""Snippets that are cut before other tasks of the event loop have their turn."""

_GREATEST: Final = 2**63 - 1
"""The greatest bigint: no id is greater, and no table has more posts."""

_DASHES: Final = re.compile(r"(?:-\s*){2,}")

_WORD: Final = re.compile(rf"[{sql.UNSPACED}]|[^\W{sql.UNSPACED}]+")


async def search(
    database: Database,
    table: str,
    query: str,
    *,
    visible: bool,
    tag: str | None,
    limit: int,
    after: str | None,
) -> Page[SearchHit]:
    """Return the best matches; see `PostRepository.search`."""
    validation.check_limit(limit)
    _check(query)
    tags = () if tag is None else (validation.check_filter("tag", tag),)
    asked = paging.fingerprint("search", query, visible, *tags)
    upto, start = _GREATEST, (math.inf, _GREATEST)
    if after is not None:
        position, id, upto = paging.decode(asked, after, numbers=3)
        start = (paging.to_rank(position), id)
    if not query.strip() or not validation.text_is_storable(query):
        return Page(())
    # PostgreSQL counts every dash of a row of them as one more "not", and runs out of room.
    words = _DASHES.sub("-", str.__str__(query))
    try:
        async with asyncio.timeout(TIMEOUT):
            rows, upto = await _found(
                database, table, words, bool(visible), tags, upto, start, limit
            )
    except TimeoutError:
        raise OperationTimeout(
            f"The search took more than {TIMEOUT:g} s: the words are too common, or the database "
            "is busy. Ask for rarer words, or for fewer of them, or try again later."
        ) from None
    snippets = Snippets(words)
    hits = []
    for row in rows[:limit]:
        hits.append(SearchHit(record_of(row[3:]), row[1], snippets.of(row[2])))
        if len(hits) % IN_A_ROW == 0:
            await asyncio.sleep(0)  # other tasks have their turn
    following = None
    if len(rows) > limit:
        last = hits[-1]
        following = paging.encode(asked, paging.from_rank(last.rank), last.post.id, upto)
    return Page(tuple(hits), following)


def _check(query: str) -> None:
    if not isinstance(query, str) or len(query) > MAX_QUERY:
        raise InvalidQuery("query", f"is not a text of at most {MAX_QUERY} characters")
    words = len(_WORD.findall(query))
    if words > MAX_WORDS:
        raise InvalidQuery("query", f"has {words} words; at most {MAX_WORDS} are looked for")


async def _found(
    database: Database,
    table: str,
    words: str,
    visible: bool,
    tags: tuple[str, ...],
    upto: int,
    start: tuple[float, int],
    limit: int,
) -> tuple[list[Any], int]:
    """Return a row more than `limit`, if there are so many, and up to which id posts count."""
    sample = sql.sample(table, SAMPLED, visible=visible, tagged=bool(tags))
    rows = await database.read(sample, words, upto, *tags, costly=True)
    if not rows:
        return [], upto
    upto, matches, indexed = rows[0]
    share = matches / SAMPLED
    if indexed and _is_in_doubt(upto, matches):
        sample = sql.sample(table, SAMPLED_AGAIN, visible=visible, tagged=bool(tags))
        rows = await database.read(sample, words, upto, *tags, costly=True)
        share = rows[0][1] / SAMPLED_AGAIN if rows else share

    async def ranked(way: sql.Way, reach: tuple[int, ...]) -> bool:
        nonlocal rows
        statement = sql.search(table, way, RANKED, visible=visible, tagged=bool(tags))
        asked = (words, upto, *start, limit + 1, *reach, *tags)
        rows = await database.read(statement, *asked, costly=True)
        return bool(rows) and rows[0][0] == RANKED

    way, reach = _first_way(upto, share, indexed)
    if way != "index" and (await ranked(way, reach) or not indexed):
        return rows, upto
    if upto > MANY:
        probe = sql.matches(table, MANY, tagged=bool(tags))
        if (await database.read(probe, words, *tags, costly=True))[0][0] == MANY:
            for back in _further(upto):
                if await ranked("window", (back,)):
                    return rows, upto
    await ranked("index", ())
    return rows, upto


def _is_in_doubt(upto: int, matches: int) -> bool:
    """Whether so many matches may have come by chance where the other way is the shorter one."""
    share = matches / SAMPLED
    entries = upto * share
    if entries <= LONG:
        return False
    # The ratio goes with the square of the share, and that is known to a root of the matches.
    ratio = RANKED / share * ENTRIES_A_POST / entries
    return abs(math.log(ratio)) < 4 / math.sqrt(matches)


def _first_way(upto: int, share: float, indexed: bool) -> tuple[sql.Way, tuple[int, ...]]:
    """Return the way that should read least, with how many posts it goes back at most.

    `share` is how many of the newest posts match, of one.

    Going back post by post reads as many more posts as the words are rarer; combining the search
    index with the ids of that many posts reads every entry that the index has for the words, which
    are more the larger the table. Where hardly one of a hundred posts matches, take all that the
    search index has. The index does not know such queries as have only -words, so those have a
    bound of their own. What is measured of that stands in docs/search.md.
    """
    if not indexed:
        return "steps", (UNWANTED,)
    if share > 0.01:
        looked_at = int(RANKED / share)
        entries = upto * share
        reach = 2 * looked_at  # twice as far as should be enough
        if reach * 2 < upto:
            return "steps" if looked_at * ENTRIES_A_POST < entries else "window", (reach,)
    return "index", ()


def _further(upto: int) -> Iterator[int]:
    """Yield how far back to look for words that the newest posts lack, and many others have.

    Each time four times as far: all that match there are visited.
    """
    back = MANY
    while back * 2 < upto:
        yield back
        back *= 4
