"""A database behind a network that is not to be trusted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .proxy import UnreliableProxy, unreliable_proxy_to


@pytest.fixture
async def proxy(database: str) -> AsyncIterator[UnreliableProxy]:
    """A proxy to the wiped database that passes everything on until it is given other fates."""
    async with unreliable_proxy_to(database) as between:
        yield between
