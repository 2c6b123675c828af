"""A post belongs to the file that it came from, and no import changes it for another one."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from blogsvc import BlogService, NewPost
from blogsvc.markdown import import_posts
from blogsvc.markdown.numbering import numbered
from blogsvc.posts import store_posts

from .folders import FIRST_OF_MAY, outcome, stored, write, yaml

MAY = "2026-05-01"


async def run(blog: BlogService, *paths: Path) -> tuple[int, int, int]:
    return outcome(await import_posts(blog.posts, paths))


async def texts(blog: BlogService) -> dict[str, str]:
    return {slug: post.content for slug, post in (await stored(blog)).items()}


async def sources(sql: asyncpg.Connection) -> dict[str, str | None]:
    return dict(await sql.fetch("SELECT slug, source FROM posts"))


# A post whose source is the file's


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        (yaml("Hello", "old", date=MAY, slug="renamed"), "renamed"),
        (yaml("Hello", "old", date="2020-01-01"), "hello"),
        (yaml("Other", "old", date=MAY), "hello"),
        (yaml("Hello", "new", date=MAY), "hello"),
        (yaml("Other", "new", date="2020-01-01"), "hello"),
        (yaml("Other", "new", date=MAY, slug="renamed"), "renamed"),
        (yaml("Other", "new"), "hello"),
    ],
    ids=["slug", "date", "title", "text", "all but the slug", "all but the date", "no date"],
)
async def test_a_file_keeps_its_post_whatever_is_edited(
    blog: BlogService, tmp_path: Path, text: str, slug: str
) -> None:
    write(tmp_path, "hello.md", yaml("Hello", "old", date=MAY))
    await run(blog, tmp_path)
    [before] = (await stored(blog)).values()
    write(tmp_path, "hello.md", text)
    assert await run(blog, tmp_path) == (0, 0, 1)
    [after] = (await stored(blog)).values()
    assert (after.id, after.slug) == (before.id, slug)
    assert await run(blog, tmp_path) == (0, 1, 0)


async def test_an_edited_slug_leaves_the_old_one_leading_to_the_post(
    blog: BlogService, tmp_path: Path
) -> None:
    write(tmp_path, "hello.md", yaml(date=MAY))
    await run(blog, tmp_path)
    # With a status and a time, too: then the trigger does not add the slug by itself.
    write(tmp_path, "hello.md", yaml(date=MAY, slug="new", status="archived", published_at=MAY))
    await run(blog, tmp_path)
    assert (await blog.posts.get_by_slug("hello")).slug == "new"


async def test_an_edited_slug_that_is_taken_is_numbered(blog: BlogService, tmp_path: Path) -> None:
    await blog.posts.create("Mine", "mine", slug="taken")
    write(tmp_path, "hello.md", yaml(date=MAY))
    await run(blog, tmp_path)
    write(tmp_path, "hello.md", yaml(date=MAY, slug="taken"))
    assert await run(blog, tmp_path) == (0, 0, 1)
    assert await texts(blog) == {"taken": "mine", "taken-2": "text"}
    assert await run(blog, tmp_path) == (0, 1, 0)


async def test_a_file_of_the_same_path_that_shares_nothing_else_is_another_ones(
    blog: BlogService, tmp_path: Path
) -> None:
    first = tmp_path / "one/posts"
    second = tmp_path / "two/posts"
    write(first, "1.md", yaml("One", "one", date=MAY, slug="one"))
    write(second, "1.md", yaml("Two", "two", date="2020-01-01", slug="two"))
    await run(blog, first)
    assert await run(blog, second) == (1, 0, 0)
    assert await texts(blog) == {"one": "one", "two": "two"}
    # From now on two posts have this source, and each file finds its own.
    assert await run(blog, first) == (0, 1, 0)
    assert await run(blog, second) == (0, 1, 0)
    write(second, "1.md", yaml("Two", "edited", date="2020-01-01", slug="two"))
    assert await run(blog, second) == (0, 0, 1)
    assert await texts(blog) == {"one": "one", "two": "edited"}


async def test_where_two_posts_may_be_the_files_none_is_changed(
    blog: BlogService, tmp_path: Path
) -> None:
    posts = [
        NewPost(
            text, text, slug=slug, created_at=FIRST_OF_MAY + timedelta(day), source="x/hello.md"
        )
        for day, (slug, text) in enumerate([("hello", "one"), ("hello-2", "two")])
    ]
    await blog.posts.create_many(posts)
    write(tmp_path / "x", "hello.md", yaml("New", "new", date="2020-01-01"))
    assert await run(blog, tmp_path / "x") == (1, 0, 0)
    assert await texts(blog) == {"hello": "one", "hello-2": "two", "hello-3": "new"}
    assert await run(blog, tmp_path / "x") == (0, 1, 0)


async def test_two_sites_with_a_file_of_the_same_path_keep_a_post_each(
    blog: BlogService, tmp_path: Path
) -> None:
    for site, day in (("one", "2026-05-01"), ("two", "2026-05-02")):
        (tmp_path / site / ".git").mkdir(parents=True)
        write(tmp_path / site, "posts/hello.md", yaml(site, site, date=day))
    both = tmp_path / "one", tmp_path / "two"
    assert await run(blog, *both) == (2, 0, 0)
    assert await run(blog, *both) == (0, 2, 0)
    write(tmp_path / "one", "posts/hello.md", yaml("New", "new", date="2026-05-01"))
    write(tmp_path / "two", "posts/hello.md", yaml("two", "edited", date="2026-05-02"))
    assert await run(blog, *both) == (0, 0, 2)
    assert await texts(blog) == {"hello": "new", "hello-2": "edited"}


# Importing another folder above the same files, or below


async def test_two_languages_of_the_same_names_and_dates_are_all_stored(
    blog: BlogService, tmp_path: Path
) -> None:
    for language, name in itertools.product(("de", "fr"), "abc"):
        write(tmp_path / "site", f"{language}/{name}.md", yaml(name, language, date=MAY))
    for language in ("de", "fr"):
        assert await run(blog, tmp_path / "site" / language) == (3, 0, 0)
    assert [*(await texts(blog)).values()] == ["de"] * 3 + ["fr"] * 3
    assert await run(blog, tmp_path / "site/de") == (0, 3, 0)
    assert await run(blog, tmp_path / "site") == (0, 6, 0)


@pytest.mark.parametrize("again", ["b", ".", "b/hello.md"])
async def test_of_two_files_of_one_name_and_date_an_import_of_one_folder_leaves_the_other(
    blog: BlogService, tmp_path: Path, again: str
) -> None:
    write(tmp_path, "a/hello.md", yaml(content="first", date=MAY))
    write(tmp_path, "b/hello.md", yaml(content="second", date=MAY))
    assert await run(blog, tmp_path) == (2, 0, 0)
    before = await stored(blog)
    write(tmp_path, "b/hello.md", yaml("New title", "edited", date="2026-05-02"))
    report = await import_posts(blog.posts, [tmp_path / again])
    assert (report.created, report.updated) == (0, 1)
    assert report.updated_files == (tmp_path / "b/hello.md",)
    after = await stored(blog)
    assert after["hello"] == before["hello"]
    assert after["hello-2"].content == "edited"


async def test_a_folder_that_is_renamed_or_moved_keeps_its_posts(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    for name in "abc":
        write(tmp_path, f"content/post/{name}.md", yaml(name, date=MAY))
    await run(blog, tmp_path / "content")
    (tmp_path / "content").rename(tmp_path / "articles")
    assert await run(blog, tmp_path / "articles") == (0, 3, 0)
    assert await sql.fetchval("SELECT max(version) FROM posts") == 1
    assert (await sources(sql))["a"] == f"{tmp_path}/articles//post/a.md"
    write(tmp_path, "articles/post/a.md", yaml("New", "new", date="2020-01-01"))
    assert await run(blog, tmp_path / "articles") == (0, 2, 1)


# A moved file


async def test_a_moved_file_keeps_its_post_and_gives_it_its_new_source(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    write(tmp_path / "x", "a/hello.md", yaml(content="old", date=MAY))
    await run(blog, tmp_path / "x")
    (tmp_path / "x/b").mkdir()
    (tmp_path / "x/a/hello.md").rename(tmp_path / "x/b/hello.md")
    write(tmp_path / "x", "b/hello.md", yaml(content="edited", date=MAY))
    assert await run(blog, tmp_path / "x") == (0, 0, 1)
    assert await texts(blog) == {"hello": "edited"}
    assert await sources(sql) == {"hello": f"{tmp_path}/x//b/hello.md"}


async def test_a_moved_file_without_a_date_is_known_by_its_text(
    blog: BlogService, tmp_path: Path
) -> None:
    write(tmp_path, "a/hello.md", yaml(content="old"))
    await run(blog, tmp_path)
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert await run(blog, tmp_path) == (0, 1, 0)
    shutil.move(tmp_path / "b", tmp_path / "c")
    write(tmp_path, "c/hello.md", yaml(content="edited"))
    assert await run(blog, tmp_path) == (1, 0, 0)
    assert await texts(blog) == {"hello": "old", "hello-2": "edited"}


async def test_a_file_takes_no_post_of_a_file_that_is_still_there(
    blog: BlogService, tmp_path: Path
) -> None:
    write(tmp_path, "a/hello.md", yaml(content="a", date=MAY))
    await run(blog, tmp_path)
    write(tmp_path, "b/hello.md", yaml(content="b", date=MAY))
    assert await run(blog, tmp_path / "b") == (1, 0, 0)
    assert await texts(blog) == {"hello": "a", "hello-2": "b"}


async def test_a_file_takes_no_post_of_a_file_whose_name_is_not_utf_8(
    blog: BlogService, tmp_path: Path
) -> None:
    folder = tmp_path.joinpath("caf\udce9")
    write(folder, "hello.md", yaml(content="a", date=MAY))
    await run(blog, folder)
    write(tmp_path, "b/hello.md", yaml(content="b", date=MAY))
    assert await run(blog, tmp_path / "b") == (1, 0, 0)
    assert await texts(blog) == {"hello": "a", "hello-2": "b"}


async def test_a_moved_file_takes_no_post_where_several_fit(
    blog: BlogService, tmp_path: Path
) -> None:
    for name in "ab":
        write(tmp_path, f"{name}/hello.md", yaml(content=name, date=MAY))
    await run(blog, tmp_path)
    for name in "ab":
        shutil.rmtree(tmp_path / name)
    write(tmp_path, "c/hello.md", yaml(content="c", date=MAY))
    assert await run(blog, tmp_path) == (1, 0, 0)
    assert await texts(blog) == {"hello": "a", "hello-2": "b", "hello-3": "c"}


async def test_two_files_that_may_both_have_been_moved_take_none(
    blog: BlogService, tmp_path: Path
) -> None:
    write(tmp_path, "a/hello.md", yaml(content="a", date=MAY))
    await run(blog, tmp_path)
    shutil.rmtree(tmp_path / "a")
    for name in "bc":
        write(tmp_path, f"{name}/hello.md", yaml(content=name, date=MAY))
    assert await run(blog, tmp_path) == (2, 0, 0)
    assert await texts(blog) == {"hello": "a", "hello-2": "b", "hello-3": "c"}


async def test_a_new_file_takes_no_slug_of_an_unchanged_one(
    blog: BlogService, tmp_path: Path
) -> None:
    write(tmp_path, "new/hello.md", yaml(content="new", date="2026-05-02"))
    await run(blog, tmp_path)
    write(tmp_path, "old/hello.md", yaml(content="older", date="2026-05-01"))
    assert await run(blog, tmp_path) == (1, 1, 0)
    assert await texts(blog) == {"hello": "new", "hello-2": "older"}


async def test_a_post_that_was_taken_over_from_sequelize_is_no_files(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    await blog.posts.create_many(
        [NewPost("Hello", "old", slug="hello", created_at=FIRST_OF_MAY, source="sequelize:posts/1")]
    )
    write(tmp_path, "hello.md", yaml(content="new", date=MAY))
    assert await run(blog, tmp_path) == (1, 0, 0)
    assert await texts(blog) == {"hello": "old", "hello-2": "new"}


# Posts that never had a source


@pytest.mark.parametrize(
    ("title", "content"), [("Hello", "text"), ("Hello", "new"), ("New", "text"), ("New", "new")]
)
async def test_a_post_without_a_source_is_the_one_of_the_file_of_its_slug_and_date(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path, title: str, content: str
) -> None:
    post = await blog.posts.create("Hello", "text", slug="hello", created_at=FIRST_OF_MAY)
    write(tmp_path / "x", "hello.md", yaml(title, content, date=MAY))
    assert await run(blog, tmp_path / "x") == (0, 0, 1)
    after = (await stored(blog))["hello"]
    assert (after.id, after.title, after.content) == (post.id, title, content)
    assert await sources(sql) == {"hello": f"{tmp_path}/x//hello.md"}


@pytest.mark.parametrize(
    ("title", "content", "is_it"),
    [("Hello", "text", True), ("Hello", "new", True), ("New", "text", True), ("New", "new", False)],
)
async def test_a_file_without_a_date_takes_a_post_with_half_its_text(
    blog: BlogService, tmp_path: Path, title: str, content: str, is_it: bool
) -> None:
    await blog.posts.create("Hello", "text", slug="hello", status="published")
    write(tmp_path, "hello.md", yaml(title, content))
    await run(blog, tmp_path)
    assert await blog.posts.count() == (1 if is_it else 2)


async def test_of_posts_without_a_source_each_file_takes_the_one_that_is_left(
    blog: BlogService, tmp_path: Path
) -> None:
    for slug, text in (("hello", "a"), ("hello-2", "b"), ("hello-3", "c")):
        await blog.posts.create("Hello", text, slug=slug, created_at=FIRST_OF_MAY)
    for name, text in (("a", "edited"), ("b", "b"), ("c", "c")):
        write(tmp_path, f"{name}/hello.md", yaml(content=text, date=MAY))
    await run(blog, tmp_path)
    assert await texts(blog) == {"hello": "edited", "hello-2": "b", "hello-3": "c"}


# What the application changed meanwhile


async def test_an_edit_in_the_application_is_undone_and_named(
    blog: BlogService, tmp_path: Path
) -> None:
    path = write(tmp_path, "hello.md", yaml(date=MAY))
    await run(blog, tmp_path)
    before = (await stored(blog))["hello"]
    await blog.posts.update(
        before.id, title="Edited", slug="edited", status="archived", tags=["new"], metadata={"a": 1}
    )
    report = await import_posts(blog.posts, [tmp_path])
    assert report.updated_files == (path,)
    after = await blog.posts.get(before.id)
    same = (after.title, after.slug, after.status, after.tags, after.metadata)
    assert same == ("Hello", "hello", "published", (), {})
    assert (await blog.posts.get_by_slug("edited")).id == before.id


async def test_posts_of_files_that_are_gone_stay(blog: BlogService, tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path, f"{name}.md", yaml(date=MAY))
    await run(blog, tmp_path)
    (tmp_path / "a.md").unlink()
    assert await run(blog, tmp_path) == (0, 1, 0)
    assert await blog.posts.count() == 2


# Several imports at once


async def test_imports_at_the_same_time_store_each_file_once(
    blog: BlogService, tmp_path: Path
) -> None:
    for number in range(60):
        name = f"{number}/{'hello' if number % 2 else f'post-{number}'}.md"
        write(tmp_path, name, yaml(content=f"{number}", date=f"2026-05-0{1 + number % 3}"))
    reports = await asyncio.gather(*(import_posts(blog.posts, [tmp_path]) for _ in range(4)))
    assert all(report.is_complete for report in reports)
    assert sum(report.created for report in reports) == 60
    assert sorted((await texts(blog)).values(), key=int) == [str(number) for number in range(60)]
    assert await run(blog, tmp_path) == (0, 60, 0)


async def test_a_batch_that_is_interrupted_is_finished_by_the_next_import(
    blog: BlogService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blogsvc.markdown.reading.BATCH", 2)
    for name in "abcdef":
        write(
            tmp_path,
            f"{name}/hello.md",
            yaml(content=name, date=MAY if name < "d" else "2027-01-01"),
        )

    def stop(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await import_posts(blog.posts, [tmp_path], on_progress=stop)
    assert 0 < await blog.posts.count() < 6
    report = await import_posts(blog.posts, [tmp_path])
    assert report.created + report.unchanged == 6
    assert sorted((await texts(blog)).values()) == [*"abcdef"]


def test_numbered_slugs_fit() -> None:
    assert [*itertools.islice(numbered("x" * 255), 3)] == [
        "x" * 255,
        "x" * 253 + "-2",
        "x" * 253 + "-3",
    ]


async def test_a_post_that_another_import_gives_to_its_file_meanwhile_is_let_go(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await blog.posts.create("Hello", "old", slug="hello", created_at=FIRST_OF_MAY)

    async def store_too_late(*args: object) -> object:
        monkeypatch.undo()
        await sql.execute("UPDATE posts SET source = 'sequelize:posts/1'")
        return await store_posts(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("blogsvc.markdown.storing.store_posts", store_too_late)
    write(tmp_path, "hello.md", yaml(content="new", date=MAY))
    assert await run(blog, tmp_path) == (1, 0, 0)
    assert await texts(blog) == {"hello": "old", "hello-2": "new"}


async def test_an_edit_that_comes_in_between_is_seen_and_the_file_wins(
    blog: BlogService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "hello.md", yaml(content="old", date=MAY))
    await run(blog, tmp_path)

    async def store_too_late(*args: object) -> object:
        monkeypatch.undo()
        post = await blog.posts.get_by_slug("hello")
        await blog.posts.update(post.id, title="Edited")
        return await store_posts(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("blogsvc.markdown.storing.store_posts", store_too_late)
    write(tmp_path, "hello.md", yaml(content="new", date=MAY))
    assert await run(blog, tmp_path) == (0, 0, 1)
    post = await blog.posts.get_by_slug("hello")
    assert (post.title, post.content) == ("Hello", "new")


async def test_a_file_of_another_site_takes_no_post_of_one_whose_turn_comes_later(
    blog: BlogService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blogsvc.markdown.reading.BATCH", 1)
    one, two = tmp_path / "one", tmp_path / "two"
    for site in (one, two):
        (site / ".git").mkdir(parents=True)
    write(one, "hello.md", yaml("One", "one", date="2026-05-02"))
    await run(blog, one)
    write(one, "hello.md", yaml("One", "edited", date="2026-05-02"))
    write(two, "hello.md", yaml("Two", "two", date="2026-05-01"))
    assert await run(blog, one, two) == (1, 0, 1)
    assert await texts(blog) == {"hello": "edited", "hello-2": "two"}
