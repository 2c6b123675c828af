"""libpq's variables and its service file mean what the words of a URL mean, where it has none."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from blogsvc import BlogService
from blogsvc.database import variables, words
from blogsvc.database.connections import connect
from blogsvc.database.url import Target, target_of
from blogsvc.database.variables import VARIABLES
from blogsvc.embedded import program
from blogsvc.errors import ConfigurationError

from ..support import ROOT, run
from .test_connections import SOON, with_hosts

VALUES = {
    "connect_timeout": "7",
    "gsslib": "gssapi",
    "hostaddr": "10.0.0.1",
    "load_balance_hosts": "random",
    "port": "7",
    "ssl_max_protocol_version": "TLSv1.3",
    "ssl_min_protocol_version": "TLSv1.3",
    "sslcert": "/does/not/exist",
    "sslmode": "require",
    "sslrootcert": "system",
    "target_session_attrs": "read-write",
}
"""What a word can be, where it cannot be just any text."""

HOSTILE = {
    "PGCHANNELBINDING": "require",
    "PGHOSTADDR": "127.0.0.1",
    "PGREQUIREAUTH": "none",
    "PGSERVICE": "nowhere",
    "PGSSLMODE": "verify-full",
    "PGSSLNEGOTIATION": "direct",
    "PGSSLROOTCERT": "/does/not/exist",
    "PGTARGETSESSIONATTRS": "standby",
}
"""What a shell may have for the server of somebody's work."""

OF_THE_DRIVER = {
    *("user", "password", "passfile", "dbname", "host", "port", "service"),
    *("sslmode", "sslnegotiation", "sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs"),
    *("krbsrvname", "gsslib"),
}

OF_THE_SESSION = {"application_name", "client_encoding", "options"}


class Option(ctypes.Structure):
    """PQconninfoOption, as libpq documents it."""

    _fields_ = (
        *((name, ctypes.c_char_p) for name in ("keyword", "envvar", "compiled", "val")),
        *((name, ctypes.c_char_p) for name in ("label", "dispchar")),
        ("dispsize", ctypes.c_int),
    )


def options_of_libpq() -> Iterator[tuple[str, str | None]]:
    """Yield the words that the newest libpq here knows, each with its variable."""
    library = program("psql").parents[1] / "lib" / "libpq.so.5"
    if not library.exists():
        pytest.skip("the wheel has no libpq where Linux has it")
    defaults = ctypes.CDLL(str(library)).PQconndefaults
    defaults.restype = ctypes.POINTER(Option)
    for option in defaults():
        if option.keyword is None:
            return
        yield option.keyword.decode(), option.envvar and option.envvar.decode()


def test_every_word_and_every_variable_of_libpq_is_known() -> None:
    known = {*OF_THE_DRIVER, *OF_THE_SESSION, *words.OURS, *words.IGNORED, *words.REFUSED}
    for word, variable in options_of_libpq():
        assert word in known
        assert variable is None or VARIABLES[variable] == word


def meant_by(url: str) -> Target | str:
    """Return what a URL leads to, or why it leads nowhere."""
    try:
        return replace(target_of(url), tls=None)
    except ConfigurationError as error:
        return re.sub("; PG[A-Z_]+ said so", "", str(error))


