"""What docs/search.md says is found is found, and what it says is not found is not."""

from __future__ import annotations

import re
from random import Random

import asyncpg
import pytest

from blogsvc import BlogService, NewPost
from blogsvc.posts import sql as statements

from ..migrations.migrating import execute, fetch
from ..support import ROOT

PAGE = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(.+?)` \| (.*?) \| (.*?) ?\|$", PAGE, re.MULTILINE)
REBUILD = re.findall(r"^```sql\n(DO .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

UNMARKED = ("emails", "dotnet", "user", "name", "ガイド")
"""What stands in a text in another way, which its snippet does not show."""


def test_the_page_has_its_tables() -> None:
    assert len(ROWS) > 35


@pytest.mark.parametrize(("text", "finding", "missing"), ROWS, ids=[row[0] for row in ROWS])
async def test_a_text_is_found_as_the_page_says(
    blog: BlogService, text: str, finding: str, missing: str
) -> None:
    await blog.posts.create_many([NewPost("In the content", text), NewPost(text, "")])
    for query in re.findall("`(.+?)`", finding):
        hits = (await blog.posts.search(query)).items
        assert len(hits) == 2, f"{query} does not find {text}"
        assert hits[0].post.title == text  # which counts more
        assert "<mark>" in hits[1].snippet or query in UNMARKED, query
    for query in re.findall("`(.+?)`", missing):
        assert not (await blog.posts.search(query)).items, f"{query} finds {text}"


@pytest.mark.parametrize("text", [row[0] for row in ROWS])
async def test_everything_that_was_found_before_is_found(
    blog: BlogService, sql: asyncpg.Connection, text: str
) -> None:
    """The vector of 0.1.0 is the beginning of ours."""
    post = await blog.posts.create(text, f"Before it, {text} and after it.")
    missing = await sql.fetch(
        """SELECT lexeme FROM posts, unnest(
            setweight(to_tsvector('english', title), 'A')
            || setweight(to_tsvector('english', content), 'B')) AS old (lexeme, places, weights)
        WHERE NOT EXISTS (
            SELECT FROM unnest(search) AS new (lexeme, places, weights)
            WHERE new.lexeme = old.lexeme AND new.places @> old.places)"""
    )
    assert missing == []
    for query in (text, f'"{text}"', f'"it {text}"'):
        old = "SELECT search @@ websearch_to_tsquery($1) FROM posts"
        if await sql.fetchval(old, query):
            assert [hit.post.id for hit in await blog.posts.search(query)] == [post.id], query


async def test_the_trigger_adds_the_words_of_every_text_that_has_some(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    """It passes by the texts that cannot have any, and by no other."""
    random = Random(1)
    pieces = [*"aB9 .-+#/@_C", "字", "é", ".NET", "e-", "C++", "\n", "\u00ad", "ＡＢ"]
    texts = ["".join(random.choices(pieces, k=random.randint(1, 8))) for _ in range(600)]
    await blog.posts.create_many(NewPost(f"T {text}", text) for text in texts)
    count, lacking = await sql.fetchrow(
        """SELECT count(*) FILTER (WHERE words <> ''), count(*) FILTER (WHERE search <>
            setweight(to_tsvector('english', title), 'A')
            || setweight(to_tsvector('english', content), 'B')
            || setweight(to_tsvector('english', posts_search_words(title::text, true)), 'A')
            || setweight(to_tsvector('english', words), 'B'))
        FROM posts, posts_search_words(content, true) AS words"""
    )
    assert count > 300
    assert lacking == 0


async def test_words_of_both_kinds_are_found_together(blog: BlogService) -> None:
    post = await blog.posts.create("T", "A modern C++ server with e-mail, 我们使用数据库 of cafés.")
    for query in (
        "c++ server", '"C++ server"', '"server with e-mail"', "email 数据库", "cafe -C#",
        'c# or "使用数据库"', "-ruby 使用", "-使用ruby c++",
    ):  # fmt: skip
        assert [hit.post.id for hit in await blog.posts.search(query)] == [post.id], query
    for query in ("server -c++", "server -使用", "server -e-mail", '"C# server"', "-使用 -ruby"):
        assert not (await blog.posts.search(query)).items, query


async def test_a_common_word_is_found_in_every_post_that_has_it(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    letters = "我你他们使用数据库程序语言编写文章的是在了和有"
    texts = [
        "".join(letters[place * step % len(letters)] for place in range(1, 60))
        for step in range(1, 30)
    ]
    await blog.posts.create_many(NewPost(f"P {place}", text) for place, text in enumerate(texts))
    for first in letters:
        for second in letters:
            word = first + second
            like = await sql.fetch("SELECT id FROM posts WHERE strpos(content, $1) > 0", word)
            found = await blog.posts.search(word, limit=50)
            assert {hit.post.id for hit in found} == {id for (id,) in like}, word


async def test_far_into_a_long_text_a_word_is_found(blog: BlogService) -> None:
    await blog.posts.create("T", "的确如此。" * 7000 + "熊猫")
    assert (await blog.posts.search("熊猫")).items


async def test_text_that_would_fill_a_vector_is_stored(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    """A vector holds 1 MB: the most that texts can come to is below."""

    random = Random(1)

    def letters(first: int, number: int) -> str:
        return "".join(chr(first + random.randrange(20_000)) for _ in range(number))

    texts = {
        "far ideographs": letters(0x20000, 100_000),
        "ideographs": letters(0x4E00, 100_000),
        "with blanks": " ".join(letters(0x20000, 50_000)),
        "words of two": " ".join(re.findall("..", letters(0x20000, 66_000))),
        "with hyphens": " ".join(f"{place:x}-x{place:x}/é" for place in range(9_000)),
        "wide": "ﷺ" * 100_000,
        "decomposed": "é-" * 33_000,
        "one word": "a.b-c+C++" * 11_000,
    }
    for title, text in texts.items():
        await blog.posts.create(title, text)
    assert await sql.fetchval("SELECT count(*) FROM posts WHERE search IS NOT NULL") == len(texts)


async def test_the_repository_and_the_table_know_the_same_scripts(sql: asyncpg.Connection) -> None:
    source = await sql.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'posts_search_words'")
    known = re.sub(r"'\s+'", "", source)
    assert f"'{statements.UNSPACED}'" in known
    assert f"'{statements.UNSPACED_MARKS}'" in known


async def test_the_vectors_are_made_again_as_the_page_says(blog_url: str) -> None:
    async with BlogService(blog_url) as blog:
        post = await blog.posts.create("Die Häuser", "Viele Bücher in der Straße.")
        await blog.posts.create_many(NewPost(f"Haus {place}", "") for place in range(50))
    name = (await fetch(blog_url, "SELECT current_database()"))[0][0]
    await execute(blog_url, f"ALTER DATABASE \"{name}\" SET blogsvc.search_language = 'german'")
    async with BlogService(blog_url) as blog:
        assert not (await blog.posts.search("Buch")).items
        for _ in range(2):
            await execute(blog_url, REBUILD[0])
            assert [hit.post for hit in await blog.posts.search("Buch")] == [post]
        assert len(await blog.posts.search("Häusern", limit=100)) == 51
