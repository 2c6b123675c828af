"""Which blog a command works on: the options that every command has."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypedDict

import asyncclick as click

from .. import config


class Target(TypedDict):
    """The arguments with which `Migrator` and `BlogService` are made."""

    url: str | None
    schema: str | None


url_option = click.option(
    "--url", help="The database, as a libpq URL.  [env: DATABASE_URL, else the embedded one]"
)


def on_a_blog(command: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Give a command `--url` and `--schema`; it gets both as its first argument, a `Target`."""

    @url_option
    @click.option("--schema", help="The PostgreSQL schema of the blog.  [env: BLOGSVC_SCHEMA]")
    @functools.wraps(command)
    async def wrapper(url: str | None, schema: str | None, **options: Any) -> Any:
        target = Target(url=url, schema=schema or config.schema())
        return await command(target, **options)

    return wrapper
