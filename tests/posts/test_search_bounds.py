"""No query is a lever: the worst costs a small multiple of a common one."""

from __future__ import annotations

import asyncio
import re
import time

import asyncpg
import pytest

from blogsvc import BlogService, NewPost
from blogsvc.errors import InvalidQuery, OperationTimeout
from blogsvc.posts import search
from blogsvc.posts.snippets import Snippets

from ..support import calls_of

WORDS = [f"word{number}" for number in range(100)]

AT_MOST = 12
"""How many times as long as for one word. It was up to 3.7, and before these bounds up to 45."""


@pytest.fixture
async def long_posts(blog: BlogService) -> None:
    """Twenty posts of 96 KB each, with the same hundred words and a few more."""
    await blog.posts.create_many(
        NewPost(
            f"Long {number}",
            " ".join(WORDS[(place * 7 + number) % 100] for place in range(10_000))
            + " xx yy" * 2000
            + " Node.js" * 500
            + " 数据库使用" * 500,
        )
        for number in range(20)
    )


@pytest.mark.usefixtures("long_posts")
@pytest.mark.parametrize(
    "query",
    [
        '"xx yy"',
        "xx yy",
        '"yy xx" xx',
        " ".join(WORDS[:64]),
        " or ".join(WORDS[:32]),
        '"' + " ".join(WORDS[place * 7 % 100] for place in range(60)) + '"',
        " ".join(WORDS[:4]),
        "-word1",
        "Node.js",
        "数据库使用",
        "数",
    ],
    ids=lambda query: query[:20],
)
async def test_the_worst_queries_cost_a_small_multiple_of_one_word(
    blog: BlogService, query: str
) -> None:
    async def taken(query: str) -> float:
        started = time.process_time(), time.perf_counter()
        await blog.posts.search(query)
        return time.perf_counter() - started[1]

    assert (await blog.posts.search("word5")).items
    common, worst = [], []
    for _ in range(4):  # in turn, so that a busy moment hurts both
        common.append(await taken("word5"))
        worst.append(await taken(query))
    assert min(worst) < AT_MOST * min(common)


async def test_a_snippet_is_cut_where_the_word_is_also_at_the_end_of_a_long_post(
    blog: BlogService,
) -> None:
    filler = "Nothing to see here. " * 4500
    await blog.posts.create("T", f"{filler} A seal and a Walrus on 冰上的海象. {filler}")
    for query in ("walrus", "walruses seal", '"a walrus"', "海象", "nothing walrus"):
        (hit,) = await blog.posts.search(query)
        assert "<mark>" in hit.snippet, query
        assert "on 冰上的" in hit.snippet, query
        assert len(hit.snippet) < 500


async def test_a_snippet_is_cut_from_a_piece_of_bounded_length(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blog.posts.create("T", "walrus " * 14_000)
    cut = Snippets.of
    pieces: list[str] = []

    def seen(self: Snippets, piece: str) -> str:
        pieces.append(piece)
        return cut(self, piece)

    monkeypatch.setattr(Snippets, "of", seen)
    (hit,) = await blog.posts.search("walrus")
    assert [len(piece.translate({2: None, 3: None})) for piece in pieces] == [4000]
    assert len(hit.snippet) < 1000


@pytest.mark.parametrize("query", [" ".join(WORDS[:64]), "é" * 999, "a-" * 499, "C++ " * 60])
def test_the_words_of_a_query_are_cheap_to_look_for(query: str) -> None:
    re.purge()
    # It was 700 for each letter, which stopped the event loop for 0.8 s.
    assert calls_of(lambda: Snippets(query).of("no match here")) < 250 * len(query)


async def test_other_tasks_have_their_turn_while_many_snippets_are_cut(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blog.posts.create_many(NewPost("Walrus", "") for _ in range(100))
    cut: list[str] = []

    def note(self: Snippets, piece: str) -> str:
        cut.append(piece)
        return ""

    monkeypatch.setattr(Snippets, "of", note)
    seen: set[int] = set()

    async def look() -> None:
        while True:
            seen.add(len(cut))
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    assert len(await blog.posts.search("walrus", limit=100)) == 100
    looking.cancel()
    assert seen >= {10, 50, 90}


@pytest.mark.parametrize("word", ["word ", "a-", "字", "ก", "word or "])
async def test_a_query_of_too_many_words_is_refused(blog: BlogService, word: str) -> None:
    with pytest.raises(InvalidQuery, match="words; at most 64 are looked for"):
        await blog.posts.search(word * (search.MAX_WORDS + 1))
    assert not (await blog.posts.search(word * (search.MAX_WORDS // 2))).items


async def test_a_search_has_a_time_of_its_own(
    database: str, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "TIMEOUT", 0.2)
    async with BlogService(database, max_size=1) as blog:
        await blog.posts.create("Walrus", "")
        await sql.execute("BEGIN; LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(OperationTimeout, match="The search took more than"):
            await blog.posts.search("walrus")
        await sql.execute("COMMIT")
        monkeypatch.undo()
        assert (await blog.posts.search("walrus")).items
        assert (
            await sql.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%ts_rank%' "
                "AND state = 'active'"
                " AND pid <> pg_backend_pid()"
            )
            == 0
        )


async def test_what_has_only_unwanted_words_is_looked_for_in_the_newest_posts(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "UNWANTED", 5)
    ids = await blog.posts.create_many(
        NewPost(f"Post {place}", "walrus " * (place % 2)) for place in range(20)
    )
    found = await blog.posts.search("-walrus")
    assert {hit.post.id for hit in found} == {ids[-4], ids[-2]}
