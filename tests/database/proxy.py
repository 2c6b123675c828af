"""A proxy between a service and its server, for tests that hold back an answer or lose it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from blogsvc.database.url import target_of

from ..support import PATIENCE

BEGUN = b"Z\0\0\0\5T"
"""How an answer ends where a transaction is open."""

IDLE = b"Z\0\0\0\5I"
"""How an answer ends where none is open any more: what the statement wrote is committed."""


class Proxy:
    """Passes everything on, in both directions, until it is told to hold back an answer."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._ending: bytes | None = None
        self._held = bytearray()
        self._client: asyncio.StreamWriter | None = None
        self._serving: list[asyncio.Task[None]] = []
        self._holds = asyncio.Event()
        self._server_left = asyncio.Event()
        self.url = ""

    def hold(self, ending: bytes) -> None:
        """Hold back the next answer that ends so, and what the server says after it."""
        self._holds.clear()
        self._ending = ending

    async def answer_is_held(self) -> None:
        """Wait until there is an answer that is held back."""
        await asyncio.wait_for(self._holds.wait(), PATIENCE)

    async def server_has_left(self) -> None:
        """Wait until the server has closed the connection whose answer is held back."""
        await asyncio.wait_for(self._server_left.wait(), PATIENCE)

    def pass_on(self) -> None:
        """Send what is held back, in one piece, and hold back nothing more."""
        assert self._client is not None
        self._client.write(bytes(self._held))
        self._held.clear()
        self._client = None

    def garble(self, right: bytes, wrong: bytes) -> None:
        """Put something wrong into what is held back."""
        assert self._held.count(right) == 1
        self._held = self._held.replace(right, wrong)

    def lose(self) -> None:
        """Cut the client's connection, so that what is held back never arrives."""
        assert self._client is not None
        self._client.transport.abort()

    def accept(self, commands: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Serve a connection that a client has made."""
        self._serving.append(asyncio.create_task(self._serve(commands, client)))

    async def close(self) -> None:
        """Cut every connection."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, commands: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        host, port = target_of(self._server).hosts[0]
        with contextlib.closing(client):
            if host.startswith("/"):
                answers, server = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
            else:
                answers, server = await asyncio.open_connection(host, port)
            with contextlib.closing(server):
                await asyncio.gather(
                    self._pass_commands(commands, server), self._pass_answers(answers, client)
                )

    async def _pass_commands(
        self, commands: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await commands.read(65536):
                server.write(data)
        server.close()

    async def _pass_answers(
        self, answers: asyncio.StreamReader, client: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await answers.read(65536):
                if self._ending is not None and data.endswith(self._ending):
                    self._ending, self._client = None, client
                    self._holds.set()
                if client is self._client:
                    self._held += data
                else:
                    client.write(data)
        if client is self._client:
            self._server_left.set()
        else:
            client.close()


P = TypeVar("P", bound=Proxy)


@contextlib.asynccontextmanager
async def proxy_to(server: str, kind: type[P]) -> AsyncIterator[P]:
    """Run a proxy; its `url` is that of the server, except for the place."""
    proxy = kind(server)
    listener = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    parts = urlsplit(server)
    account = parts.netloc.rpartition("@")[0]
    # Without TLS: an answer that is encrypted cannot be told from another one.
    given = {**dict(parse_qsl(parts.query)), "sslmode": "disable"}
    query = urlencode({k: v for k, v in given.items() if k not in ("host", "port")})
    proxy.url = parts._replace(netloc=f"{account}@127.0.0.1:{port}", query=query).geturl()
    try:
        yield proxy
    finally:
        # A listener that closes on somebody who is just coming in leaves that connection open.
        await asyncio.sleep(0.05)
        listener.close()
        await proxy.close()
