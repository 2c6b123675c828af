"""A network that is not to be trusted: a proxy that cuts, delays, swallows and garbles."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal

from ..database.proxy import Proxy, proxy_to

Kind = Literal["pass", "cut", "delay", "swallow", "garble"]

LONGEST_DELAY = 0.2


@dataclass(frozen=True)
class Fate:
    """What becomes of one direction of a connection, once `after` bytes have come through.

    `cut`: it is closed. `delay`: each piece comes late. `swallow`: nothing comes through any more,
    and nobody is told. `garble`: one bit in each `after` bytes is another one.
    """

    kind: Kind = "pass"
    after: int = 0


class Chance:
    """Fates by a seed: the same ones, for the same seed, as connections are made."""

    def __init__(self, seed: int, *kinds: Kind, longest: int = 8_000) -> None:
        self.random = random.Random(seed)
        self._kinds = kinds
        self._longest = longest

    def __call__(self) -> Fate:
        return Fate(self.random.choice(self._kinds), self.random.randrange(self._longest))


class UnreliableProxy(Proxy):
    """Gives a fate to the answers of each connection, and one to its commands.

    A connection keeps what it has got; calm down with `heal`, and new ones just pass everything.
    """

    def __init__(self, server: str) -> None:
        super().__init__(server)
        self.answers: Callable[[], Fate] = Fate
        self.commands: Callable[[], Fate] = Fate
        self.random = random.Random(0)

    def heal(self) -> None:
        """Give no connection that is made from now on another fate than to pass."""
        self.answers = self.commands = Fate

    def garble_held(self) -> None:
        """Change one bit of what is held back."""
        self._held[:] = self._garbled(bytes(self._held), self.random.randrange(len(self._held)))

    async def _pass_commands(
        self, commands: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> None:
        await self._pass(self.commands(), commands, server)

    async def _pass_answers(
        self, answers: asyncio.StreamReader, client: asyncio.StreamWriter
    ) -> None:
        if self.answers is Fate:
            await super()._pass_answers(answers, client)  # which can hold one back
        else:
            await self._pass(self.answers(), answers, client)

    async def _pass(
        self, fate: Fate, source: asyncio.StreamReader, to: asyncio.StreamWriter
    ) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                room = max(fate.after - passed, 0)
                if room < len(data) and fate.kind == "garble":
                    data, passed = self._garbled(data, room), -len(data)
                passed += len(data)
                if room < len(data) or not room:
                    match fate.kind:
                        case "cut":
                            to.write(data[:room])
                            break
                        case "swallow":
                            data = data[:room]
                        case "delay":
                            await asyncio.sleep(self.random.uniform(0, LONGEST_DELAY))
                to.write(data)
        to.close()

    def _garbled(self, data: bytes, place: int) -> bytes:
        # The highest bit of a zero may be the sign of a message's length, and a negative one is the
        # end of the whole process: asyncpg 0.32 reads at an address that is not its own.
        bits = 8 if data[place] else 7
        changed = data[place] ^ (1 << self.random.randrange(bits))
        return data[:place] + bytes([changed]) + data[place + 1 :]


@contextlib.asynccontextmanager
async def unreliable_proxy_to(server: str) -> AsyncIterator[UnreliableProxy]:
    """Run a proxy that passes everything on until it is given other fates."""
    async with proxy_to(server, UnreliableProxy) as proxy:
        yield proxy
