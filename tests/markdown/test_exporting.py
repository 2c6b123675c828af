"""Posts go out into files, and come back equal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.errors import ConfigurationError
from blogsvc.markdown.exporting import export_posts, file_names
from blogsvc.markdown.importing import import_posts
from blogsvc.posts.records import NewPost, PostRecord

THEN = datetime(2026, 5, 1, 10, 0, 0, 123456, tzinfo=UTC)

TEXTS = [
    "plain",
    "",
    "\n",
    "\n\n  leading and trailing blanks \n\n",
    "\r\nWindows\r\n",
    "old Mac\r",
    "---\ntitle: not front matter\n---\n",
    "text\n---\nmore\n+++\n}\n",
    "\ufeffmark",
    "tab\there \x85 \u2028 \x7f \x01 😀 Ж é",
]
TITLES = [
    "Plain",
    'It\'s "quoted": #1, [x] {y} & *z*',
    " blanks around ",
    "two\nlines\n\nand --- more",
    "---",
    "a\n---\nb",
    "\ttab and \\ backslash",
    "1984",
    "true",
    "2026-05-01",
    "null",
    "= - ? ! % @ `",
    "Ünïcödé Привет 你好 😀",
    "\x85 \u2028 \u2029 \x7f \x01 \ufeff x",
    "x" * 255,
]
SLUGS = [
    "plain",
    "Hello",
    "hello",
    "HELLO",
    "_index",
    "index",
    "a/b",
    "../../outside",
    "/etc/outside",
    "..",
    ".hidden",
    "con",
    "été",
    "e\u0301te\u0301",
    "你好",
    "x" * 255,
    "x" * 254 + "y",
    "a\nb",
    "a: 'b' \"c\" # \\",
    "1.0",
    "trailing. ",
    "about",
    "about.fr",
    "index.de",
    "readme",
]


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def fields(post: PostRecord) -> tuple[object, ...]:
    return post.title, post.content, post.slug, post.status, post.published_at, post.created_at


async def contents(blog: BlogService) -> set[tuple[object, ...]]:
    return {fields(post) async for post in blog.posts.stream()}


async def assert_round_trip(blog: BlogService, sql: asyncpg.Connection, folder: Path) -> None:
    before = await contents(blog)
    assert await export_posts(blog.posts, folder) == len(before)
    await sql.execute("TRUNCATE posts")
    report = await import_posts(blog.posts, [folder])
    assert report.skipped == ()
    assert await contents(blog) == before


async def test_a_post_is_written_as_markdown_with_front_matter(
    blog: BlogService, tmp_path: Path
) -> None:
    await blog.posts.create_many(
        [NewPost("Hello: 😀", "First", "published", "hello", THEN, THEN, updated_at=THEN)]
    )
    assert await export_posts(blog.posts, tmp_path) == 1
    assert (tmp_path / "hello.md").read_text(encoding="utf-8") == (
        "---\n"
        "title: 'Hello: 😀'\n"
        "slug: hello\n"
        "date: 2026-05-01 10:00:00.123456+00:00\n"
        "updated: 2026-05-01 10:00:00.123456+00:00\n"
        "---\n"
        "\n"
        "First\n"
    )


async def test_every_status_comes_back(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    times = (None, THEN, THEN + timedelta(microseconds=1), datetime(2999, 1, 1, tzinfo=UTC))
    await blog.posts.create_many(
        NewPost("Hello", "", status, f"{status}-{number}", time, THEN)
        for status in ("draft", "published", "archived")
        for number, time in enumerate(times)
    )
    await assert_round_trip(blog, sql, tmp_path)


async def test_every_text_comes_back(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    await blog.posts.create_many(
        NewPost(title, text, created_at=THEN) for title in TITLES for text in TEXTS
    )
    await assert_round_trip(blog, sql, tmp_path)


async def test_every_slug_has_a_file_of_its_own_inside_the_folder(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    await blog.posts.create_many(NewPost("Hello", slug, slug=slug) for slug in SLUGS)
    folder = tmp_path / "new" / "folder"
    await assert_round_trip(blog, sql, folder)
    everything = files_in(tmp_path)
    assert {path.parent for path in everything} == {folder}
    assert len({path.name.casefold() for path in everything}) == len(SLUGS)


@pytest.mark.parametrize(
    "slug", ["hello", "1.0-release", "a" * 100, "2026-05-01-x", "index", "node.js", "fr"]
)
def test_a_plain_slug_is_the_name(slug: str) -> None:
    assert file_names(slug)[0] == f"{slug}.md"


@pytest.mark.parametrize("slug", SLUGS)
def test_a_name_is_safe_on_every_file_system(slug: str) -> None:
    for name in file_names(slug):
        assert name.isascii()
        assert name == name.lower()
        assert len(name) < 120
        assert not name.startswith((".", "_index", "con."))
        assert not set(name) & set('/\\:*?"<>|\n ')


async def test_former_slugs_still_lead_to_a_post_that_comes_back(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    await blog.posts.create_many(NewPost(f"Post {n}", "", slug=f"post-{n}") for n in range(250))
    for slug in ("post-7", "post-240"):
        post = await blog.posts.get_by_slug(slug)
        await blog.posts.update(post.id, slug=f"new-{slug}")
    await assert_round_trip(blog, sql, tmp_path)
    assert (await blog.posts.get_by_slug("post-7")).slug == "new-post-7"
    assert (await blog.posts.get_by_slug("post-240")).slug == "new-post-240"


async def test_exporting_again_brings_the_file_up_to_date(
    blog: BlogService, tmp_path: Path
) -> None:
    post = await blog.posts.create("Hello", "first", slug="hello")
    await export_posts(blog.posts, tmp_path)
    await blog.posts.update(post.id, content="second")
    await export_posts(blog.posts, tmp_path)
    [path] = files_in(tmp_path)
    assert path.read_text(encoding="utf-8").endswith("\n\nsecond\n")


async def test_a_file_that_is_up_to_date_is_not_written_again(
    blog: BlogService, tmp_path: Path
) -> None:
    await blog.posts.create("Hello", "", slug="hello")
    await export_posts(blog.posts, tmp_path)
    os.utime(tmp_path / "hello.md", (1, 1))
    await export_posts(blog.posts, tmp_path)
    assert (tmp_path / "hello.md").stat().st_mtime == 1


@pytest.mark.parametrize("text", ["mine", "---\ntitle: Mine\nslug: hello\n---\n"])
async def test_a_file_of_somebody_else_is_not_overwritten(
    blog: BlogService, tmp_path: Path, text: str
) -> None:
    await blog.posts.create("Hello", "", slug="hello")
    mine = tmp_path / "hello.md"
    mine.write_text(text, encoding="utf-8")
    await export_posts(blog.posts, tmp_path)
    await export_posts(blog.posts, tmp_path)
    assert mine.read_text(encoding="utf-8") == text
    assert {path.name for path in files_in(tmp_path)} == set(file_names("hello"))


async def test_a_post_keeps_the_file_that_it_has(blog: BlogService, tmp_path: Path) -> None:
    await blog.posts.create("Hello", "", slug="hello")
    mine = tmp_path / "hello.md"
    mine.write_text("mine", encoding="utf-8")
    await export_posts(blog.posts, tmp_path)
    mine.unlink()
    await export_posts(blog.posts, tmp_path)
    assert [path.name for path in files_in(tmp_path)] == [file_names("hello")[1]]


async def test_a_link_is_not_followed_out_of_the_folder(blog: BlogService, tmp_path: Path) -> None:
    await blog.posts.create("Hello", "", slug="hello")
    outside = tmp_path / "outside"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "hello.md").symlink_to(outside)
    await export_posts(blog.posts, folder)
    assert not outside.exists()


async def test_a_post_whose_names_are_all_taken_is_named(blog: BlogService, tmp_path: Path) -> None:
    await blog.posts.create("Hello", "", slug="hello")
    for name in file_names("hello"):
        (tmp_path / name).mkdir()
    with pytest.raises(ConfigurationError, match="is not the post 'hello'"):
        await export_posts(blog.posts, tmp_path)


async def test_a_folder_that_cannot_be_made_is_named(blog: BlogService, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(ConfigurationError, match="file' cannot be written"):
        await export_posts(blog.posts, path)


async def test_a_folder_that_is_given_as_a_link_is_written_to(
    blog: BlogService, tmp_path: Path
) -> None:
    await blog.posts.create("Hello", "", slug="hello")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    await export_posts(blog.posts, tmp_path / "link")
    assert files_in(tmp_path / "folder") == {tmp_path / "folder/hello.md"}


async def test_a_link_to_nothing_is_no_folder(blog: BlogService, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nothing")
    with pytest.raises(ConfigurationError, match=r"link' cannot be written .File exists"):
        await export_posts(blog.posts, tmp_path / "link")
    assert not (tmp_path / "nothing").exists()


async def test_a_disk_that_is_full_is_told_and_leaves_whole_files(
    blog: BlogService, tmp_path: Path
) -> None:
    await blog.posts.create("Small", "", slug="small")
    await blog.posts.create("Large", "x" * 10_000, slug="large")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(
            ConfigurationError, match=r"cannot be written .File too large., after 1"
        ):
            await export_posts(blog.posts, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files_in(tmp_path) == {tmp_path / "small.md"}


async def test_what_stands_in_the_way_is_not_waited_for(blog: BlogService, tmp_path: Path) -> None:
    await blog.posts.create("Hello", "", slug="hello")
    os.mkfifo(tmp_path / "hello.md")
    await export_posts(blog.posts, tmp_path)
    assert [path.name for path in files_in(tmp_path)] == [file_names("hello")[1]]


async def test_an_export_beside_its_sources_stores_nothing_twice(
    blog: BlogService, tmp_path: Path
) -> None:
    source = tmp_path / "2026-05-01-hello.md"
    source.write_text("---\ntitle: Hello\n---\n\ntext\n", encoding="utf-8")
    await import_posts(blog.posts, [tmp_path])
    await export_posts(blog.posts, tmp_path)
    report = await import_posts(blog.posts, [tmp_path])
    assert (report.created, report.unchanged) == (0, 2)


async def test_progress_goes_to_the_total_one_post_at_a_time(
    blog: BlogService, tmp_path: Path
) -> None:
    await blog.posts.create_many([NewPost("Hello", ""), NewPost("Hello", "")])
    seen: list[tuple[int, int]] = []
    await export_posts(blog.posts, tmp_path, on_progress=lambda *step: seen.append(step))
    assert seen == [(0, 2), (1, 2), (2, 2)]


LARGE = "old" * 400_000

MOST = 500_000
"""Bytes that a file may have where there is no room for a large post."""

_EXPORT_UNTIL_KILLED = """
import resource, signal, sys
from blogsvc.cli import main

