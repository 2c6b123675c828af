"""A site that has a name is known by it, wherever it is; one that had none yet gets its own."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.errors import ConfigurationError
from blogsvc.markdown import import_posts

from .folders import (
    EDITS,
    JUNE,
    MARKS,
    MAY,
    ORDERS,
    blog_of,
    make_site,
    run,
    texts,
    told,
    write,
    yaml,
)


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


async def test_a_named_blog_at_the_path_of_one_without_a_name_is_another_one(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    folder = make_site(tmp_path / "blog", "", blog_of(*"abc"))
    await run(blog, folder)
    edits = {name: yaml(name, f"two {name}", date=JUNE, slug=f"two-{name}") for name in "ab"}
    make_site(tmp_path / "blog", "", edits)
    assert await run(blog, folder, site="two") == (2, 1, 0)
    assert await texts(sql) == ["a", "b", "c", "two a", "two b"]


async def test_another_blog_that_is_mounted_where_one_was_is_seen(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    folder = make_site(tmp_path / "blog", "", blog_of(*"abcd"))
    await run(blog, folder)
    shutil.rmtree(tmp_path / "blog")
    posts = {name: yaml(f"Other {name}", f"other {name}", date=JUNE, slug=name) for name in "abc"}
    posts["d"] = yaml("Another", "another d", date=JUNE, slug="another")  # nothing is the same
    make_site(tmp_path / "blog", "", {**posts, "new": yaml("New", "new")})
    report = await import_posts(blog.posts, [folder])
    assert (report.created, report.updated, len(report.skipped)) == (2, 0, 3)
    assert {*told(report)} == {
        "may be of another site: most files here have nothing but the slugs of their posts; "
        "import it alone if this is the same site, else with --site and a new name"
    }
    assert await texts(sql) == ["a", "another d", "b", "c", "d", "new"]
    assert await run(blog, folder, site="other") == (3, 2, 0)
    everything = "a,another d,b,c,d,new,other a,other b,other c"
    assert await texts(sql) == everything.split(",")
    assert await run(blog, folder, site="other") == (0, 5, 0)
    assert await run(blog, folder / "a.md") == (0, 0, 1)
    assert (await texts(sql)).count("other a") == 2


async def test_all_files_may_be_rewritten_where_titles_texts_or_dates_stay(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    await run(blog, make_site(tmp_path, "", blog_of(*"abcd")))
    edits = {
        "a": yaml("A", "new a", date=JUNE),
        "b": yaml("B", "new b", date=MAY),
        "c": yaml("c", "new c", date=JUNE),
        "d": yaml("D", "d", date=JUNE),
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
    assert [source for (source,) in found] == [f"ann//posts/{name}.md" for name in "abc"]
    shutil.move(tmp_path / "blog", tmp_path / "elsewhere")
    write(tmp_path, "elsewhere/posts/b.md", yaml("b", "edited b", date=JUNE, slug="b2"))
    assert await run(blog, tmp_path / "elsewhere/posts", site="ann") == (0, 2, 1)
    assert await texts(sql) == ["c", "edited", "edited b"]


async def test_folders_of_one_name_are_one_site_and_keep_their_posts(
    blog: BlogService, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        write(tmp_path, f"{folder}/hello.md", yaml(content=folder, date=MAY))
        assert await run(blog, tmp_path / folder, site="ann") == (1, 0, 0)
    assert await texts(sql) == ["a", "b"]
    folders = tmp_path / "a", tmp_path / "b"
    write(tmp_path, "b/hello.md", yaml(content="edited", date=MAY))
    assert await run(blog, *folders, site="ann") == (0, 1, 1)
    assert await texts(sql) == ["a", "edited"]


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
        "may be of another site: its post came from posts/a.md of the site 'ann'; import with "
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
    assert await sql.fetchval("SELECT min(source) FROM posts") == (
        f"{site}//posts/a.md" if site else f"{folder}//a.md"
    )
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


async def test_of_two_sites_the_one_whose_turn_comes_later_keeps_a_post_of_an_older_import(
    blog: BlogService,
    sql: asyncpg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("blogsvc.markdown.reading.BATCH", 1)
    one = make_site(tmp_path / "one", ".git/HEAD", {"hello": yaml("One", "one", date=JUNE)})
    await run(blog, one)
    await forget_sites(sql, tmp_path / "one")
    make_site(tmp_path / "one", "", {"hello": yaml("One", "edited", date=JUNE)})
    two = make_site(tmp_path / "two", ".git/HEAD", {"hello": yaml("Two", "two", date=MAY)})
    assert await run(blog, one, two) == (1, 0, 1)
    found = await sql.fetch("SELECT slug, content FROM posts ORDER BY slug")
    assert [tuple(row) for row in found] == [("hello", "edited"), ("hello-2", "two")]


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
