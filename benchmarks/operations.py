"""What is measured: each operation as a call on a peer, with arguments that differ each time."""

from __future__ import annotations

import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from .peers import NewRow, Peer
from .texts import Texts

MANY: Final = 10_000
LONG_PAGE: Final = 1000

_number = itertools.count(1)
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Arguments:
    """Ids, titles and posts to call with; equal for all peers of a round."""

    def __init__(self, posts: int, texts: Texts, rows: list[NewRow]) -> None:
        self.posts = posts
        self.rows = rows
        self.words = texts.vocabulary[5000 : 5000 + 40]
        self._random = random.Random()

    def begin(self, number: int) -> None:
        self._random.seed(number)

    def id(self) -> int:
        return self._random.randint(1, self.posts)

    def slug(self) -> str:
        return f"post-{self.id()}"

    def title(self) -> str:
        return f"Another title, number {next(_number)}"

    def row(self) -> NewRow:
        number = next(_number)
        content = self.rows[number % len(self.rows)].content
        return NewRow(f"A new post, number {number}", content, f"by-hand-{number}")

    def time(self) -> datetime:
        return _START + timedelta(seconds=next(_number))

    def word(self) -> str:
        return self._random.choice(self.words)


@dataclass(frozen=True)
class Operation:
    """`grows` says that it adds posts, which are taken out again after it."""

    name: str
    call: Callable[[Peer, Arguments], Awaitable[object]]
    at_most: float | None = None
    alone: bool = False
    grows: bool = False


OPERATIONS: Final = [
    Operation("get", lambda peer, some: peer.get(some.id()), 1.15),
    Operation("get by slug", lambda peer, some: peer.get_by_slug(some.slug()), 1.15),
    Operation("page of 20", lambda peer, some: peer.page(20), 1.20),
    Operation("1,000 posts", lambda peer, some: peer.page(LONG_PAGE), 1.30),
    Operation("create", lambda peer, some: peer.create(some.row()), 1.15, grows=True),
    Operation("update", lambda peer, some: peer.update(some.id(), some.title()), 1.15),
    Operation("publish", lambda peer, some: peer.publish(some.id(), some.time())),
    Operation("search", lambda peer, some: peer.search(some.word())),
    Operation("stream all", lambda peer, some: peer.stream(), 1.30, alone=True),
    Operation("create many", lambda peer, some: peer.create_many(some.rows), 1.10, True, True),
]
"""With the targets: how many times the time of asyncpg by hand. `alone` runs in one task only."""
