"""Any libpq URL works as it is, every wait is bounded, and no password is shown."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import os
import signal
import socket
import struct
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote, urlsplit

import asyncpg
import pytest
from tortoise import Tortoise
from tortoise.context import TortoiseContext

from blogsvc import BlogService, config
from blogsvc.database import Query
from blogsvc.database.connections import connect
from blogsvc.database.url import DatabaseURL, target_of
from blogsvc.errors import BlogError, ConfigurationError, OperationTimeout, Unavailable
from blogsvc.migrator import Migrator, files

from ..support import run

SECRET = "hunter2"
NOBODY_LISTENS = "127.0.0.1:1"
SOON = 20.0
"""Seconds that nothing here takes by far, and that a wait without an end takes at once."""


def at(url: str, database: str) -> str:
    """Return the URL of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{database}").geturl()


def with_hosts(url: str, *hosts: str, **parameters: str) -> str:
    """Return the URL with other hosts before its own, and more parameters."""
    own = target_of(url)
    places = [place.rpartition(":")[::2] for place in hosts]
    places += [(host, str(port)) for host, port in own.hosts]
    given = {
        "host": ",".join(host for host, _ in places),
        "port": ",".join(port for _, port in places),
        **parameters,
    }
    parts = urlsplit(url)
    account = parts.netloc.rpartition("@")[0]
    query = "&".join(f"{name}={quote(value, safe=',')}" for name, value in given.items())
    return f"postgresql://{account}@{parts.path}?{query}"


