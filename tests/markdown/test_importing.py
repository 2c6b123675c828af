"""Markdown files become posts, each once, and none is lost."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.errors import ConfigurationError, DatabaseError, TransactionAborted, Unavailable
from blogsvc.markdown import importing, reading
from blogsvc.markdown.importing import import_posts
from blogsvc.markdown.matching import Matcher
from blogsvc.markdown.report import ImportReport
from blogsvc.markdown.storing import Storing
from blogsvc.posts import NewPost, PostRecord, store_posts

from .folders import FIRST_OF_MAY, markdown_in, outcome, stored, write, yaml

SAMPLES = Path(__file__).parents[2] / "samples"


async def import_one(blog: BlogService, folder: Path, name: str, text: str) -> PostRecord:
    write(folder, name, text)
    assert outcome(await import_posts(blog.posts, [folder])) == (1, 0, 0)
    [post] = (await stored(blog)).values()
    return post


async def test_a_file_becomes_a_published_post(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    path = write(tmp_path, "hello-world.md", yaml(date="2026-05-01", content="First *post*."))
    await import_posts(blog.posts, [path])
    row = await sql.fetchrow(
        "SELECT title, content, slug, status, created_at, published_at FROM posts"
    )
    assert tuple(row) == (
        "Hello",
        "First *post*.",
        "hello-world",
        "published",
        FIRST_OF_MAY,
        FIRST_OF_MAY,
    )


@pytest.mark.parametrize(
    "text",
    [
        '---\ntitle: "Hello: world"\ndate: 2026-05-01\n---\n\ntext\n',
        '+++\ntitle = "Hello: world"\ndate = 2026-05-01\n+++\n\ntext\n',
        '{\n  "title": "Hello: world",\n  "date": "2026-05-01",\n  "x": {"}": 1\n}\n}\n\ntext\n',
        '{"title": "Hello: world", "date": "2026-05-01"}\ntext',
        '\ufeff---\r\ntitle: "Hello: world"\r\ndate: 2026-05-01\r\n---\r\n\r\ntext\r\n',
    ],
    ids=["YAML", "TOML", "JSON", "JSON on one line", "YAML from Windows"],
)
async def test_front_matter_comes_in_three_formats(
    blog: BlogService, tmp_path: Path, text: str
) -> None:
    post = await import_one(blog, tmp_path, "hello.md", text)
    assert (post.title, post.content) == ("Hello: world", "text")
    assert post.created_at == FIRST_OF_MAY


@pytest.mark.parametrize(
    ("name", "matter", "slug", "created_at"),
    [
        ("hello.md", {"date": "2026-05-01"}, "hello", FIRST_OF_MAY),
        ("hello.md", {"date": "2026-05-01T02:00:00+02:00"}, "hello", FIRST_OF_MAY),
        ("hello.md", {"date": "2026-05-01 02:00:00 +0200"}, "hello", FIRST_OF_MAY),
        ("hello.md", {"date": "'2026-05-01T00:00Z'"}, "hello", FIRST_OF_MAY),
        ("2026-05-01-hello.md", {}, "hello", FIRST_OF_MAY),
        ("2026-05-01-hello/index.md", {}, "hello", FIRST_OF_MAY),
        ("x.md", {"path": "2026/05/01/Hello.html"}, "Hello", FIRST_OF_MAY),
        ("x.md", {"path": "/2026/05/01/hello/"}, "hello", FIRST_OF_MAY),
        ("x.md", {"url": "/2026/05/01/hello.html", "slug": "y"}, "hello", FIRST_OF_MAY),
        ("2026-05-01-x.md", {"Permalink": "/:year/:title.html"}, "x", FIRST_OF_MAY),
        ("x.md", {"permalink": "/blog/Hello/index.html", "date": "2026-05-01"}, "Hello",
         FIRST_OF_MAY),
        ("x.md", {"permalink": "https://example.org/?p=7", "date": "2026-05-01"}, "x",
         FIRST_OF_MAY),
        ("hello/index.fr.md", {"date": "2026-05-01"}, "hello-fr", FIRST_OF_MAY),
        ("2026-05-01-hello.pt-br.md", {}, "hello-pt-br", FIRST_OF_MAY),
        ("1999-01-01-x.md", {"path": "2026/05/01/hello"}, "hello", FIRST_OF_MAY),
        ("1999-01-01-x.md", {"path": "1999/01/01/x", "date": "2026-05-01"}, "x", FIRST_OF_MAY),
        ("x.md", {"path": "y", "slug": "Chosen by hand", "date": "2026-05-01"}, "Chosen by hand",
         FIRST_OF_MAY),
        ("x.md", {"slug": '" "', "date": "2026-05-01"}, "x", FIRST_OF_MAY),
        ("Été à la mer.MD", {"date": "2026-05-01"}, "ete-a-la-mer", FIRST_OF_MAY),
        ("1.0-Timeline.markdown", {"date": "2026-05-01"}, "1.0-Timeline", FIRST_OF_MAY),
        ("2026-99-01-x.md", {"date": "2026-05-01"}, "2026-99-01-x", FIRST_OF_MAY),
    ],
)  # fmt: skip
async def test_slug_and_date_come_from_where_the_author_put_them(
    blog: BlogService,
    tmp_path: Path,
    name: str,
    matter: dict[str, str],
    slug: str,
    created_at: datetime,
) -> None:
    post = await import_one(blog, tmp_path, name, yaml(**matter))
    assert (post.slug, post.created_at) == (slug, created_at)


async def test_a_post_without_a_date_is_published_now(blog: BlogService, tmp_path: Path) -> None:
    post = await import_one(blog, tmp_path, "hello.md", yaml())
    assert post.published_at == post.created_at
    assert await blog.posts.count(visible=True) == 1


async def test_a_post_of_the_future_is_scheduled(blog: BlogService, tmp_path: Path) -> None:
    post = await import_one(blog, tmp_path, "hello.md", yaml(date="2999-01-01"))
    assert post.status == "published"
    assert await blog.posts.count(visible=True) == 0


async def test_a_draft_stays_a_draft(blog: BlogService, tmp_path: Path) -> None:
    post = await import_one(blog, tmp_path, "hello.md", yaml(draft="true", date="2026-05-01"))
    assert (post.status, post.published_at) == ("draft", None)


@pytest.mark.parametrize(
    ("matter", "status"),
    [
        ({"published": "false"}, "draft"),
        ({"Draft": "true"}, "draft"),
        ({"status": "private"}, "draft"),
        ({"status": "gone"}, "draft"),
        ({"draft": "perhaps"}, "draft"),
        ({"draft": "true", "status": "published"}, "draft"),
        ({"expiryDate": "2020-01-01"}, "archived"),
        ({"publishDate": "2999-01-01"}, "published"),
        ({"publish_date": "2999-01-01"}, "published"),
        ({"pubDate": "'2999-01-01'"}, "published"),
        ({"published": "2999-01-01"}, "published"),
    ],
)
async def test_what_its_author_holds_back_is_not_visible(
    blog: BlogService, tmp_path: Path, matter: dict[str, str], status: str
) -> None:
    write(tmp_path, "hello.mdx", yaml(date="2014-03-07", **matter))
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (1, 0, 0)
    [post] = (await stored(blog)).values()
    assert post.status == status
    assert await blog.posts.count(visible=True) == 0


async def test_a_post_in_a_drafts_folder_is_a_draft(blog: BlogService, tmp_path: Path) -> None:
    post = await import_one(blog, tmp_path, "_drafts/deep/hello.md", yaml(published="true"))
    assert post.status == "draft"


async def test_a_date_of_publishing_is_the_date_where_there_is_no_other(
    blog: BlogService, tmp_path: Path
) -> None:
    post = await import_one(blog, tmp_path, "hello.md", yaml(pubDate="2026-05-01"))
    assert post.created_at == post.published_at == FIRST_OF_MAY


async def test_months_and_days_of_one_digit_are_a_date_in_a_name(
    blog: BlogService, tmp_path: Path
) -> None:
    post = await import_one(blog, tmp_path, "2026-5-1-hello.markdown", yaml())
    assert (post.slug, post.created_at) == ("hello", FIRST_OF_MAY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"just text", "title is missing"),
        (b"", "title is missing"),
        (b"---\ntitle: x\n", "front matter cannot be read (its closing line --- is missing)"),
        (b"---\n- title\n---\n", "front matter is not made of names and values"),
        (b"---\na: [\n---\n", "front matter cannot be read"),
        (b"---\na: " + b"[" * 50_000 + b"\n---\n", "front matter cannot be read"),
        (b"+++\ntitle =\n+++\n", "front matter cannot be read"),
        (b'{"title": }\n', "front matter cannot be read"),
        (b"---\ntitle: x\ndate: 2026-02-30\n---\n", "date is not a date"),
        (b"---\ntitle: caf\xe9\n---\n", "file is not UTF-8"),
        (b"---\n---\n", "title is missing"),
        (b"---\ntitle: [x]\n---\n", "title has the type list, not text: put it in quotes"),
        (b"---\ntitle: ' '\n---\n", "title is missing"),
        (b'---\ntitle: "a\\0b"\n---\n', "title holds a NUL character"),
        (b'{"title": "\\ud83d"}', "title holds a lone surrogate"),
        (b"---\ntitle: x\n---\na\0b", "content holds a NUL character"),
        (b"---\ntitle: x\ndate: soon\n---\n", "date is not a date"),
    ],
)
async def test_what_cannot_be_a_post_is_named_and_the_others_are_stored(
    blog: BlogService, tmp_path: Path, text: bytes, reason: str
) -> None:
    bad = tmp_path / "bad.md"
    bad.write_bytes(text)
    write(tmp_path, "good.md", yaml())
    report = await import_posts(blog.posts, [tmp_path])
    [skipped] = report.skipped
    assert skipped.path == bad
    assert skipped.reason.startswith(reason)
    assert not report.is_complete
    assert list(await stored(blog)) == ["good"]


@pytest.fixture
async def refusing(blog_url: str) -> AsyncIterator[Refusing]:
    """A service on a database that refuses the post Bad, with the code that a test chooses."""
    async with BlogService(blog_url) as service:
        yield Refusing(service, blog_url)


@dataclass
class Refusing:
    blog: BlogService
    url: str

    async def refuse(self, code: str) -> None:
        connection = await asyncpg.connect(self.url)
        await connection.execute(f"""
            CREATE FUNCTION refuse() RETURNS TRIGGER LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON posts FOR EACH ROW
            WHEN (NEW.title = 'Bad') EXECUTE FUNCTION refuse()""")
        await connection.close()


@pytest.mark.parametrize("code", ["XX000", "query_canceled", "lock_not_available", "22021"])
async def test_an_error_of_the_database_for_one_file_is_that_files(
    refusing: Refusing, tmp_path: Path, code: str
) -> None:
    await refusing.refuse(code)
    bad = write(tmp_path, "a.md", yaml("Bad"))
    write(tmp_path, "b.md", yaml("Good"))
    report = await import_posts(refusing.blog.posts, [tmp_path])
    assert [skipped.path for skipped in report.skipped] == [bad]
    assert list(await stored(refusing.blog)) == ["b"]


async def test_a_database_that_takes_nothing_ends_the_import(
    refusing: Refusing, tmp_path: Path
) -> None:
    await refusing.refuse("disk_full")
    write(tmp_path, "a.md", yaml("Bad"))
    write(tmp_path, "b.md", yaml("Good"))
    with pytest.raises(Unavailable):
        await import_posts(refusing.blog.posts, [tmp_path])
    assert await stored(refusing.blog) == {}


async def test_inside_a_transaction_an_error_of_one_file_is_that_files_too(
    refusing: Refusing, tmp_path: Path
) -> None:
    await refusing.refuse("XX000")
    bad = write(tmp_path, "a.md", yaml("Bad"))
    for name in "bcd":
        write(tmp_path, f"{name}.md", yaml("Good"))
    async with refusing.blog.transaction():
        report = await import_posts(refusing.blog.posts, [tmp_path])
    assert [skipped.path for skipped in report.skipped] == [bad]
    assert list(await stored(refusing.blog)) == ["b", "c", "d"]


async def test_a_transaction_that_is_aborted_ends_the_import(
    refusing: Refusing, tmp_path: Path
) -> None:
    await refusing.refuse("XX000")
    write(tmp_path, "a.md", yaml())
    reports: list[ImportReport] = []
    with pytest.raises(TransactionAborted):
        async with refusing.blog.transaction():
            with contextlib.suppress(DatabaseError):
                await refusing.blog.posts.create("Bad", "")
            reports.append(await import_posts(refusing.blog.posts, [tmp_path]))
    assert reports == []


async def test_the_event_loop_does_not_wait_for_files(
    blog: BlogService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, set[int]] = {}

    def watched(module: object, name: str) -> Callable[..., object]:
        original = getattr(module, name)

        def call(*args: object) -> object:
            threads.setdefault(name, set()).add(threading.get_ident())
            return original(*args)

        return call

    names = {"find_files": importing, "read_one": reading, "match": Matcher}
    for name, module in names.items():
        monkeypatch.setattr(module, name, watched(module, name))
    write(tmp_path, "hello.md", yaml(date="2026-05-01"))
    for counts in ((1, 0, 0), (0, 1, 0)):
        assert outcome(await import_posts(blog.posts, [tmp_path])) == counts
    assert set(threads) == set(names)
    assert threading.get_ident() not in set().union(*threads.values())


async def test_a_file_that_vanishes_during_the_import_is_named(
    blog: BlogService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.md", yaml())
    gone = write(tmp_path, "b.md", yaml())
    look = Storing.unchanged

    async def look_and_remove(*args: object) -> object:
        found = await look(*args)  # type: ignore[arg-type]
        gone.unlink()
        return found

    monkeypatch.setattr(reading, "REMEMBERED", 0)  # so that it is read again
    monkeypatch.setattr(Storing, "unchanged", look_and_remove)
    report = await import_posts(blog.posts, [tmp_path])
    assert report.skipped == ((gone, "file cannot be read (No such file or directory)"),)
    assert list(await stored(blog)) == ["a"]


async def test_a_pipe_with_a_markdown_name_is_not_waited_for(
    blog: BlogService, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    report = await import_posts(blog.posts, [tmp_path])
    assert [skipped.reason for skipped in report.skipped] == ["file is not a regular file"]


async def test_only_markdown_that_is_not_hidden_is_looked_for(
    blog: BlogService, tmp_path: Path
) -> None:
    write(tmp_path, "deep/er/post.md", yaml())
    for name in ("image.png", "notes.txt", ".hidden.md", ".trash/deleted.md"):
        write(tmp_path, name, yaml())
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (1, 0, 0)


async def test_a_file_named_on_purpose_must_be_markdown(blog: BlogService, tmp_path: Path) -> None:
    path = write(tmp_path, "notes.txt", yaml())
    report = await import_posts(blog.posts, [path])
    assert [skipped.path for skipped in report.skipped] == [path]


async def test_section_pages_are_ignored(blog: BlogService, tmp_path: Path) -> None:
    section = write(tmp_path, "_index.md", "+++\n+++\n")
    write(tmp_path, "hello.md", yaml())
    report = await import_posts(blog.posts, [tmp_path])
    assert report == ImportReport(1, 0, 0, section_pages=(section,), skipped=())
    assert report.is_complete


@pytest.mark.parametrize(
    "names", [(), ("image.png",), (".trash/hello.md",)], ids=["empty", "images", "hidden"]
)
async def test_a_folder_without_markdown_is_named_before_anything_is_stored(
    blog: BlogService, tmp_path: Path, names: tuple[str, ...]
) -> None:
    folder = tmp_path / "wrong"
    folder.mkdir()
    for name in names:
        write(folder, name, yaml())
    good = write(tmp_path, "good/hello.md", yaml())
    with pytest.raises(ConfigurationError, match=r"no Markdown file in '.*wrong'"):
        await import_posts(blog.posts, [good.parent, folder])
    assert await blog.posts.count() == 0


async def test_a_folder_of_section_pages_only_is_an_error(
    blog: BlogService, tmp_path: Path
) -> None:
    write(tmp_path, "_index.md", yaml())
    write(tmp_path, "deep/_index.fr.md", yaml())
    with pytest.raises(ConfigurationError, match="only section pages"):
        await import_posts(blog.posts, [tmp_path])


async def test_a_folder_that_a_given_one_holds_counts_as_looked_through(
    blog: BlogService, tmp_path: Path
) -> None:
    write(tmp_path, "posts/hello.md", yaml())
    report = await import_posts(blog.posts, [tmp_path, tmp_path / "posts"])
    assert outcome(report) == (1, 0, 0)


async def test_no_path_at_all_is_an_error(blog: BlogService) -> None:
    with pytest.raises(ConfigurationError, match="No file or folder was named"):
        await import_posts(blog.posts, [])


async def test_a_path_that_does_not_exist_is_named_before_anything_is_stored(
    blog: BlogService, tmp_path: Path
) -> None:
    path = write(tmp_path, "hello.md", yaml())
    with pytest.raises(ConfigurationError, match=r"no file or folder .*missing\.md"):
        await import_posts(blog.posts, [path, tmp_path / "missing.md"])
    assert await blog.posts.count() == 0


async def test_a_file_that_several_paths_lead_to_is_one_file(
    blog: BlogService, tmp_path: Path
) -> None:
    path = write(tmp_path, "posts/hello.md", yaml())
    (tmp_path / "link").symlink_to(tmp_path / "posts")
    report = await import_posts(blog.posts, [path, tmp_path / "link", tmp_path])
    assert outcome(report) == (1, 0, 0)


async def test_importing_twice_stores_nothing_twice(blog: BlogService, tmp_path: Path) -> None:
    write(tmp_path, "dated.md", yaml(date="2026-05-01"))
    write(tmp_path, "undated.md", yaml())
    write(tmp_path, "draft.md", yaml(draft="true"))
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (3, 0, 0)
    before = await stored(blog)
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (0, 3, 0)
    assert await stored(blog) == before


async def test_a_changed_file_updates_its_post(blog: BlogService, tmp_path: Path) -> None:
    before = await import_one(blog, tmp_path, "hello.md", yaml(date="2026-05-01"))
    write(tmp_path, "hello.md", yaml("New", "new text", date="2026-05-01"))
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (0, 0, 1)
    after = await blog.posts.get(before.id)
    assert (after.title, after.content) == ("New", "new text")
    assert await blog.posts.count() == 1


async def test_a_changed_status_reaches_the_post(blog: BlogService, tmp_path: Path) -> None:
    later = FIRST_OF_MAY + timedelta(days=1, microseconds=1)
    states = {
        "published": ({}, FIRST_OF_MAY),
        "scheduled": ({"published_at": later.isoformat()}, later),
        "archived": ({"status": "archived", "published_at": later.isoformat()}, later),
        "draft": ({"draft": "true"}, None),
        "draft with a time": ({"draft": "true", "published_at": later.isoformat()}, later),
    }
    post = await import_one(blog, tmp_path, "hello.md", yaml(date="2026-05-01"))
    for before in states:
        for after in states:
            for name in (before, after):
                matter, published_at = states[name]
                write(tmp_path, "hello.md", yaml(date="2026-05-01", **matter))
                await import_posts(blog.posts, [tmp_path])
            now = await blog.posts.get(post.id)
            expected = "published" if after == "scheduled" else after.split()[0]
            assert (now.status, now.published_at) == (expected, published_at), (before, after)


async def test_a_file_without_a_date_is_recognised_by_its_slug(
    blog: BlogService, tmp_path: Path
) -> None:
    before = await import_one(blog, tmp_path, "hello.md", yaml())
    write(tmp_path, "hello.md", yaml("New"))
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (0, 0, 1)
    after = await blog.posts.get(before.id)
    assert after == replace(before, title="New", version=after.version, updated_at=after.updated_at)


async def test_a_post_that_has_the_slug_already_is_not_touched(
    blog: BlogService, tmp_path: Path
) -> None:
    there = await blog.posts.create("Mine", "mine", slug="hello")
    write(tmp_path, "hello.md", yaml(date="2026-05-01"))
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (1, 0, 0)
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (0, 1, 0)
    posts = await stored(blog)
    assert posts["hello"] == there
    assert posts["hello-2"].created_at == FIRST_OF_MAY
    assert len(posts) == 2


async def test_the_oldest_of_several_gets_the_plain_slug(blog: BlogService, tmp_path: Path) -> None:
    write(tmp_path, "a/hello.md", yaml("Third"))
    write(tmp_path, "b/hello.md", yaml("Second", date="2026-05-02"))
    write(tmp_path, "c/hello.md", yaml("First", date="2026-05-01"))
    write(tmp_path, "d/hello.md", yaml("Fourth"))
    expected = {"hello": "First", "hello-2": "Second", "hello-3": "Third", "hello-4": "Fourth"}
    for counts in ((4, 0, 0), (0, 4, 0)):
        assert outcome(await import_posts(blog.posts, [tmp_path])) == counts
        assert {slug: post.title for slug, post in (await stored(blog)).items()} == expected


async def test_files_of_equal_slug_and_date_are_all_kept(blog: BlogService, tmp_path: Path) -> None:
    write(tmp_path, "a/hello.md", yaml("A", date="2026-05-01"))
    write(tmp_path, "b/hello.md", yaml("B", date="2026-05-01"))
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (2, 0, 0)
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (0, 2, 0)
    assert {post.title for post in (await stored(blog)).values()} == {"A", "B"}


@pytest.mark.parametrize("matter", [{}, {"date": "2026-05-01"}])
async def test_a_file_alone_finds_the_post_that_it_made_among_others(
    blog: BlogService, tmp_path: Path, matter: dict[str, str]
) -> None:
    write(tmp_path, "a/hello.md", yaml("A", **matter))
    write(tmp_path, "b/hello.md", yaml("B", **matter))
    await import_posts(blog.posts, [tmp_path])
    before = await stored(blog)
    assert outcome(await import_posts(blog.posts, [tmp_path / "b"])) == (0, 1, 0)
    assert await stored(blog) == before


async def test_a_deleted_post_leaves_the_others_recognised(
    blog: BlogService, tmp_path: Path
) -> None:
    for day in range(1, 5):
        write(tmp_path, f"{day}/hello.md", yaml(f"Day {day}", date=f"2026-05-0{day}"))
    await import_posts(blog.posts, [tmp_path])
    for day, slug in ((1, "hello"), (3, "hello-3")):
        (tmp_path / f"{day}/hello.md").unlink()
        await blog.posts.delete((await blog.posts.get_by_slug(slug)).id)
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (0, 2, 0)


async def test_a_copy_of_a_file_is_the_same_post(blog: BlogService, tmp_path: Path) -> None:
    write(tmp_path, "hello.md", yaml(date="2026-05-01"))
    write(tmp_path, "copy/hello.md", yaml(date="2026-05-01"))
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (1, 1, 0)
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (0, 2, 0)


async def test_the_longest_slug_can_be_numbered(blog: BlogService, tmp_path: Path) -> None:
    await blog.posts.create("Mine", "mine", slug="x" * 255)
    write(tmp_path, "hello.md", yaml(slug="x" * 255, date="2026-05-01"))
    for counts in ((1, 0, 0), (0, 1, 0)):
        assert outcome(await import_posts(blog.posts, [tmp_path])) == counts
    assert set(await stored(blog)) == {"x" * 255, "x" * 253 + "-2"}


async def test_a_writer_who_takes_the_slug_first_keeps_it(
    blog: BlogService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def store_too_late(*args: object) -> object:
        monkeypatch.undo()
        await blog.posts.create_many([NewPost("Faster", "", slug="hello")])
        return await store_posts(*args)  # type: ignore[arg-type]

    write(tmp_path, "hello.md", yaml(date="2026-05-01"))
    write(tmp_path, "other.md", yaml(date="2026-05-01"))
    monkeypatch.setattr("blogsvc.markdown.storing.store_posts", store_too_late)
    assert outcome(await import_posts(blog.posts, [tmp_path])) == (2, 0, 0)
    titles = {slug: post.title for slug, post in (await stored(blog)).items()}
    assert titles == {"hello": "Faster", "hello-2": "Hello", "other": "Hello"}


async def test_progress_goes_to_the_total_one_file_at_a_time(
    blog: BlogService, tmp_path: Path
) -> None:
    write(tmp_path, "a.md", yaml())
    write(tmp_path, "b.md", "no post")
    write(tmp_path, "_index.md", "")
    seen: list[tuple[int, int]] = []
    await import_posts(blog.posts, [tmp_path], on_progress=lambda *step: seen.append(step))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


async def test_the_samples_are_posts(blog: BlogService) -> None:
    created, _, _ = outcome(await import_posts(blog.posts, [SAMPLES]))
    assert created == len(markdown_in(SAMPLES)) >= 10
    posts = (await stored(blog)).values()
    assert [post.status for post in posts].count("draft") == 1
    assert len({post.created_at for post in posts}) == created
    assert outcome(await import_posts(blog.posts, [SAMPLES])) == (0, created, 0)


@pytest.mark.skipif("BLOGSVC_TEST_BLOG" not in os.environ, reason="BLOGSVC_TEST_BLOG is not set")
async def test_a_large_blog_comes_in_whole_and_only_once(blog: BlogService) -> None:
    folder = Path(os.environ["BLOGSVC_TEST_BLOG"])
    first = await import_posts(blog.posts, [folder])
    assert first.created + len(first.skipped) == len(markdown_in(folder))
    assert await blog.posts.count() == first.created
    second = await import_posts(blog.posts, [folder])
    assert second == replace(first, created=0, unchanged=first.created)


async def store_in_may(blog: BlogService, **posts: tuple[int, str]) -> dict[str, PostRecord]:
    """Store posts under these slugs (`_` for `-`), each with its day in May and its text."""
    for name, (day, text) in posts.items():
        created_at = FIRST_OF_MAY + timedelta(days=day - 1)
        await blog.posts.create("Hello", text, slug=name.replace("_", "-"), created_at=created_at)
    return await stored(blog)


async def changed_by_importing(blog: BlogService, folder: Path) -> set[str]:
    """Import a folder and return the slugs of the posts that are new or changed."""
    before = await stored(blog)
    assert (await import_posts(blog.posts, [folder])).is_complete
    return {slug for slug, post in (await stored(blog)).items() if post != before.get(slug)}


async def test_of_several_posts_of_a_date_an_edited_file_changes_none(
    blog: BlogService, tmp_path: Path
) -> None:
    await store_in_may(blog, hello=(1, "A"), hello_2=(2, "B"), hello_3=(2, "C"), hello_4=(3, "D"))
    write(tmp_path, "hello.md", yaml(content="edited", date="2026-05-02"))
    assert await changed_by_importing(blog, tmp_path) == {"hello-5"}


async def test_an_edited_file_changes_the_only_post_of_its_date(
    blog: BlogService, tmp_path: Path
) -> None:
    await store_in_may(blog, hello=(1, "A"), hello_2=(2, "B"), hello_3=(3, "C"))
    write(tmp_path, "hello.md", yaml(content="edited", date="2026-05-02"))
    assert await changed_by_importing(blog, tmp_path) == {"hello-2"}
    assert (await blog.posts.get_by_slug("hello-2")).content == "edited"


async def test_of_several_posts_a_file_changes_the_one_with_its_text(
    blog: BlogService, tmp_path: Path
) -> None:
    await store_in_may(blog, hello=(1, "A"), hello_2=(1, "B"), hello_3=(1, "C"), hello_4=(2, "B"))
    write(tmp_path, "hello.md", yaml(content="B", date="2026-05-01", status="archived"))
    assert await changed_by_importing(blog, tmp_path) == {"hello-2"}
    assert (await blog.posts.get_by_slug("hello-2")).status == "archived"


async def test_a_numbered_post_with_another_text_is_not_changed_where_a_slug_before_it_is_free(
    blog: BlogService, tmp_path: Path
) -> None:
    await store_in_may(blog, hello=(1, "A"), hello_3=(2, "C"))
    write(tmp_path, "hello.md", yaml(content="new", date="2026-05-02"))
    assert await changed_by_importing(blog, tmp_path) == {"hello-2"}
    assert (await blog.posts.get_by_slug("hello-2")).content == "new"


async def test_edited_files_of_equal_slug_and_date_change_each_its_own_post(
    blog: BlogService, tmp_path: Path
) -> None:
    for name in "abc":
        write(tmp_path, f"{name}/hello.md", yaml(content=name, date="2026-05-01"))
    await import_posts(blog.posts, [tmp_path])
    write(tmp_path, "b/hello.md", yaml(content="edited", date="2026-05-01"))
    assert await changed_by_importing(blog, tmp_path) == {"hello-2"}
    texts = {slug: post.content for slug, post in (await stored(blog)).items()}
    assert texts == {"hello": "a", "hello-2": "edited", "hello-3": "c"}
