"""Where the database is: a URL, or the embedded PostgreSQL, which is imported here only."""

from __future__ import annotations

import asyncio
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Final

from .. import config
from ..errors import EmbeddedUnavailable, Unavailable
from .url import CompleteURL, DatabaseURL

if TYPE_CHECKING:
    from .. import embedded

_RELEASE_TIMEOUT: Final = 20.0
"""Seconds that closing waits for the embedded server to stop; it stops without us, too."""


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
        self._starting: asyncio.Future[None] | None = None

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

    async def start_again(self) -> str | None:
        """Start the embedded server that `hold` started, if it has gone, and return its URL.

        All tasks that ask at the same moment wait for one start. Returns None where a URL was
        given. Raises `Unavailable`, with the server's own words, where it does not start.
        """
        use = self._embedded
        if use is None:
            return None
        if self._starting is None or self._starting.done():
            self._starting = asyncio.ensure_future(asyncio.to_thread(use.start_again))
            # Those who wait may all have been cancelled: then nobody else looks at a failure.
            self._starting.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            # A caller that gives up leaves the start to the others, and to the next call.
            await asyncio.shield(self._starting)
        except EmbeddedUnavailable as error:
            raise Unavailable(
                f"The embedded PostgreSQL is gone, and cannot be started again. {error}"
            ) from error
        return use.url

    async def release(self) -> None:
        """Let the embedded server stop when nobody else uses it."""
        use, self._embedded, self._starting = self._embedded, None, None
        if use is None:
            return
        released = asyncio.get_running_loop().run_in_executor(None, use.release)
        # A start that is under way may take minutes: then the thread waits for it alone.
        done, _ = await asyncio.wait([released], timeout=_RELEASE_TIMEOUT)
        for ended in done:
            ended.result()

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
                self.url = CompleteURL(self._server.url)

    def start_again(self) -> None:
        with self._lock:
            if self._wanted and self._server is not None:
                self._server.start_again()
                self.url = CompleteURL(self._server.url)

    def release(self) -> None:
        with self._lock:
            self._wanted = False
            if self._server is not None:
                self._server.release()
