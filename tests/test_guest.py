"""A guest in the host's process: any task may call, and nothing of the host's is touched."""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from tortoise import Tortoise, connections
from tortoise import router as routers_of_tortoise
from tortoise.context import TortoiseContext
from tortoise.timezone import get_default_timezone

from blogsvc import BlogService
from blogsvc.errors import NotOpen, WrongEventLoop
from blogsvc.migrator import Migrator
from blogsvc.models import Post
from blogsvc.testing import create_database, drop_database

from .support import ROOT, eventually


class HostRouter:
    """A router of the host's, which would send our reads elsewhere."""

    def db_for_read(self, model: type[Any]) -> str:
        return "default"

    def db_for_write(self, model: type[Any]) -> str:
        return "default"


@pytest.fixture
async def other_database(server: str, blog_template: str) -> AsyncIterator[str]:
    url = await create_database(server, blog_template)
    yield url
    await drop_database(url)


@pytest.fixture
def host_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put back what a host's own Tortoise leaves behind in the process."""
    for name in ("USE_TZ", "TIMEZONE"):
        monkeypatch.setenv(name, "")
    before: list[Any] = list(routers_of_tortoise.router._routers or ())
    yield
    routers_of_tortoise.router.init_routers(before)


async def test_any_task_may_call(blog: BlogService) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(blog.posts.create(f"Post {number}", ""))
    assert await blog.posts.count() == 20


async def test_a_task_with_an_empty_context_may_call(blog: BlogService) -> None:
    creating = asyncio.create_task(blog.posts.create("A", ""), context=contextvars.Context())
    assert (await creating).title == "A"


async def test_a_service_that_a_task_opened_serves_the_others(database: str) -> None:
    service = BlogService(database)
    await asyncio.create_task(service.open(), context=contextvars.Context())
    post = await service.posts.create("A", "")
    assert await asyncio.create_task(service.posts.get(post.id)) == post
    await asyncio.create_task(service.close())


async def test_two_services_on_two_databases_do_not_mix(
    blog: BlogService, other_database: str
) -> None:
    async with BlogService(other_database) as other:
        await asyncio.gather(
            *(blog.posts.create(f"One {n}", "") for n in range(5)),
            *(other.posts.create(f"Other {n}", "") for n in range(3)),
        )
        assert await blog.posts.count() == 5
        assert await other.posts.count() == 3
        await blog.close()
        assert await other.posts.count() == 3


async def test_a_host_with_its_own_tortoise_keeps_all_that_is_its_own(
    database: str, other_database: str, host_environment: None
) -> None:
    host = {
        "connections": {
            "default": {
                "engine": "blogsvc.migrator.aerich",
                "credentials": {"dsn": other_database},
            }
        },
        "apps": {"blogsvc": {"models": ["blogsvc.models"], "default_connection": "default"}},
        "routers": [HostRouter],
        "use_tz": True,
        "timezone": "Asia/Tokyo",
    }
    with TortoiseContext():
        await Tortoise.init(config=host)
        try:
            before = process_wide()
            async with BlogService(database, migrate=True) as blog:
                assert process_wide() == before
                ours = await blog.posts.create("Ours", "")
                theirs = await Post.create(title="Theirs", content="", slug="theirs")
                assert [row.title for row in await Post.all()] == ["Theirs"]
                assert [row.title async for row in blog.posts.stream()] == ["Ours"]
                assert ours.created_at.utcoffset() == ours.updated_at.utcoffset()
                assert str(ours.created_at.tzinfo) == "UTC"
                assert theirs.title == "Theirs"
            assert process_wide() == before
            assert await Post.all().count() == 1
        finally:
            await Tortoise.close_connections()


def process_wide() -> dict[str, object]:
    """Return what Tortoise keeps for the whole process, as the host sees it."""
    return {
        "environment": dict(os.environ),
        "routers": list(routers_of_tortoise.router._routers or ()),
        "timezone": get_default_timezone(),
        "connections": list(connections.db_config),
        "apps": list(Tortoise.apps or ()),
    }


async def test_nothing_of_tortoise_is_current_while_a_service_is_open(
    blog: BlogService, database: str
) -> None:
    await blog.posts.create("A", "")
    await Migrator(database).status()
    assert contextvars.copy_context().get(_current_context()) is None


def _current_context() -> contextvars.ContextVar[Any]:
    from tortoise.context import _current_context

    return _current_context


