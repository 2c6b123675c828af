"""Several hosts, one of them a standby: the URL says which one is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from blogsvc import embedded
from blogsvc.database import Database, Pool, Query
from blogsvc.database.connections import connect
from blogsvc.database.url import target_of
from blogsvc.errors import DatabaseError

from ..embedded.processes import reachable_directory
from .proxy import Proxy, proxy_to
from .test_connections import NOBODY_LISTENS, SOON, with_hosts
from .test_dialing import NAME, named, resolve


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """The URLs of a primary, and of a server that takes itself for a standby."""
    with reachable_directory() as directory:
        data = directory / "standby"
        embedded.start(data).release()
        (data / "pgdata" / "standby.signal").touch()
        primary = embedded.start(directory / "primary")
        try:
            standby = embedded.start(data)
            try:
                yield {"primary": primary.url, "standby": standby.url}
            finally:
                standby.release()
        finally:
            primary.release()


def place_of(url: str) -> str:
    [(host, port)] = target_of(url).hosts
    return f"{host}:{port}"


@pytest.mark.parametrize(
    ("wanted", "first", "second", "chosen"),
    [
        ("prefer-standby", "primary", "standby", "standby"),
        ("prefer-standby", "standby", "primary", "standby"),
        ("prefer-standby", "primary", "primary", "primary"),
        ("prefer-standby", "nobody", "primary", "primary"),
        ("standby", "primary", "standby", "standby"),
        ("read-write", "standby", "primary", "primary"),
        ("any", "primary", "standby", "primary"),
        ("any", "standby", "primary", "standby"),
    ],
)
async def test_of_two_hosts_the_one_that_is_wanted_is_chosen(
    servers: dict[str, str], wanted: str, first: str, second: str, chosen: str
) -> None:
    place = place_of(servers[first]) if first in servers else NOBODY_LISTENS
    url = with_hosts(servers[second], place, target_session_attrs=wanted)
    connection = await connect(url, timeout=SOON)
    try:
        is_standby = await connection.fetchval("SELECT pg_is_in_recovery()")
    finally:
        await connection.close()
    assert is_standby == (chosen == "standby")


async def test_the_primary_is_found_among_the_addresses_of_one_name(
    servers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    standby = Proxy(servers["standby"])
    resolve(monkeypatch, ("127.0.0.2", 0), ("127.0.0.1", 0))
    async with proxy_to(servers["primary"], Proxy) as primary:
        [(_, port)] = target_of(primary.url).hosts
        listener = await asyncio.start_server(standby.accept, "127.0.0.2", port)
        try:
            url = with_hosts(named(primary.url), target_session_attrs="read-write")
            connection = await connect(url, timeout=SOON)
            assert str(connection.host) == f"{NAME}:{port} (127.0.0.1)"
            assert not await connection.fetchval("SELECT pg_is_in_recovery()")
            await connection.close()
        finally:
            listener.close()
            await standby.close()


async def test_a_connection_on_which_no_transaction_could_begin_is_replaced(
    servers: dict[str, str],
) -> None:
    pool = Pool(
        min_size=1, max_size=1, command_timeout=None, connect_timeout=SOON, acquire_timeout=SOON
    )
    database = Database(pool)
    await database.open(servers["standby"])
    try:
        mine = Query("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        before = await database.read(mine)
        with pytest.raises(DatabaseError, match="cannot use serializable mode in a hot standby"):
            async with database.transaction(isolation="serializable"):
                pass
        assert await database.read(mine) != before
    finally:
        await database.close()
