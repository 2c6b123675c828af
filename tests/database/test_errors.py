"""Every failure is a `BlogError` that says what to do: each one here is provoked for real."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import pickle
import re
import signal
import uuid
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from blogsvc import BlogService, NewPost, errors
from blogsvc.database import Command, Query
from blogsvc.errors import (
    AlreadyExists,
    BlogError,
    ConfigurationError,
    DatabaseError,
    InvalidPost,
    NotOpen,
    OperationTimeout,
    OutcomeUnknown,
    PostInUse,
    SchemaOutOfDate,
    TransactionConflict,
    Unavailable,
)

from .calls import READS, WRITES, Call
from .test_connections import with_hosts

SLEEP = "SELECT pg_sleep(60)"
WRITE = "INSERT INTO posts (title, content) SELECT 'T', pg_sleep(60)::text"


async def terminate(sql: asyncpg.Connection, *, asleep: bool = True) -> None:
    """Terminate the service's backends, once one of them is at work."""
    doomed = """SELECT pid FROM pg_stat_activity WHERE application_name = 'blogsvc'
        AND datname = current_database() AND (wait_event = 'PgSleep' OR NOT $1)"""
    pids: list[int] = []
    while not pids:
        pids = [row[0] for row in await sql.fetch(doomed, asleep)]
    await sql.fetch("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", pids)


