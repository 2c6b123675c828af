"""What every peer can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

POOL_SIZE: Final = 10
"""Connections that every peer may open."""

BATCH: Final = 500
"""Posts that a stream fetches at a time, where the peer can say so."""


class NewRow(NamedTuple):
    title: str
    content: str
    slug: str


class Peer(ABC):
    """A way to keep posts. Reads and writes return whole posts, as its users would want them."""

    @abstractmethod
    async def open(self, url: str) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    async def get(self, id: int) -> object: ...

    @abstractmethod
    async def get_by_slug(self, slug: str) -> object: ...

    @abstractmethod
    async def page(self, limit: int) -> Sequence[object]:
        """Return the newest posts."""

    @abstractmethod
    async def create(self, row: NewRow) -> object:
        """Store a post and return it with what the database made of it."""

    @abstractmethod
    async def update(self, id: int, title: str) -> object:
        """Change the title and return the post; the table keeps version and time."""

    @abstractmethod
    async def publish(self, id: int, at: datetime) -> object: ...

    @abstractmethod
    async def create_many(self, rows: Sequence[NewRow]) -> object:
        """Store all of them, or none."""

    @abstractmethod
    async def stream(self) -> int:
        """Go through all posts, oldest first, and return how many there were."""

    async def search(self, words: str) -> Sequence[object]:
        """Return the twenty best matches with a snippet of each."""
        raise NotImplementedError


class Server(NamedTuple):
    """The parts of a URL, for peers that want them one by one."""

    host: str
    port: int
    user: str
    password: str
    database: str


def server_of(url: str) -> Server:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return Server(
        host=query["host"][0] if "host" in query else parts.hostname or "localhost",
        port=int(query["port"][0] if "port" in query else parts.port or 5432),
        user=unquote(parts.username or "postgres"),
        password=unquote(parts.password or ""),
        database=parts.path.lstrip("/"),
    )