async def test_a_second_event_loop_is_refused(blog: BlogService) -> None:
    async def elsewhere() -> None:
        for call in (blog.ping, blog.open, blog.posts.count):
            with pytest.raises(WrongEventLoop, match="Open one service in each loop"):
                await call()
        with pytest.raises(WrongEventLoop):
            async with blog.transaction():
                pass

    await asyncio.to_thread(asyncio.run, elsewhere())
    await blog.ping()


def test_a_service_can_be_opened_again_in_the_next_event_loop(migrated: str) -> None:
    service = BlogService(migrated)

    async def use() -> int:
        async with service:
            return await service.posts.count()

    assert asyncio.run(use()) == asyncio.run(use())


async def test_a_service_that_another_loop_forgot_can_be_closed_and_opened_here(
    migrated: str,
) -> None:
    service = BlogService(migrated)
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    asyncio.run_coroutine_threadsafe(service.open(), loop).result()
    with pytest.raises(WrongEventLoop):
        await service.ping()
    await service.close()
    async with service:
        await service.ping()
    loop.call_soon_threadsafe(loop.stop)
    assert eventually(lambda: not loop.is_running())
    loop.close()


async def test_nothing_works_before_open_and_after_close(database: str) -> None:
    service = BlogService(database)
    with pytest.raises(NotOpen, match="async with BlogService"):
        await service.ping()
    async with service:
        assert service.is_open
    assert not service.is_open
    with pytest.raises(NotOpen):
        await service.posts.get(1)
    with pytest.raises(NotOpen):
        async with service.transaction():
            pass


async def test_open_and_close_can_be_repeated(database: str, sql: asyncpg.Connection) -> None:
    async def sessions() -> int:
        return int(
            await sql.fetchval(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND backend_type = 'client backend'"
            )
        )

    before = await sessions()
    service = BlogService(database)
    await service.close()
    assert await service.open() is service
    await service.open()
    await asyncio.gather(service.open(), service.open())
    assert await sessions() == before + 1
    await asyncio.gather(service.close(), service.close())
    async with asyncio.timeout(20):
        while await sessions() != before:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
    await asyncio.gather(*(service.open() for _ in range(5)))
    assert await sessions() == before + 1
    await service.close()


async def test_a_service_that_did_not_open_holds_nothing(empty_database: str) -> None:
    service = BlogService(empty_database)
    with pytest.raises(Exception, match="upgrade"):
        await service.open()
    assert not service.is_open
    with pytest.raises(NotOpen):
        await service.ping()


_IMPORT = """
import asyncio, json, os, socket, subprocess, sys, threading
before = dict(os.environ)
def audit(event, arguments):
    if event in ("socket.__new__", "subprocess.Popen", "os.fork", "os.putenv", "os.mkdir"):
        seen.append(event)
seen = []
sys.addaudithook(audit)
read = []
class Watched(type(os.environ)):
    def __getitem__(self, key):
        if key.startswith(("DATABASE", "BLOGSVC", "PG")):
            read.append(key)
        return super().__getitem__(key)
os.environ.__class__ = Watched
import blogsvc, blogsvc.errors, blogsvc.migrator, blogsvc.config
blogsvc.BlogService()
from tortoise.context import _current_context
read = list(read)
print(json.dumps({
    "seen": seen, "read": read.copy(), "changed": dict(os.environ) != before,
    "threads": threading.active_count(), "context": _current_context.get() is not None,
}))
"""


def test_importing_reads_no_environment_and_opens_nothing() -> None:
    environment = {**os.environ, "DATABASE_URL": "postgresql://h/db", "BLOGSVC_DATA_DIR": "/x"}
    said = subprocess.run(
        [sys.executable, "-c", _IMPORT],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=environment,
    ).stdout
    nothing = {"seen": [], "read": [], "changed": False, "threads": 1, "context": False}
    assert json.loads(said) == nothing


_KEEP_A_POST = """
import asyncio, sys
from blogsvc import BlogService

async def keep() -> None:
    async with BlogService(sys.argv[1]) as blog:
        await blog.posts.create("Hello", "")

asyncio.run(keep())
print(sorted({"aerich", "asyncclick", "tortoise", "yaml"} & set(sys.modules)))
"""


def test_an_application_that_keeps_posts_loads_nothing_that_only_migrations_need(
    blog_url: str,
) -> None:
    said = subprocess.run(
        [sys.executable, "-c", _KEEP_A_POST, blog_url], capture_output=True, text=True, check=True
    ).stdout
    assert said == "[]\n"
