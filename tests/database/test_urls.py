"""Every word of a database URL is acted upon, left out without harm, or refused by its name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blogsvc import BlogService
from blogsvc.database import variables, words
from blogsvc.database.url import target_of
from blogsvc.errors import ConfigurationError

from ..support import ROOT
from .test_connections import with_hosts

WORDS = {
    *words.OURS,
    *words.IGNORED,
    *words.REFUSED,
    *words.FOREIGN,
    *variables.VARIABLES.values(),
    "x",
}
"""Every word that a URL can have, and one that is a setting of the session."""

HARMLESS = {
    "channel_binding": "prefer",
    "connect_timeout": "7",
    "fallback_application_name": "mine",
    "gssencmode": "prefer",
    "load_balance_hosts": "disable",
    **dict.fromkeys(words.KEEPALIVES, "1"),
    **dict.fromkeys(words.IGNORED, "1"),
}


async def test_the_words_of_libpq_that_ask_nothing_of_the_driver_connect(migrated: str) -> None:
    async with BlogService(with_hosts(migrated, **HARMLESS)) as blog:
        await blog.ping()


@pytest.mark.parametrize("word", [*words.REFUSED, *words.FOREIGN])
def test_a_word_that_cannot_be_kept_is_refused_by_its_name(word: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"\b{word}\b") as refused:
        target_of(f"postgresql://u:hunter2@h/db?{word}=hunter2")
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://h/db?port=7", [("h", 7)]),
        ("postgresql://h:1/db?port=7", [("h", 7)]),
        ("postgresql://h:1/db?host=x", [("x", 1)]),
        ("postgresql://u@[::1],h:3/db?application_name=x", [("::1", 5432), ("h", 3)]),
        ("postgresql://u:p@h,[::2],[::3]:7/db", [("h", 5432), ("::2", 5432), ("::3", 7)]),
        ("postgresql://[::2],[::3]?user=u", [("::2", 5432), ("::3", 5432)]),
        ("postgresql://u@[::1]/db?port=7", [("::1", 7)]),
        ("postgresql://u@a,b/db?port=1,2", [("a", 1), ("b", 2)]),
        ("postgresql:///db?host=/tmp&port=7", [("/tmp", 7)]),
        ("postgresql://%2Ftmp:7/db", [("/tmp", 7)]),
        ("postgresql:///db?host=::1,b&port=,7", [("::1", 5432), ("b", 7)]),
        ("postgresql:///db?host=[::1]:3,b:4", [("::1", 3), ("b", 4)]),
        ("postgresql://[fe80::1%25eth0]:7/db", [("fe80::1%eth0", 7)]),
        ("postgresql://a:1,b/db", [("a", 1), ("b", 5432)]),
        ("postgresql://h:/db?port=", [("h", 5432)]),
        ("postgresql+asyncpg://h/db", [("h", 5432)]),
        ("asyncpg://h/db", [("h", 5432)]),
        ("postgres+asyncpg://h/db", [("h", 5432)]),
        ("postgresql+psycopg_async://h/db", [("h", 5432)]),
        ("psycopg://h/db", [("h", 5432)]),
        ("psql://h/db", [("h", 5432)]),
        ("PGSQL://h/db", [("h", 5432)]),
        (" postgres://h/db\n", [("h", 5432)]),
    ],
)
def test_hosts_and_ports_are_read_as_libpq_reads_them(
    url: str, hosts: list[tuple[str, int]]
) -> None:
    assert list(target_of(url).hosts) == hosts


def test_the_account_and_the_database_behind_the_question_mark_count() -> None:
    target = target_of("postgresql://u:x@h/db?user=z&password=y&dbname=w")
    assert (target.user, target.database) == ("z", "w")
    assert "password=y" in target.url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://a,,b/db", "a host in the list has no name"),
        ("postgresql://h/db?host=a,", "a host in the list has no name"),
        ("postgresql://u%00@h/db", "there is a zero byte"),
        ("postgresql://u@h%00/db", "there is a zero byte"),
        ("postgresql://h/d%00b", "there is a zero byte"),
        ("postgresql://h/db?application_name=x%00user%00admin", "there is a zero byte"),
        ("postgresql://h/db?x%00=1", "there is a zero byte"),
        ("h:7/db", "it does not begin with postgresql://"),
        ("postgresql:h/db", "it does not begin with postgresql://"),
        ("postgresql://h:99999/db", "a port is no number from 1 to 65535"),
        ("postgresql://h/db?port=0", "a port is no number from 1 to 65535"),
        ("postgresql://h/db?port=abc", "cannot be used"),
        ("postgresql://a,b,c/db?port=1,2", "cannot be used"),
        ('"postgresql://h/db"', "quotation marks"),
        ("'postgresql://h/db'", "quotation marks"),
        ("postgresql://h/db?connect_timeout=soon", "connect_timeout is no whole number"),
    ],
)
def test_a_url_that_makes_no_sense_is_told_in_one_line(url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as refused:
        target_of(url)
    assert "\n" not in str(refused.value)


HOSTS = ("h", "h:1", "a,b:2", ",", "[::1]:5,h", "[", "h:x", ":7", "h%00", "%2Ftmp", "é", "h%zz", "")
ACCOUNTS = ("", "u@", "u:hunter2@", ":hunter2@", "@", "u:hun%ter2@", "u:hunter2:x@")
VALUES = (
    "",
    "x",
    "-1",
    "require",
    "system",
    "/tmp",
    "::1",
    "a,b",
    "%ff",
    "%00",
    "９",
    "1" * 30,
    "@",
)


@settings(max_examples=1000)
@given(
    scheme=st.sampled_from(
        ["postgresql://", "postgresql:", "", "asyncpg://", "jdbc:postgresql://"]
    ),
    account=st.sampled_from(ACCOUNTS),
    host=st.sampled_from(HOSTS),
    path=st.sampled_from(["", "/", "/d%62", "//x", "/d/x", "/@"]),
    said=st.lists(
        st.tuples(st.sampled_from(sorted(WORDS)), st.sampled_from(VALUES)).map("=".join), max_size=3
    ),
)
def test_whatever_stands_in_a_url_it_leads_somewhere_or_is_refused_in_one_line(
    scheme: str, account: str, host: str, path: str, said: list[str]
) -> None:
    told = ""
    try:
        target_of(f"{scheme}{account}{host}{path}?{'&'.join(said)}")
    except ConfigurationError as refused:
        told = str(refused)
    assert "hunter2" not in told
    assert "\n" not in told


@pytest.mark.parametrize("scheme", ["mysql", "jdbc:postgresql", "sqlite", "http", "postgis"])
def test_a_scheme_that_is_not_postgresqls_is_refused_by_its_name(scheme: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"\({scheme}:// is no address") as refused:
        target_of(f"{scheme}://u:hunter2@h/db")
    assert "Write postgresql://." in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_the_connect_timeout_of_the_url_counts() -> None:
    assert target_of("postgresql://h/db?connect_timeout=7").timeout == 7
    assert target_of("postgresql://h/db?connect_timeout=0").timeout is None


def test_the_documentation_lists_the_words_that_are_left_out_or_refused() -> None:
    page = (ROOT / "docs" / "connecting.md").read_text()
    listed = set(re.findall(r"^\| `((?!PG)\w+)` \|", page, re.M))
    assert listed == {*words.OURS, *words.IGNORED, *words.REFUSED, *words.FOREIGN}
