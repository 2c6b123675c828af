"""The last part of an address is the slug, as the site's generator would serve it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from blogsvc.markdown.addresses import fill, former_slugs, last_part
from blogsvc.markdown.keys import Keys

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
    ("matter", "former"),
    [
        ({"aliases": ["/2014/old/", "older.html", "/"]}, ("old", "older")),
        ({"Redirect_From": "/old/"}, ("old",)),
        ({"alias": "/a/b /c,d/, /e"}, ("b", "c,d", "e")),
        ({"aliases": ["/old/"], "redirect_from": ["/old", "/x/"]}, ("old", "x")),
        ({"aliases": [None, "", "/", {"from": "/x/"}, "a\0b", "x" * 256]}, ()),
        ({"aliases": {"old": "x"}}, ()),
    ],
)
def test_former_slugs_are_the_last_parts_of_former_addresses(
    matter: dict[str, Any], former: tuple[str, ...]
) -> None:
    assert former_slugs(Keys(matter, matter)) == former
