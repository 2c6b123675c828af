"""Reads that have to wait travel together: one statement answers all of them.

Of each kind of read, a few statements are at work at a time: its lanes. A read that finds a lane
free goes at once and alone, in the task of its caller. One that finds none waits, and whatever
waits when a connection is had for the next statement goes in that one; where more lanes are free,
they share who waits. No clock makes a batch larger: the busier the server, the more reads a
statement answers. (Where the last statement was for several, the next one is sent after the other
tasks have had their turn on the event loop. The same callers are likely to come again, and the
first of them would go alone.)

- A read never joins a statement that was sent before it was called. So it sees everything that was
  committed by then.
- A caller that is cancelled leaves. The statement goes on for the others; where nobody is left, it
  is cancelled.
- When the connection or the time is lost, every caller gets an error of its own. Any other error
  may be about one row only: then each caller asks again by itself.
- A statement for many runs in a task and a context of its own, and belongs to no caller.
"""

from __future__ import annotations

import asyncio
import contextvars
import copy
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, NewType

import asyncpg

from ..errors import BlogError, NotOpen, OperationTimeout, Unavailable

Query = NewType("Query", str)
"""A statement that only reads: its caller learns nothing, and can ask again, when it fails."""

Key = int | str

Statement = tuple[str, tuple[object, ...]]

Run = Callable[[Callable[[], Statement | None], bool], Awaitable[list[asyncpg.Record]]]
"""Gets a connection, asks what to run on it, and returns the rows.

The second argument says that it is costly, and has to wait while half the pool does such work.
"""

LANES: Final = 2
"""Statements of a kind that are at work before reads begin to wait: see benchmarks/README.md."""

MOST_KEYS: Final = 100
"""Keys in a statement for several reads, so that its answer stays small."""

ENOUGH_KEYS: Final = 8
"""Keys that are worth a statement of their own, where another lane is free."""

PATIENCE: Final = 0.05
"""Seconds after which a read that still waits gets a further statement: the others are slow."""


class Same(NamedTuple):
    """The kind of reads that are equal: one answer, as rows, serves all of them."""

    query: Query
    args: tuple[object, ...]
    costly: bool = False

    def statement(self, keys: Sequence[Key]) -> Statement:
        return self.query, self.args

    def answer(self, keys: Sequence[Key], rows: list[asyncpg.Record]) -> list[asyncpg.Record]:
        return rows


class ByKey(NamedTuple):
    """The kind of reads that differ in their keys: the answer is a row, as a sequence, by key.

    `one` has the key as $1. `many` has a text[] of keys, and returns before the columns of `one`
    the key that each row is for.
    """

    one: Query
    many: Query

    @property
    def costly(self) -> bool:
        return False

    def statement(self, keys: Sequence[Key]) -> Statement:
        if len(keys) == 1:
            return self.one, (keys[0],)
        return self.many, ([str(key) for key in keys],)

    def answer(
        self, keys: Sequence[Key], rows: list[asyncpg.Record]
    ) -> Mapping[Key, Sequence[Any]]:
        if len(keys) == 1:
            return {keys[0]: rows[0]} if rows else {}
        return {row[0]: row[1:] for row in rows}


Kind = Same | ByKey

_ALONE: Final = object()
"""Tells a read to ask by itself: what failed may be about another one's row."""


class _Read:
    """A read that waits for its answer."""

    __slots__ = ("answer", "called", "keys", "lane")

    def __init__(self, keys: Sequence[Key], loop: asyncio.AbstractEventLoop) -> None:
        self.keys = keys
        self.called = loop.time()
        self.answer: asyncio.Future[Any] = loop.create_future()
        self.lane: _Lane | None = None

    def tell(self, answer: object) -> None:
        # As a result even where it is an error: nobody may be there any more to fetch that.
        if not self.answer.done():
            self.answer.set_result(answer)


class _Lane:
    """A statement for several reads, from the wait for its connection on."""

    __slots__ = ("began", "keys", "reads", "sent", "task")

    def __init__(self, began: float) -> None:
        self.began = began
        self.sent = False
        self.keys: list[Key] = []
        self.reads: dict[_Read, None] = {}
        self.task: asyncio.Task[object] | None = None

    def leave(self, read: _Read) -> None:
        self.reads.pop(read, None)
        if not self.reads and self.task is not None and not self.task.cancelling():
            self.task.cancel()


class _Queue:
    """The reads of one kind: how many statements are at work, and who waits, in their order."""

    __slots__ = ("at_work", "crowded", "looking", "opening", "waiting")

    def __init__(self) -> None:
        self.at_work = 0
        self.crowded = False  # whether the last statement was for several reads
        self.looking = False  # whether `_look` will be called
        self.opening = False  # whether a lane waits for its connection, and can be boarded
        self.waiting: dict[_Read, None] = {}

    def leave(self, read: _Read) -> None:
        if read.lane is not None:
            read.lane.leave(read)
        else:
            self.waiting.pop(read, None)

    def board(self, lane: _Lane, lanes: int) -> None:
        """Put into a lane its share of those who wait, the first ones first.

        Those of the `lanes` that are free have equal shares. So the server works for one while the
        answer to another is handed out here.
        """
        free = max(1, lanes - self.at_work + 1)  # with this one, which is counted as at work
        waiting = sum(len(read.keys) for read in self.waiting)
        most = min(MOST_KEYS, max(ENOUGH_KEYS, math.ceil(waiting / free)))
        keys: dict[Key, None] = {}
        for read in self.waiting:
            if len(keys) + len(read.keys) > most and lane.reads:
                break
            keys.update(dict.fromkeys(read.keys))
            lane.reads[read] = None
            read.lane = lane
        for read in lane.reads:
            del self.waiting[read]
        lane.keys = list(keys)
        lane.sent = True
        self.opening = False
        self.crowded = len(lane.reads) > 1


