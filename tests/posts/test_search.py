"""Full-text search: what is found, in which order, and what comes back."""

from __future__ import annotations

import re
from pathlib import Path

import asyncpg
import pytest

from blogsvc import BlogService, NewPost, PostRecord, SearchHit
from blogsvc.database import Query
from blogsvc.errors import InvalidCursor, InvalidQuery
from blogsvc.markdown.importing import import_posts
from blogsvc.posts import search
from blogsvc.posts import sql as statements

SAMPLES = Path(__file__).parents[2] / "samples"


async def found(blog: BlogService, query: str, *, visible: bool = False) -> list[str]:
    return [hit.post.title for hit in await blog.posts.search(query, visible=visible)]


async def test_words_are_found_in_every_form_and_the_title_counts_more(blog: BlogService) -> None:
    await blog.posts.create("Gardens", "Nobody migrates here.")
    await blog.posts.create("Migrations", "A title says it.")
    await blog.posts.create("Other", "Nothing of the kind.")
    assert await found(blog, "migration") == ["Migrations", "Gardens"]


async def test_the_syntax_of_a_web_search_is_understood(blog: BlogService) -> None:
    await blog.posts.create("Red", "a quick red fox")
    await blog.posts.create("Brown", "a quick brown fox")
    await blog.posts.create("Turned", "a fox, brown and quick")
    assert await found(blog, '"quick brown fox"') == ["Brown"]
    assert await found(blog, "fox -red -turned") == ["Brown"]
    assert set(await found(blog, "red or turned")) == {"Red", "Turned"}


async def test_a_post_written_with_sql_is_found(blog: BlogService, sql: asyncpg.Connection) -> None:
    await sql.execute("INSERT INTO posts (title, content) VALUES ('Raw', 'a walrus')")
    assert await found(blog, "walrus") == ["Raw"]
    await sql.execute("UPDATE posts SET content = 'a seal'")
    assert await found(blog, "walrus") == []
    assert await found(blog, "seal") == ["Raw"]


async def test_only_visible_posts_are_found_when_asked_for(blog: BlogService) -> None:
    await blog.posts.create("Draft", "walrus")
    await blog.posts.create("Shown", "walrus", status="published")
    assert await found(blog, "walrus", visible=True) == ["Shown"]
    assert set(await found(blog, "walrus")) == {"Shown", "Draft"}


async def test_a_snippet_is_safe_html_with_the_matches_marked(blog: BlogService) -> None:
    await blog.posts.create("T", "<script>alert('walrus')</script> & \x02walrus\x03 <b>tusks")
    (hit,) = await blog.posts.search("walrus")
    assert "<mark>walrus</mark>" in hit.snippet
    assert "<script" not in hit.snippet
    assert hit.snippet.replace("<mark>", "").replace("</mark>", "").count("<") == 0
    assert hit.snippet.count("<mark>") == hit.snippet.count("</mark>")
    assert isinstance(hit.post, PostRecord)
    assert hit.rank > 0


@pytest.mark.parametrize(
    "query",
    ["", "  ", "the", "'; DROP TABLE posts; --", "a & | ! <-> :*", "\\", '"', "-", "a\0b", "\ud800",
     "$1", "%",
     "-" * 900 + "a", "- " * 400 + "a", "or or or", "((((", "walrus:A", "\u202e", "-walrus " * 50],
)  # fmt: skip
async def test_a_hostile_or_empty_query_finds_nothing_and_breaks_nothing(
    blog: BlogService, query: str
) -> None:
    await blog.posts.create("Zebra", "stripes")
    found = await blog.posts.search(query)
    assert {hit.post.title for hit in found} <= {"Zebra"}
    assert await blog.posts.count() == 1


@pytest.mark.parametrize("query", ["x" * 1001, None, b"walrus"])
async def test_a_query_that_is_no_short_text_is_refused(blog: BlogService, query: str) -> None:
    with pytest.raises(InvalidQuery):
        await blog.posts.search(query)


