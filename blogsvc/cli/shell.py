"""`blogsvc psql`: a look into the database."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncclick as click

from ..database import Endpoint, embedded_postgres, quoted
from .target import Target, on_a_blog


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@on_a_blog
async def psql(target: Target, arguments: Sequence[str]) -> None:
    """Open PostgreSQL's own shell on the same database; ARGUMENTS go to psql."""
    endpoint = Endpoint(target["url"])
    url, environment = _without_password(await endpoint.hold())
    if target["schema"]:
        # libpq takes a blank for the end of an option unless a backslash stands before it.
        path = quoted(target["schema"]).replace("\\", "\\\\").replace(" ", "\\ ")
        environment["PGOPTIONS"] = f"-c search_path={path}"
    try:
        program = shutil.which("psql") or str(embedded_postgres().program("psql"))
        shell = await asyncio.create_subprocess_exec(program, url, *arguments, env=environment)
        status = await shell.wait()
    finally:
        await endpoint.release()
    sys.exit(status)


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    """Move the password to the environment: everybody on the machine can read arguments."""
    environment = dict(os.environ)
    parts = urlsplit(url)
    account, at, hosts = parts.netloc.rpartition("@")
    user, colon, password = account.partition(":")
    if colon:
        environment["PGPASSWORD"] = unquote(password)
    return urlunsplit(parts._replace(netloc=f"{user}{at}{hosts}")), environment
