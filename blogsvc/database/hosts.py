"""Which of a URL's hosts to try: side by side, beginning with the one that answered last."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from .poolers import Connection

Host = tuple[str, int]

HEAD_START: Final = 0.25
"""Seconds that a host has to answer before the next one is tried beside it."""


class NoneAnswered(Exception):
    """No host took the connection; `failures` has what became of each."""

    def __init__(self, failures: dict[Host, Exception]) -> None:
        super().__init__()
        self.failures = failures


class Hosts:
    """Remembers which host answered, and which ones kept a connection waiting."""

    def __init__(self) -> None:
        self._answered: Host | None = None
        self._slow: set[Host] = set()

    async def first(
        self,
        hosts: Iterable[Host],
        attempt: Callable[[Host], Awaitable[Connection]],
        *,
        spread: bool = False,
    ) -> Connection:
        """Return the first connection; each host gets a head start over the next one.

        With `spread` they are tried in random order. Raises `NoneAnswered`.
        """
        waiting = self._in_order(hosts, spread)
        running: dict[asyncio.Future[Connection], Host] = {}
        failures: dict[Host, Exception] = {}
        winner: Connection | None = None
        try:
            while waiting or running:
                if waiting:
                    host = waiting.pop(0)
                    running[asyncio.ensure_future(attempt(host))] = host
                done, _ = await asyncio.wait(
                    running,
                    timeout=HEAD_START if waiting else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for ended in done:
                    host, error = running[ended], ended.exception()
                    if error is None:
                        del running[ended]
                        self._answered = host
                        self._slow.discard(host)
                        winner = ended.result()
                        return winner
                    del running[ended]
                    if not isinstance(error, Exception):
                        raise error
                    failures[host] = error
                    if isinstance(error, TimeoutError):
                        self._slow.add(host)
        finally:
            self._slow.update(running.values())
            for task in running:
                task.cancel()
                task.add_done_callback(_close)
            try:
                if running:
                    await asyncio.wait(running)
            except BaseException:  # whoever asked has gone while the losers were leaving
                if winner is not None:
                    winner.terminate()
                raise
        raise NoneAnswered(failures)

    def _in_order(self, hosts: Iterable[Host], spread: bool) -> list[Host]:
        order = list(dict.fromkeys(hosts))
        if spread:
            random.shuffle(order)
        return sorted(
            order,
            key=lambda host: (spread or host != self._answered, host in self._slow),
        )


def _close(ended: asyncio.Future[Connection]) -> None:
    """Close what a loser has opened all the same, and take note of its error."""
    if not ended.cancelled() and ended.exception() is None:
        ended.result().terminate()