@pytest.mark.parametrize("limit", [1, 3, 7])
async def test_pages_of_hits_hold_every_hit_once_best_first(blog: BlogService, limit: int) -> None:
    await blog.posts.create_many(
        NewPost(f"Post {place}", "walrus " * (place % 4) + "other words " * (place % 3))
        for place in range(20)
    )
    hits: list[SearchHit] = []
    page = await blog.posts.search("walrus", limit=limit)
    hits += page.items
    while page.next and len(hits) <= 15:
        page = await blog.posts.search("walrus", limit=limit, after=page.next)
        hits += page.items
        await blog.posts.create("Newcomer", "walrus")
    first = [hit for hit in hits if hit.post.title != "Newcomer"]
    assert len({hit.post.id for hit in first}) == len(first) == 15
    assert [(hit.rank, hit.post.id) for hit in hits] == sorted(
        ((hit.rank, hit.post.id) for hit in hits), reverse=True
    )


async def test_nothing_is_found_where_there_is_nothing_any_more(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    assert (await blog.posts.search("walrus")).items == ()
    await blog.posts.create_many(NewPost(f"Post {place}", "walrus") for place in range(3))
    page = await blog.posts.search("walrus", limit=1)
    await sql.execute("DELETE FROM posts")
    await blog.posts.create("Newcomer", "walrus")
    assert (await blog.posts.search("walrus", after=page.next)).items == ()


async def test_a_cursor_of_another_search_is_refused(blog: BlogService) -> None:
    await blog.posts.create_many(NewPost(f"Post {place}", "walrus seal") for place in range(3))
    page = await blog.posts.search("walrus", limit=1)
    listing = await blog.posts.page(limit=1)
    for query, cursor in (("seal", page.next), ("walrus", listing.next), ("walrus", "x")):
        with pytest.raises(InvalidCursor):
            await blog.posts.search(query, limit=1, after=cursor)
    with pytest.raises(InvalidCursor):
        await blog.posts.search("walrus", visible=True, limit=1, after=page.next)


async def test_only_the_newest_of_very_many_matches_are_ranked(
    blog: BlogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "RANKED", 5)
    monkeypatch.setattr(search, "SAMPLED", 4)
    rare = await blog.posts.create("Rare", "walrus walrus zebra")
    ids = await blog.posts.create_many(NewPost(f"Post {place}", "walrus") for place in range(30))
    common = await blog.posts.search("walrus")
    assert {hit.post.id for hit in common} == set(ids[-5:])
    assert [hit.post.id for hit in await blog.posts.search("zebra")] == [rare.id]
    first = await blog.posts.search("walrus", limit=3)
    rest = await blog.posts.search("walrus", limit=3, after=first.next)
    assert {hit.post.id for hit in (*first, *rest)} == set(ids[-5:])


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ways that searches go, in their order, where only ten matches are ranked."""
    taken: list[str] = []
    build = statements.search

    def noted(
        table: str, way: statements.Way, ranked: int, *, visible: bool, tagged: bool
    ) -> Query:
        taken.append(way)
        return build(table, way, ranked, visible=visible, tagged=tagged)

    monkeypatch.setattr(statements, "search", noted)
    monkeypatch.setattr(search, "RANKED", 10)
    monkeypatch.setattr(search, "SAMPLED", 40)
    monkeypatch.setattr(search, "ENTRIES_A_POST", 3)
    return taken


@pytest.mark.parametrize(
    ("posts", "of_250", "way"),
    [
        (1_000_000, 57, "steps"),
        (1_000_000, 28, "window"),
        (10_000_000, 28, "steps"),
        (10_000_000, 7, "window"),
        (10_000_000, 2, "index"),
        (2_000, 250, "index"),
    ],
)
def test_the_larger_the_table_the_rarer_the_words_that_are_looked_for_post_by_post(
    posts: int, of_250: int, way: str
) -> None:
    """As measured: the least of both, each with words that so many of 250 posts had."""
    assert search._first_way(posts, of_250 / 250, True)[0] == way


@pytest.fixture
async def six_hundred(blog: BlogService) -> None:
    """Posts with words that are common, middling and rare, and two of which the newest have more
    than the others.
    """
    await blog.posts.create_many(
        NewPost(
            f"Post {place}",
            "walrus " * (place % 3 + 1)
            + "common " * (place % 2)
            + "middling " * (place % 10 == 0)
            + "rare " * (place in (7, 570))
            + "old " * (place < 20)
            + "early " * (place < 300)
            + "bygone " * (place < 560)
            + "lately " * (place >= 593 or place < 5)
            + "suddenly " * (place >= 591 or place < 5),
            "draft" if place % 4 == 3 else "published",
        )
        for place in range(600)
    )


async def newest_matches(sql: asyncpg.Connection, query: str, *, visible: bool = False) -> set[int]:
    rows = await sql.fetch(
        "SELECT id FROM posts WHERE search @@ websearch_to_tsquery($1) "
        "AND title LIKE 'Post %' AND (status = 'published' OR NOT $2) ORDER BY id DESC LIMIT 10",
        query,
        visible,
    )
    return {id for (id,) in rows}


WAYS = [
    ("common", False, ["steps"]),
    ("common", True, ["steps"]),
    ("-common", False, ["steps"]),
    ("-walrus", False, ["steps"]),
    ("common or -walrus", False, ["steps"]),
    ("middling", False, ["window"]),
    ("middling", True, ["window"]),
    ("rare", False, ["index"]),
    ("rare", True, ["index"]),
    ("old", False, ["index"]),
    ("absent", False, ["index"]),
    ("the", False, ["index"]),
    ("suddenly", False, ["steps", "index"]),
    ("suddenly", True, ["window", "index"]),
    ("lately", False, ["window", "index"]),
]


@pytest.mark.usefixtures("six_hundred")
@pytest.mark.parametrize(("query", "visible", "expected"), WAYS)
async def test_every_way_leads_to_the_newest_matches(
    blog: BlogService,
    sql: asyncpg.Connection,
    ways: list[str],
    query: str,
    visible: bool,
    expected: list[str],
) -> None:
    page = await blog.posts.search(query, visible=visible)
    assert {hit.post.id for hit in page} == await newest_matches(sql, query, visible=visible)
    assert ways == expected


@pytest.mark.usefixtures("six_hundred")
async def test_where_the_newest_posts_leave_the_way_in_doubt_more_are_looked_at(
    blog: BlogService, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, ways: list[str]
) -> None:
    monkeypatch.setattr(search, "LONG", 10)
    monkeypatch.setattr(search, "SAMPLED_AGAIN", 300)
    found = {hit.post.id for hit in await blog.posts.search("suddenly")}
    assert found == await newest_matches(sql, "suddenly")
    assert ways == ["index"], "of the newest nine posts all have it, and of the next ones none"


@pytest.mark.parametrize(
    ("posts", "of_250", "is_in_doubt"),
    [
        (1_000_000, 13, False),
        (10_000_000, 2, False),
        (10_000_000, 4, True),
        (10_000_000, 6, True),
        (10_000_000, 57, False),
    ],
)
def test_only_a_wrong_way_that_would_be_long_is_worth_a_second_look(
    posts: int, of_250: int, is_in_doubt: bool
) -> None:
    assert search._is_in_doubt(posts, of_250) is is_in_doubt


@pytest.mark.usefixtures("six_hundred")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("bygone", ["window", "window"]),
        ("early", ["window", "window", "index"]),
        ("rare", ["index"]),
        ("lately or early", ["window", "window", "window", "index"]),
    ],
)
async def test_words_that_the_newest_posts_lack_are_looked_for_further_and_further_back(
    blog: BlogService,
    sql: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    ways: list[str],
    query: str,
    expected: list[str],
) -> None:
    monkeypatch.setattr(search, "MANY", 25)
    found = {hit.post.id for hit in await blog.posts.search(query)}
    assert found == set(sorted(await newest_matches(sql, query))[-10:])
    assert ways == expected


@pytest.mark.usefixtures("six_hundred", "ways")
@pytest.mark.parametrize("query", ["common", "-common", "middling", "old", "suddenly", "lately"])
async def test_every_way_can_be_turned_page_by_page(blog: BlogService, query: str) -> None:
    whole = await blog.posts.search(query)
    page = await blog.posts.search(query, limit=3)
    hits = list(page)
    while page.next and len(hits) <= 10:
        page = await blog.posts.search(query, limit=3, after=page.next)
        hits += page
    assert tuple(hits) == whole.items
    assert len(hits) == 10


@pytest.mark.usefixtures("six_hundred", "ways")
@pytest.mark.parametrize("query", ["common", "-common", "middling", "old", "suddenly", "lately"])
async def test_writes_between_the_two_statements_do_no_harm(
    blog: BlogService, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    read = blog._database.read
    newest = max(await newest_matches(sql, query))

    async def read_and_be_overtaken(
        statement: Query, *args: object, **options: bool
    ) -> list[asyncpg.Record]:
        rows = await read(statement, *args, **options)
        await sql.execute("INSERT INTO posts (title, content) VALUES ('Newcomer', $1)", query)
        await sql.execute("DELETE FROM posts WHERE id = $1", newest)
        return rows

    monkeypatch.setattr(blog._database, "read", read_and_be_overtaken)
    page = await blog.posts.search(query)
    assert {hit.post.id for hit in page} == await newest_matches(sql, query)


@pytest.mark.usefixtures("six_hundred")
@pytest.mark.parametrize(
    ("way", "tempted", "indexes"),
    [
        ("steps", "enable_indexscan = off", ["posts_pkey", "posts_pkey"]),
        ("index", "enable_seqscan = off", ["posts_search_idx", "posts_pkey"]),
    ],
)
async def test_a_way_keeps_to_its_index_even_when_planned_for_any_query(
    sql: asyncpg.Connection, way: statements.Way, tempted: str, indexes: list[str]
) -> None:
    await sql.execute("ANALYZE posts; SET enable_seqscan = off")
    await sql.execute(f"SET plan_cache_mode = force_generic_plan; SET {tempted}")
    query = statements.search("posts", way, search.RANKED, visible=False, tagged=False)
    await sql.execute(f"PREPARE way AS {query}")
    back = ", 50" if way == "steps" else ""
    plan = await sql.fetch(f"EXPLAIN EXECUTE way ('rare', 600, 'infinity', 601, 21{back})")
    text = "\n".join(line for (line,) in plan)
    # The second one fetches the hits.
    assert re.findall(r"(?:using|Index Scan on) (posts_\w+)", text) == indexes


async def test_the_language_is_the_databases_setting(
    blog_url: str,
) -> None:
    database = await asyncpg.connect(blog_url)
    name = await database.fetchval("SELECT current_database()")
    await database.execute(f"ALTER DATABASE \"{name}\" SET blogsvc.search_language = 'german'")
    await database.close()
    async with BlogService(blog_url) as blog:
        await blog.posts.create("Die Häuser", "Viele Bücher stehen dort.")
        assert await found(blog, "Haus") == ["Die Häuser"]
        assert await found(blog, "Buch") == ["Die Häuser"]


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("undo a migration", "up-and-down"),
        ("drop and create tables", "never-sync-with-force"),
        ("check constraint lock scan", "not-valid-then-validate"),
        ("index concurrently", "an-index-beside-the-traffic"),
        ("offset", "pages-that-do-not-slip"),
        ("lost update", "two-editors-one-post"),
        ("timer crontab worker", "scheduling-without-a-job"),
        ("readable address hyphen", "a-slug-is-a-promise"),
        ("tsvector", "searching-with-what-you-have"),
        ("mock sqlite", "a-real-server-in-a-wheel"),
        ("title not null", "the-last-safety-net"),
        ('"safety net"', "the-last-safety-net"),
    ],
)
async def test_the_first_hit_is_the_post_that_one_wants(
    blog: BlogService, query: str, slug: str
) -> None:
    await import_posts(blog.posts, [SAMPLES])
    page = await blog.posts.search(query)
    assert page.items[0].post.slug == slug