@contextlib.asynccontextmanager
async def silent_host(address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """A host that takes connections and never says a word."""
    open_ones: list[asyncio.StreamWriter] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.append(writer)

    server = await asyncio.start_server(keep, address, port)
    try:
        yield "{}:{}".format(*server.sockets[0].getsockname())
    finally:
        server.close()
        for writer in open_ones:
            writer.close()


Part = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

WELCOME = b"R" + struct.pack("!II", 8, 0)
VERSION = b"S" + struct.pack("!I", 24) + b"server_version\x0018.0\0"
READY = b"Z" + struct.pack("!I", 5) + b"I"


@contextlib.asynccontextmanager
async def acted(part: Part) -> AsyncIterator[str]:
    """A socket that plays the part of a server, and hangs up."""
    playing: list[asyncio.Future[None]] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        playing.append(ended := asyncio.get_running_loop().create_future())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await part(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended.set_result(None)

    server = await asyncio.start_server(play, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*playing)


def refusal(sqlstate: str, message: str = "no") -> bytes:
    """What a server says before it hangs up."""
    said = f"SFATAL\0VFATAL\0C{sqlstate}\0M{message}\0\0".encode()
    return b"E" + struct.pack("!I", len(said) + 4) + said


def answering(words: bytes) -> Part:
    """A server that takes no TLS and answers the first message with these words."""

    async def part(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            (length,) = struct.unpack("!I", await reader.readexactly(4))
            if await reader.readexactly(length - 4) != struct.pack("!I", 80877103):
                break
            writer.write(b"N")
        writer.write(words)
        await writer.drain()

    return part


def on_tls(words: bytes) -> Part:
    """A server that takes TLS and answers its first message with these words."""

    async def part(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"S")
        await reader.read(5)
        writer.write(words)
        await writer.drain()

    return part


async def accepts_and_closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    pass


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    no_lingering = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_lingering)
    writer.transport.abort()


async def hangs_up_when_asked_for_tls(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await reader.readexactly(8)


async def says_an_error_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(8)
    writer.write(refusal("53300"))
    await writer.drain()


async def is_a_web_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


GONE = "closed the connection"
NO_TLS = "takes no TLS, or is no PostgreSQL"
SETTING = "refused a setting of the session"
NO_LOGIN = "asks for a login that the driver cannot make"

OPENINGS: dict[str, tuple[Part, str, type[BlogError], str]] = {
    "accepts and closes": (accepts_and_closes, "prefer", Unavailable, GONE),
    "accepts and closes, no TLS": (accepts_and_closes, "disable", Unavailable, GONE),
    "asked for TLS": (hangs_up_when_asked_for_tls, "require", Unavailable, GONE),
    "asked for TLS, not needed": (hangs_up_when_asked_for_tls, "prefer", Unavailable, GONE),
    "an error before TLS": (says_an_error_at_once, "require", Unavailable, GONE),
    "resets": (resets, "prefer", Unavailable, GONE),
    "resets, no TLS": (resets, "disable", Unavailable, GONE),
    "half a message": (answering(refusal("57P03")[:9]), "prefer", Unavailable, GONE),
    "half a welcome": (answering(WELCOME[:6]), "prefer", Unavailable, GONE),
    "gone after the welcome": (answering(WELCOME), "prefer", Unavailable, GONE),
    "TLS cut": (on_tls(b""), "require", Unavailable, GONE),
    "TLS cut, not needed": (on_tls(b""), "prefer", Unavailable, GONE),
    "no TLS after all": (on_tls(b"HTTP/1.1 4"), "require", ConfigurationError, "agree on TLS"),
    "no TLS": (answering(WELCOME), "require", ConfigurationError, NO_TLS),
    "a web server": (is_a_web_server, "prefer", ConfigurationError, NO_TLS),
    "starting": (answering(refusal("57P03")), "prefer", Unavailable, "is starting"),
    "stopping": (answering(refusal("57P01")), "prefer", Unavailable, "shutting down"),
    "full": (answering(refusal("53300")), "prefer", Unavailable, "no connection to spare"),
    "a crash": (answering(refusal("XX000")), "prefer", Unavailable, "Try again later"),
    "a full disk": (answering(refusal("58030")), "prefer", Unavailable, "Try again later"),
    "a full PgBouncer": (answering(refusal("08P01")), "prefer", Unavailable, "Try again later"),
    "a strict PgBouncer": (
        answering(refusal("08P01", "unsupported startup parameter: search_path")),
        *("prefer", ConfigurationError, SETTING),
    ),
    "unknown setting": (answering(refusal("42704")), "prefer", ConfigurationError, SETTING),
    "wrong setting": (answering(refusal("22023")), "prefer", ConfigurationError, SETTING),
    "late setting": (answering(refusal("55P02")), "prefer", ConfigurationError, SETTING),
    "no right": (answering(refusal("42501")), "prefer", ConfigurationError, "GRANT CONNECT"),
    "closed database": (answering(refusal("55000")), "prefer", ConfigurationError, "refused"),
    "wrong password": (answering(refusal("28P01")), "prefer", ConfigurationError, "password"),
    "unknown login": (
        answering(b"R" + struct.pack("!II", 8, 99)),
        *("prefer", ConfigurationError, NO_LOGIN),
    ),
    "half a login": (
        answering(b"R" + struct.pack("!II", 8, 5)),
        *("prefer", ConfigurationError, NO_LOGIN),
    ),
}

OF_OUR_OWN: dict[str, tuple[Part, str, type[BlogError], str]] = {
    "a farewell after the welcome": (
        answering(WELCOME + VERSION + READY + refusal("57P01")),
        *("prefer", Unavailable, GONE),
    ),
    "a web server without TLS": (
        answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        *("disable", ConfigurationError, "is no PostgreSQL"),
    ),
    "zeros": (answering(bytes(100)), "disable", ConfigurationError, "is no PostgreSQL"),
}
"""What a pool of the host's does not notice before the driver does; the zeros hang that."""


@contextlib.asynccontextmanager
async def hung(blog: BlogService) -> AsyncIterator[None]:
    """Let the server's process behind an idle connection hang for a while."""
    [row] = await blog._database.read(Query("SELECT pg_backend_pid()"))
    os.kill(row[0], signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(row[0], signal.SIGCONT)


def everything_told(error: BaseException) -> str:
    """Return all that a log or a tracker of errors would show of an error."""
    shown = traceback.format_exception(error)
    seen: BaseException | None = error
    while seen is not None:
        shown += [repr(seen), str(seen), repr(seen.args)]
        seen = seen.__cause__ or seen.__context__
    return "".join(shown)


async def test_a_host_that_refuses_does_not_hide_the_next(migrated: str) -> None:
    async with BlogService(with_hosts(migrated, NOBODY_LISTENS)) as blog:
        await blog.ping()


async def test_a_host_that_never_answers_does_not_hide_the_next(migrated: str) -> None:
    async with asyncio.timeout(SOON), silent_host() as silent:
        url = with_hosts(migrated, silent)
        async with BlogService(url, connect_timeout=0.3) as blog:
            await blog.ping()


async def test_a_host_that_never_answers_is_named_with_the_time_it_had() -> None:
    async with asyncio.timeout(SOON), silent_host() as silent:
        blog = BlogService(f"postgresql://u:{SECRET}@{silent}/db", connect_timeout=0.2)
        with pytest.raises(Unavailable, match=rf"{silent} did not answer within 0.2 s"):
            await blog.open()


async def test_a_primary_is_read_write_and_no_standby(migrated: str) -> None:
    async with BlogService(with_hosts(migrated, target_session_attrs="read-write")) as blog:
        await blog.ping()
    async with BlogService(with_hosts(migrated, target_session_attrs="prefer-standby")) as blog:
        await blog.ping()
    with pytest.raises(Unavailable, match="is not standby"):
        await BlogService(with_hosts(migrated, target_session_attrs="standby")).open()


async def test_user_password_and_database_are_percent_decoded(server: str) -> None:
    name = 'o\'h "my" @:/?#%'
    quoted_name = '"' + name.replace('"', '""') + '"'
    owner = await asyncpg.connect(server)
    try:
        await owner.execute(f"CREATE ROLE {quoted_name} LOGIN PASSWORD 'p@:/?#%'")
        await owner.execute(f"CREATE DATABASE {quoted_name} OWNER {quoted_name}")
        whole = at(server, quote(name, safe=""))
        parts = urlsplit(whole)
        place = parts.netloc.rpartition("@")[2]
        account = f"{quote(name, safe='')}:{quote('p@:/?#%', safe='')}"
        url = parts._replace(netloc=f"{account}@{place}").geturl()
        connection = await connect(url, timeout=SOON)
        try:
            row = await connection.fetchrow("SELECT current_user, current_database()")
        finally:
            await connection.close()
        assert tuple(row) == (name, name)
    finally:
        await owner.execute(f"DROP DATABASE IF EXISTS {quoted_name}")
        await owner.execute(f"DROP ROLE IF EXISTS {quoted_name}")
        await owner.close()


async def test_what_the_url_says_of_the_session_counts(migrated: str) -> None:
    connection = await connect(with_hosts(migrated, application_name="mine"), timeout=SOON)
    try:
        assert await connection.fetchval("SHOW application_name") == "mine"
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://u:{SECRET}@h/db",
        f"{SECRET}",
        f"postgresql://u:{SECRET}@h:port/db",
        f"postgresql://u:{SECRET}@[::1/db",
        f"postgresql://u:x@{SECRET}@h/db",
        f"postgresql://u:{SECRET}/x@h/db",
        f"postgresql://u:1{SECRET}/x@h/db",
        f"postgresql://{SECRET}:12/34@h/db",
        f"postgresql://{SECRET}:12#34@h/db",
        f"postgresql://u:x?{SECRET}@h/db",
        f"postgresql://u:{SECRET}℀@h/db",
        f"postgresql://u:it's{SECRET}℀@h/db",
        f"postgresql:///db?password=x&{SECRET}",
        f"postgresql://u:{SECRET}@h/db?sslmode=nonsense",
        f"postgresql://u:{SECRET}@h/db?target_session_attrs=nonsense",
        f"postgresql://u:{SECRET}@h/db?sslmode=verify-full&sslrootcert=/does/not/exist",
    ],
)
async def test_a_url_that_cannot_be_used_is_told_without_its_secrets(url: str) -> None:
    with pytest.raises(ConfigurationError, match="The database URL cannot be used") as caught:
        await BlogService(url).open()
    assert SECRET not in everything_told(caught.value)
    assert "34" not in str(caught.value)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("sslmode=verify-full", "does not exist or cannot be accessed). Check sslmode, sslrootc"),
        ("sslmode=require&sslrootcert=/does/not/exist", "a file that it names: No such file"),
        ("sslmode=require&sslrootcert={file}", "a certificate or key that it names: "),
        ("sslmode=require&sslcert={file}", "a certificate or key that it names: "),
        ("sslmode=require&ssl_min_protocol_version=9", "No such TLS version: 9"),
        ("sslnegotiation=direct", "direct TLS requires sslmode=require"),
    ],
)
async def test_what_is_wrong_with_tls_is_told_whole(query: str, reason: str) -> None:
    url = f"postgresql://u:{SECRET}@h/db?{query.format(file=__file__)}"
    with pytest.raises(ConfigurationError) as caught:
        await BlogService(url).open()
    said = str(caught.value)
    assert reason in said
    assert "\n" not in said
    assert SECRET not in everything_told(caught.value)


