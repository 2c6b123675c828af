"""Two sites that are imported one by one keep a post for each of their files."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from pathlib import Path

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.errors import ConfigurationError
from blogsvc.markdown import ImportReport, export_posts, import_posts

from ..support import run as run_command
from .folders import outcome, write, yaml

MAY = "2026-05-01"
JUNE = "2026-06-01"

MARKS = ["", ".git/HEAD", "_config.yml", "hugo.toml"]
"""What makes a folder a site; without any, the imported folder is one."""

ORDERS = [("one", "two"), ("two", "one")]

EDITS = {
    "title": yaml("Edited", "one", date=MAY),
    "date": yaml("Hello", "one", date=JUNE),
    "text": yaml("Hello", "edited", date=MAY),
    "slug": yaml("Hello", "one", date=MAY, slug="edited"),
    "all but the path": yaml("Edited", "edited", date=MAY, slug="edited"),
}


async def run(blog: BlogService, *paths: Path, site: str | None = None) -> tuple[int, int, int]:
    return outcome(await import_posts(blog.posts, paths, site=site))


async def texts(sql: asyncpg.Connection) -> list[str]:
    rows = await sql.fetch("SELECT content FROM posts ORDER BY content")
    return [content for (content,) in rows]


async def post_of(sql: asyncpg.Connection, path: Path) -> tuple[object, ...]:
    """Return title, text, day and slug of the post whose source is this very file."""
    row = await sql.fetchrow(
        "SELECT title, content, created_at::date::text, slug FROM posts"
        " WHERE replace(source, '//', '/') = $1",
        str(path),
    )
    assert row is not None
    return tuple(row)


def make_site(folder: Path, mark: str, posts: dict[str, str]) -> Path:
    """Make a site and return the folder to import."""
    if mark:
        write(folder, mark, "")
    for name, text in posts.items():
        write(folder, f"posts/{name}.md", text)
    return folder / "posts"


def told(report: ImportReport) -> list[str]:
    return [reason for _, reason in report.skipped]


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


def blog_of(*names: str) -> dict[str, str]:
    return {name: yaml(name, name, date=MAY) for name in names}


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


# A site with a name


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("mark", MARKS)
async def test_two_containers_with_named_sites_at_one_path_keep_their_posts(
    blog: BlogService,
    sql: asyncpg.Connection,
    tmp_path: Path,
    order: tuple[str, str],
    mark: str,
) -> None:
    def mount(name: str, text: str) -> Path:
        shutil.rmtree(tmp_path / "blog", ignore_errors=True)
        return make_site(tmp_path / "blog", mark, {"hello": text})

    for name in order:
        folder = mount(name, yaml(content=name, date=MAY))
        assert await run(blog, folder, site=name) == (1, 0, 0)
    assert await texts(sql) == ["one", "two"]
    for name, edit in itertools.product(order, EDITS.values()):
        others = [text for text in await texts(sql) if name not in text]
        text = edit.replace("edited\n", f"edited {name}\n").replace("one\n", f"{name}\n")
        folder = mount(name, text.replace("slug: edited", f"slug: {name}"))
        await run(blog, folder, site=name)
        assert await run(blog, folder, site=name) == (0, 1, 0)
        assert [text for text in await texts(sql) if name not in text] == others
    assert await sql.fetchval("SELECT count(*) FROM posts") == 2
    assert await texts(sql) == ["edited one", "edited two"]


async def test_another_blog_that_is_mounted_where_one_was_is_seen(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    folder = make_site(tmp_path / "blog", "", blog_of(*"abcd"))
    await run(blog, folder)
    shutil.rmtree(tmp_path / "blog")
    posts = {name: yaml(f"Other {name}", f"other {name}", date=MAY, slug=name) for name in "abc"}
    make_site(tmp_path / "blog", "", {**posts, "new": yaml("New", "new")})
    report = await import_posts(blog.posts, [folder])
    assert (report.created, report.updated, len(report.skipped)) == (1, 0, 3)
    assert (
        told(report)
        == [
            "may be of another site: most files here have neither the title nor the text of their "
            "posts; import it alone if this is the same site, else with --site and a new name"
        ]
        * 3
    )
    assert await texts(sql) == ["a", "b", "c", "d", "new"]
    assert await run(blog, folder, site="other") == (3, 1, 0)
    assert await texts(sql) == ["a", "b", "c", "d", "new", "other a", "other b", "other c"]
    assert await run(blog, folder, site="other") == (0, 4, 0)
    assert await run(blog, folder / "a.md") == (0, 0, 1)
    assert (await texts(sql)).count("other a") == 2


async def test_most_files_may_be_rewritten_while_their_titles_or_texts_stay(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    await run(blog, make_site(tmp_path, "", blog_of(*"abcd")))
    edits = {
        "a": yaml("A", "new a", date=MAY),
        "b": yaml("B", "new b", date=MAY),
        "c": yaml("c", "new c", date=MAY),
        "d": yaml("D", "d", date=MAY),
    }
    assert await run(blog, make_site(tmp_path, "", edits)) == (0, 0, 4)
    assert await texts(sql) == ["d", "new a", "new b", "new c"]


async def test_a_site_gets_a_name_and_keeps_its_posts(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    folder = make_site(tmp_path / "blog", "", blog_of(*"abc"))
    await run(blog, folder)
    write(folder, "a.md", yaml("Edited", "edited", date=JUNE))
    assert await run(blog, folder, site="ann") == (0, 2, 1)
    assert await texts(sql) == ["b", "c", "edited"]
    found = await sql.fetch("SELECT source FROM posts ORDER BY source")
    assert [source for (source,) in found] == ["ann//a.md", "ann//b.md", "ann//c.md"]
    shutil.move(folder, tmp_path / "elsewhere")
    write(tmp_path, "elsewhere/b.md", yaml("b", "edited b", date=JUNE, slug="b2"))
    assert await run(blog, tmp_path / "elsewhere", site="ann") == (0, 2, 1)
    assert await texts(sql) == ["c", "edited", "edited b"]


async def test_a_site_may_get_its_name_with_another_folder_above_or_below(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    folder = make_site(tmp_path / "blog", "", blog_of(*"abc"))
    await run(blog, tmp_path / "blog")
    write(folder, "a.md", yaml("a", "edited", date=JUNE, slug="edited"))
    assert await run(blog, folder, site="ann") == (0, 2, 1)
    assert await texts(sql) == ["b", "c", "edited"]


async def test_a_post_of_a_named_site_is_changed_under_that_name_only(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    folder = make_site(tmp_path / "blog", "", blog_of(*"abc"))
    await run(blog, folder, site="ann")
    assert await run(blog, folder) == (0, 3, 0)
    write(folder, "a.md", yaml("a", "edited", date=MAY))
    report = await import_posts(blog.posts, [folder])
    assert told(report) == [
        "may be of another site: its post came from a.md of the site 'ann'; import with "
        "--site ann if this is that site, else with --site and a new name"
    ]
    assert await texts(sql) == ["a", "b", "c"]
    assert await run(blog, folder, site="ann") == (0, 2, 1)
    assert await run(blog, folder, site="bob") == (0, 3, 0)  # copies, all three
    write(folder, "b.md", yaml("b", "bob", date=MAY))
    assert await run(blog, folder, site="bob") == (1, 2, 0)
    assert await texts(sql) == ["b", "bob", "c", "edited"]


@pytest.mark.parametrize("name", ["", " ", " ann", "a//b", "x" * 256, "a\0b", "sequelize:posts"])
async def test_what_is_no_name_of_a_site_is_refused(
    blog: BlogService, tmp_path: Path, name: str
) -> None:
    write(tmp_path, "hello.md", yaml())
    with pytest.raises(ConfigurationError, match="cannot be the name of a site"):
        await import_posts(blog.posts, [tmp_path], site=name)
    assert await blog.posts.count() == 0


async def test_one_name_is_not_for_two_sites(blog: BlogService, tmp_path: Path) -> None:
    folders = [
        make_site(tmp_path / name, ".git/HEAD", {"hello": yaml(content=name)})
        for name in ("one", "two")
    ]
    with pytest.raises(ConfigurationError, match="'ann' would be the name of several sites"):
        await import_posts(blog.posts, folders, site="ann")
    assert await blog.posts.count() == 0


# Posts that were stored before sites had names


async def forget_sites(sql: asyncpg.Connection, above: Path) -> None:
    """Make sources as they were: paths below the folder that is around the imported one."""
    await sql.execute(
        "UPDATE posts SET source = replace(replace(source, '//', '/'), $1, '')", f"{above}/"
    )


@pytest.mark.parametrize("site", [None, "ann"])
async def test_an_older_import_is_known_again_and_gets_its_site(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path, site: str | None
) -> None:
    folder = make_site(tmp_path / "one", "", blog_of(*"abc"))
    await run(blog, folder)
    await forget_sites(sql, tmp_path / "one")
    assert await sql.fetchval("SELECT min(source) FROM posts") == "posts/a.md"
    assert await run(blog, folder, site=site) == (0, 3, 0)
    assert await sql.fetchval("SELECT max(version) FROM posts") == 1
    assert await sql.fetchval("SELECT min(source) FROM posts") == f"{site or folder}//a.md"
    two = make_site(tmp_path / "two", "", {"a": yaml("a", "two", date=MAY)})
    assert await run(blog, two, site=site and "bob") == (1, 0, 0)
    assert await texts(sql) == ["a", "b", "c", "two"]


async def test_an_edit_reaches_a_post_of_an_older_import(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    folder = make_site(tmp_path / "one", "", blog_of(*"abc"))
    await run(blog, folder)
    await forget_sites(sql, tmp_path / "one")
    write(folder, "a.md", yaml("Edited", "edited", date=MAY, slug="new"))
    assert await run(blog, folder) == (0, 2, 1)
    assert await texts(sql) == ["b", "c", "edited"]


async def test_posts_of_an_import_that_kept_no_source_are_known_again(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    folder = make_site(tmp_path / "one", "", blog_of(*"abc"))
    await run(blog, folder)
    await sql.execute("UPDATE posts SET source = NULL")
    assert await run(blog, folder) == (0, 3, 0)
    two = make_site(tmp_path / "two", "", {"a": yaml("a", "two", date=MAY)})
    assert await run(blog, two) == (1, 0, 0)
    assert await texts(sql) == ["a", "b", "c", "two"]


async def test_posts_without_a_source_of_which_most_are_another_blogs_are_left_alone(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    one = make_site(tmp_path / "one", "", blog_of(*"abc"))
    await run(blog, one)
    await sql.execute("UPDATE posts SET source = NULL")
    posts = {name: yaml(f"Two {name}", f"two {name}", date=MAY, slug=name) for name in "ab"}
    two = make_site(tmp_path / "two", "", posts)
    report = await import_posts(blog.posts, [two])
    assert (report.created, report.updated, len(report.skipped)) == (0, 0, 2)
    assert await run(blog, two, site="two") == (2, 0, 0)
    assert await run(blog, one) == (0, 3, 0)
    assert await texts(sql) == ["a", "b", "c", "two a", "two b"]


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
