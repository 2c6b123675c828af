"""Two sites that are imported one by one keep a post for each of their files."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from pathlib import Path

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.markdown import export_posts, import_posts

from ..support import run as run_command
from .folders import (
    EDITS,
    JUNE,
    MARKS,
    MAY,
    ORDERS,
    blog_of,
    make_site,
    outcome,
    run,
    texts,
    told,
    write,
    yaml,
)


async def post_of(sql: asyncpg.Connection, path: Path) -> tuple[object, ...]:
    """Return title, text, day and slug of the post whose source is this very file."""
    row = await sql.fetchrow(
        "SELECT title, content, created_at::date::text, slug FROM posts"
        " WHERE replace(source, '//', '/') = $1",
        str(path),
    )
    assert row is not None
    return tuple(row)


# Side by side on one machine


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "second",
    [
        yaml("Hello", "two", date=MAY),
        yaml("Other", "two", date=JUNE),
        yaml("Other", "two", date=MAY, slug="other"),
        yaml("Hello", "two", date=JUNE, slug="other"),
        yaml("Hello", "two"),
        yaml("Other", "one", date=JUNE, slug="other"),
    ],
    ids=["all but the text", "slug", "date", "title", "no date", "text"],
)
async def test_each_site_keeps_its_post_whatever_the_two_share(
    blog: BlogService,
    sql: asyncpg.Connection,
    tmp_path: Path,
    mark: str,
    order: tuple[str, str],
    second: str,
) -> None:
    files = {"one": yaml("Hello", "one", date=MAY), "two": second}
    folders = [make_site(tmp_path / name, mark, {"hello": files[name]}) for name in order]
    for folder in folders:
        assert await run(blog, folder) == (1, 0, 0)
    expected = sorted(text.splitlines()[-1] for text in files.values())
    assert await texts(sql) == expected
    for folder in folders:
        assert await run(blog, folder) == (0, 1, 0)
    assert await run(blog, *folders) == (0, 2, 0)
    assert await texts(sql) == expected
    assert await sql.fetchval("SELECT max(version) FROM posts") == 1


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
async def test_an_edit_reaches_the_post_of_its_own_site(
    blog: BlogService,
    sql: asyncpg.Connection,
    tmp_path: Path,
    mark: str,
    order: tuple[str, str],
    edit: str,
) -> None:
    for name in order:
        await run(blog, make_site(tmp_path / name, mark, {"hello": yaml(content=name, date=MAY)}))
    others = await post_of(sql, tmp_path / "two/posts/hello.md")
    before = await post_of(sql, tmp_path / "one/posts/hello.md")
    write(tmp_path, "one/posts/hello.md", edit)
    assert await run(blog, tmp_path / "one/posts") == (0, 0, 1)
    assert await post_of(sql, tmp_path / "two/posts/hello.md") == others
    after = await post_of(sql, tmp_path / "one/posts/hello.md")
    assert after != before
    assert after[1] == edit.splitlines()[-1]
    for name in order:
        assert await run(blog, tmp_path / name / "posts") == (0, 1, 0)


@pytest.mark.parametrize("mark", MARKS)
async def test_a_file_with_the_same_text_is_a_copy_until_it_is_edited(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path, mark: str
) -> None:
    for name in ("one", "two"):
        posts = {"hello": yaml(content="same", date=MAY), name: yaml(name, name)}
        await run(blog, make_site(tmp_path / name, mark, posts))
    assert await texts(sql) == ["one", "same", "two"]
    write(tmp_path, "two/posts/hello.md", yaml(content="edited", date=MAY))
    report = await import_posts(blog.posts, [tmp_path / "two/posts"])
    assert outcome(report) == (1, 1, 0)
    assert [(path.name, slug) for path, slug in report.renamed] == [("hello.md", "hello-2")]
    assert await texts(sql) == ["edited", "one", "same", "two"]


async def test_a_post_stays_whose_file_its_site_has_deleted(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    posts = {"hello": yaml(content="one", date=MAY), "other": yaml("Other", "other", date=MAY)}
    one = make_site(tmp_path / "one", "_config.yml", posts)
    await run(blog, one)
    (one / "hello.md").unlink()
    two = make_site(tmp_path / "two", "_config.yml", {"hello": yaml(content="two", date=MAY)})
    assert await run(blog, two) == (1, 0, 0)
    assert await texts(sql) == ["one", "other", "two"]
    assert await run(blog, one) == (0, 1, 0)
    assert await run(blog, two) == (0, 1, 0)


@pytest.mark.parametrize("order", [("de", "fr"), ("fr", "de")])
@pytest.mark.parametrize("below", ["de", "de/posts"], ids=["folders", "folders below them"])
@pytest.mark.parametrize("mark", MARKS)
async def test_languages_that_are_imported_one_by_one_are_all_stored(
    blog: BlogService,
    sql: asyncpg.Connection,
    tmp_path: Path,
    order: tuple[str, ...],
    below: str,
    mark: str,
) -> None:
    site = tmp_path / "site"
    if mark:
        write(site, mark, "")
    for language, n in itertools.product(order, range(5)):
        title = f"Titel {n}" if n and language == "de" else f"Title {n}"
        text = f"---\ntitle: {title}\ndate: {MAY}\nslug: post-{n}\n---\n\n{language} {n}\n"
        write(site, f"{below.replace('de', language)}/post-{n}.md", text)
    folders = [site / below.replace("de", language) for language in order]
    for folder in folders:
        assert await run(blog, folder) == (5, 0, 0)
    everything = sorted(f"{language} {n}" for language, n in itertools.product(order, range(5)))
    assert await texts(sql) == everything
    for folder in folders:
        assert await run(blog, folder) == (0, 5, 0)
    # With the folder of both above them, a language may be in the path: so there may be updates.
    assert (await run(blog, site))[0] == 0
    assert await texts(sql) == everything


async def test_a_site_that_goes_out_and_comes_in_stays_beside_another(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        posts = {slug: yaml(slug, f"{name} {slug}", date=MAY) for slug in ("a", "b")}
        await run(blog, make_site(tmp_path / name, "", posts))
    everything = await texts(sql)
    await export_posts(blog.posts, tmp_path / "elsewhere/out")
    assert await run(blog, tmp_path / "elsewhere/out") == (0, 4, 0)
    await sql.execute("TRUNCATE posts")
    for _ in range(2):
        report = await import_posts(blog.posts, [tmp_path / "elsewhere/out"])
        assert report.is_complete
        assert await texts(sql) == everything
    for name in ("one", "two"):
        assert await run(blog, tmp_path / name / "posts") == (0, 2, 0)
    assert await texts(sql) == everything


async def test_two_sites_at_the_same_time_are_both_stored(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    folders = [
        make_site(
            tmp_path / name,
            "",
            {f"p{n}": yaml(f"P{n}", f"{name} {n}", date=MAY) for n in range(30)},
        )
        for name in ("one", "two")
    ]
    await asyncio.gather(*(run(blog, folder) for folder in folders * 2))
    everything = sorted(f"{name} {n}" for name in ("one", "two") for n in range(30))
    assert await texts(sql) == everything
    for folder in folders:
        assert await run(blog, folder) == (0, 30, 0)


# A site that moves


@pytest.mark.parametrize("mark", MARKS)
async def test_a_site_is_the_same_in_each_new_checkout_whatever_is_edited(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path, mark: str
) -> None:
    posts = blog_of(*"abcdefg")
    for number, edits in enumerate(
        [
            {},
            {"a": yaml("a", "edited", date=MAY)},
            {"b": yaml("Edited", "b", date=MAY), "c": yaml("c", "c", date=JUNE)},
            {"d": yaml("d", "d", date=MAY, slug="edited"), "a": yaml("New", "new", date=JUNE)},
            {"e": yaml("e", "new e"), "f": yaml("f", "new f", date=JUNE, slug="f2")},
        ]
    ):
        posts |= edits
        folder = make_site(tmp_path / f"build-{number}/blog", mark, posts)
        expected = (0, 7 - len(edits), len(edits)) if number else (7, 0, 0)
        assert await run(blog, folder) == expected
        assert await texts(sql) == sorted(text.splitlines()[-1] for text in posts.values())
        shutil.rmtree(tmp_path / f"build-{number}")
    slugs = await sql.fetch("SELECT slug FROM posts ORDER BY slug")
    assert [slug for (slug,) in slugs] == ["a", "b", "c", "e", "edited", "f2", "g"]


async def test_new_files_do_not_hide_that_a_site_has_moved(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    posts = blog_of("alpha-w", "alpha-x", "alpha-y", "alpha-z")
    await run(blog, make_site(tmp_path / "old", "", posts))
    shutil.rmtree(tmp_path / "old")
    posts |= blog_of("a", "al", "alp", "alph", "alpha")  # each begins as an older one does
    posts["alpha-w"] = yaml("alpha-w", "edited", date=MAY)
    assert await run(blog, make_site(tmp_path / "new", "", posts)) == (5, 3, 1)
    assert "edited" in await texts(sql)


async def test_a_file_takes_no_post_of_one_that_moved_with_its_site_and_cannot_be_read(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    await run(blog, make_site(tmp_path / "old", "hugo.toml", blog_of(*"abcde")))
    (tmp_path / "old").rename(tmp_path / "new")
    write(tmp_path, "new/posts/a.md", yaml("a", "edited", date="soon"))
    write(tmp_path, "new/posts/2026/a.md", yaml("a", "another", date=MAY))
    report = await import_posts(blog.posts, [tmp_path / "new/posts"])
    assert (report.created, report.unchanged, len(report.skipped)) == (1, 4, 1)
    assert await texts(sql) == ["a", "another", "b", "c", "d", "e"]


async def test_a_file_that_moved_within_a_site_that_moved_keeps_its_post(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    await run(blog, make_site(tmp_path / "old", "hugo.toml", blog_of(*"abcde")))
    (tmp_path / "old").rename(tmp_path / "new")
    (tmp_path / "new/posts/a.md").unlink()
    write(tmp_path, "new/posts/2026/a.md", yaml("a", "edited", date=MAY))
    write(tmp_path, "new/posts/2026/b.md", yaml("b", "another", date=MAY))
    assert await run(blog, tmp_path / "new/posts") == (1, 4, 1)
    assert await texts(sql) == ["another", "b", "c", "d", "e", "edited"]


@pytest.mark.parametrize(("first", "second"), [(".", "b"), ("a", "."), ("a", "b")])
async def test_a_file_keeps_its_post_where_it_moves_between_folders_of_a_site(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path, first: str, second: str
) -> None:
    if (first, second) == ("a", "b"):  # else nothing says that the two are of one site
        write(tmp_path, "_config.yml", "")
    write(tmp_path, "a/hello.md", yaml(content="old", date=MAY))
    await run(blog, tmp_path / first)
    (tmp_path / "a/hello.md").unlink()
    write(tmp_path, "b/hello.md", yaml(content="new", date=MAY))
    assert await run(blog, tmp_path / second) == (0, 0, 1)
    assert await texts(sql) == ["new"]


async def test_a_file_keeps_its_post_where_it_moves_within_a_named_site(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    write(tmp_path, "x/a/hello.md", yaml(content="old", date=MAY))
    write(tmp_path, "x/b.md", yaml("B", "b", date=MAY))
    await run(blog, tmp_path / "x", site="ann")
    (tmp_path / "x/a/hello.md").unlink()
    write(tmp_path, "y/c/hello.md", yaml(content="new", date=MAY))
    write(tmp_path, "y/d/b.md", yaml("B", "other b", date=MAY))
    shutil.move(tmp_path / "x/b.md", tmp_path / "y/b.md")
    assert await run(blog, tmp_path / "y", site="ann") == (1, 1, 1)
    assert await texts(sql) == ["b", "new", "other b"]


async def test_a_checkout_beside_the_first_one_changes_nothing(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    await run(blog, make_site(tmp_path / "one", ".git/HEAD", blog_of(*"abc")))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert await run(blog, tmp_path / "two") == (0, 3, 0)
    write(tmp_path, "two/posts/a.md", yaml("a", "edited", date=MAY))
    report = await import_posts(blog.posts, [tmp_path / "two"])
    assert (report.created, report.unchanged, report.updated) == (0, 2, 0)
    assert told(report) == [
        f"may be of another site: its post came from {tmp_path}/one/posts/a.md; import with "
        f"--site {tmp_path}/one if this is that site, else with --site and a new name"
    ]
    assert await texts(sql) == ["a", "b", "c"]
    # Each of the two is an answer.
    report = await import_posts(blog.posts, [tmp_path / "two"], site=f"{tmp_path}/one/")
    assert outcome(report) == (0, 2, 1)
    assert await texts(sql) == ["b", "c", "edited"]
    write(tmp_path, "two/posts/a.md", yaml("a", "edited again", date=MAY))
    assert await run(blog, tmp_path / "two", site="two") == (1, 2, 0)
    assert await texts(sql) == ["b", "c", "edited", "edited again"]


@pytest.mark.parametrize("mark", MARKS)
async def test_a_site_elsewhere_that_shares_no_text_is_not_taken_for_one_that_moved(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path, mark: str
) -> None:
    await run(blog, make_site(tmp_path / "a/one", mark, blog_of("hello", "about", "one")))
    shutil.rmtree(tmp_path / "a")  # as in another container
    posts = {name: yaml(name, f"second {name}", date=MAY) for name in ("hello", "about")}
    two = make_site(tmp_path / "b/two", mark, posts | blog_of("two"))
    report = await import_posts(blog.posts, [two])
    assert (report.created, report.unchanged, report.updated) == (1, 0, 0)
    assert len(report.skipped) == 2
    assert report.summary()[1] == "2 skipped: 2 may be of another site"
    assert await texts(sql) == ["about", "hello", "one", "two"]
    assert await run(blog, two, site="second") == (2, 1, 0)
    assert await texts(sql) == ["about", "hello", "one", "second about", "second hello", "two"]
    assert await run(blog, two, site="second") == (0, 3, 0)


# Paths


async def test_a_path_that_is_too_long_for_an_index_is_told_by_a_digest(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    noise = "0123456789abcdefghijklmnopqrstuvwxyz"
    parts = [f"{noise[n % 36 :]}{noise[: n % 36]}{n * 7919}" * 4 for n in range(20)]
    name = "/".join([*parts, "hello.md"])
    assert len(name) > 2_704
    write(tmp_path, name, yaml(date=MAY))
    assert await run(blog, tmp_path) == (1, 0, 0)
    write(tmp_path, name, yaml("New", "new", date=JUNE))
    assert await run(blog, tmp_path) == (0, 0, 1)
    assert await run(blog, tmp_path) == (0, 1, 0)
    assert len(await sql.fetchval("SELECT source FROM posts")) < 100


async def test_a_link_to_the_site_leads_to_the_same_posts(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    make_site(tmp_path / "releases/1", "_config.yml", {"a": yaml("a", "a", date=MAY)})
    (tmp_path / "current").symlink_to(tmp_path / "releases/1")
    assert await run(blog, tmp_path / "current/posts") == (1, 0, 0)
    write(tmp_path, "releases/1/posts/a.md", yaml("a", "edited", date=MAY))
    assert await run(blog, tmp_path / "releases/1/posts") == (0, 0, 1)
    shutil.copytree(tmp_path / "releases/1", tmp_path / "releases/2")
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to(tmp_path / "releases/2")
    write(tmp_path, "releases/2/posts/a.md", yaml("a", "edited again", date=MAY))
    await sql.execute("UPDATE posts SET source = $1", f"{tmp_path}/current//posts/a.md")
    assert await run(blog, tmp_path / "current/posts") == (0, 0, 1)
    assert await texts(sql) == ["edited again"]


async def test_the_command_tells_what_got_another_slug_and_what_may_be_another_sites(
    blog: BlogService, database: str, tmp_path: Path
) -> None:
    folders = [
        make_site(tmp_path / name, "", {"hello": yaml(content=name, date=MAY)})
        for name in ("one", "two")
    ]
    first = await run_command("blogsvc", "import", str(folders[0]), url=database)
    assert (first.status, first.output.splitlines()) == (
        0,
        ["1 created, 0 unchanged, 0 updated, 0 skipped, 0 section pages ignored"],
    )
    second = await run_command("blogsvc", "import", str(folders[1]), url=database)
    assert (second.status, second.output.splitlines()) == (
        0,
        [
            f"stored {folders[1]}/hello.md as hello-2",
            "1 created, 0 unchanged, 0 updated, 0 skipped, 0 section pages ignored",
            "1 under a numbered slug, as another post has the plain one",
        ],
    )
    shutil.rmtree(tmp_path / "one")
    shutil.rmtree(tmp_path / "two")
    three = make_site(tmp_path / "three", "", {"hello": yaml(content="three", date=MAY)})
    third = await run_command("blogsvc", "import", str(three), url=database)
    assert third.status == 1
    assert "1 skipped: 1 may be of another site" in third.output.splitlines()
    fourth = await run_command("blogsvc", "import", "--site", "third", str(three), url=database)
    assert (fourth.status, fourth.output.splitlines()[0]) == (
        0,
        f"stored {three}/hello.md as hello-3",
    )