@pytest.mark.parametrize("opening", [*OPENINGS, *OF_OUR_OWN])
async def test_each_way_in_which_a_connection_can_fail_says_whether_later_helps(
    opening: str,
) -> None:
    part, sslmode, kind, reason = (OPENINGS | OF_OUR_OWN)[opening]
    async with asyncio.timeout(SOON), acted(part) as place:
        blog = BlogService(f"postgresql://u:{SECRET}@{place}/db?sslmode={sslmode}")
        with pytest.raises(BlogError) as caught:
            await blog.open()
    said = str(caught.value)
    assert type(caught.value) is kind, said
    assert f"{place} " in said
    assert reason in said
    assert "()" not in said
    assert SECRET not in everything_told(caught.value)


async def test_who_is_to_migrate_and_loses_a_new_connection_is_told_so() -> None:
    async with asyncio.timeout(SOON), acted(answering(WELCOME + VERSION + READY)) as place:
        with pytest.raises(Unavailable, match=rf"{place} failed \(The connection .* was lost"):
            await Migrator(f"postgresql://u@{place}/db").status()


async def test_one_host_that_may_answer_later_is_worth_another_attempt() -> None:
    async with acted(answering(refusal("28P01"))) as refuses, acted(accepts_and_closes) as closes:
        url = with_hosts(f"postgresql://u:{SECRET}@{closes}/db", refuses)
        with pytest.raises(Unavailable, match=f"{refuses} refused the user.*; {closes} closed"):
            await BlogService(url).open()


