"""Which of a URL's hosts to try: side by side, beginning with the one that answered last."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from .dialing import Host
from .poolers import Connection

Attempt = Callable[[Host], Awaitable[Connection | list[Host]]]
"""Returns a connection or, for a name, its addresses: each of them is tried as a host is."""

Describe = Callable[[dict[Host, Exception]], str]
"""Says in one line what became of each host."""

HEAD_START: Final = 0.25
"""Seconds that a host has to answer before the next one is tried beside it."""


FORGIVEN: Final = 30.0
"""Seconds after which a host that kept somebody waiting is tried like any other again."""

QUIET: Final = 5.0
"""Seconds after a loss was logged in which no other is: in a storm it comes and goes."""

_log = logging.getLogger(__name__)


class NoneAnswered(Exception):
    """No host took the connection; `failures` has what became of each."""

    def __init__(self, failures: dict[Host, Exception]) -> None:
        super().__init__()
        self.failures = failures


class Hosts:
    """Remembers which host answered, and which ones kept a connection waiting."""

    def __init__(self) -> None:
        self._answered: Host | None = None
        self._gone = False
        self._lost_at = -math.inf
        self._changes = 0
        self._slow: dict[Host, float] = {}

    async def first(
        self,
        hosts: Iterable[Host],
        attempt: Attempt,
        *,
        spread: bool = False,
        is_best: Callable[[Connection], bool] | None = None,
        describe: Describe | None = None,
    ) -> Connection:
        """Return the first connection; each host gets a head start over the next one.

        The addresses of a name are tried as hosts are. With `spread` they are tried in random
        order. Where `is_best` is given, a connection that it is not true of is returned only if no
        other host has a better one within its head start. `describe` says what became of the hosts,
        for the log. Raises `NoneAnswered`.
        """
        clock = asyncio.get_running_loop().time
        began_at = self._changes
        waiting = self._in_order(hosts, spread, clock())
        running: dict[asyncio.Future[Connection | list[Host]], tuple[Host, float]] = {}
        failures: dict[Host, Exception] = {}
        spare: tuple[Host, Connection] | None = None
        winner: Connection | None = None
        try:
            while running or (waiting and not (spare and waiting[0] in self._slow)):
                if waiting:
                    host = waiting.pop(0)
                    running[asyncio.ensure_future(attempt(host))] = host, clock()
                done, _ = await asyncio.wait(
                    running,
                    timeout=HEAD_START if waiting or spare else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for ended in done:
                    host, _ = running.pop(ended)
                    error = ended.exception()
                    if error is None:
                        self._slow.pop(host, None)
                        found = ended.result()
                        if isinstance(found, list):
                            waiting = self._in_order([*found, *waiting], spread, clock())
                        elif is_best is None or is_best(found):
                            winner = found
                            self._note_answer(host, began_at, spread)
                            return winner
                        else:
                            _close_spare(spare)
                            spare = host, found
                    elif not isinstance(error, Exception):
                        raise error
                    else:
                        failures[host] = error
                        if isinstance(error, TimeoutError):
                            self._slow[host] = clock()
                if spare and not done and not waiting:
                    break
            if spare:
                (host, winner), spare = spare, None
                self._note_answer(host, began_at, spread)
                return winner
        finally:
            _close_spare(spare)
            for task, (host, since) in running.items():
                if clock() - since >= HEAD_START * 0.9:
                    self._slow[host] = clock()
                task.cancel()
                task.add_done_callback(_close)
            try:
                if running:
                    await asyncio.wait(running)
            except BaseException:  # whoever asked has gone while the losers were leaving
                if winner is not None:
                    winner.terminate()
                raise
        self._note_failure(failures, began_at, describe or _names)
        raise NoneAnswered(failures)

    def _note_answer(self, host: Host, began_at: int, spread: bool) -> None:
        """Remember who answered, and log when it is not who answered before.

        Of several connections that are made at once, one may end long after the others. One that
        began before the last change is of the time before, and changes nothing.
        """
        before = self._answered
        if before is None:
            self._answered = host
        elif began_at == self._changes:
            self._answered = host
            if self._gone:
                self._change("The database is back, at %s", host)
            elif before != host and not spread:
                self._change("The database is at %s now, and no longer at %s", host, before)
            self._gone = False

    def _note_failure(
        self, failures: dict[Host, Exception], began_at: int, describe: Describe
    ) -> None:
        if self._answered and not self._gone and began_at == self._changes:
            now = asyncio.get_running_loop().time()
            if now - self._lost_at < QUIET:
                return  # where it stays away, one of the next attempts says so
            self._gone, self._lost_at = True, now
            self._change("The database is gone: %s", describe(failures))

    def _change(self, message: str, *values: object) -> None:
        self._changes += 1
        _log.warning(message, *values)

    def _in_order(self, hosts: Iterable[Host], spread: bool, now: float) -> list[Host]:
        for host, since in list(self._slow.items()):
            if now - since > FORGIVEN:
                del self._slow[host]
        order = list(dict.fromkeys(hosts))
        if spread:
            random.shuffle(order)
        return sorted(
            order, key=lambda host: (spread or not self._is_answered(host), host in self._slow)
        )

    def _is_answered(self, host: Host) -> bool:
        """Whether it is who answered last, or the name of it."""
        answered = self._answered
        return answered is not None and host in (answered, answered._replace(address=None))


def _names(failures: dict[Host, Exception]) -> str:
    return ", ".join(map(str, failures))


def _close_spare(spare: tuple[Host, Connection] | None) -> None:
    if spare is not None:
        spare[1].terminate()


def _close(ended: asyncio.Future[Connection | list[Host]]) -> None:
    """Close what a loser has opened all the same, and take note of its error."""
    if not ended.cancelled() and ended.exception() is None:
        found = ended.result()
        if not isinstance(found, list):
            found.terminate()
