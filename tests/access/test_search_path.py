"""Whoever may CREATE in a schema on the search_path leads no statement of ours astray."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.errors import LockedError, MigrationError
from blogsvc.markdown import import_posts
from blogsvc.migrator import Migrator, history, lock, running, schemas_with_blogs
from blogsvc.testing import create_database, drop_database

from ..migrations.migrating import HEAD, connected, execute
from ..tortoise.test_repair import MADE_BY_0_1_0
from .attacker import plant, plant_for_rows
from .calls import every_call
from .roles import as_role, database_for, role_of

KINDS = ("owner", "app", "reader", "mallory")


_USED = """
    SELECT pg_describe_object(classid, objid, objsubid)
    FROM pg_depend JOIN pg_proc ON refclassid = 'pg_proc'::regclass AND refobjid = pg_proc.oid
    WHERE proowner = $1::text::regrole AND classid <> 'pg_operator'::regclass"""


@dataclass(frozen=True)
class Attacked:
    """A database with decoys, as URLs for its roles, and the schema that is used."""

    superuser: str
    owner: str
    app: str
    reader: str
    mallory: str
    schema: str | None

    @property
    def place(self) -> str:
        return self.schema or "public"


@pytest.fixture(scope="module")
def planted(server: str) -> Iterator[list[str]]:
    """URLs of a database with decoys, which is copied for each test."""

    async def build(urls: list[str]) -> None:
        superuser, owner, app, reader, mallory = urls
        names = ", ".join(map(role_of, (owner, app, reader, mallory)))
        await execute(
            superuser,
            f"""CREATE SCHEMA shop;
            GRANT USAGE ON SCHEMA shop TO {names};
            GRANT CREATE ON SCHEMA public, shop TO {role_of(owner)}, {role_of(mallory)}""",
        )
        for schema in ("public", "shop"):
            await plant(mallory, schema)

    making = database_for(server, *KINDS)
    with asyncio.Runner() as runner:
        urls = runner.run(making.__aenter__())
        try:
            runner.run(build(urls))
            yield urls
        finally:
            runner.run(making.__aexit__(None, None, None))


@pytest.fixture(params=[None, "shop"])
async def attacked(
    server: str, planted: list[str], request: pytest.FixtureRequest
) -> AsyncIterator[Attacked]:
    """An empty database with decoys in all schemas, of a test's own."""
    template = urlsplit(planted[0]).path.removeprefix("/")
    url = await create_database(server, template)
    name = urlsplit(url).path.removeprefix("/")
    await execute(server, f"GRANT CREATE ON DATABASE {name} TO {role_of(planted[1])}")
    owner, app, reader, mallory = (as_role(url, role_of(other)) for other in planted[1:])
    yield Attacked(url, owner, app, reader, mallory, request.param)
    await drop_database(url)


@pytest.fixture
async def attacked_blog(attacked: Attacked) -> Attacked:
    """The same, with a migrated table, and decoys that take its rows."""
    await Migrator(attacked.owner, schema=attacked.schema).upgrade()
    app, reader = role_of(attacked.app), role_of(attacked.reader)
    tables = f"{attacked.place}.posts, {attacked.place}.aerich"
    await execute(
        attacked.owner,
        f"GRANT SELECT ON {tables} TO {app}, {reader};"
        f"GRANT INSERT, UPDATE, DELETE ON {attacked.place}.posts TO {app}",
    )
    for table in ("posts", "aerich"):
        await plant_for_rows(attacked.mallory, attacked.place, table)
    return attacked


async def test_the_decoys_are_chosen_by_statements_that_do_not_take_care(
    attacked_blog: Attacked,
) -> None:
    place = attacked_blog.place
    careless = [
        f"SELECT FROM {place}.posts WHERE slug = 'x'",
        f"SELECT FROM {place}.posts WHERE status IN ('draft')",
        f"SELECT FROM {place}.posts WHERE title IS DISTINCT FROM content",
        "SELECT unnest('{a}'::text[])",
        f"SELECT to_jsonb(posts) FROM {place}.posts",
    ]
    async with connected(attacked_blog.app) as connection:
        await connection.execute(f"SET search_path = {place}")
        for statement in careless:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                await connection.fetch(statement)


def statements(script: str) -> list[str]:
    """Return them one by one, as psql sends them: CONCURRENTLY wants a message of its own."""
    found = re.finditer(r"(?:\$(\w*)\$.*?\$\1\$|[^;])+;", script, flags=re.DOTALL)
    return [statement[0] for statement in found]