@pytest.mark.parametrize("setting", ["nonsense=1", "work_mem=nonsense", "shared_buffers=1MB"])
async def test_a_setting_that_the_server_refuses_is_told(migrated: str, setting: str) -> None:
    name, _, value = setting.partition("=")
    with pytest.raises(ConfigurationError, match=SETTING):
        await BlogService(with_hosts(migrated, **{name: value})).open()


async def test_a_name_with_several_addresses_of_which_none_listens_is_unreachable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 1))
        for address in ("127.0.0.1", "127.0.0.2")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(Unavailable, match=r"twice\.test:1 \(127\.0\.0\.2\) refused"):
        await BlogService("postgresql://u@twice.test:1/db").open()


async def test_a_path_that_no_socket_can_have_is_told() -> None:
    with pytest.raises(ConfigurationError, match="is too long for the path of a socket"):
        await BlogService(f"postgresql://u@/db?host=/{'x' * 200}").open()


async def test_a_name_that_no_host_can_have_is_told() -> None:
    for host in ("a..b", "a" * 70):
        with pytest.raises(ConfigurationError, match=f"{host}:5432 is no name"):
            await BlogService(f"postgresql://u:{SECRET}@{host}/db").open()


async def test_every_text_gets_through_whatever_encoding_the_url_says(database: str) -> None:
    async with BlogService(with_hosts(database, client_encoding="LATIN1")) as blog:
        post = await blog.posts.create("→", "→", slug="→")
        assert await blog.posts.get_by_slug("→") == post
        assert len(await blog.posts.search("→")) == 0


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_that_cannot_hold_every_text_is_refused(
    server: str, encoding: str
) -> None:
    name = f"blogsvc_{encoding.lower()}"
    owner = await asyncpg.connect(server)
    await owner.execute(
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' "
        "LOCALE_PROVIDER libc LOCALE 'C'"
    )
    try:
        url = at(server, name)
        told = f"encoding of this database is {encoding}.*createdb --encoding=UTF8"
        for opening in (BlogService(url, migrate=True).open, BlogService(url).open):
            with pytest.raises(ConfigurationError, match=told):
                await opening()
        with pytest.raises(ConfigurationError, match=told):
            await Migrator(url).upgrade()
        ended = await run("aerich", "upgrade", url=url)
        assert (ended.status, ended.is_one_line) == (1, True), ended.output
    finally:
        await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await owner.close()


def test_variables_that_make_no_sense_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "many")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        target_of("postgresql://u@h/db")


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (NOBODY_LISTENS, "127.0.0.1:1 refused the connection: nothing listens there"),
        ("no-such-host.invalid:5432", "no-such-host.invalid:5432 is not a name that can"),
    ],
)
async def test_an_unreachable_server_is_told_in_one_line(place: str, reason: str) -> None:
    with pytest.raises(Unavailable) as caught:
        await BlogService(f"postgresql://u:{SECRET}@{place}/db").open()
    said = str(caught.value)
    assert reason in said
    assert "Check that the server runs there" in said
    assert "\n" not in said
    assert SECRET not in everything_told(caught.value)


