"""Databases for the benchmarks, on the embedded server or on the one that a URL names."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from blogsvc import embedded

from .filling import fill


@contextlib.contextmanager
def server(url: str | None) -> Iterator[str]:
    """Yield the URL, or that of an embedded server which lives as long as the block."""
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        os.chmod(directory, 0o711)  # as root, the server runs as another account
        started = embedded.start(Path(directory) / "data")
        try:
            yield started.url
        finally:
            started.release()


@contextlib.asynccontextmanager
async def filled(
    url: str,
    posts: int,
    *,
    keep: bool = False,
    kind: str = "bench",
    fill: Callable[[str, int], Awaitable[None]] = fill,
) -> AsyncIterator[str]:
    """Yield the URL of a database with so many posts; with `keep`, it is there the next time.

    Commits do not wait for the disk there, or every write would measure the disk.
    """
    name = f"blogsvc_{kind}_{posts}"
    own = urlsplit(url)._replace(path=f"/{name}").geturl()
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await connection.execute(f"CREATE DATABASE {name}")
            await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
            await fill(own, posts)
        yield own
        if not keep:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()
