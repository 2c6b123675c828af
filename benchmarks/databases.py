"""Databases for the benchmarks, on the embedded server or on the one that a URL names."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg

from blogsvc import embedded
from blogsvc.database import join_url, split_url

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


async def create(url: str, name: str) -> str:
    """Make an empty database, also where there was one of that name, and return its URL.

    Commits do not wait for the disk there, or every write would measure the disk.
    """
    await drop(url, name)
    await _execute(url, f"CREATE DATABASE {name}")
    await _execute(url, f"ALTER DATABASE {name} SET synchronous_commit = off")
    return url_of(url, name)


async def drop(url: str, name: str) -> None:
    """Drop a database, if there is one, whoever is connected to it."""
    await _execute(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def url_of(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return join_url(split_url(url)._replace(path=f"/{name}"))


@contextlib.asynccontextmanager
async def filled(
    url: str,
    posts: int,
    *,
    keep: bool = False,
    kind: str = "bench",
    fill: Callable[[str, int], Awaitable[None]] = fill,
) -> AsyncIterator[str]:
    """Yield the URL of a database with so many posts; with `keep`, it is there the next time."""
    name = f"blogsvc_{kind}_{posts}"
    connection = await asyncpg.connect(url)
    try:
        there = "SELECT true FROM pg_database WHERE datname = $1"
        is_there = await connection.fetchval(there, name)
    finally:
        await connection.close()
    if not is_there:
        await fill(await create(url, name), posts)
    yield url_of(url, name)
    if not keep:
        await drop(url, name)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