@pytest.mark.parametrize("variable", sorted({*VARIABLES} - {"PGSERVICE"}))
def test_a_variable_means_what_its_word_means(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = VARIABLES[variable]
    value = VALUES.get(word, "x")
    host = "" if word in ("host", "hostaddr") else "h"
    expected = meant_by(f"postgresql://{host}/?{word}={value}")
    assert expected != meant_by(f"postgresql://{host}/") or word in words.IGNORED
    monkeypatch.setenv(variable, value)
    assert meant_by(f"postgresql://{host}/") == expected


@pytest.mark.parametrize("variable", ["PGCHANNELBINDING", "PGSSLMODE", "PGCONNECT_TIMEOUT"])
def test_a_variable_that_cannot_be_kept_is_named_and_not_shown(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "hunter2")
    with pytest.raises(ConfigurationError, match=rf"{variable} said so\)") as refused:
        target_of("postgresql://h/db")
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.fixture
def service_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service file with two services."""
    path = tmp_path / "services"
    path.write_text(
        "# a comment\n[mine]\nhost=served\nport=7\nuser=reader\npassword=100%;#:\n"
        "connect_timeout=9\noptions=-c geqo=off\n[bound]\nchannel_binding=require\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(path))
    return path


def test_the_url_counts_more_than_the_service_and_that_more_than_the_environment(
    service_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGUSER", "writer")
    monkeypatch.setenv("PGDATABASE", "environments")
    target = target_of("postgresql:///?service=mine&connect_timeout=8")
    assert target.hosts == (("served", 7),)
    assert (target.user, target.database, target.timeout) == ("reader", "environments", 8)
    assert target.settings == {"options": "-c geqo=off"}
    assert "password=100%25%3B%23%3A" in target.url
    monkeypatch.setenv("PGSERVICE", "mine")
    assert target_of("postgresql://said:1/db").hosts == (("said", 1),)


def test_a_service_of_the_system_is_found_where_the_account_has_none(
    service_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (service_file.parent / "pg_service.conf").write_text("[ours]\nhost=theirs\n")
    monkeypatch.setenv("PGSYSCONFDIR", str(service_file.parent))
    assert target_of("postgresql://?service=ours").hosts == (("theirs", 5432),)


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        ("nowhere", "there is no service of this name.*Check service, or PGSERVICE"),
        ("bound", "what channel_binding asks.*the service file said so"),
    ],
)
def test_a_service_that_cannot_be_used_is_told(
    service_file: Path, service: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (f"postgresql://h/db?service={service}", "postgresql://h/db"):
        with pytest.raises(ConfigurationError, match=reason):
            target_of(url)
        monkeypatch.setenv("PGSERVICE", service)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[mine]\nhost\n", "the service file cannot be read"),
        (b"host=h\n", r"the service file cannot be read: line 1\)\. Check service"),
        (b"[mine]\nuser=Ren\xe9\n", "the service file cannot be read"),
        (b"[mine]\nport=99999\nx(y=1\n", "a port is no number.*the service file said so"),
    ],
)
def test_a_service_file_that_cannot_be_read_is_told(
    service_file: Path, text: bytes, reason: str
) -> None:
    service_file.write_bytes(text)
    with pytest.raises(ConfigurationError, match=reason) as refused:
        target_of("postgresql://h/db?service=mine")
    assert str(service_file) not in str(refused.value)


def test_what_is_indented_in_a_service_file_is_a_word_of_its_own(service_file: Path) -> None:
    service_file.write_text("[mine]\nport=5433\n  dbname=x\n\t# note\n")
    target = target_of("postgresql://h?service=mine")
    assert (target.hosts, target.database) == ((("h", 5433),), "x")


def test_a_setting_of_the_url_counts_however_it_is_spelt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGTZ", "UTC")
    assert target_of("postgresql://h/db?TimeZone=Europe/Rome").settings == {
        "TimeZone": "Europe/Rome"
    }


def test_no_variable_leads_a_url_with_a_host_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    assert [str(place) for place in target_of("postgresql://h/db").places] == ["h:5432"]
    assert [str(place) for place in target_of("postgresql:///db").places] == [
        "elsewhere:5432 (10.0.0.1)"
    ]


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_what_is_said_of_tls_is_nothing_to_a_socket(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", "/does/not/exist")
    monkeypatch.setenv("PGSSLNEGOTIATION", "direct")
    assert target_of(f"postgresql:///db?host=/tmp&sslmode={mode}").hosts == (("/tmp", 5432),)


async def test_the_variables_of_a_session_are_set_in_it(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGAPPNAME", "mine")
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    monkeypatch.setenv("PGDATESTYLE", "German")
    monkeypatch.setenv("PGGEQO", "off")
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=2MB")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    expected = {
        "application_name": "mine",
        "timezone": "Asia/Tokyo",
        "datestyle": "German, DMY",
        "geqo": "off",
        "work_mem": "2MB",
        "client_encoding": "UTF8",
    }
    connection = await connect(with_hosts(migrated), timeout=SOON)
    try:
        found = {name: await connection.fetchval(f"SHOW {name}") for name in expected}
    finally:
        await connection.close()
    assert found == expected
    async with BlogService(migrated) as blog:
        post = await blog.posts.create("T", "C", status="published")
        assert await blog.posts.get(post.id) == post
        assert (await blog.posts.page(order="published")).items[0].published_at is not None


async def test_the_embedded_server_is_none_of_the_environments_business(
    reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**HOSTILE, "BLOGSVC_DATA_DIR": str(reachable / "data")}.items():
        monkeypatch.setenv(name, value)
    async with BlogService() as blog:
        assert await blog.posts.count() == 0
        for command in (
            ["blogsvc", "status"],
            ["aerich", "heads"],
            ["blogsvc", "psql", "--no-psqlrc", "-c", "SELECT 1"],
        ):
            ended = await run(*command)
            assert ended.status == 0, ended.output


def test_the_documentation_lists_the_variables() -> None:
    page = (ROOT / "docs" / "connecting.md").read_text()
    listed = dict(re.findall(r"^\| `(PG\w+)` \| `?([a-z_]+)`? \|", page, re.M))
    left_out = dict.fromkeys({*variables.OF_FILES, *variables.IGNORED}, "")
    assert {**listed, **left_out}.keys() == {**VARIABLES, **left_out}.keys()
    assert all(VARIABLES[name] == word for name, word in listed.items())
    assert all(f"`{name}`" in page for name in left_out)
