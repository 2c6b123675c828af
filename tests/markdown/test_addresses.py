"""The last part of an address is the slug, as the site's generator would serve it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from blogsvc.markdown.addresses import fill, last_part, split_language

DAY = datetime(2014, 3, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "slug"),
    [
        ("/2014/03/07/hello/", "hello"),
        ("hello", "hello"),
        ("/Hello.html", "Hello"),
        ("/hello.HTM", "hello"),
        ("/hello/index.html", "hello"),
        ("https://example.org/blog/hello/?utm=1#top", "hello"),
        ("/caf%C3%A9/", "café"),
        ("/你好/", "你好"),
        ("/releases/1.88.0", "1.88.0"),
        ("/", ""),
        ("/index.html", ""),
        ("https://example.org/?p=7", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_an_address_ends_in_the_slug(address: str, slug: str) -> None:
    assert last_part(address) == slug


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("/:year/:month/:title/", "/2014/03/hello/"),
        ("/:categories/:title.html", "/_/hello.html"),
        ("/:year-:i_month-:i_day-:slug:output_ext", "/2014-3-7-hello.html"),
        ("/about/", "/about/"),
        ("/:title-:hash/", ""),
        ("/posts/{{ title | slugify }}/", ""),
        ("https://example.org/a/", "https://example.org/a/"),
    ],
)
def test_a_template_is_filled(template: str, address: str) -> None:
    assert fill(template, "hello", DAY) == address


def test_without_a_date_its_placeholders_have_no_address() -> None:
    assert fill("/:year/:title/", "hello", None) == ""


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
    assert split_language(tmp_path / name) == (stem, language)