# Python ignores the signal with which the system ends whoever writes more than is allowed.
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
most = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
main()
"""


@contextlib.contextmanager
def little_room() -> Iterator[None]:
    """Let this process write no large file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def export_until_killed(url: str, folder: Path) -> None:
    """Export in a process that is killed in the middle of a large file."""
    command = [sys.executable, "-c", _EXPORT_UNTIL_KILLED, str(MOST), "export", "--url", url]
    ended = subprocess.run([*command, str(folder)], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGXFSZ, ended.stderr.decode()


async def test_a_file_that_cannot_be_written_whole_stays_as_it_was(
    blog: BlogService, tmp_path: Path
) -> None:
    post = await blog.posts.create("Hello", LARGE, slug="hello")
    await export_posts(blog.posts, tmp_path)
    before = (tmp_path / "hello.md").read_bytes()
    await blog.posts.update(post.id, content=LARGE.replace("old", "new"))
    with little_room(), pytest.raises(ConfigurationError, match="File too large"):
        await export_posts(blog.posts, tmp_path)
    assert files_in(tmp_path) == {tmp_path / "hello.md"}
    assert (tmp_path / "hello.md").read_bytes() == before


async def test_who_reads_a_file_while_it_is_exported_again_reads_one_version_of_it(
    blog: BlogService, tmp_path: Path
) -> None:
    post = await blog.posts.create("Hello", LARGE, slug="hello")
    await export_posts(blog.posts, tmp_path)
    before = (tmp_path / "hello.md").read_bytes()
    with (tmp_path / "hello.md").open("rb") as file:
        read = file.read(MOST)
        await blog.posts.update(post.id, content=LARGE.replace("old", "new"))
        await export_posts(blog.posts, tmp_path)
        read += file.read()
    assert read == before


async def test_an_export_that_is_killed_leaves_whole_files_and_can_be_repeated(
    blog: BlogService, database: str, tmp_path: Path
) -> None:
    path = tmp_path / "hello.md"
    post = await blog.posts.create("Hello", LARGE, slug="hello")
    await asyncio.to_thread(export_until_killed, database, tmp_path)
    assert not path.exists()
    await export_posts(blog.posts, tmp_path)
    before = path.read_bytes()

    await blog.posts.update(post.id, content=LARGE.replace("old", "new"))
    await asyncio.to_thread(export_until_killed, database, tmp_path)
    assert path.read_bytes() == before
    await export_posts(blog.posts, tmp_path)
    after = path.read_bytes()
    content = LARGE.encode()
    assert content in before
    assert after.endswith(b"---\n\n" + content.replace(b"old", b"new") + b"\n")
