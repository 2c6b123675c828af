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
from blogsvc.migrator import Migrator

from ..support import ROOT
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
