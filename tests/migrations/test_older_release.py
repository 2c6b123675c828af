"""While a deployment rolls, the application of 0.1.0 runs on the newest schema."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from blogsvc import BlogService
from blogsvc.migrator import Migrator, files

from ..support import PATIENCE, ROOT, becomes_true
from .migrating import fetch

RELEASE = "e6f0cf95f2e43d1fa9d52166542ab2163fb20c5f"
"""The commit that is tagged v0.1.0."""

APPLICATION = """
import asyncio, sys
from blogsvc import BlogService, NewPost, __version__
from blogsvc.errors import AlreadyExists

assert __version__ == "0.1.0"

async def main(url, migrate):
    async with BlogService(url, migrate=migrate) as blog:
        posts = blog.posts
        await posts.update(1, title="Edited by the old one")
        await posts.update(2, slug="moved")
        post = await posts.create("Made by the old one", "About walruses.")
        await posts.publish(post.id)
        await posts.create_many([NewPost("Many", ""), NewPost("Many", "")])
        _, created = await posts.upsert("upserted", title="U", content="")
        await posts.upsert("upserted", title="Up", content="")
        assert created
        assert [hit.post.id for hit in await posts.search("walrus")] == [post.id]
        assert [each.id for each in await posts.page(visible=True)] == [post.id]
        assert await posts.count() == len([each async for each in posts.stream()]) == 6
        for query in ("c", "node.js", "使用数据库", '"e-mail server"', '"c is old"', "mail -x"):
            assert [hit.post.id for hit in await posts.search(query)] == [1], query
        try:
            await posts.create("Taken", "", slug="moved")
        except AlreadyExists as error:
            assert error.field == "slug"
        await posts.delete((await posts.get_by_slug("many")).id)

asyncio.run(main(sys.argv[1], sys.argv[2] == "True"))
"""


BESIDE = """
import asyncio, sys, threading
from blogsvc import BlogService, NewPost, __version__

assert __version__ == "0.1.0"

async def main(url):
    async with BlogService(url, migrate=False, max_size=3) as blog:
        posts = blog.posts

        async def work(round):
            post = await posts.create("Walrus", "About walruses.", slug=f"r-{round}")
            await posts.update(post.id, title=f"Round {round}", slug=f"round-{round}")
            await posts.publish(post.id)
            many = await posts.create_many([NewPost("Many", ""), NewPost("Many", "")])
            await posts.upsert(f"round-{round}", title="Up", content="About walruses.")
            found, hits, page, one, _ = await asyncio.gather(
                posts.get_by_slug(f"round-{round}"), posts.search("walrus", limit=100),
                posts.page(visible=True, limit=100), posts.get(post.id), posts.count(),
            )
            assert found == one and one.version == 4, one
            assert post.id in [hit.post.id for hit in hits]
            assert post.id in [each.id for each in page]
            async with blog.transaction():
                for id in many:
                    await posts.delete(id)

        round = 0
        waiting = threading.Thread(target=sys.stdin.read, daemon=True)
        waiting.start()
        while waiting.is_alive():
            await work(round := round + 1)
        print(round)

asyncio.run(main(sys.argv[1]))
"""
"""Reads and writes until its standard input closes, and says in how many rounds."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel of 0.1.0, built from its commit, is installed."""
    archive = subprocess.run(
        ["git", "archive", "--format=zip", RELEASE], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        pytest.skip("the history with the release 0.1.0 is not here")
    source = tmp_path_factory.mktemp("source")
    with zipfile.ZipFile(io.BytesIO(archive.stdout)) as files:
        files.extractall(source)
    place = tmp_path_factory.mktemp("release")
    building = ["build", "--wheel", "--no-isolation", "--outdir", str(place)]
    subprocess.run([sys.executable, "-m", *building], cwd=source, check=True)
    [wheel] = place.glob("*.whl")
    installing = ["install", "--no-deps", "--no-index", "--quiet", "--target", str(place / "lib")]
    subprocess.run([sys.executable, "-m", "pip", *installing, str(wheel)], check=True)
    return place / "lib"


@pytest.mark.parametrize("migrate", [False, True])
async def test_an_application_of_0_1_0_reads_and_writes_on_the_newest_schema(
    empty_database: str, installed: Path, tmp_path: Path, migrate: bool
) -> None:
    await Migrator(empty_database).upgrade()
    async with BlogService(empty_database) as blog:
        for slug in ("first", "second"):
            await blog.posts.create(slug, "", slug=slug, tags=["kept"], metadata={"kept": slug})
        await blog.posts.update(1, content="Node.js, 使用数据库, an e-mail server. C++ is old.")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", APPLICATION, empty_database, str(migrate)],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "The schema is ahead of this blogsvc" in done.stderr
    kept = "SELECT title, version, tags, metadata ->> 'kept', former_slugs FROM posts WHERE id < 3"
    assert await fetch(empty_database, f"{kept} ORDER BY id") == [
        ("Edited by the old one", 3, ["kept"], "first", []),
        ("second", 2, ["kept"], "second", ["second"]),
    ]
    assert not (await Migrator(empty_database).check()).drifted


async def test_an_application_of_0_1_0_goes_on_while_the_newer_migrations_are_applied(
    empty_database: str, installed: Path, tmp_path: Path
) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade("6")
    old = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", BESIDE, empty_database),
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=tmp_path,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    count = "SELECT count(*) FROM posts WHERE title = 'Up'"
    for file in files.all_files()[6:]:
        await migrator.upgrade(file.version)
        # It does not wait for us, so a whole round is done on each version, and in between.
        [(done,)] = await fetch(empty_database, count)

        async def two_more(done: int = done) -> bool:
            [(now,)] = await fetch(empty_database, count)
            return now > done + 1 or old.returncode is not None

        await becomes_true(two_more)
    output, errors = await asyncio.wait_for(old.communicate(b""), PATIENCE)
    assert old.returncode == 0, errors.decode()
    assert int(output) > len(files.all_files()[7:])
    report = await migrator.check()
    assert not report.drifted
    assert not report.pending
