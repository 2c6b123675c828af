"""Dead hosts before the one that answers cost a head start once, and nothing after that."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
from typing import Any

import pytest

from blogsvc import BlogService
from blogsvc.database.connections import connect
from blogsvc.database.dialing import Host
from blogsvc.database.hosts import Hosts, NoneAnswered
from blogsvc.errors import Unavailable

from .test_connections import (
    NOBODY_LISTENS,
    SOON,
    acted,
    answering,
    refusal,
    silent_host,
    with_hosts,
)

A, B, C = Host("a", 1), Host("b", 1), Host("c", 1)


class Servers:
    """Attempts that a test decides; a connection is the host itself."""

    def __init__(self, *silent: Host, dead: tuple[Host, ...] = ()) -> None:
        self.silent, self.dead = set(silent), set(dead)
        self.tried: list[Host] = []
        self.addresses: dict[Host, list[Host]] = {}

    async def attempt(self, host: Host) -> Any:
        self.tried.append(host)
        if host in self.addresses:
            return self.addresses[host]
        if host in self.silent:
            await asyncio.Event().wait()
        if host in self.dead:
            raise ConnectionRefusedError
        return host


async def test_silent_hosts_before_the_primary_are_asked_by_the_first_connection_only() -> None:
    servers, hosts = Servers(A, B), Hosts()
    async with asyncio.timeout(SOON):
        assert await hosts.first([A, B, C], servers.attempt) == C
        assert servers.tried == [A, B, C]
        assert await hosts.first([A, B, C], servers.attempt) == C
    assert servers.tried == [A, B, C, C]


async def test_after_a_failover_the_memory_is_corrected() -> None:
    servers, hosts = Servers(), Hosts()
    async with asyncio.timeout(SOON):
        assert await hosts.first([A, B], servers.attempt) == A
        servers.silent = {A}
        assert await hosts.first([A, B], servers.attempt) == B
        assert await hosts.first([A, B], servers.attempt) == B
    assert servers.tried == [A, A, B, B]


async def test_connections_that_are_spread_begin_with_any_host_but_a_silent_one() -> None:
    servers, hosts = Servers(A), Hosts()
    async with asyncio.timeout(SOON):
        found = {await hosts.first([A, B, C], servers.attempt, spread=True) for _ in range(60)}
    assert found == {B, C}
    assert servers.tried.count(A) == 1


async def test_the_addresses_of_a_name_are_tried_as_hosts_are() -> None:
    servers, hosts = Servers(), Hosts()
    one, two, three = (A._replace(address=address) for address in ("::1", "::2", "::3"))
    servers.addresses = {A: [one, two, three]}
    servers.silent, servers.dead = {one}, {two, B}
    async with asyncio.timeout(SOON):
        assert await hosts.first([B, A], servers.attempt) == three
        assert servers.tried == [B, A, one, two, three]
        # The next one asks the name that led there first, and then the address that answered.
        assert await hosts.first([B, A], servers.attempt) == three
        assert servers.tried[5:] == [A, three]
        servers.silent, servers.dead = set(), {one, two, three, B}
        with pytest.raises(NoneAnswered) as none:
            await hosts.first([B, A], servers.attempt)
    assert servers.tried[7:] == [A, three, two, B, one]
    assert set(none.value.failures) == {one, two, three, B}


async def test_a_silent_address_of_a_name_does_not_hold_up_the_hosts_after_it() -> None:
    servers, hosts = Servers(), Hosts()
    dead = A._replace(address="::1")
    servers.addresses, servers.silent = {A: [dead]}, {dead}
    async with asyncio.timeout(SOON):
        for _ in range(20):
            assert await hosts.first([A, B], servers.attempt, spread=True) == B
    assert servers.tried.count(dead) == 1


class Link:
    """A connection to a host."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.is_closed = False

    def terminate(self) -> None:
        self.is_closed = True


async def test_the_better_connection_is_waited_for_as_long_as_a_head_start() -> None:
    opened: list[Link] = []

    async def attempt(host: Host) -> Any:
        if host == C:
            await asyncio.Event().wait()
        opened.append(Link(host))
        return opened[-1]

    hosts = Hosts()
    async with asyncio.timeout(SOON):
        assert (await hosts.first([A, B], attempt, is_best=lambda link: link.host == B)).host == B
        assert (await hosts.first([A, B], attempt, is_best=lambda link: link.host == A)).host == A
        for _ in range(2):
            spare = await hosts.first([A, C], attempt, is_best=lambda link: link.host == C)
            assert spare.host == A
    assert [link.host for link in opened if not link.is_closed] == [B, A, A, A]


async def test_a_silent_host_that_could_be_better_is_not_asked_for_each_connection() -> None:
    servers, hosts = Servers(B), Hosts()
    async with asyncio.timeout(SOON):
        for _ in range(20):
            found = await hosts.first(
                [A, B], servers.attempt, spread=True, is_best=lambda link: link == B
            )
            assert found == A
    assert servers.tried.count(B) == 1


async def test_a_silent_host_is_forgiven_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    servers, hosts = Servers(A), Hosts()
    async with asyncio.timeout(SOON):
        assert await hosts.first([A, B], servers.attempt, spread=True) == B
        servers.silent = set()
        while await hosts.first([A, B], servers.attempt, spread=True) != A:
            monkeypatch.setattr("blogsvc.database.hosts.FORGIVEN", 0.0)


