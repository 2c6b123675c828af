"""Where a connection goes: to one address of a host, under the name that its certificate has.

asyncpg takes a name, and the event loop the first of its addresses that opens: a silent one costs
the whole time that the host has, and one that is a standby hides the primary behind the same name.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import asyncpg

_TCP: Final = {
    "keepalives_idle": ("TCP_KEEPIDLE", "TCP_KEEPALIVE"),  # the latter on macOS
    "keepalives_interval": ("TCP_KEEPINTVL",),
    "keepalives_count": ("TCP_KEEPCNT",),
    "tcp_user_timeout": ("TCP_USER_TIMEOUT",),
}
"""The options of a socket by libpq's words; no system has all of them."""


class Host(NamedTuple):
    """A host of a URL: a name, whose addresses are to be looked up, or one address of it."""

    name: str
    port: int
    address: str | None = None

    def __str__(self) -> str:
        if self.is_socket:
            return f"{self.name}/.s.PGSQL.{self.port}"
        at = "" if self.address in (None, self.name) else f" ({self.address})"
        return f"{self.name}:{self.port}{at}"

    @property
    def is_socket(self) -> bool:
        """Whether it is a directory with a Unix socket."""
        return self.name.startswith("/")

    @property
    def is_looked_up(self) -> bool:
        """Whether there is nothing to look up: it is an address, or has one."""
        if self.is_socket or self.address is not None:
            return True
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(self.name)
            return True
        return False


async def addresses_of(host: Host, timeout: float) -> list[Host]:
    """Return one host for each address of a name, in the system's order.

    Raises `TimeoutError`, and `OSError` or `UnicodeError` where it is not a name.
    """
    async with asyncio.timeout(timeout):
        found = await asyncio.get_running_loop().getaddrinfo(
            host.name, host.port, type=socket.SOCK_STREAM
        )
    addresses = [f"{to[0]}%{to[3]}" if len(to) == 4 and to[3] else str(to[0]) for *_, to in found]
    return [host._replace(address=address) for address in dict.fromkeys(addresses)]


_BEGINNINGS: Final = frozenset(b"REvN")
"""With what a server's first message can begin: login, refusal, protocol version, notice."""


class NotPostgreSQL(ConnectionError):
    """What listens there speaks another protocol."""


class _FirstAnswer(asyncio.Protocol):
    """Hears the first word that a server says, and leaves all others to the driver's protocol.

    A message that begins with a zero, as those of other protocols do, has asyncpg go round in a
    circle for ever, and the event loop with it.
    """

    def __init__(self, driver: asyncio.Protocol) -> None:
        self.driver = driver
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.driver.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if data[0] in _BEGINNINGS:
            self._transport.set_protocol(self.driver)
            self.driver.data_received(data)
        else:
            self._transport.set_protocol(asyncio.Protocol())
            self._transport.abort()
            self.driver.connection_lost(NotPostgreSQL())

    def connection_lost(self, error: Exception | None) -> None:
        self.driver.connection_lost(error)

    def pause_writing(self) -> None:
        self.driver.pause_writing()

    def resume_writing(self) -> None:
        self.driver.resume_writing()


class Dialer:
    """The running event loop as asyncpg gets it: its TCP connections go to the host's address.

    asyncpg keeps the name of the host, for TLS. `keepalives` are libpq's words and their numbers.
    """

    def __init__(self, host: Host, keepalives: Mapping[str, int]) -> None:
        self.host = host
        self._keepalives = keepalives
        self._loop = loop = asyncio.get_running_loop()
        self.call_later = loop.call_later  # for each statement: without a detour

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def create_connection(
        self, factory: Callable[[], asyncio.BaseProtocol], name: str, port: int, **options: Any
    ) -> Any:
        """As that of an event loop."""
        if options.get("ssl"):
            options.setdefault("server_hostname", name)
        transport, protocol = await self._loop.create_connection(
            lambda: _guarded(factory()), self.host.address or name, port, **options
        )
        self._keep_alive(transport.get_extra_info("socket"))
        return transport, protocol.driver if isinstance(protocol, _FirstAnswer) else protocol

    def _keep_alive(self, connected: socket.socket) -> None:
        if not self._keepalives.get("keepalives", 1):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
            return
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for word, names in _TCP.items():
            value = self._keepalives.get(word)
            option = next((getattr(socket, name) for name in names if hasattr(socket, name)), None)
            if value and option is not None:
                connected.setsockopt(socket.IPPROTO_TCP, option, value)


def _guarded(protocol: asyncio.BaseProtocol) -> asyncio.BaseProtocol:
    # Who is asked for TLS first is heard by another protocol of the driver's, which is careful.
    return _FirstAnswer(protocol) if isinstance(protocol, asyncpg.protocol.Protocol) else protocol