@pytest.mark.parametrize("command", ["aerich", "blogsvc"])
async def test_the_commands_tell_it_in_one_line_and_fail(command: str) -> None:
    url = f"postgresql://u:{SECRET}@{NOBODY_LISTENS}/db"
    ended = await run(command, "upgrade", url=url)
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    reason = f"Error: PostgreSQL cannot be reached: {NOBODY_LISTENS} refused"
    assert ended.output.startswith(reason)
    assert SECRET not in ended.output


async def test_a_database_that_is_not_there_is_told(server: str) -> None:
    with pytest.raises(ConfigurationError, match="has no such database"):
        await BlogService(at(server, "nowhere")).open()


async def test_no_log_shows_a_password(
    migrated: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("DATABASE_URL", with_hosts(migrated, password=f"{SECRET}%21"))
    async with BlogService() as blog:
        await blog.ping()
        shown = f"{blog!r} {vars(blog)}"
    await Migrator().status()
    for name in ("USE_TZ", "TIMEZONE"):
        monkeypatch.setenv(name, "")
    with TortoiseContext() as context:
        await Tortoise.init(config=config.TORTOISE_ORM)
        connection = context.connections.get(files.APP)
        await connection.execute_query("SELECT 1")
        shown += f"{config.TORTOISE_ORM!r} {connection!r} {context!r}"
        await context.close_connections()
    assert "Tortoise-ORM startup" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET not in repr(copy.deepcopy(DatabaseURL(SECRET)))
    assert SECRET not in shown


async def test_an_exhausted_pool_is_told_after_the_time_that_was_given(migrated: str) -> None:
    async with (
        asyncio.timeout(SOON),
        BlogService(migrated, max_size=1, acquire_timeout=0.1) as blog,
        blog.transaction(),
    ):
        with pytest.raises(Unavailable, match=r"No connection was free within 0\.1 s"):
            await asyncio.create_task(blog.ping())


async def test_a_pool_that_cannot_grow_in_time_says_so(migrated: str) -> None:
    async with asyncio.timeout(SOON), silent_host() as silent:
        url = f"postgresql://u@{silent}/db"
        blog = BlogService(url, min_size=0, connect_timeout=0.5, acquire_timeout=0.1)
        await blog._database.open(url)
        async with contextlib.AsyncExitStack() as closing:
            closing.push_async_callback(blog.close)
            with pytest.raises(Unavailable, match=r"No connection could be made within 0\.1 s"):
                await asyncio.create_task(blog.ping())


async def test_a_statement_that_takes_too_long_is_given_up(migrated: str) -> None:
    async with asyncio.timeout(SOON), BlogService(migrated, command_timeout=0.1) as blog:
        with pytest.raises(OperationTimeout):
            await blog._database.read(Query("SELECT pg_sleep(600)"))
        await blog.ping()


@pytest.mark.skipif("BLOGSVC_TEST_URL" in os.environ, reason="stops processes of the server")
async def test_a_server_that_hangs_is_given_up_and_the_pool_recovers(migrated: str) -> None:
    async with BlogService(migrated, command_timeout=0.2, max_size=1) as blog:
        started = time.monotonic()
        async with hung(blog):
            with pytest.raises(BlogError):
                await blog.ping()
            await blog.ping()
        assert time.monotonic() - started < SOON


@pytest.mark.skipif("BLOGSVC_TEST_URL" in os.environ, reason="stops processes of the server")
async def test_closing_waits_for_no_server_that_hangs(migrated: str) -> None:
    blog = await BlogService(migrated, command_timeout=None).open()
    async with hung(blog):
        asking = asyncio.create_task(blog.ping())
        await asyncio.sleep(0)
        async with asyncio.timeout(SOON):
            await blog.close()
        with pytest.raises(BlogError):
            await asking
    assert not blog.is_open


@pytest.mark.skipif("BLOGSVC_TEST_URL" in os.environ, reason="stops processes of the server")
async def test_a_caller_that_gives_up_waits_for_no_server_that_hangs(migrated: str) -> None:
    async with BlogService(migrated, max_size=1) as blog, hung(blog), asyncio.timeout(SOON):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await blog.ping()
        await blog.ping()
