"""One command on many blogs: a line for each, one that sums up, and the worst exit code."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import asyncclick as click

from .. import config
from ..database import Endpoint
from ..errors import BlogError
from ..migrator import Migrator, in_each, schemas_with_blogs
from .target import Target, url_option
from .terminal import echo, one_line

_WORST_FIRST: Final = (1, 3, 2, 4, 0)
"""Exit codes. What could not be seen may be anything, so it comes first."""


class Found(NamedTuple):
    """What a command says of one blog: in a word, by which it is counted, and in a line."""

    word: str
    line: str
    exit_code: int = 0


def on_many_blogs(
    look: Callable[..., Awaitable[Found]],
) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]]:
    """Give a command `--url`, `--schema`, any number of times, and `--all-schemas`.

    For one blog it is called with its `Target`; for several, `look` is called with a `Migrator` of
    each. Both get the command's other options.
    """

    def decorate(command: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @url_option
        @click.option(
            "--schema",
            "schemas",
            multiple=True,
            help="The schema of the blog; several times for several blogs.  [env: BLOGSVC_SCHEMA]",
        )
        @click.option(
            "--all-schemas", is_flag=True, help="Every blog of the database, a few at a time."
        )
        @functools.wraps(command)
        async def wrapper(
            url: str | None, schemas: Sequence[str], all_schemas: bool, **options: Any
        ) -> Any:
            if schemas and all_schemas:
                raise click.UsageError("Give one of --schema and --all-schemas.")
            if len(schemas) < 2 and not all_schemas:
                schema = schemas[0] if schemas else config.schema()
                return await command(Target(url=url, schema=schema), **options)
            return await _in_each(url, schemas, functools.partial(look, **options))

        return wrapper

    return decorate


async def _in_each(
    url: str | None, schemas: Sequence[str], look: Callable[[Migrator], Awaitable[Found]]
) -> None:
    endpoint = Endpoint(url)
    every = not schemas
    counts: Counter[str] = Counter()
    codes = {0}
    try:
        given = await endpoint.hold()  # so that an embedded server is started once
        schemas = list(dict.fromkeys(schemas)) or await schemas_with_blogs(given)
        async for schema, found, error in in_each(
            schemas, lambda schema: look(Migrator(given, schema=schema, create_schema=not every))
        ):
            if found is None:
                found = Found("failed", str(error).partition("\n")[0], 1)
            if every and found.exit_code and await _is_gone(given, schema):
                found, error = Found("gone", "gone since this began"), None
            echo(f"{one_line(schema)}: {one_line(found.line)}", err=error is not None)
            counts[found.word] += 1
            codes.add(found.exit_code)
    finally:
        if counts:  # also where somebody stops it
            echo(_summary(counts, len(schemas)))
        await endpoint.release()
    if not schemas:
        echo("There is no blog in this database.")
    code = next(code for code in _WORST_FIRST if code in codes)
    if code:
        sys.exit(code)


async def _is_gone(url: str, schema: str) -> bool:
    """Whether a schema has no blog any more; where that cannot be asked, it may have."""
    with contextlib.suppress(BlogError):
        return schema not in await schemas_with_blogs(url)
    return False


def _summary(counts: Counter[str], all_of_them: int) -> str:
    done = counts.total()
    blogs = f"{all_of_them} blog{'' if all_of_them == 1 else 's'}"
    told = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    if done < all_of_them:
        return f"Only {done} of {blogs}{f': {told}' if told else ''}"
    return f"{blogs}: {told}"
