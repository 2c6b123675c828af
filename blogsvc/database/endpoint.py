"""Where the database is: a URL, or the embedded PostgreSQL, which is imported here only."""

from __future__ import annotations

import asyncio
import threading
from types import ModuleType
from typing import TYPE_CHECKING

from .. import config
from ..errors import EmbeddedUnavailable
from .connections import DatabaseURL

if TYPE_CHECKING:
    from .. import embedded


def embedded_postgres() -> ModuleType:
    """Return the package `blogsvc.embedded`, for those who have no URL.

    Imported at the first call: whoever has a URL needs nothing of it, such as `fcntl`, which
    Windows does not have. Raises `EmbeddedUnavailable` there.
    """
    try:
        from .. import embedded
    except ImportError as error:
        raise EmbeddedUnavailable(
            f"The embedded PostgreSQL runs on Linux and macOS only ({error}). Name a server: "
            "DATABASE_URL=postgresql://user:password@host:5432/database."
        ) from error
    return embedded


class Endpoint:
    """A database to connect to: `url`, else `$DATABASE_URL`, else the embedded PostgreSQL."""

    def __init__(self, url: str | None) -> None:
        self._url = DatabaseURL(url) if url else None
        self._embedded: _EmbeddedUse | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether it is the embedded PostgreSQL, for want of a URL."""
        return self._given() is None

    async def hold(self) -> str:
        """Return the URL, starting the embedded server first where there is none."""
        url = self._given()
        if url is not None:
            return url
        if self._embedded is None:
            use = _EmbeddedUse()
            try:
                await asyncio.to_thread(use.start)
            except asyncio.CancelledError:
                # The thread is still starting it, and the loop may soon be closed: another thread
                # waits for that and stops it.
                asyncio.get_running_loop().run_in_executor(None, use.release)
                raise
            self._embedded = use
        return self._embedded.url

    async def release(self) -> None:
        """Let the embedded server stop when nobody else uses it."""
        use, self._embedded = self._embedded, None
        if use is not None:
            await asyncio.to_thread(use.release)

    def _given(self) -> str | None:
        url = self._url or config.database_url()
        return DatabaseURL(url) if url else None


class _EmbeddedUse:
    """A use of the embedded server, for threads whose caller may go away meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: embedded.EmbeddedServer | None = None
        self._wanted = True
        self.url = ""

    def start(self) -> None:
        with self._lock:
            if self._wanted:
                self._server = embedded_postgres().start()
                self.url = self._server.url

    def release(self) -> None:
        with self._lock:
            self._wanted = False
            if self._server is not None:
                self._server.release()