async def test_the_log_has_one_line_a_change(caplog: pytest.LogCaptureFixture) -> None:
    servers, hosts = Servers(), Hosts()
    async with asyncio.timeout(SOON):
        for dead in ((), (A,), (A,), (A, B), (A, B), (A,), (), ()):
            servers.dead = set(dead)
            with contextlib.suppress(NoneAnswered):
                await hosts.first([A, B], servers.attempt)
    assert [record.getMessage() for record in caplog.records] == [
        "The database is at b:1 now, and no longer at a:1",
        "The database is gone: b:1, a:1",
        "The database is back, at b:1",
    ]


async def test_the_log_is_quiet_where_the_database_comes_and_goes(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers, hosts = Servers(), Hosts()

    async def comes_and_goes() -> None:
        for dead in ((), (A,)) * 20:
            servers.dead = set(dead)
            with contextlib.suppress(NoneAnswered):
                await hosts.first([A], servers.attempt)

    monkeypatch.setattr("blogsvc.database.hosts.QUIET", math.inf)
    async with asyncio.timeout(SOON):
        await comes_and_goes()
        told = [record.getMessage() for record in caplog.records]
        assert told == ["The database is gone: a:1", "The database is back, at a:1"]
        # It is away now, which the next attempt says as soon as it may.
        monkeypatch.setattr("blogsvc.database.hosts.QUIET", 0.0)
        with pytest.raises(NoneAnswered):
            await hosts.first([A], servers.attempt)
    assert [record.getMessage() for record in caplog.records][2:] == told[:1]


async def test_the_log_says_of_each_host_what_became_of_it(
    migrated: str, caplog: pytest.LogCaptureFixture
) -> None:
    hosts = Hosts()
    async with acted(answering(refusal("57P03", "not\nyet"))) as starting:
        await (await connect(migrated, timeout=SOON, memory=hosts)).close()
        with pytest.raises(Unavailable):
            url = f"postgresql://u@{NOBODY_LISTENS},{starting}/db"
            await connect(url, timeout=SOON, memory=hosts)
    [record] = caplog.records
    assert record.getMessage() == (
        f"The database is gone: {NOBODY_LISTENS} refused the connection: nothing listens there; "
        f"{starting} is starting or shutting down. Try again in a moment (not yet)"
    )


class Answers:
    """Attempts at one host, each of which ends when a test says how."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def begin(self) -> tuple[asyncio.Future[Any], asyncio.Task[Any]]:
        answer = asyncio.get_running_loop().create_future()

        async def attempt(host: Host) -> Any:
            return await answer

        return answer, asyncio.create_task(self._hosts.first([A], attempt))

    async def end(self, begun: tuple[asyncio.Future[Any], asyncio.Task[Any]], well: bool) -> None:
        answer, asked = begun
        if well:
            answer.set_result(A)
        else:
            answer.set_exception(ConnectionRefusedError())
        await asyncio.wait([asked])
        assert (asked.exception() is None) is well


async def test_a_connection_that_began_before_a_change_is_no_change_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = Answers(Hosts())
    async with asyncio.timeout(SOON):
        await answers.end(answers.begin(), well=True)
        of_before = answers.begin()
        await answers.end(answers.begin(), well=False)
        refused_late = answers.begin()
        await answers.end(of_before, well=True)
        await answers.end(answers.begin(), well=False)
        await answers.end(answers.begin(), well=True)
        await answers.end(refused_late, well=False)
        await answers.end(answers.begin(), well=True)
    assert [record.getMessage() for record in caplog.records] == [
        "The database is gone: a:1",
        "The database is back, at a:1",
    ]


async def test_of_no_host_that_answers_each_failure_is_told() -> None:
    with pytest.raises(NoneAnswered) as none:
        await Hosts().first([A, B], Servers(dead=(A, B)).attempt)
    assert set(none.value.failures) == {A, B}


async def test_a_service_behind_two_silent_hosts_gets_its_connections(migrated: str) -> None:
    async with asyncio.timeout(SOON), silent_host() as one, silent_host() as two:
        url = with_hosts(migrated, one, two)
        # One attempt at all of them takes longer than a caller waits.
        async with BlogService(url, acquire_timeout=0.2) as blog:
            await asyncio.gather(*(blog.ping() for _ in range(30)))


async def test_nothing_is_left_of_the_attempts_that_lost(
    migrated: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(SOON), silent_host() as silent:
        async with BlogService(with_hosts(migrated, silent)) as blog:
            await blog.ping()
        gc.collect()
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
    assert caplog.records == []


async def test_a_server_that_goes_away_leaves_no_traceback_in_the_log(
    migrated: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with BlogService(migrated, min_size=2) as blog:
        pool = blog._database.check_open()
        assert pool.get_size() == 2
        pool.set_connect_args(f"postgresql://u@{NOBODY_LISTENS}/db")
        async with pool.acquire() as connection:
            connection.terminate()
        await asyncio.sleep(0.3)
    assert caplog.records == []


async def test_who_goes_while_the_losers_leave_leaves_no_connection_behind() -> None:
    leaving, closed = asyncio.Event(), asyncio.Event()

    class Closing:
        def terminate(self) -> None:
            closed.set()

    async def attempt(host: Host) -> Any:
        if host == A:
            try:
                await asyncio.Event().wait()
            finally:
                leaving.set()
                await asyncio.sleep(0.01)
        return Closing()

    asking = asyncio.create_task(Hosts().first([A, B], attempt))
    async with asyncio.timeout(SOON):
        await leaving.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert closed.is_set()
