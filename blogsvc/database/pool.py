"""A pool that speaks our errors: it lends connections, and says how long one waits for them.

It knows nothing of what is run on them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg

from ..errors import BlogError, NotOpen, OperationTimeout, Unavailable, WrongEventLoop
from . import borrowed, positions
from .connections import CLEANUP_TIMEOUT, check_encoding, close_pool, create_pool, drop_frames
from .poolers import release
from .speaking import cut_off, speaking_our_errors, what_it_means
from .waiting import within


class Pool:
    """The connections to one database, bound to the event loop that opened it.

    Every wait is bounded: `connect_timeout` seconds a host, `acquire_timeout` for a free
    connection, `command_timeout` for a statement.

    `lent` is a pool of the host's, which is used and never closed.
    """

    def __init__(
        self,
        *,
        min_size: int,
        max_size: int,
        command_timeout: float | None,
        connect_timeout: float,
        acquire_timeout: float,
        lent: asyncpg.Pool | None = None,
    ) -> None:
        self._lent = lent
        self._min_size = min_size
        self._max_size = max_size
        self.command_timeout = command_timeout
        self._connect_timeout = connect_timeout
        self.acquire_timeout = acquire_timeout
        self._connections: asyncpg.Pool | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._limits: set[asyncio.Timeout] = set()  # of those who wait for a connection

    async def open(
        self, url: str, again: Callable[[], Awaitable[str | None]] | None = None
    ) -> None:
        """Connect `min_size` connections; `again` is as in `create_pool`."""
        self._use(
            await create_pool(
                url,
                min_size=self._min_size,
                max_size=self._max_size,
                connect_timeout=self._connect_timeout,
                command_timeout=self.command_timeout,
                again=again,
            )
        )

    async def use_lent(self) -> None:
        """Take the pool that is lent, if it can serve us."""
        assert self._lent is not None
        borrowed.check_loop(self._lent)
        self._use(self._lent)
        connection = await self._acquire_any()
        try:
            check_encoding(connection)
            await borrowed.check_pooler(connection, self.acquire_timeout)
        finally:
            await self.release(connection)

    def _use(self, connections: asyncpg.Pool) -> None:
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        # Half of the connections remain for what is not costly.
        self._room_for_costly = asyncio.Semaphore(max(1, self.size // 2))

    @property
    def size(self) -> int:
        """How many connections there can be."""
        return int(self.check_open().get_max_size())

    @property
    def is_of_this_loop(self) -> bool:
        """Whether it was opened in the event loop that runs."""
        return self._loop is asyncio.get_running_loop()

    def check_open(self) -> asyncpg.Pool:
        """Return asyncpg's pool. Raises `NotOpen`, and `WrongEventLoop` for that of another one."""
        if self._connections is None:
            raise NotOpen
        if self._loop is not asyncio.get_running_loop():
            raise WrongEventLoop
        return self._connections

    async def close(self) -> None:
        """Close every connection; those still at work after a moment are cut off. Idempotent."""
        connections, self._connections = self._connections, None
        if self.is_of_this_loop:
            for limit in self._limits:  # nobody will be given a connection any more
                if not limit.expired():
                    limit.reschedule(0)
        if connections is not None and connections is not self._lent:
            await close_pool(connections, same_loop=self.is_of_this_loop)

    async def acquire(self) -> asyncpg.Connection:
        """Return a connection, which has seen what this task's reads have to see."""
        connection = await self._acquire_any()
        position = positions.wanted(self)
        if position is not None:
            try:
                await _catch_up(connection, position, self.acquire_timeout)
            except BaseException:
                await self.release(connection)
                raise
        return connection

    @contextlib.asynccontextmanager
    async def room_for_costly(self) -> AsyncIterator[None]:
        """Wait until fewer than half of the connections are at work for what is costly."""
        self.check_open()
        room = self._room_for_costly
        try:
            await within(self.acquire_timeout, room.acquire(), self._limits)
        except TimeoutError as error:
            raise self.none_free() from error
        try:
            yield
        finally:
            room.release()

    async def release(self, connection: asyncpg.Connection, *, answered: bool = False) -> None:
        """Take a connection back; `answered` says that its last statement was."""
        connections = self._connections or self._lent  # which goes on when we are closed
        if connections is None:
            cut_off(connection)
            return
        try:
            await release(connections, connection, timeout=CLEANUP_TIMEOUT, answered=answered)
        except Exception:  # noqa: BLE001 - the driver's; the call itself has its result
            # The pool has cut it off already and will make another one.
            cut_off(connection)

    async def wait_for(self, position: positions.Position, timeout: float) -> None:
        """Have this task's connections see all up to a position; see `Blog.wait_for`."""
        connection = await self._acquire_any()
        try:
            await _catch_up(connection, position, timeout)
        finally:
            await self.release(connection)
        positions.want(self, position)

    def none_free(self) -> BlogError:
        """Return what it means that no connection was had in time."""
        connections = self._connections
        if connections is None:
            return NotOpen()
        if connections.get_size() < connections.get_max_size():
            return Unavailable(
                f"No connection could be made within {self.acquire_timeout:g} s. Check that "
                "the server runs, or raise acquire_timeout."
            )
        return Unavailable(
            f"No connection was free within {self.acquire_timeout:g} s: all "
            f"{connections.get_max_size()} are at work. Raise max_size, or look for transactions "
            "that stay open."
        )

    async def _acquire_any(self) -> asyncpg.Connection:
        connections = self.check_open()
        try:
            return await within(self.acquire_timeout, connections.acquire(), self._limits)
        except TimeoutError as error:
            drop_frames(error)  # those of a host's connection hold its password
            raise self.none_free() from error
        except BlogError:
            raise
        except Exception as error:
            if self._lent is not None:
                raise borrowed.refused(error) from error
            raise what_it_means(error, write=False) from error


async def _catch_up(
    connection: asyncpg.Connection, position: positions.Position, timeout: float
) -> None:
    try:
        async with asyncio.timeout(timeout):
            with speaking_our_errors(connection):
                await positions.reach(connection, position)
    except TimeoutError as error:
        raise OperationTimeout(
            f"The standby had not replayed the token within {timeout:g} s. Wait longer, or read "
            "from the primary."
        ) from error
