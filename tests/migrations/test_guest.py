"""Migrating inside somebody else's process touches nothing of theirs."""

from __future__ import annotations

import os

import pytest
from tortoise import Tortoise, fields
from tortoise import timezone as tortoise_timezone
from tortoise.context import TortoiseContext
from tortoise.models import Model
from tortoise.router import router

from blogsvc import BlogService
from blogsvc.migrator import Migrator

from .migrating import connected


class Guestbook(Model):
    """A model of the host's."""

    id = fields.IntField(primary_key=True)
    name = fields.TextField()


class HostRouter:
    """A router of the host's."""

    def db_for_read(self, model: type[Model]) -> str:
        return "default"

    db_for_write = db_for_read


@pytest.fixture
def kept_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in ("USE_TZ", "TIMEZONE"):  # which Tortoise leaves behind
        monkeypatch.setenv(setting, "")


@pytest.mark.usefixtures("kept_environment")
async def test_the_hosts_tortoise_is_as_it_was(empty_database: str, database: str) -> None:
    host = TortoiseContext()
    with host:
        await host.init(
            config={
                "connections": {
                    "default": {
                        "engine": "blogsvc.migrator.aerich",
                        "credentials": {"dsn": database},
                    }
                },
                "apps": {"host": {"models": [__name__], "default_connection": "default"}},
                "routers": [HostRouter],
                "use_tz": True,
                "timezone": "Europe/Berlin",
            }
        )
        connection = host.connections.get("default")
        await connection.execute_script(
            "CREATE TABLE IF NOT EXISTS guestbook (id SERIAL PRIMARY KEY, name TEXT NOT NULL)"
        )
        before = state(host)

        await Migrator(empty_database).upgrade()
        async with BlogService(empty_database, migrate=True) as blog:
            await blog.posts.create("Hello", "First")

        assert state(host) == before
        await Guestbook.create(name="Ada")
        assert [guest.name for guest in await Guestbook.all()] == ["Ada"]
        await connection.execute_script("DROP TABLE guestbook")
        await host.close_connections()


def state(host: TortoiseContext) -> tuple[object, ...]:
    """What a host would miss if somebody changed it."""
    return (
        dict(os.environ),
        tortoise_timezone.get_default_timezone(),
        list(router._routers),
        id(host.connections.get("default")),
        id(host.connections.get("default")._pool),
        set(host.apps or {}),
        Tortoise.get_connection("default") is host.connections.get("default"),
    )


async def test_opening_with_migrate_upgrades_and_the_connection_is_closed_after(
    empty_database: str,
) -> None:
    async with BlogService(empty_database, migrate=True) as blog:
        await blog.posts.create("Hello", "First")
        async with connected(empty_database) as connection:
            # Of this database: other tests may be at work on the same server.
            sessions = """SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = $1"""
            assert await connection.fetchval(sessions, "blogsvc migrations") == 0