async def test_a_read_whose_connection_is_lost_can_be_repeated(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    reading = asyncio.create_task(blog._database.read(Query(SLEEP)))
    await terminate(sql)
    with pytest.raises(Unavailable) as caught:
        await reading
    assert caught.value.__cause__ is not None
    assert await blog.posts.count() == 0


async def test_a_write_whose_connection_is_lost_has_an_unknown_outcome(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    writing = asyncio.create_task(blog._database.write(Command(WRITE)))
    await terminate(sql)
    with pytest.raises(OutcomeUnknown, match="slug"):
        await writing
    assert await blog.posts.count() == 0


async def test_a_write_lost_before_the_commit_is_not_stored(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    async def work() -> None:
        async with blog.transaction():
            await blog._database.write(Command(WRITE))

    working = asyncio.create_task(work())
    await terminate(sql)
    with pytest.raises(Unavailable):
        await working
    assert await blog.posts.count() == 0


async def test_a_lost_idle_connection_costs_one_call_at_most(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    await terminate(sql, asleep=False)
    with contextlib.suppress(Unavailable):
        await blog.posts.count()
    assert await blog.posts.count() == 0


@pytest.fixture
async def hasty(database: str) -> AsyncIterator[BlogService]:
    async with BlogService(database, command_timeout=0.2) as service:
        yield service


async def test_a_read_that_takes_too_long_is_told(hasty: BlogService) -> None:
    with pytest.raises(OperationTimeout):
        await hasty._database.read(Query(SLEEP))
    assert await hasty.posts.count() == 0


async def test_a_write_that_takes_too_long_has_an_unknown_outcome(hasty: BlogService) -> None:
    with pytest.raises(OutcomeUnknown):
        await hasty._database.write(Command(WRITE))
    assert await hasty.posts.count() == 0


async def test_a_server_that_hangs_does_not_hang_its_callers(
    hasty: BlogService, sql: asyncpg.Connection
) -> None:
    pid = (await hasty._database.read(Query("SELECT pg_backend_pid()")))[0][0]
    try:
        os.kill(pid, signal.SIGSTOP)
    except (ProcessLookupError, PermissionError):
        pytest.skip("the server is not on this machine")
    try:
        with pytest.raises(OperationTimeout):
            await hasty.posts.get_or_none(1)
        assert await hasty.posts.get_or_none(1) is None
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_timeout_of_the_server_is_told(blog: BlogService) -> None:
    with pytest.raises(OperationTimeout) as caught:
        async with blog.transaction():
            await blog._database.read(Query("SELECT set_config('statement_timeout', '20', true)"))
            await blog._database.read(Query(SLEEP))
    assert caught.value.sqlstate == "57014"


async def test_a_transaction_that_the_server_ends_for_its_length_is_told(
    database: str, sql: asyncpg.Connection
) -> None:
    if sql.get_server_version().major < 17:
        pytest.skip("transaction_timeout came with PostgreSQL 17")
    async with BlogService(with_hosts(database, transaction_timeout="1s")) as blog:
        # Whoever writes knows what became of it, too: it was rolled back.
        for call in (blog._database.read(Query(SLEEP)), blog._database.write(Command(WRITE))):
            with pytest.raises(OperationTimeout, match="took too long and was rolled") as caught:
                await call
            assert caught.value.sqlstate == "25P04"
        assert await blog.posts.count() == 0


async def test_a_busy_pool_is_told(database: str) -> None:
    async with BlogService(database, max_size=1, acquire_timeout=0.05) as blog:
        with pytest.raises(Unavailable, match="max_size"):
            async with blog.transaction():
                await asyncio.create_task(blog.posts.count())
        assert await blog.posts.count() == 0


@contextlib.asynccontextmanager
async def role(sql: asyncpg.Connection, options: str = "") -> AsyncIterator[str]:
    name = f"blogsvc_role_{uuid.uuid4().hex[:12]}"
    await sql.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret' {options}")
    try:
        yield name
    finally:
        await sql.execute(f"DROP OWNED BY {name}")
        await sql.execute(f"DROP ROLE {name}")


def as_role(url: str, name: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{name}:secret@{host}"))


async def test_too_many_connections_is_told(database: str, sql: asyncpg.Connection) -> None:
    async with role(sql, "CONNECTION LIMIT 0") as name:
        with pytest.raises(Unavailable, match="max_connections"):
            await BlogService(as_role(database, name)).open()


async def test_a_right_that_is_missing_is_told(database: str, sql: asyncpg.Connection) -> None:
    async with role(sql) as name:
        await sql.execute(f"GRANT SELECT ON aerich TO {name}")
        async with BlogService(as_role(database, name)) as blog:
            with pytest.raises(ConfigurationError, match="GRANT"):
                await blog.posts.count()


async def test_a_server_that_takes_no_writes_is_told(
    database: str, sql: asyncpg.Connection
) -> None:
    async with role(sql) as name:
        await sql.execute(f"ALTER ROLE {name} SET default_transaction_read_only = on")
        await sql.execute(f"GRANT ALL ON posts, aerich TO {name}")
        async with BlogService(as_role(database, name)) as blog:
            assert await blog.posts.count() == 0
            with pytest.raises(Unavailable, match="read-write"):
                await blog.posts.create("T", "C")


async def test_a_table_that_is_missing_is_told(blog_url: str) -> None:
    database = await asyncpg.connect(blog_url)
    async with BlogService(blog_url) as blog:
        await database.execute("DROP TABLE posts")
        with pytest.raises(SchemaOutOfDate, match="upgrade"):
            await blog.posts.count()
    await database.close()


async def test_a_table_that_changed_in_a_transaction_is_told(blog_url: str) -> None:
    database = await asyncpg.connect(blog_url)
    async with BlogService(blog_url, max_size=1) as blog:
        await blog.posts.get_or_none(1)
        await database.execute("ALTER TABLE posts ALTER slug TYPE varchar(300)")
        with pytest.raises(TransactionConflict):
            async with blog.transaction():
                await blog.posts.get_or_none(1)
        assert await blog.posts.get_or_none(1) is None
    await database.close()


async def test_a_service_that_is_not_open_is_told(database: str) -> None:
    blog = BlogService(database)
    for call in (blog.ping, blog.posts.count, lambda: blog.posts.create("T", "C")):
        with pytest.raises(NotOpen, match="open"):
            await call()
    with pytest.raises(NotOpen):
        async with blog.transaction():
            pass


CALLS: dict[str, Call] = {"ping": lambda blog: blog.ping(), **READS, **WRITES}


@pytest.mark.parametrize("name", CALLS)
async def test_no_call_lets_anything_else_escape_when_the_server_goes_away(
    blog_url: str, name: str
) -> None:
    async with BlogService(blog_url, connect_timeout=0.5) as blog:
        await blog._database.read(Query("SELECT 1"))
        blog._database.check_open()._connect_args = ["postgresql://127.0.0.1:1/gone"]
        for holder in blog._database.check_open()._holders:
            holder.terminate()
        with pytest.raises(DatabaseError):
            await CALLS[name](blog)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_has_a_root_and_a_default_message(name: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, BlogError)
    assert kind.__doc__
    if kind.__init__ is BlogError.__init__:
        assert str(kind()) == " ".join(kind.__doc__.split())
    defined = {each for each, value in vars(errors).items() if isinstance(value, type)}
    assert {each for each in defined if issubclass(getattr(errors, each), BlogError)} == set(
        errors.__all__
    )


FOR_OPERATORS = "10.0.0.1:5432 in /var/lib: GRANT it, and set DATABASE_URL to postgresql://u:pw@h"

MADE: dict[str, BlogError] = {
    **{
        name: kind(FOR_OPERATORS)
        for name in errors.__all__
        if (kind := getattr(errors, name)).__init__ in (BlogError.__init__, DatabaseError.__init__)
    },
    "AlreadyExists": AlreadyExists("post", index=3, constraint="/var/lib", advice=FOR_OPERATORS),
    "InvalidCursor": errors.InvalidCursor("was cut"),
    "InvalidPost": InvalidPost("title", "is blank"),
    "InvalidQuery": errors.InvalidQuery("limit", "is 0"),
    "PostInUse": PostInUse(1, table="/var/lib", constraint="/var/lib"),
    "PostNotFound": errors.PostNotFound(slug="/var/lib"),
    "RowRefused": errors.RowRefused("Posts", "1", "title", "/var/lib", FOR_OPERATORS),
    "SchemaOutOfDate": SchemaOutOfDate(FOR_OPERATORS, pending=("a",)),
    "VersionConflict": errors.VersionConflict(1, 2, 3),
}


@pytest.mark.parametrize("name", errors.__all__)
def test_what_is_public_of_an_error_is_a_sentence_without_a_word_for_operators(name: str) -> None:
    public = MADE[name].public
    assert public.endswith(".")
    assert not re.search(r"[/:@_]|\d\.\d|GRANT|DATABASE_URL|[a-z]\(|\bSQL\b|`", public), public


@pytest.mark.parametrize("error", [*MADE.values(), Unavailable(sqlstate="08006")])
def test_an_error_travels_between_processes(error: BlogError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)


async def test_a_slug_that_is_taken_is_named_with_advice_that_fits(blog: BlogService) -> None:
    first = await blog.posts.create("One", "", slug="one")
    second = await blog.posts.create("Two", "", slug="two")
    with pytest.raises(AlreadyExists, match=r"slug 'one' already.*made from the title") as caught:
        await blog.posts.create("Three", "", slug="one")
    with pytest.raises(AlreadyExists, match=r"slug 'one' already. Choose another one.$") as caught:
        await blog.posts.update(second.id, slug="one")
    assert (caught.value.field, caught.value.value) == ("slug", "one")
    assert caught.value.public == "Another post has this slug already."
    assert await blog.posts.get_by_slug("one") == first


async def test_an_id_that_is_taken_is_told_with_the_way_out(blog_url: str) -> None:
    database = await asyncpg.connect(blog_url)
    async with BlogService(blog_url) as blog:
        await database.execute("INSERT INTO posts (id, title, content) VALUES (1, 'Copied', '')")
        for call in (
            lambda: blog.posts.create("T", ""),
            lambda: blog.posts.create_many([NewPost("T", "")]),
            lambda: blog.posts.upsert("s", title="T", content=""),
        ):
            await database.execute("ALTER SEQUENCE posts_id_seq RESTART")
            with pytest.raises(AlreadyExists, match=r"the id already.*setval") as caught:
                await call()
            assert caught.value.field == "id"
        await database.execute(str(caught.value).partition("move: ")[2].rstrip("."))
        assert (await blog.posts.create("T", "")).id == 2
    await database.close()


async def test_a_unique_index_of_a_host_is_named(blog_url: str) -> None:
    database = await asyncpg.connect(blog_url)
    await database.execute("CREATE UNIQUE INDEX one_title_each ON posts (title)")
    async with BlogService(blog_url) as blog:
        await blog.posts.create("T", "")
        with pytest.raises(AlreadyExists, match="one_title_each") as caught:
            await blog.posts.create("T", "")
    assert (caught.value.field, caught.value.constraint) == ("post", "one_title_each")
    assert caught.value.public == "There is such a post already."
    await database.close()


async def test_an_exclusion_of_a_host_is_named(blog_url: str) -> None:
    database = await asyncpg.connect(blog_url)
    await database.execute(
        "ALTER TABLE posts ADD CONSTRAINT one_title_each EXCLUDE USING btree (title WITH =)"
    )
    async with BlogService(blog_url) as blog:
        await blog.posts.create("T", "")
        with pytest.raises(AlreadyExists, match="one_title_each") as caught:
            await blog.posts.create("T", "")
    assert (caught.value.field, caught.value.constraint) == ("post", "one_title_each")
    await database.close()


@pytest.mark.parametrize(
    ("column", "named"),
    [
        ("title text UNIQUE", "outbox_title_key"),
        ("title text CHECK (title <> 'T')", "outbox_title_check"),
        ("title text, author int NOT NULL", "author"),
        ("title text REFERENCES users", "outbox_title_fkey"),
        ("title text, EXCLUDE USING btree (title WITH =)", "outbox_title_excl"),
    ],
)
async def test_a_rule_of_another_table_is_not_taken_for_one_of_posts(
    blog_url: str, column: str, named: str
) -> None:
    database = await asyncpg.connect(blog_url)
    await database.execute(f"""
        CREATE TABLE users (name text PRIMARY KEY);
        CREATE TABLE outbox ({column});
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN INSERT INTO outbox VALUES (NEW.title); INSERT INTO outbox VALUES (NEW.title);
                RETURN NULL; END';
        CREATE TRIGGER noted AFTER INSERT ON posts FOR EACH ROW EXECUTE FUNCTION note()""")
    async with BlogService(blog_url) as blog:
        with pytest.raises(DatabaseError, match=named) as caught:
            await blog.posts.create("T", "")
    assert type(caught.value) is DatabaseError
    await database.close()


async def test_a_domain_of_a_host_is_a_rule_of_posts(blog_url: str) -> None:
    database = await asyncpg.connect(blog_url)
    await database.execute("""
        CREATE DOMAIN stars AS int CHECK (VALUE > 0);
        ALTER TABLE posts ADD stars stars;
        ALTER TABLE posts ALTER stars SET DEFAULT -1""")
    async with BlogService(blog_url) as blog:
        with pytest.raises(InvalidPost, match="stars_check"):
            await blog.posts.create("T", "")
    await database.close()


@pytest.mark.parametrize("rule", ["", "ON DELETE RESTRICT", "DEFERRABLE INITIALLY DEFERRED"])
async def test_a_post_that_a_row_of_a_host_refers_to_is_in_use(blog_url: str, rule: str) -> None:
    database = await asyncpg.connect(blog_url)
    async with BlogService(blog_url) as blog:
        post = await blog.posts.create("T", "", slug="s")
        await database.execute(f"""
            CREATE TABLE comments (post bigint REFERENCES posts {rule});
            INSERT INTO comments VALUES ({post.id})""")
        with pytest.raises(
            PostInUse, match=f"comments refer to post {post.id} .*CASCADE"
        ) as caught:
            await blog.posts.delete(post.id)
        found = (caught.value.id, caught.value.table, caught.value.constraint)
        assert found == (post.id, "comments", "comments_post_fkey")
        with pytest.raises(PostInUse):
            async with blog.transaction():
                await blog.posts.delete(post.id)
        assert await blog.posts.get(post.id) == post
    await database.close()


async def test_a_slug_that_a_row_of_a_host_refers_to_is_in_use(blog_url: str) -> None:
    database = await asyncpg.connect(blog_url)
    async with BlogService(blog_url) as blog:
        post = await blog.posts.create("T", "", slug="s")
        await database.execute("CREATE TABLE links (slug varchar(255) REFERENCES posts (slug))")
        await database.execute("INSERT INTO links VALUES ('s')")
        with pytest.raises(PostInUse, match=f"links refer to post {post.id}"):
            await blog.posts.update(post.id, slug="other")
    await database.close()


async def test_a_post_that_refers_to_a_row_that_is_not_there_is_invalid(blog_url: str) -> None:
    database = await asyncpg.connect(blog_url)
    await database.execute("""
        CREATE TABLE authors (id bigint PRIMARY KEY);
        ALTER TABLE posts ADD author bigint DEFAULT 7 REFERENCES authors""")
    async with BlogService(blog_url) as blog:
        with pytest.raises(InvalidPost, match="posts_author_fkey"):
            await blog.posts.create("T", "")
    await database.close()


async def test_a_post_that_another_post_refers_to_is_in_use(blog_url: str) -> None:
    database = await asyncpg.connect(blog_url)
    async with BlogService(blog_url) as blog:
        ids = await blog.posts.create_many([NewPost("Series", ""), NewPost("Part", "")])
        await database.execute("ALTER TABLE posts ADD series bigint REFERENCES posts")
        await database.execute("UPDATE posts SET series = $1 WHERE id = $2", *ids)
        with pytest.raises(PostInUse, match="posts refer to post 1 "):
            await blog.posts.delete(ids[0])
    await database.close()


async def test_what_may_be_missing_is_advised_by_its_name(blog: BlogService) -> None:
    with pytest.raises(errors.PostNotFound, match="Use get_or_none where"):
        await blog.posts.get(1)
    with pytest.raises(errors.PostNotFound, match="Use get_by_slug_or_none where"):
        await blog.posts.get_by_slug("nothing")
    assert await blog.posts.get_by_slug_or_none("nothing") is None
    assert await blog.posts.get_by_slug_or_none("no\0thing") is None
    post = await blog.posts.create("Something", "")
    assert await blog.posts.get_by_slug_or_none("something") == post


async def test_opening_twice_at_once_tells_both_of_a_schema_that_is_behind(
    empty_database: str,
) -> None:
    blog = BlogService(empty_database)
    results = await asyncio.gather(blog.open(), blog.open(), return_exceptions=True)
    assert [type(result) for result in results] == [SchemaOutOfDate, SchemaOutOfDate]
    assert not blog.is_open


async def test_an_error_that_the_caller_is_handling_is_not_taken_for_this_one(
    blog: BlogService, database: str, sql: asyncpg.Connection
) -> None:
    """The driver's own errors carry it as their context."""
    await blog.posts.create("One", "", slug="one")
    async with BlogService(database, max_size=1) as other:
        pid = (await other._database.read(Query("SELECT pg_backend_pid()")))[0][0]
        try:
            await sql.execute("INSERT INTO posts (title, content, slug) VALUES ('x', '', 'one')")
        except asyncpg.UniqueViolationError:
            with pytest.raises(Unavailable):
                async with other.transaction():
                    await sql.execute("SELECT pg_terminate_backend($1, 5000)", pid)
                    for _ in range(2):  # what the server said last, and what the driver says then
                        with pytest.raises(Unavailable):
                            await other.posts.get(1)
            return
    raise AssertionError("the caller had an error to handle")
