"""Through a real PgBouncer every call does what it says, whoever else uses the same server."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from blogsvc import BlogService, Migrator, NewPost
from blogsvc.database import Command
from blogsvc.database.connections import connect
from blogsvc.errors import ConfigurationError, Unavailable

from ..support import PATIENCE, ROOT, run
from .calls import READS, WRITES, published_post
from .pgbouncer import MISSING, PROGRAM, pgbouncer, version
from .proxy import IDLE, Proxy, proxy_to

needs_pgbouncer = pytest.mark.skipif(PROGRAM is None, reason=MISSING)

STRICT = "ignore_startup_parameters"
MIGRATORS = "lock_timeout,statement_timeout,idle_in_transaction_session_timeout,client_min_messages"

_WORKER = """
import asyncio, sys
from blogsvc import BlogService

async def main():
    async with BlogService(sys.argv[1], max_size=1) as blog:
        for line in sys.stdin:
            verb, id = line.split()
            post = await getattr(blog.posts, verb)(int(id))
            print(post.id, post.status, flush=True)

asyncio.run(main())
"""


class Worker:
    """A process with a service of its own, which makes one call when it is told to."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, url: str) -> Worker:
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", _WORKER, url),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        )

    async def call(self, verb: str, id: int) -> str:
        """Return the id and the status of the post that came back."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{verb} {id}\n".encode())
        return (await asyncio.wait_for(self._process.stdout.readline(), PATIENCE)).decode().strip()

    async def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


def follows() -> dict[str, int]:
    """Settings with which a PgBouncer follows prepared statements, where it can."""
    return {"max_prepared_statements": 200} if version() >= (1, 21) else {}


@pytest.fixture(scope="module", params=["transaction", "session", "transaction, following"])
def bouncer(request: pytest.FixtureRequest, migrated: str) -> Iterator[str]:
    """The URL of a PgBouncer that has one connection to the shared database in each mode."""
    mode, _, following = str(request.param).partition(", ")
    if following and not follows():
        pytest.skip("this PgBouncer follows no prepared statements: 1.21 and later do")
    off = {"max_prepared_statements": 0} if follows() else {}
    size = 8 if mode == "session" else 1
    with pgbouncer(
        migrated, pool_mode=mode, default_pool_size=size, **(follows() if following else off)
    ) as url:
        yield url


@pytest.fixture
async def through(bouncer: str, database: str) -> AsyncIterator[BlogService]:
    """An open service on the wiped database, through PgBouncer."""
    async with BlogService(bouncer) as blog:
        yield blog


@needs_pgbouncer
@pytest.mark.parametrize("name", READS)
async def test_a_read_through_a_pooler_reads_the_same(
    through: BlogService, blog: BlogService, name: str
) -> None:
    await published_post(through)
    assert await READS[name](through) == await READS[name](blog)
    async with through.transaction():
        assert await READS[name](through) == await READS[name](blog)


@needs_pgbouncer
@pytest.mark.parametrize("name", WRITES)
async def test_a_write_through_a_pooler_is_stored(
    through: BlogService, sql: asyncpg.Connection, name: str
) -> None:
    await published_post(through)
    before = await sql.fetch("SELECT * FROM posts ORDER BY id")
    with contextlib.suppress(ZeroDivisionError):
        async with through.transaction():
            await WRITES[name](through)
            raise ZeroDivisionError
    assert await sql.fetch("SELECT * FROM posts ORDER BY id") == before
    await WRITES[name](through)
    assert await sql.fetch("SELECT * FROM posts ORDER BY id") != before


@needs_pgbouncer
async def test_transactions_through_a_pooler_keep_their_isolation_and_savepoints(
    through: BlogService, sql: asyncpg.Connection
) -> None:
    async with through.transaction("repeatable read"):
        assert await through.posts.count() == 0
        await sql.execute("INSERT INTO posts (title, content) VALUES ('T', '')")
        assert await through.posts.count() == 0
    async with through.transaction():
        await through.posts.get(1, lock=True)
        with contextlib.suppress(ZeroDivisionError):
            async with through.transaction():
                await through.posts.delete(1)
                raise ZeroDivisionError
        await through.posts.update(1, title="Kept")
    assert await sql.fetchval("SELECT title FROM posts") == "Kept"


@needs_pgbouncer
async def test_reads_that_travel_together_through_a_pooler_go_to_those_who_asked(
    bouncer: str, blog: BlogService
) -> None:
    ids = await blog.posts.create_many(NewPost(f"P{n}", "", slug=f"s{n}") for n in range(40))

    async def ask(caller: int) -> None:
        for at in range(10):
            number = (caller * 7 + at * 11) % len(ids)
            match (caller + at) % 4:
                case 0:
                    assert (await shared.posts.get(ids[number])).title == f"P{number}"
                case 1:
                    assert (await shared.posts.get_by_slug(f"s{number}")).id == ids[number]
                case 2:
                    limit = 1 + number % 3
                    assert len((await shared.posts.page(limit=limit)).items) == limit
                case 3:
                    post = await shared.posts.update(ids[number], content=f"{caller} {at}")
                    assert (post.id, post.content) == (ids[number], f"{caller} {at}")

    async with BlogService(bouncer, max_size=3) as shared:
        await asyncio.gather(*map(ask, range(64)))


@needs_pgbouncer
async def test_two_processes_that_take_turns_on_one_server_get_their_own_statements(
    bouncer: str, blog: BlogService, sql: asyncpg.Connection
) -> None:
    for number in range(20):
        await blog.posts.create(f"Post {number}", "")
    # New processes: the counters by which the driver names statements stand at the same numbers.
    reader, archiver = await Worker.start(bouncer), await Worker.start(bouncer)
    for id in range(1, 21, 2):
        assert await reader.call("get", id + 1) == f"{id + 1} draft"
        assert await archiver.call("archive", id) == f"{id} archived"
        assert await reader.call("get", id) == f"{id} archived"
    await reader.end()
    await archiver.end()
    archived = await sql.fetch("SELECT id FROM posts WHERE status = 'archived' ORDER BY id")
    assert [row["id"] for row in archived] == list(range(1, 21, 2))


@needs_pgbouncer
async def test_a_hosts_pool_whose_statements_others_could_run_is_refused(
    bouncer: str, blog: BlogService
) -> None:
    await published_post(blog)
    connection = await connect(bouncer, timeout=5)
    follows = await connection.fetchval("SELECT count(*) FROM pg_prepared_statements")
    await connection.close()
    async with asyncpg.create_pool(bouncer, min_size=1, max_size=1) as pool:
        if follows:
            async with BlogService(pool=pool) as lent:
                assert await lent.posts.get(1) == await blog.posts.get(1)
        else:
            with pytest.raises(ConfigurationError, match="statement_cache_size=0"):
                await BlogService(pool=pool).open()
            assert await pool.fetchval("SELECT 1") == 1  # nothing was left open on it
    async with (
        asyncpg.create_pool(bouncer, max_size=1, min_size=1, statement_cache_size=0) as pool,
        BlogService(pool=pool) as lent,
    ):
        assert await lent.posts.get(1) == await blog.posts.get(1)


@needs_pgbouncer
async def test_calls_that_are_moved_from_server_to_server_go_on(
    migrated: str, database: str
) -> None:
    with pgbouncer(migrated, pool_mode="transaction", default_pool_size=2, **follows()) as url:
        async with BlogService(url, max_size=1) as blog, BlogService(url, max_size=1) as other:
            await published_post(blog)
            for call in [*READS.values(), WRITES["update"], WRITES["create"]]:
                await call(blog)
                async with other.transaction():  # takes the server that was used last
                    await other.posts.count()
                    await call(blog)


@needs_pgbouncer
async def test_nothing_of_ours_stays_behind_on_a_server_connection(
    migrated: str, database: str
) -> None:
    unfollowed = {"max_prepared_statements": 0} if follows() else {}
    with pgbouncer(migrated, pool_mode="transaction", default_pool_size=1, **unfollowed) as url:
        async with BlogService(url) as blog:
            await published_post(blog)
            for call in [*READS.values(), *WRITES.values()]:
                await call(blog)
        look = await asyncpg.connect(url, statement_cache_size=0)
        try:
            assert await look.fetch("SELECT name FROM pg_prepared_statements") == []
            locks = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            assert await look.fetch(locks) == []
            assert await look.fetchval("SHOW jit") == await look.fetchval(
                "SELECT reset_val FROM pg_settings WHERE name = 'jit'"
            )
        finally:
            await look.close()


@needs_pgbouncer
@pytest.mark.parametrize("mode", ["transaction", "session"])
@pytest.mark.parametrize("lenient", [False, True], ids=["strict", "lenient"])
async def test_migrations_refuse_a_pooler_and_ask_for_a_direct_connection(
    empty_database: str, mode: str, lenient: bool
) -> None:
    settings = {STRICT: MIGRATORS} if lenient else {}
    with pgbouncer(empty_database, pool_mode=mode, **settings) as url:
        for go in (
            Migrator(url).upgrade,
            Migrator(url).status,
            BlogService(url, migrate=True).open,
        ):
            with pytest.raises(ConfigurationError, match="direct connection"):
                await go()
        ended = await run("aerich", "upgrade", url=url)
        assert ended.status != 0
        assert ended.is_one_line, ended.output
        assert "direct connection" in ended.output
    connection = await asyncpg.connect(empty_database)
    assert await connection.fetch("SELECT FROM pg_tables WHERE schemaname = 'public'") == []
    await connection.close()


@needs_pgbouncer
async def test_a_pooler_in_statement_mode_is_refused_with_what_to_set(database: str) -> None:
    with (
        pgbouncer(database, pool_mode="statement") as url,
        pytest.raises(ConfigurationError, match="pool_mode"),
    ):
        await BlogService(url).open()


@needs_pgbouncer
@pytest.mark.parametrize(
    ("settings", "change", "told"),
    [
        ({"database": "other"}, {}, "has no such database"),
        ({"more": "dbname=nowhere"}, {}, "no such database"),
        ({}, {"path": "/pgbouncer"}, "the admin console"),
        *(
            ({"auth_type": auth}, {"netloc": login}, "the user or the password")
            for auth in ("plain", "md5", "scram-sha-256")
            for login in ("ann:wrong@", "nobody:secret@", "ann@")
        ),
    ],
)
async def test_what_a_pooler_refuses_for_good_is_a_matter_of_configuration(
    database: str,
    reachable: Path,
    settings: dict[str, str],
    change: dict[str, str],
    told: str,
) -> None:
    users = reachable / "users.txt"
    users.write_text('"ann" "secret"\n')
    more = {"auth_file": users, "admin_users": "ann", "pool_mode": "transaction", **settings}
    with pgbouncer(database, **more) as url:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
        changed = {**change, "netloc": change.get("netloc", "ann:secret@") + place}
        with pytest.raises(ConfigurationError, match=told):
            await connect(parts._replace(**changed).geturl(), timeout=5)


@needs_pgbouncer
async def test_a_pooler_whose_connections_are_all_at_work_may_have_one_later(database: str) -> None:
    settings = {"pool_mode": "transaction", "default_pool_size": 1, "query_wait_timeout": 1}
    with pgbouncer(database, **settings) as url:
        holder = await connect(url, timeout=5)
        async with holder.transaction():
            with pytest.raises(Unavailable, match="connections to the server are all at work"):
                await connect(url, timeout=PATIENCE)
        await (await connect(url, timeout=PATIENCE)).close()
        await holder.close()


@needs_pgbouncer
async def test_a_pooler_that_takes_no_more_clients_says_what_to_raise(database: str) -> None:
    with pgbouncer(database, pool_mode="transaction", max_client_conn=3) as url:
        async with contextlib.AsyncExitStack() as holders:
            with contextlib.suppress(asyncpg.ProtocolViolationError):
                while True:
                    holder = await asyncpg.connect(url, statement_cache_size=0)
                    holders.push_async_callback(holder.close)
            with pytest.raises(Unavailable, match="Raise max_client_conn"):
                await connect(url, timeout=PATIENCE)


async def test_a_pooler_that_does_not_keep_a_transaction_with_one_server_is_refused(
    database: str,
) -> None:
    for way in (BegunElsewhere, PreparedElsewhere):
        async with proxy_to(database, way) as proxy:
            with pytest.raises(ConfigurationError, match="pool_mode"):
                await connect(proxy.url, timeout=5)


@needs_pgbouncer
async def test_a_pooler_is_seen_and_whether_it_follows_statements(database: str) -> None:
    for on in [False, True] if follows() else [False]:
        settings = {"max_prepared_statements": 200 if on else 0} if follows() else {}
        with pgbouncer(database, pool_mode="transaction", **settings) as url:
            connection = await connect(url, timeout=5)
            assert connection.behind_pooler
            await connection.fetch("SELECT 1")
            kept = await connection.fetchval("SELECT count(*) FROM pg_prepared_statements")
            assert bool(kept) is on
            await connection.close()


async def test_a_direct_connection_is_no_pooler_and_costs_one_question(database: str) -> None:
    async with proxy_to(database, Recording) as proxy:
        connection = await connect(proxy.url, timeout=5)
        assert not connection.behind_pooler
        assert proxy.messages() == ["Q"]
        await connection.fetch("SELECT $1::int", 1)
        await connection.fetch("SELECT $1::int", 2)
        assert proxy.messages() == ["Q", *"PDH", *"BES", *"BES"]
        await connection.close()


async def test_without_names_each_statement_is_sent_whole_up_to_its_sync(database: str) -> None:
    async with proxy_to(database, Recording) as proxy:
        connection = await connect(proxy.url, timeout=5, statement_cache_size=0)
        for number in (1, 2):
            await connection.fetch("SELECT $1::int", number)
        assert proxy.messages() == ["Q", *"PDH", *"PBES", *"PDH", *"PBES"]
        assert b"blogsvc_" not in proxy.sent.partition(b"PDH")[2]
        await connection.close()


async def test_no_two_connections_name_their_statements_alike(database: str) -> None:
    names: set[str] = set()
    for _ in range(2):
        async with BlogService(database, max_size=1) as blog:
            await published_post(blog)
            async with blog._database.check_open().acquire() as connection:
                rows = await connection.fetch("SELECT name FROM pg_prepared_statements")
            await blog._database.write(Command("TRUNCATE posts RESTART IDENTITY"))
        prefixes = {row["name"].rpartition("_")[0] for row in rows}
        assert len(prefixes) == 1
        assert not prefixes & names
        names |= prefixes


async def test_a_statement_that_something_in_between_has_lost_is_told_and_the_connection_left(
    database: str,
) -> None:
    async with BlogService(database, max_size=1) as blog:
        await published_post(blog)
        await blog.posts.get(1)
        async with blog._database.check_open().acquire() as connection:
            await connection.execute("DEALLOCATE ALL")
        with pytest.raises(ConfigurationError, match="pooler"):
            await blog.posts.get(1)
        await blog.posts.get(1)


async def test_migrations_go_through_a_proxy_that_opens_a_session_for_each_client(
    empty_database: str,
) -> None:
    async with proxy_to(empty_database, Disguised) as proxy:
        connection = await connect(proxy.url, timeout=5)
        assert connection.behind_pooler
        await connection.close()
        assert await Migrator(proxy.url).upgrade()
        async with BlogService(proxy.url) as blog:
            await published_post(blog)


async def test_a_server_that_goes_silent_after_the_login_is_given_up(database: str) -> None:
    async with proxy_to(database, Silent) as proxy:
        with pytest.raises(Unavailable, match="did not answer within"):
            await connect(proxy.url, timeout=0.5)


class Recording(Proxy):
    """Keeps what the client has sent."""

    sent = b""

    async def _pass_commands(
        self, commands: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await commands.read(65536):
                self.sent += data
                server.write(data)
        server.close()

    def messages(self) -> list[str]:
        """Return the kinds of the messages since the login, in their order."""
        kinds, at = [], int.from_bytes(self.sent[:4], "big")
        while at < len(self.sent):
            kinds.append(chr(self.sent[at]))
            at += 1 + int.from_bytes(self.sent[at + 1 : at + 5], "big")
        return [kind for kind in kinds if kind not in "pX"]


class Disguised(Proxy):
    """Announces another process than the server's, as a proxy does that keeps such ids apart."""

    async def _pass_answers(
        self, answers: asyncio.StreamReader, client: asyncio.StreamWriter
    ) -> None:
        announcement = b"K" + (12).to_bytes(4, "big")
        while data := await answers.read(65536):
            at = data.find(announcement)
            if at >= 0:
                data = data[: at + 5] + bytes(4) + data[at + 9 :]
            client.write(data)
        client.close()


class BegunElsewhere(Disguised):
    """As where another server has begun the transaction: Odyssey does so in statement mode."""

    async def _pass_commands(
        self, commands: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await commands.read(65536):
                server.write(self.led_astray(data))
        server.close()

    def led_astray(self, data: bytes) -> bytes:
        return data.replace(b"BEGIN\0", b"ABORT\0")


class PreparedElsewhere(BegunElsewhere):
    """As where another server has the statement that is to be run."""

    def led_astray(self, data: bytes) -> bytes:
        return data.replace(b"blogsvc_", b"another_", 1) if data.startswith(b"B") else data


class Silent(Proxy):
    """Passes on the answers to a login, and none after it."""

    async def _pass_answers(
        self, answers: asyncio.StreamReader, client: asyncio.StreamWriter
    ) -> None:
        passing = True
        while data := await answers.read(65536):
            if passing:
                client.write(data)
            passing = passing and not data.endswith(IDLE)
