"""A database of a test's own, and roles for it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from blogsvc.testing import create_database, drop_database

from ..migrations.migrating import execute


@asynccontextmanager
async def database_for(server: str, *kinds: str) -> AsyncIterator[list[str]]:
    """Make an empty database, and yield its URL for roles that own nothing in it.

    The first URL is the superuser's.
    """
    # The server may be one that other runs use, too.
    names = [f"blogsvc_{kind}_{uuid.uuid4().hex[:8]}" for kind in kinds]
    await execute(server, "".join(f"CREATE ROLE {name} LOGIN;" for name in names))
    url = await create_database(server)
    try:
        yield [url, *(as_role(url, name) for name in names)]
    finally:
        await drop_database(url)
        await execute(server, "".join(f"DROP ROLE {name};" for name in names))


def as_role(url: str, role: str) -> str:
    """Return the URL of the same database for another role."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}@{host}"))


def role_of(url: str) -> str:
    """Return the role of a URL that `as_role` made."""
    return str(urlsplit(url).username)