async def test_no_migration_is_led_astray(attacked: Attacked) -> None:
    migrator = Migrator(attacked.owner, schema=attacked.schema)
    await migrator.upgrade()
    await migrator.downgrade(steps=None)
    await migrator.rehearse()
    await migrator.upgrade("3")
    await execute(
        attacked.owner,
        f"INSERT INTO {attacked.place}.posts (title, content, status) VALUES ('T', 'C', 'draft')",
    )
    await migrator.upgrade()
    await migrator.downgrade(steps=None)
    await migrator.upgrade()
    await migrator.adopt()
    assert await migrator.downgrade(steps=None)
    for down in (False, True):
        script = "\n".join(await migrator.sql(down=down))
        async with connected(attacked.owner) as connection:
            for statement in statements(script.replace("\\set ON_ERROR_STOP on", "")):
                await connection.execute(statement)
    await migrator.upgrade()
    async with migrator.session() as connection:
        await history.stamp(connection, HEAD.version, seconds=1)
    assert await used_of_mallory(attacked) == []


async def used_of_mallory(attacked: Attacked) -> list[str]:
    """Return what depends on a decoy."""
    async with connected(attacked.superuser) as connection:
        await connection.execute("SET search_path = pg_catalog")
        return [row[0] for row in await connection.fetch(_USED, role_of(attacked.mallory))]


async def test_no_repair_is_led_astray(attacked: Attacked) -> None:
    place, reader = attacked.place, role_of(attacked.reader)
    await execute(
        attacked.owner,
        f"""SET search_path = {place}; {MADE_BY_0_1_0};
        INSERT INTO posts (title, content, slug, status, version)
            VALUES ('T', 'C', 's', 'draft', 1);
        CREATE TABLE comments (post bigint REFERENCES posts);
        INSERT INTO comments VALUES (1);
        GRANT SELECT ON posts TO {reader};""",
    )
    migrator = Migrator(attacked.owner, schema=attacked.schema)
    planned = await migrator.plan_repair()
    assert (await migrator.repair(expect=planned)).posts == 1
    assert await used_of_mallory(attacked) == []
    assert await migrator.check()
    await execute(attacked.owner, f"DELETE FROM {place}.aerich")
    assert (await migrator.repair()).adopted


async def test_whoever_waits_for_another_migration_is_not_led_astray(
    attacked_blog: Attacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOGSVC_MIGRATION_WAIT", "0")
    migrator = Migrator(attacked_blog.owner, schema=attacked_blog.schema)
    async with migrator.session():
        with pytest.raises(LockedError, match="application 'blogsvc migrations'"):
            await migrator.upgrade()


async def test_an_index_beside_the_traffic_is_not_led_astray(attacked_blog: Attacked) -> None:
    migrator = Migrator(attacked_blog.owner, schema=attacked_blog.schema)
    index = 'CREATE INDEX CONCURRENTLY "posts_title_idx" ON "posts" ("title")'
    async with migrator.session() as connection:
        await running.run_alone(connection, index)
        assert await running._in_the_way(connection) == "nobody holds them now"


async def test_a_session_that_lost_its_search_path_does_not_migrate(attacked: Attacked) -> None:
    async with connected(attacked.owner) as connection:
        with pytest.raises(MigrationError, match="in the schema public, not in shop"):
            await lock.prepare(connection, "shop")


async def test_no_call_of_the_repository_is_led_astray(attacked_blog: Attacked) -> None:
    async with BlogService(attacked_blog.app, schema=attacked_blog.schema) as blog:
        await every_call(blog)
        await blog.wait_for(await blog.write_token())
    async with BlogService(attacked_blog.app, schema=attacked_blog.schema) as service:
        await every_call(service.in_schema(attacked_blog.place))


async def test_no_import_is_led_astray(attacked_blog: Attacked, tmp_path: Path) -> None:
    text = "---\ntitle: {}\ndate: 2026-05-01\ntags: [a, b]\nauthor: Ann\naliases: [old]\n---\n{}\n"
    async with BlogService(attacked_blog.app, schema=attacked_blog.schema) as blog:
        await blog.posts.create("Mine", "", slug="a")
        for slug, title in (("a", "First"), ("a", "Edited"), ("b", "Renamed")):
            for name in ("x/a.md", "y/a.md", f"{slug}.md"):
                path = tmp_path / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(text.format(title, f"{title} {name}"), encoding="utf-8")
            for _ in range(2):
                report = await import_posts(blog.posts, [tmp_path])
                assert report.is_complete, report.skipped
        assert await blog.posts.count() == 5


async def test_nobody_who_looks_at_the_schema_is_led_astray(attacked_blog: Attacked) -> None:
    migrator = Migrator(attacked_blog.reader, schema=attacked_blog.schema)
    assert {version.state for version in await migrator.status()} == {"applied"}
    report = await migrator.check()
    assert (report.drifted, report.pending) == (False, False)
    assert await schemas_with_blogs(attacked_blog.reader) == [attacked_blog.place]
    facts, _ = await migrator.describe()
    assert {fact.kind for fact in facts} >= {"table", "column", "index", "trigger", "function"}
    assert await migrator.plan(down=True) == [HEAD.version]
    assert list(await migrator.sql(down=True))
