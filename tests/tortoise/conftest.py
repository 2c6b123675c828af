"""A host that runs Tortoise on the database of the posts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tortoise.context import TortoiseContext

from blogsvc import BlogService

from .shop import configuration


@pytest.fixture
def kept_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in ("USE_TZ", "TIMEZONE"):  # which Tortoise leaves behind
        monkeypatch.setenv(setting, "")


@pytest.fixture
async def host(blog_url: str, kept_environment: None) -> AsyncIterator[TortoiseContext]:
    """The host's Tortoise, its tables made as its own test suite would make them."""
    context = TortoiseContext()
    with context:
        await context.init(config=configuration(blog_url))
        await context.generate_schemas()
        yield context
        await context.close_connections()


@pytest.fixture
async def blog(blog_url: str, host: TortoiseContext) -> AsyncIterator[BlogService]:
    """A service on the database of the host."""
    async with BlogService(blog_url) as service:
        yield service
