"""A file is known by its path below its site, whatever its author changes in it."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from blogsvc.markdown.sites import site_of


@pytest.mark.parametrize("mark", [".git", "_config.yml", "hugo.toml", "pelicanconf.py"])
@pytest.mark.parametrize("imported", ["site", "site/content", "site/content/post"])
def test_whatever_part_of_a_site_is_imported_a_file_keeps_its_source(
    tmp_path: Path, mark: str, imported: str
) -> None:
    (tmp_path / "site/content/post").mkdir(parents=True)
    (tmp_path / "site" / mark).touch()
    path = tmp_path / "site/content/post/hello.md"
    site = site_of(tmp_path / imported)
    assert site.origin_of(path) == (str(tmp_path / "site"), "content/post/hello.md")
    assert site.path_of(path) == "content/post/hello.md"


def test_without_a_configuration_the_imported_folder_is_the_site(tmp_path: Path) -> None:
    folder = tmp_path / "de"
    folder.mkdir()
    path = folder / "a/hello.md"
    assert site_of(folder).origin_of(path) == (str(folder), "a/hello.md")
    assert site_of(folder).path_of(path) == "de/a/hello.md"


def test_a_name_that_is_given_counts_before_the_folders(tmp_path: Path) -> None:
    path = tmp_path / "a/hello.md"
    (tmp_path / "a").mkdir()
    for imported in ("a", "a/hello.md"):  # two folders of one site may have files of one name
        site = site_of(tmp_path / imported, name="ann")
        assert site.origin_of(path).source == "ann//a/hello.md"
    # The name of a folder stands for that folder, wherever the site is now.
    assert site_of(tmp_path / "a", name="/b").origin_of(path).source == "/b//hello.md"
    (tmp_path / "hugo.toml").touch()
    assert site_of(tmp_path / "a", name="ann").origin_of(path).source == "ann//a/hello.md"


def test_a_configuration_of_another_program_makes_no_site(tmp_path: Path) -> None:
    root = tmp_path / "site"
    root.mkdir()
    (root / "config.toml").touch()
    assert site_of(root).path_of(root / "hello.md") == "site/hello.md"
    (root / "content").mkdir()
    assert site_of(root).path_of(root / "hello.md") == "hello.md"


def test_the_nearest_site_counts(tmp_path: Path) -> None:
    (tmp_path / "repository/.git").mkdir(parents=True)
    site = tmp_path / "repository/blog"
    site.mkdir()
    (site / "hugo.yaml").touch()
    assert site_of(site / "x").origin_of(site / "x/hello.md") == (str(site), "x/hello.md")


def test_a_name_in_any_encoding_is_text(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.md")
    source = site_of(tmp_path).origin_of(path).source
    assert source == f"{tmp_path}//caf\\xe9.md"
    source.encode()


@pytest.mark.parametrize(
    ("name", "stem", "language"),
    [
        ("index.fr.md", "index", "fr"),
        ("index.FR.mdx", "index", "fr"),
        ("about.fr.md", "about", "fr"),
        ("news.pt-br.md", "news", "pt-br"),
        ("news.zh_Hans.md", "news", "zh-hans"),
        ("about.md", "about", None),
        ("alone.fr.md", "alone.fr", None),
        ("two.fr.md", "two", "fr"),
        ("two.de.md", "two", "de"),
        ("README.fr.md", "README", "fr"),
        ("node.js.md", "node.js", None),
        ("socket.io.md", "socket.io", None),
        ("asp.net.md", "asp.net", None),
        ("index.html.md", "index.html", None),
        ("v1.2.md", "v1.2", None),
        ("c.md", "c", None),
        (".fr.md", ".fr", None),
    ],
)
def test_a_language_in_a_name_is_one_where_that_is_proven(
    tmp_path: Path, name: str, stem: str, language: str | None
) -> None:
    for sibling in ("about.md", "node.md", "socket.md", "asp.md", "two.de.md", "two.fr.md"):
        (tmp_path / sibling).touch()
    assert site_of(tmp_path).split_language(tmp_path / name) == (stem, language)


@pytest.mark.parametrize(
    ("name", "text", "generator", "language", "languages", "timezone"),
    [
        (
            "hugo.toml",
            "defaultContentLanguage = 'de'\ntimeZone = 'Europe/Rome'\n[languages.en]",
            "hugo", "de", {"de", "en"}, "Europe/Rome",
        ),
        ("hugo.yaml", "DefaultContentLanguage: fr", "hugo", "fr", {"fr"}, None),
        ("hugo.json", '{"languages": {"fr": {}}}', "hugo", "en", {"en", "fr"}, None),
        ("config.toml", "baseURL = 'x'", "hugo", "en", {"en"}, None),
        (
            "config.toml", "base_url = 'x'\ndefault_language = 'fr'\n[languages.de]",
            "zola", "fr", {"fr", "de"}, None,
        ),
        ("config/_default/hugo.toml", "defaultContentLanguage = 'fr'", "hugo", "fr", {"fr"}, None),
        ("_config.yml", "lang: pt_BR\ntimezone: Europe/Paris", "jekyll", "pt-br", {"pt-br"}, None),
        ("_config.yml", "locale: en\nlanguages: [en, fr]", "jekyll", "en", {"en", "fr"}, None),
        ("_config.yml", "title: x", "jekyll", None, set(), None),
        (
            "pelicanconf.py",
            "# DEFAULT_LANG = 'de'\nDEFAULT_LANG = \"fr\"\nTIMEZONE='Europe/Paris'\nexit(1)",
            "pelican", "fr", {"fr"}, "Europe/Paris",
        ),
        (
            "astro.config.mjs", "x = {\n i18n: {defaultLocale: 'en', locales: ['en', 'fr']}",
            "astro", "en", {"en", "fr"}, None,
        ),
        (
            "docusaurus.config.ts", "i18n: {\n  defaultLocale: 'fr',\n  locales: ['fr', 'de'],\n},",
            "docusaurus", "fr", {"fr", "de"}, None,
        ),
        ("hugo.toml", "broken [", "hugo", None, set(), None),
        (
            "hugo.toml", "timeZone = 'Mars/Olympus'\ndefaultContentLanguage = 7",
            "hugo", "en", {"en"}, None,
        ),
        ("hugo.toml", "# " + "x" * 300_000, "hugo", None, set(), None),
        ("_config.yml", "a: &a [x, x]\nb: &b [*a, *a]\nlang: fr", "jekyll", "fr", {"fr"}, None),
    ],
)  # fmt: skip
def test_a_configuration_tells_languages_and_time_zone(
    tmp_path: Path,
    name: str,
    text: str,
    generator: str,
    language: str | None,
    languages: set[str],
    timezone: str | None,
) -> None:
    (tmp_path / "content").mkdir()
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    site = site_of(tmp_path / "content")
    assert (site.generator, site.language, {*site.languages}) == (generator, language, languages)
    assert str(site.timezone) == (timezone or "UTC")
    assert site.path_of(tmp_path / "content/x.md") == "content/x.md"


def test_hexo_has_its_posts_in_a_folder_source(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "_config.yml").write_text("language: [zh-CN, en]\ntimezone: Asia/Shanghai")
    site = site_of(tmp_path)
    assert (site.generator, site.language, {*site.languages}) == ("hexo", "zh-cn", {"zh-cn", "en"})
    assert str(site.timezone) == "Asia/Shanghai"


def test_what_is_given_counts_before_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "hugo.toml").write_text("defaultContentLanguage = 'de'\ntimeZone = 'Asia/Tokyo'")
    site = site_of(tmp_path, timezone=ZoneInfo("Europe/Paris"), language="FR")
    assert (str(site.timezone), site.language) == ("Europe/Paris", "fr")
    assert (
        str(site_of(tmp_path / "x", timezone=ZoneInfo("Europe/Paris")).timezone) == "Europe/Paris"
    )


def test_a_configuration_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hugo.toml")
    assert site_of(tmp_path).generator == "hugo"


@pytest.mark.parametrize(
    ("folders", "name", "language"),
    [
        (["de", "fr"], "de/a.md", "de"),
        (["content/de", "content/pt-br"], "content/pt-br/x/a.md", "pt-br"),
        (["_posts/de", "_posts/fr", "_posts/.git"], "_posts/fr/a.md", "fr"),
        (["i18n/fr/docusaurus-plugin-content-blog"], "i18n/fr/docusaurus-plugin-content-blog/a.md",
         "fr"),
        (["de"], "de/a.md", None),
        (["de", "images"], "de/a.md", None),
        (["go", "de"], "de/a.md", None),
        (["a", "b"], "a/a.md", None),
    ],
)  # fmt: skip
def test_a_folder_is_a_language_where_it_has_only_languages_beside_it(
    tmp_path: Path, folders: list[str], name: str, language: str | None
) -> None:
    root = tmp_path / "site"
    for folder in (*folders, ".git"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    site = site_of(root)
    assert site.folder == root
    assert site.folder_language(root / name) == language


def test_a_folder_is_a_language_where_the_configuration_names_it(tmp_path: Path) -> None:
    (tmp_path / "hugo.toml").write_text("[languages.fr]")
    site = site_of(tmp_path)
    assert site.folder_language(tmp_path / "content/post/fr/a.md") == "fr"
    assert site.folder_language(tmp_path / "content/post/de/a.md") is None
    assert site.split_language(tmp_path / "alone.fr.md") == ("alone", "fr")
