"""The GRANTs of docs/rights.md give each role what the page says, and nothing else."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.errors import ConfigurationError, MigrationError
from blogsvc.migrator import Migrator, files

from ..migrations.migrating import HEAD, execute
from ..support import ROOT, run
from .calls import CALLS, READS, WRITES, every_call
from .roles import database_for, role_of

PAGE = (ROOT / "docs" / "rights.md").read_text(encoding="utf-8")
SQL = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BEFORE_PLAIN, PLAIN, BEFORE_SCHEMA, SCHEMA = SQL.findall(PAGE)

NOT_FOR_THE_APPLICATION = [
    "DROP TABLE {posts}",
    "TRUNCATE {posts}",
    "ALTER TABLE {posts} ADD COLUMN more TEXT",
    "ALTER TABLE {posts} DISABLE TRIGGER ALL",
    "CREATE INDEX ON {posts} (title)",
    "CREATE TABLE {place}.other ()",
    "CREATE FUNCTION {place}.posts_keep_rules(TEXT) RETURNS TEXT LANGUAGE sql AS 'SELECT $1'",
    "CREATE OR REPLACE FUNCTION {place}.posts_keep_rules() RETURNS TRIGGER LANGUAGE plpgsql AS ''",
    "INSERT INTO {place}.aerich (version, app, content) VALUES ('9', 'blogsvc', '{{}}')",
    "UPDATE {place}.aerich SET version = '9'",
    "DELETE FROM {place}.aerich",
    "DROP TABLE {place}.aerich",
]

NOT_FOR_THE_READER = [
    "INSERT INTO {posts} (title, content) VALUES ('T', 'C')",
    "UPDATE {posts} SET title = 'T'",
    "DELETE FROM {posts}",
    "SELECT FROM {posts} FOR UPDATE",
    "SELECT nextval('{place}.posts_id_seq')",
    "BEGIN; LOCK TABLE {posts} IN EXCLUSIVE MODE",
]


@dataclass(frozen=True)
class Granted:
    """A migrated database with the rights of the page, as URLs for its roles."""

    superuser: str
    owner: str
    app: str
    reader: str
    schema: str | None

    @property
    def place(self) -> str:
        return self.schema or "public"

    def sql(self, statement: str) -> str:
        return statement.format(posts=f"{self.place}.posts", place=self.place)


@pytest.fixture(params=[None, "alice"], ids=["public", "alice"])
async def granted(server: str, request: pytest.FixtureRequest) -> AsyncIterator[Granted]:
    before, after = (BEFORE_SCHEMA, SCHEMA) if request.param else (BEFORE_PLAIN, PLAIN)
    async with database_for(server, "owner", "app", "reader") as (url, owner, app, reader):

        def named(statements: str) -> str:
            names = {"blog_owner": owner, "blog_app": app, "blog_reader": reader}
            return re.sub(r"\bblog_\w+", lambda name: role_of(names[name[0]]), statements)

        await execute(url, named(before))
        # As a careful administrator may have it: nothing is anybody's that is not granted.
        await execute(owner, "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
        await Migrator(owner, schema=request.param).upgrade()
        await execute(owner, named(after))
        yield Granted(url, owner, app, reader, request.param)


async def refused(url: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(url, statement)


async def test_the_application_can_do_everything_with_posts(granted: Granted) -> None:
    async with BlogService(granted.app, schema=granted.schema) as blog:
        await every_call(blog)
        await blog.wait_for(await blog.write_token())


async def test_the_application_can_look_at_the_schema(granted: Granted) -> None:
    report = await Migrator(granted.app, schema=granted.schema).check()
    assert (report.drifted, report.pending) == (False, False)


async def test_the_application_can_neither_change_nor_drop_a_table(granted: Granted) -> None:
    for statement in NOT_FOR_THE_APPLICATION:
        await refused(granted.app, granted.sql(statement))


@pytest.mark.parametrize("who", ["app", "reader"])
async def test_only_the_owner_can_migrate(granted: Granted, who: str) -> None:
    migrator = Migrator(getattr(granted, who), schema=granted.schema)
    told = "belongs to the role .* only its owner may change it"
    with pytest.raises(MigrationError, match=told):
        await migrator.downgrade()
    owner = Migrator(granted.owner, schema=granted.schema)
    assert await owner.downgrade() == [HEAD.version]
    with pytest.raises(MigrationError, match=told):
        await migrator.upgrade()
    assert [version.state for version in await owner.status()].count("pending") == 1


@pytest.mark.parametrize("command", ["upgrade", "downgrade"])
async def test_a_migration_without_the_right_is_told_in_one_message(
    granted: Granted, command: str
) -> None:
    if command == "upgrade":
        await Migrator(granted.owner, schema=granted.schema).downgrade()
    asked = ["--yes"] if command == "downgrade" else []
    for program in ("blogsvc", "aerich"):
        ended = await run(
            program, command, *asked, url=granted.app, BLOGSVC_SCHEMA=granted.schema or ""
        )
        assert ended.status == 1
        assert "only its owner may change it. Migrate as that role" in ended.output, ended.output
        assert "Traceback" not in ended.output


async def test_the_reader_can_read_page_and_search(granted: Granted) -> None:
    async with BlogService(granted.app, schema=granted.schema) as blog:
        post = await blog.posts.create("Word", "C", slug="word", status="published")
        await blog.posts.create("Another word", "C", status="published")
    async with BlogService(granted.reader, schema=granted.schema) as blog:
        for call in READS.values():
            await call(blog.posts, post.id)
        await blog.wait_for(await blog.write_token())


async def test_the_reader_can_look_at_the_schema(granted: Granted) -> None:
    for command in ("status", "check", "describe"):
        ended = await run(
            "blogsvc", command, url=granted.reader, BLOGSVC_SCHEMA=granted.schema or ""
        )
        assert ended.status == 0, ended.output


async def test_the_reader_can_write_nothing_and_is_told_so(granted: Granted) -> None:
    async with BlogService(granted.app, schema=granted.schema) as blog:
        post = await blog.posts.create("Word", "C", slug="word", status="published")
    async with BlogService(granted.reader, schema=granted.schema) as blog:
        for call in WRITES.values():
            await told_which_right_is_missing(call(blog.posts, post.id))
        await told_which_right_is_missing(lock(blog, post.id))
    for statement in [*NOT_FOR_THE_READER, *NOT_FOR_THE_APPLICATION]:
        await refused(granted.reader, granted.sql(statement))


async def told_which_right_is_missing(call: Awaitable[object]) -> None:
    with pytest.raises(ConfigurationError) as told:
        await call
    assert str(told.value) in PAGE


async def lock(blog: BlogService, id: int) -> None:
    async with blog.transaction():
        await blog.posts.get(id, lock=True)


async def test_the_owner_can_migrate_all_the_way_down_and_up(granted: Granted) -> None:
    migrator = Migrator(granted.owner, schema=granted.schema)
    assert len(await migrator.downgrade(steps=None)) == len(files.all_files())
    assert await migrator.rehearse()
    stock = await run("aerich", "upgrade", url=granted.owner, BLOGSVC_SCHEMA=granted.schema or "")
    assert stock.status == 0, stock.output
    report = await migrator.check()
    assert (report.drifted, report.pending) == (False, False)


async def test_no_right_of_the_page_can_be_left_out(granted: Granted) -> None:
    posts, aerich = f"{granted.place}.posts", f"{granted.place}.aerich"
    async with BlogService(granted.app, schema=granted.schema) as blog:
        post = await blog.posts.create("Word", "C")
    for url, right, name in [
        (granted.app, "SELECT", "get"),
        (granted.app, "INSERT", "create"),
        (granted.app, "UPDATE", "archive"),
        (granted.app, "DELETE", "delete"),
        (granted.reader, "SELECT", "get"),
    ]:
        await execute(granted.owner, f"REVOKE {right} ON {posts} FROM {role_of(url)}")
        async with BlogService(url, schema=granted.schema) as blog:
            await told_which_right_is_missing(CALLS[name](blog.posts, post.id))
        await execute(granted.owner, f"GRANT {right} ON {posts} TO {role_of(url)}")
    for url, function, name in [
        (granted.app, "posts_texts_valid(text[])", "create"),
        (granted.app, "posts_search_words(text, boolean)", "search"),
        (granted.reader, "posts_search_words(text, boolean)", "search"),
    ]:
        right = f"EXECUTE ON FUNCTION {granted.place}.{function}"
        await execute(granted.owner, f"REVOKE {right} FROM {role_of(url)}")
        async with BlogService(url, schema=granted.schema) as blog:
            with pytest.raises(ConfigurationError, match="permission denied for function"):
                await CALLS[name](blog.posts, post.id)
        await execute(granted.owner, f"GRANT {right} TO {role_of(url)}")
    for url in (granted.app, granted.reader):
        await execute(granted.owner, f"REVOKE SELECT ON {aerich} FROM {role_of(url)}")
        with pytest.raises(ConfigurationError, match="permission denied for table aerich"):
            await BlogService(url, schema=granted.schema).open()
