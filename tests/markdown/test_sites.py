"""A file is known by its path below its site, whatever its author changes in it."""

from __future__ import annotations

import os
from pathlib import Path

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
    assert site_of(tmp_path / imported).source_of(path) == "content/post/hello.md"


def test_without_a_site_the_name_of_the_imported_folder_comes_first(tmp_path: Path) -> None:
    for name in ("de", "fr"):
        (tmp_path / name).mkdir()
        assert (
            site_of(tmp_path / name).source_of(tmp_path / name / "a/hello.md")
            == f"{name}/a/hello.md"
        )


def test_a_configuration_of_another_program_makes_no_site(tmp_path: Path) -> None:
    root = tmp_path / "site"
    root.mkdir()
    (root / "config.toml").touch()
    assert site_of(root).source_of(root / "hello.md") == "site/hello.md"
    (root / "content").mkdir()
    assert site_of(root).source_of(root / "hello.md") == "hello.md"


def test_the_nearest_site_counts(tmp_path: Path) -> None:
    (tmp_path / "repository/.git").mkdir(parents=True)
    site = tmp_path / "repository/blog"
    site.mkdir()
    (site / "hugo.yaml").touch()
    assert site_of(site / "x").source_of(site / "x/hello.md") == "x/hello.md"


def test_a_name_in_any_encoding_is_text(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.md")
    source = site_of(tmp_path).source_of(path)
    assert source == f"{tmp_path.name}/caf\\xe9.md"
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
    for sibling in ("about.md", "node.md", "socket.md", "asp.md"):
        (tmp_path / sibling).touch()
    assert site_of(tmp_path).split_language(tmp_path / name) == (stem, language)
