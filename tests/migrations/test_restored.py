"""A dump that was restored is no drift, whichever version wrote it and whichever reads it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from blogsvc import BlogService, Migrator
from blogsvc.database import join_url, split_url

from ..embedded.processes import reachable_directory
from .clusters import programs, running
from .migrating import execute

FOUND = sorted({min(programs()), max(programs())})
PAIRS = [(source, target) for source in FOUND for target in FOUND]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[int, str]]:
    """The URLs of new servers, by version."""
    with reachable_directory() as directory:
        waiting = [running(version, directory) for version in FOUND]
        urls = [each.__enter__() for each in waiting]
        yield dict(zip(FOUND, urls, strict=True))
        for each in waiting:
            each.__exit__(None, None, None)


async def fresh(server: str, name: str) -> str:
    await execute(server, f"DROP DATABASE IF EXISTS {name}")
    await execute(server, f"CREATE DATABASE {name} TEMPLATE template0")
    return join_url(split_url(server)._replace(path=f"/{name}"))


def restore(source: str, version: int, target: str, *options: str) -> None:
    place = programs()[version]
    dump = subprocess.run([place / "pg_dump", *options, source], capture_output=True, check=True)
    # An older server does not know every setting of a newer pg_dump; that stops nobody.
    psql = (str(place / "psql"), "--no-psqlrc", "--quiet", target)
    subprocess.run(psql, input=dump.stdout, capture_output=True, check=True)


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("options", [(), ("--quote-all-identifiers", "--no-owner")])
async def test_a_restored_dump_is_no_drift(
    servers: dict[int, str], source: int, target: int, options: tuple[str, ...]
) -> None:
    before = await fresh(servers[source], "before")
    async with BlogService(before, migrate=True) as blog:
        await blog.posts.create("Kept", "", tags=["a"], metadata={"b": 1})
    for copy in ("copied", "copied_again"):
        after = await fresh(servers[target], copy)
        restore(before, max(source, target) if copy == "copied" else target, after, *options)
        report = await Migrator(after).check()
        assert (report.drift, report.notices, report.pending) == ((), (), False)
        assert await Migrator(after).adopt() == []
        async with BlogService(after) as blog:
            assert await blog.posts.count(tag="a") == 1
        before = after


@pytest.mark.parametrize("version", FOUND)
async def test_a_server_that_quotes_all_identifiers_is_no_drift(
    servers: dict[int, str], version: int
) -> None:
    url = await fresh(servers[version], "quoted")
    await execute(url, "ALTER DATABASE quoted SET quote_all_identifiers = on")
    await Migrator(url).upgrade()
    report = await Migrator(url).check()
    assert (report.drift, report.notices) == ((), ())


# A status that was written with another type on the way, as an older dump or a hand may have.
REWRITTEN = """
    ALTER TABLE posts DROP CONSTRAINT posts_status_known;
    ALTER TABLE posts ADD CONSTRAINT posts_status_known
        CHECK ("status" IN ('draft', 'published', 'archived'));
    ALTER TABLE posts ALTER status SET DEFAULT ('draft'::text);"""


@pytest.mark.parametrize("version", FOUND)
async def test_what_means_the_same_is_no_drift(servers: dict[int, str], version: int) -> None:
    first = await fresh(servers[version], "rewritten")
    await Migrator(first).upgrade()
    await execute(first, REWRITTEN)
    second = await fresh(servers[version], "rewritten_copy")
    restore(first, version, second)
    for url in (first, second):
        assert (await Migrator(url).check()).drift == ()


@pytest.mark.parametrize("version", FOUND)
async def test_what_means_something_else_is_drift(servers: dict[int, str], version: int) -> None:
    url = await fresh(servers[version], "changed")
    await Migrator(url).upgrade()
    await execute(url, REWRITTEN.replace("'archived'", "'archives'"))
    assert len((await Migrator(url).check()).drift) == 2
