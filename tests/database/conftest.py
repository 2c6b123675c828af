"""A service whose server's answers a test can hold back or lose."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from blogsvc import BlogService

from .proxy import Proxy, proxy_to


@pytest.fixture
async def proxy(database: str) -> AsyncIterator[Proxy]:
    """A proxy to the wiped database."""
    async with proxy_to(database, Proxy) as between:
        yield between


@pytest.fixture
async def proxied(proxy: Proxy) -> AsyncIterator[BlogService]:
    """An open service that has one connection, through the proxy."""
    async with BlogService(proxy.url, max_size=1, command_timeout=None) as service:
        yield service
