"""Each address of a name is tried, and what a URL says of the connection to it is done."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from blogsvc import BlogService
from blogsvc.database.connections import connect
from blogsvc.database.dialing import Host, addresses_of
from blogsvc.database.url import target_of
from blogsvc.errors import BlogError, ConfigurationError, Unavailable

from .proxy import Proxy, proxy_to
from .test_connections import SOON, acted, refusal, resets, silent_host, with_hosts

NAME = "many.test"

Address = tuple[Any, ...]


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: Address) -> None:
    """Let the system find these addresses of a name."""
    look_up = socket.getaddrinfo

    def found(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host != NAME:
            return look_up(host, port, *args, **options)
        return [(socket.AF_UNSPEC, socket.SOCK_STREAM, 6, "", address) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)


def named(url: str) -> str:
    """Return the URL with the name for its host."""
    return url.replace("127.0.0.1", NAME)


async def test_a_silent_address_before_the_one_that_answers_costs_a_head_start(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(monkeypatch, ("127.0.0.2", 0), ("127.0.0.1", 0))
    async with asyncio.timeout(SOON), proxy_to(migrated, Proxy) as proxy:
        [(_, port)] = target_of(proxy.url).hosts
        # One address after another would take as long as a host may take for an answer.
        blog = BlogService(named(proxy.url), connect_timeout=SOON * 2)
        async with silent_host("127.0.0.2", port), blog:
            await asyncio.gather(*(blog.ping() for _ in range(20)))


async def test_each_address_of_a_name_is_told_with_what_became_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve(monkeypatch, ("127.0.0.1", 0), ("127.0.0.2", 0), ("127.0.0.1", 0))
    refused = "refused the connection: nothing listens there"
    with pytest.raises(Unavailable) as caught:
        await connect(f"postgresql://u@{NAME}:1/db", timeout=SOON)
    told = f"{NAME}:1 (127.0.0.1) {refused}; {NAME}:1 (127.0.0.2) {refused}."
    assert told in str(caught.value)


async def test_a_name_that_is_not_resolved_in_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    with pytest.raises(Unavailable, match=rf"{NAME}:5432 could not be resolved within 0\.1 s"):
        await connect(f"postgresql://u@{NAME}/db", timeout=0.1)


async def test_an_address_of_one_network_only_keeps_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve(monkeypatch, ("fe80::1", 0, 0, 3), ("::1", 0, 0, 0))
    found = await addresses_of(Host(NAME, 7), SOON)
    assert [host.address for host in found] == ["fe80::1%3", "::1"]


@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "fe80::1%eth0", "/tmp"])
def test_an_address_is_not_looked_up(name: str) -> None:
    assert Host(name, 5432).is_looked_up


@pytest.mark.parametrize("negotiation", ["postgres", "direct"])
async def test_hostaddr_says_where_to_and_the_name_of_the_host_is_told_to_the_server(
    negotiation: str,
) -> None:
    hello = b""

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal hello
        if negotiation == "postgres":
            await reader.readexactly(8)
            writer.write(b"S")
        hello = await reader.read(4096)
        await resets(reader, writer)

    async with asyncio.timeout(SOON), acted(listens) as place:
        port = place.partition(":")[2]
        url = f"postgresql://u@{NAME}:{port}/db?hostaddr=127.0.0.1&sslmode=require"
        with pytest.raises(Unavailable, match=rf"{NAME}:{port} \(127\.0\.0\.1\) closed"):
            await connect(f"{url}&sslnegotiation={negotiation}", timeout=SOON)
    assert NAME.encode() in hello


@pytest.mark.parametrize(
    ("url", "places"),
    [
        (
            "postgresql://a,b/db?hostaddr=10.0.0.1,10.0.0.2",
            ["a:5432 (10.0.0.1)", "b:5432 (10.0.0.2)"],
        ),
        ("postgresql://a,b:7/db?hostaddr=,::1", ["a:5432", "b:7 (::1)"]),
        ("postgresql:///db?hostaddr=::1,10.0.0.1&port=1,2", ["::1:1", "10.0.0.1:2"]),
        ("postgresql:///db?host=a&hostaddr=10.0.0.1", ["a:5432 (10.0.0.1)"]),
        ("postgresql:///db?host=/tmp&hostaddr=10.0.0.1", ["10.0.0.1:5432"]),
        ("postgresql:///db?host=,b&hostaddr=10.0.0.1,", ["10.0.0.1:5432", "b:5432"]),
        ("postgresql:///db?host=/tmp&port=7", ["/tmp/.s.PGSQL.7"]),
    ],
)
def test_hostaddr_is_read_as_libpq_reads_it(url: str, places: list[str]) -> None:
    assert [str(place) for place in target_of(url).places] == places


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("hostaddr=10.0.0.1,10.0.0.2", "not as many addresses in hostaddr"),
        ("hostaddr=name", "hostaddr is no list of IP addresses"),
        ("load_balance_hosts=yes", "load_balance_hosts is neither disable nor random"),
        ("keepalives_idle=soon", "keepalives_idle is no whole number from 0 to 32767"),
        ("keepalives_count=128", "keepalives_count is no whole number from 0 to 127"),
        ("sslmode=require&sslrootcert=system", "sslrootcert=system needs sslmode=verify-full"),
        ("sslcrl=/x&sslrootcert=system", "sslrootcert=system cannot be had with sslcrl"),
        (
            "channel_binding=require",
            "write sslmode=verify-full&sslrootcert=system instead of sslmode",
        ),
    ],
)
def test_what_a_word_cannot_mean_is_told_with_what_to_write(query: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as refused:
        target_of(f"postgresql://h/db?{query}")
    assert "\n" not in str(refused.value)


async def test_hosts_are_taken_at_random_where_the_url_balances_them(migrated: str) -> None:
    async with proxy_to(migrated, Proxy) as one, proxy_to(migrated, Proxy) as two:
        [(host, port)] = target_of(one.url).hosts
        url = with_hosts(two.url, f"{host}:{port}", load_balance_hosts="random")
        found: set[Host | None] = set()
        async with asyncio.timeout(SOON):
            while len(found) < 2:
                connection = await connect(url, timeout=SOON)
                found.add(connection.host)
                await connection.close()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({}, {"SO_KEEPALIVE": 1}),
        ({"keepalives": "0", "keepalives_idle": "7"}, {"SO_KEEPALIVE": 0}),
        (
            {
                "keepalives_idle": "7",
                "keepalives_interval": "8",
                "keepalives_count": "9",
                "tcp_user_timeout": "10",
            },
            {
                "SO_KEEPALIVE": 1,
                "TCP_KEEPIDLE": 7,
                "TCP_KEEPINTVL": 8,
                "TCP_KEEPCNT": 9,
                "TCP_USER_TIMEOUT": 10,
            },
        ),
    ],
)
async def test_a_connection_is_kept_alive_as_the_url_says(
    migrated: str, words: dict[str, str], expected: dict[str, int]
) -> None:
    async with proxy_to(migrated, Proxy) as proxy:
        connection = await connect(with_hosts(proxy.url, **words), timeout=SOON)
        peer = connection._transport.get_extra_info("socket")
        for name, value in expected.items():
            level = socket.SOL_SOCKET if name.startswith("SO_") else socket.IPPROTO_TCP
            if hasattr(socket, name):  # not on every system
                assert peer.getsockopt(level, getattr(socket, name)) == value, name
        await connection.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the name that vouches for itself, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    key = path.with_suffix(".key")
    subprocess.run(
        [*command, *names, "-keyout", key, "-out", path], check=True, capture_output=True
    )
    path.write_text(path.read_text() + key.read_text())
    return path


@pytest.mark.parametrize(
    ("trusted", "host", "reason"),
    [
        (True, NAME, "refused the user or the password"),
        (True, "other.test", "has a certificate that cannot be trusted"),
        (False, NAME, "has a certificate that cannot be trusted"),
    ],
)
async def test_the_roots_of_the_system_vouch_for_the_name_of_the_host(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool, host: str, reason: str
) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"S")
        await writer.start_tls(serving)
        await reader.read(4096)
        writer.write(refusal("28P01"))
        await writer.drain()

    async with asyncio.timeout(SOON), acted(refuses) as place:
        port = place.partition(":")[2]
        url = f"postgresql://u@{host}:{port}/db?hostaddr=127.0.0.1&sslrootcert=system"
        with pytest.raises(BlogError, match=reason):
            await connect(url, timeout=SOON)


class Behind(Proxy):
    """A proxy that takes TLS itself, as the machines before many a server do."""

    def __init__(self, server: str, tls: ssl.SSLContext) -> None:
        super().__init__(server)
        self._tls = tls

    async def _serve(self, commands: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        await commands.readexactly(8)
        client.write(b"S")
        await client.start_tls(self._tls)
        await super()._serve(commands, client)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("sslmode", ["disable", "verify-full"])
async def test_a_statement_is_cancelled_at_the_address_where_it_runs(
    migrated: str,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    sslmode: str,
) -> None:
    if address == "::1" and not has_long_addresses():
        pytest.skip("this machine has no ::1")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    proxy = Behind(migrated, serving) if sslmode == "verify-full" else Proxy(migrated)
    listener = await asyncio.start_server(proxy.accept, address, 0)
    port = listener.sockets[0].getsockname()[1]
    # The system finds another server first, which knows nothing of our connections.
    resolve(monkeypatch, ("127.0.0.2", 0), (address, 0))
    strays = 0

    async def stray(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal strays
        strays += 1
        writer.close()

    account = urlsplit(migrated).netloc.rpartition("@")[0]
    place = f"postgresql://{account}@{NAME}:{port}{urlsplit(migrated).path}"
    url = f"{place}?sslmode={sslmode}&sslrootcert={certificate}"
    other = await asyncio.start_server(stray, "127.0.0.2", port)
    try:
        async with asyncio.timeout(SOON):
            connection = await connect(url, timeout=SOON)
            dialed = strays
            with pytest.raises(TimeoutError):
                await connection.fetch("SELECT pg_sleep(600)", timeout=0.1)
            # Where the request goes astray, the driver cuts the connection, or waits for ever.
            assert await connection.fetchval("SELECT 1") == 1
            assert strays == dialed
            assert not connection._cancellations
            await connection.close()
    finally:
        listener.close()
        other.close()
        await proxy.close()


def has_long_addresses() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as tried:
        tried.bind(("::1", 0))
        return True
    return False