class Batching:
    """The reads of one pool, on the event loop that opened it."""

    def __init__(
        self, run: Run, none_free: Callable[[], BlogError], *, size: int, acquire_timeout: float
    ) -> None:
        self._run = run
        self._none_free = none_free
        self._size = size
        self._lanes = min(LANES, size)
        self._acquire_timeout = acquire_timeout
        self._loop = asyncio.get_running_loop()
        self._queues: dict[Kind, _Queue] = {}
        self._open: set[_Lane] = set()

    async def read(self, kind: Kind, keys: Sequence[Key] = ()) -> Any:
        """Return the answer to a read, which may be one for several: do not change it."""
        if len(keys) > MOST_KEYS:
            return await self.read_alone(kind, keys)
        try:
            queue = self._queues.get(kind)
        except TypeError:  # no hash: a list is among the arguments, and is not compared
            return await self.read_alone(kind, keys)
        if queue is None:
            queue = self._queues[kind] = _Queue()
        if queue.at_work < self._lanes and not queue.crowded:
            queue.at_work += 1
            try:
                return await self.read_alone(kind, keys)
            finally:
                self._finished(kind, queue)
        read = _Read(keys, self._loop)
        queue.waiting[read] = None
        self._open_lane(kind, queue, self._lanes)
        if not queue.looking:
            queue.looking = True
            self._look_later(kind, queue)
        try:
            answer = await read.answer
        except asyncio.CancelledError:
            queue.leave(read)
            raise
        if isinstance(answer, BlogError):
            # One of its own: a raised error grows a traceback, and callers may add notes to it.
            raise copy.copy(answer) from answer.__cause__
        return await self.read_alone(kind, keys) if answer is _ALONE else answer

    async def read_alone(self, kind: Kind, keys: Sequence[Key]) -> Any:
        """Return the answer to a read that shares its statement with no other one."""
        rows = await self._run(lambda: kind.statement(keys), kind.costly)
        return kind.answer(keys, rows)

    def close(self) -> None:
        """Tell those who wait that it is closed; statements that were sent go on."""
        for queue in self._queues.values():
            for read in queue.waiting:
                read.tell(NotOpen())
            queue.waiting.clear()
        for lane in self._open:
            if not lane.sent and lane.task is not None:
                lane.task.cancel()

    def _finished(self, kind: Kind, queue: _Queue) -> None:
        queue.at_work -= 1
        self._open_lane(kind, queue, self._lanes)
        if not queue.at_work and not queue.looking:
            self._queues.pop(kind, None)

    def _open_lane(self, kind: Kind, queue: _Queue, most: int) -> None:
        """Open a lane for those who wait, if there are any, unless `most` are at work."""
        if not queue.waiting or queue.opening or queue.at_work >= most:
            return
        lane = _Lane(self._loop.time())
        queue.opening = True
        queue.at_work += 1
        self._open.add(lane)
        # An empty context: what the caller at hand has set there is not for the others.
        lane.task = contextvars.Context().run(
            self._loop.create_task, self._carry(kind, queue, lane)
        )
        lane.task.add_done_callback(lambda task: self._ended(kind, queue, lane, task))

    async def _carry(self, kind: Kind, queue: _Queue, lane: _Lane) -> object:
        def board() -> Statement | None:
            queue.board(lane, self._lanes)
            self._open_lane(kind, queue, self._lanes)  # where not all could board
            return kind.statement(lane.keys) if lane.reads else None

        rows = await self._run(board, kind.costly)
        return kind.answer(lane.keys, rows)

    def _ended(self, kind: Kind, queue: _Queue, lane: _Lane, task: asyncio.Task[object]) -> None:
        self._open.discard(lane)
        answer = _answer_of(task, lane)
        if not lane.sent:
            queue.opening = False
            # No connection was had. Who called since it was asked for can hope for the next one.
            for read in [*queue.waiting]:
                if read.called <= lane.began or task.cancelled():
                    del queue.waiting[read]
                    read.tell(answer)
        for read in lane.reads:
            read.tell(answer)
        self._finished(kind, queue)

    def _look_later(self, kind: Kind, queue: _Queue) -> None:
        self._loop.call_later(min(PATIENCE, self._acquire_timeout), self._look, kind, queue)

    def _look(self, kind: Kind, queue: _Queue) -> None:
        """See to those who have waited for long."""
        now = self._loop.time()
        for read in [*queue.waiting]:
            if read.called + self._acquire_timeout > now:
                break
            del queue.waiting[read]
            read.tell(self._none_free())
        if queue.waiting:
            oldest = next(iter(queue.waiting))
            if oldest.called + PATIENCE <= now:
                self._open_lane(kind, queue, self._size)
        elif not queue.at_work:
            queue.looking = False
            self._queues.pop(kind, None)
            return
        self._look_later(kind, queue)


def _answer_of(task: asyncio.Task[object], lane: _Lane) -> object:
    """Return what the reads of a lane are told: their answer, an error, or to ask alone."""
    if task.cancelled():
        # Not by us while anybody was left.
        return Unavailable("The read was cancelled with all tasks of the event loop. Try again.")
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, (Unavailable, OperationTimeout, NotOpen)):
        return error
    if isinstance(error, BlogError) and len(lane.keys) < 2:
        return error
    return _ALONE
