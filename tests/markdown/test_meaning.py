"""A file's front matter, name and folders say when, where and in which language its post is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from blogsvc.errors import InvalidPost
from blogsvc.markdown.files import PostFile, read_file
from blogsvc.markdown.sites import Site, site_of

NEW_YORK = ZoneInfo("America/New_York")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def read(
    folder: Path, matter: str = "", name: str = "hello.md", site: Site | None = None
) -> PostFile:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\ntitle: Hello\n{matter}\n---\ntext\n", encoding="utf-8")
    return read_file(path, site or site_of(folder))


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2014-03-08 12:00", utc(2014, 3, 8, 17)),
        ("2014-03-10 12:00", utc(2014, 3, 10, 16)),  # the clocks went forward on the 9th
        ("2014-03-10", utc(2014, 3, 10, 4)),
        ("2014-11-02 01:30", utc(2014, 11, 2, 5, 30)),  # the first of the two
        ("2014-03-10T12:00:00+08:00", utc(2014, 3, 10, 4)),
        ("2014-03-10 12:00 UTC", utc(2014, 3, 10, 12)),
    ],
)
def test_a_time_without_a_zone_is_one_of_the_site(
    tmp_path: Path, typed: str, moment: datetime
) -> None:
    site = site_of(tmp_path, timezone=NEW_YORK)
    assert read(tmp_path, f"date: {typed}", site=site).post.created_at == moment


def test_a_day_in_a_name_is_one_of_the_site(tmp_path: Path) -> None:
    site = site_of(tmp_path, timezone=NEW_YORK)
    assert read(tmp_path, name="2014-03-10-x.md", site=site).post.created_at == utc(2014, 3, 10, 4)
    assert read(tmp_path, "path: 2014/03/10/x", site=site).post.created_at == utc(2014, 3, 10, 4)


@pytest.mark.parametrize(
    "key",
    [
        "lastmod",
        "updated",
        "Modified",
        "last_modified_at",
        "updatedDate",
        "last-updated",
        "dateModified",
    ],
)
def test_the_time_of_the_last_change_has_many_names(tmp_path: Path, key: str) -> None:
    file = read(tmp_path, f"date: 2014-03-07\n{key}: 2014-03-10 09:05")
    assert file.post.updated_at == utc(2014, 3, 10, 9, 5)
    assert file.kept == ()


def test_a_change_at_no_time_is_only_kept(tmp_path: Path) -> None:
    file = read(tmp_path, "updated: often\nlastmod: 2014-03-10")
    assert file.post.updated_at == utc(2014, 3, 10)
    assert file.post.metadata == {"updated": "often"}


@pytest.mark.parametrize("key", ["date", "pubDate", "publish_date", "expiryDate", "unpublishdate"])
def test_a_time_that_decides_who_sees_a_post_must_be_one(tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidPost, match=f"{key} is not a date"):
        read(tmp_path, f"{key}: soon")


@pytest.mark.parametrize(
    ("matter", "created_at", "published_at", "kept"),
    [
        ("date: 2014-03-07\npublishDate: 2014-03-08", utc(2014, 3, 7), utc(2014, 3, 8), ()),
        ("date: 2014-03-07\ncreated: 2014-03-06", utc(2014, 3, 7), utc(2014, 3, 7), ("created",)),
        ("Date: 2014-03-07\ndate:", utc(2014, 3, 7), utc(2014, 3, 7), ("date",)),
        ("published: 2014-03-07", utc(2014, 3, 7), utc(2014, 3, 7), ()),
        ("published: Mar 7, 2014", utc(2014, 3, 7), utc(2014, 3, 7), ()),
        ("date: 2014-03-07\npublished: true", utc(2014, 3, 7), utc(2014, 3, 7), ()),
        ("date:\npublished: 1", None, None, ("date",)),
    ],
)
def test_of_several_times_each_has_its_use(
    tmp_path: Path,
    matter: str,
    created_at: datetime | None,
    published_at: datetime | None,
    kept: tuple[str, ...],
) -> None:
    file = read(tmp_path, matter)
    assert (file.post.created_at, file.post.published_at, file.kept) == (
        created_at,
        published_at,
        kept,
    )
    assert file.held_back is None


@pytest.mark.parametrize(
    ("matter", "name", "status", "held_back"),
    [
        ("publishDate: 2999-01-01", "x.md", "published", "publishDate lies ahead"),
        ("Date: 2999-01-01", "x.md", "published", "Date lies ahead"),
        ("date: 2999-01-01\npublished: 2014-01-01", "x.md", "published", None),
        ("", "2999-01-01-x.md", "published", "date lies ahead"),
        ("expiryDate: 2014-01-01", "x.md", "archived", "expiryDate is past"),
        ("expiryDate: 2999-01-01", "x.md", "published", None),
        ("publishDate: 2999-01-01\ndraft: true", "x.md", "draft", "draft: true"),
        ("status: archived", "x.md", "archived", "status: archived"),
        (
            "expiryDate: 2014-01-01\npublishDate: 2013-01-01",
            "x.md",
            "archived",
            "expiryDate is past",
        ),
    ],
)
def test_what_is_not_shown_now_is_held_back_and_says_why(
    tmp_path: Path, matter: str, name: str, status: str, held_back: str | None
) -> None:
    file = read(tmp_path, matter, name)
    assert (file.post.status, file.held_back) == (status, held_back)


@pytest.mark.parametrize(
    ("matter", "kept"),
    [
        ("draft: perhaps", ("draft",)),
        ("draft: true", ()),
        ("status: Private", ("status",)),
        ("status: publish", ()),
        ("published: no", ()),
        ("hidden: false", ("hidden",)),
    ],
)
def test_what_says_more_than_a_status_of_ours_is_kept(
    tmp_path: Path, matter: str, kept: tuple[str, ...]
) -> None:
    assert read(tmp_path, matter).kept == kept


def test_drafts_above_what_is_imported_are_drafts(tmp_path: Path) -> None:
    folder = tmp_path / "_drafts" / "deep"
    folder.mkdir(parents=True)
    assert read(folder).held_back == "_drafts"


@pytest.mark.parametrize(
    ("matter", "name", "slug", "metadata"),
    [
        ("slug: Own", "x.md", "Own", None),
        ("slug: 012", "x.md", "012", None),
        ("slug: ''", "x.md", "x", {"slug": ""}),
        ("slug: [a]", "x.md", "x", {"slug": ["a"]}),
        ("slug: a\nurl: /b/", "x.md", "b", {"slug": "a", "url": "/b/"}),
        ("slug: a\npermalink: /:title/", "x.md", "a", {"permalink": "/:title/"}),
        ("slug: a\npath: 2014/b", "x.md", "a", {"path": "2014/b"}),
        ("permalink: false", "x.md", "x", {"permalink": False}),
        ("url: 404", "x.md", "404", {"url": 404}),
        ("", "bundle/index.md", "bundle", None),
        ("", "bundle/README.md", "bundle", None),
        ("", "Über uns.md", "uber-uns", None),
    ],
)
def test_the_slug_is_where_its_author_put_it_and_the_rest_is_kept(
    tmp_path: Path, matter: str, name: str, slug: str, metadata: dict[str, object] | None
) -> None:
    post = read(tmp_path, matter, name).post
    assert (post.slug, post.metadata) == (slug, metadata)


def test_a_slug_that_is_an_address_where_there_is_a_generator_gives_its_last_part(
    tmp_path: Path,
) -> None:
    assert read(tmp_path, "slug: /guides/first").post.slug == "/guides/first"
    (tmp_path / "docusaurus.config.js").touch()
    post = read(tmp_path, "slug: /guides/first").post
    assert (post.slug, post.metadata) == ("first", {"slug": "/guides/first"})


def test_a_readme_beside_posts_or_at_the_top_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts/other.md").touch()
    assert read(tmp_path, name="posts/README.md").post.slug == "README"
    (tmp_path / ".git").mkdir()
    assert read(tmp_path, name="README.md").post.slug == "README"


@pytest.mark.parametrize(
    ("matter", "language", "slug", "metadata"),
    [
        ("lang: fr", None, "hello", {"lang": "fr", "language": "fr"}),
        ("lang: fr", "en", "hello-fr", {"lang": "fr", "language": "fr"}),
        ("lang: fr", "fr", "hello", {"lang": "fr", "language": "fr"}),
        ("lang: fr-FR", "fr", "hello", {"lang": "fr-FR", "language": "fr-fr"}),
        ("locale: pt_BR", "en", "hello-pt-br", {"locale": "pt_BR", "language": "pt-br"}),
        ("language: FR", "en", "hello-fr", {"language": "FR"}),
        ("language: French", "en", "hello", {"language": "French"}),
        ("lang: fr\nslug: bonjour", "en", "bonjour", {"lang": "fr", "language": "fr"}),
        ("lang: fr\nurl: /bonjour/", "en", "bonjour-fr",
         {"lang": "fr", "url": "/bonjour/", "language": "fr"}),
        ("lang: fr\nurl: /hello-fr/", "en", "hello-fr",
         {"lang": "fr", "url": "/hello-fr/", "language": "fr"}),
        ("", "en", "hello", None),
    ],
)  # fmt: skip
def test_a_slug_says_the_language_where_it_is_not_the_usual_one(
    tmp_path: Path, matter: str, language: str | None, slug: str, metadata: dict[str, object] | None
) -> None:
    post = read(tmp_path, matter, site=site_of(tmp_path, language=language)).post
    assert (post.slug, post.metadata) == (slug, metadata)


def test_folders_that_are_languages_keep_equal_names_apart(tmp_path: Path) -> None:
    for language in ("de", "fr"):
        (tmp_path / language / "posts").mkdir(parents=True)
    for site, slugs in (
        (site_of(tmp_path), ["hello-de", "hello-fr"]),
        (site_of(tmp_path, language="de"), ["hello", "hello-fr"]),
    ):
        files = [read(tmp_path, name=f"{code}/posts/hello.md", site=site) for code in ("de", "fr")]
        assert [file.post.slug for file in files] == slugs
        assert [file.post.metadata for file in files] == [{"language": "de"}, {"language": "fr"}]
        assert [file.kept for file in files] == [(), ()]


def test_the_longest_slug_can_say_its_language(tmp_path: Path) -> None:
    slug = read(tmp_path, f"url: /{'x' * 255}/", "about/index.pt-br.md").post.slug
    assert slug == "x" * 249 + "-pt-br"


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("_posts/a.md", ("big", "cats")),
        ("source/blog/_drafts/a.md", ("big", "cats")),
        ("source/_posts/a.md", ("big cats",)),
        ("a.md", ("big cats",)),
    ],
)
def test_without_a_configuration_folders_tell_jekyll_from_hexo(
    tmp_path: Path, name: str, tags: tuple[str, ...]
) -> None:
    assert read(tmp_path, "tags: big cats", name).post.tags == tags


def test_former_addresses_become_former_slugs_and_are_kept(tmp_path: Path) -> None:
    file = read(tmp_path, "aliases: [/old/, /hello/]\nredirect_from: /older.html")
    assert file.post.former_slugs == ("old", "older")
    assert file.kept == ("aliases", "redirect_from")


@pytest.mark.parametrize(
    ("matter", "reason"),
    [
        ("a: " + "[" * 101 + "]" * 101, "metadata holds more than 100 objects and lists"),
        ('a: "\\0"', "metadata holds a text that holds a NUL character"),
        ("blogsvc: mine", "blogsvc is the name of what an export notes: rename yours"),
        ("blogsvc: {metadata: 1}", "blogsvc is not as an export writes it"),
        ("blogsvc: {former_slugs: x}", "blogsvc is not as an export writes it"),
        ("blogsvc: {language: fr}", "blogsvc is not as an export writes it"),
        ("blogsvc: {former_slugs: [1]}", "former_slugs has one that is a int"),
    ],
)
def test_metadata_that_cannot_be_stored_is_named(tmp_path: Path, matter: str, reason: str) -> None:
    with pytest.raises(InvalidPost, match=reason):
        read(tmp_path, matter)
