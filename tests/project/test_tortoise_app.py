"""The application in examples/tortoise_app, from an installed wheel in a directory of its own.

Its commands are the stock ones, and its database is looked at with SQL.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ..migrations.migrating import execute, fetch
from ..support import PATIENCE, ROOT
from .test_examples import answers, free_port

EXAMPLE = ROOT / "examples" / "tortoise_app"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
OURS = ("aerich", "--app", "blogsvc")


class Project:
    """A copy of the example, and the environment in which its commands are typed."""

    def __init__(self, place: Path, programs: Path, url: str) -> None:
        self.place = place
        self.programs = programs
        self.environment = {
            "PATH": os.defpath,
            "HOME": str(place),
            "DATABASE_URL": url,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def command(self, *words: str) -> list[str]:
        program = self.programs / words[0]
        start = [str(program)] if program.exists() else [str(self.programs / "python"), "-m"]
        return [*start, *words[1:]] if program.exists() else [*start, *words]

    def types(self, *words: str, status: int = 0) -> str:
        """Type a command, and return what it prints."""
        done = subprocess.run(
            self.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=self.place,
            env=self.environment,
        )
        assert done.returncode == status, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout


@pytest.fixture
def project(installed: Path, empty_database: str, tmp_path: Path) -> Project:
    place = tmp_path / "shop"
    shutil.copytree(EXAMPLE, place, ignore=shutil.ignore_patterns("__pycache__"))
    return Project(place, installed, empty_database)


@pytest.fixture
def served(project: Project) -> Iterator[httpx.Client]:
    project.types(*OURS, "upgrade")
    project.types("aerich", "upgrade")
    port = str(free_port())
    process = subprocess.Popen(
        project.command("uvicorn", "shop.app:app", "--port", port),
        cwd=project.place,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert answers(f"http://127.0.0.1:{port}", process)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
            yield http
    finally:
        process.terminate()
        process.wait(timeout=30)


def is_up_to_date(project: Project) -> bool:
    """Whether `check` says so, and tells of nothing but the host's own foreign keys."""
    *beside, told = project.types("blogsvc", "check").splitlines()
    return told == "The schema is up to date." and all(
        line.startswith("beside ours: reference ") for line in beside
    )


async def test_both_histories_run_with_the_stock_command_from_the_hosts_directory(
    project: Project, empty_database: str
) -> None:
    installed_package = project.types("python", "-c", "import blogsvc; print(blogsvc.__path__[0])")
    assert Path(installed_package).is_relative_to(project.programs.parent)
    assert "Success upgrading to 0_20251120123456_create_posts.py" in project.types(
        *OURS, "upgrade"
    )
    assert "Success upgrading to 1_20261125102321_add_tags.py" in project.types("aerich", "upgrade")
    assert is_up_to_date(project)
    assert project.types("aerich", "migrate") == "No changes detected\n"
    for app in ((), ("--app", "blogsvc")):
        assert project.types("aerich", *app, "heads") == "No available heads.\n"
        assert project.types("aerich", *app, "upgrade") == "No upgrade items found\n"
    assert [row[0] for row in await fetch(empty_database, TABLES)] == [
        "aerich",
        "author",
        "comment",
        "post_author",
        "post_tag",
        "posts",
        "tag",
    ]
    # Ours are as carefully applied as `blogsvc upgrade` does it.
    unstamped = "SELECT version FROM aerich WHERE app = 'blogsvc' AND checksum IS NULL"
    assert await fetch(empty_database, unstamped) == []


async def test_the_other_order_fails_changes_nothing_and_works_afterwards(
    project: Project, empty_database: str
) -> None:
    said = project.types("aerich", "upgrade", status=1)
    assert said.startswith('Error: relation "posts" does not exist.')
    assert "type `aerich --app blogsvc upgrade`, then this again" in said
    assert await fetch(empty_database, TABLES) == []
    project.types(*OURS, "upgrade")
    assert "Success upgrading to 0_20261125102321_init.py" in project.types("aerich", "upgrade")
    assert is_up_to_date(project)


async def test_init_db_of_the_host_makes_its_own_tables_only(project: Project) -> None:
    shutil.rmtree(project.place / "migrations")
    project.types(*OURS, "upgrade")
    assert "Success creating app migration folder migrations/models" in project.types(
        "aerich", "init-db"
    )
    [written] = (project.place / "migrations" / "models").glob("*.py")
    assert re.findall(r'CREATE TABLE IF NOT EXISTS "(\w+)"', written.read_text()) == [
        "author",
        "tag",
        "aerich",
        "comment",
        "post_author",
        "post_tag",
    ]
    assert 'REFERENCES "posts" ("id") ON DELETE CASCADE' in written.read_text()
    assert is_up_to_date(project)


async def test_init_db_of_the_host_before_ours_works_when_it_is_typed_again(
    project: Project, empty_database: str
) -> None:
    shutil.rmtree(project.place / "migrations")
    assert 'relation "posts" does not exist' in project.types("aerich", "init-db", status=1)
    assert await fetch(empty_database, TABLES) == []
    project.types(*OURS, "upgrade")
    assert 'Applied existing migrations to database for app "models"' in project.types(
        "aerich", "init-db"
    )
    assert is_up_to_date(project)


async def test_the_host_goes_on_with_migrations_that_point_at_posts(
    project: Project, empty_database: str
) -> None:
    project.types(*OURS, "upgrade")
    project.types("aerich", "upgrade")
    with (project.place / "shop" / "models.py").open("a") as models:
        models.write(
            """

class Like(Model):
    post = fields.ForeignKeyField("blogsvc.Post", related_name="likes")
    comment = fields.ForeignKeyField("models.Comment", null=True)
    readers = fields.ManyToManyField("blogsvc.Post", related_name="liked", through="like_reader")
"""
        )
    assert "Success creating migration file 2_" in project.types("aerich", "migrate")
    [written] = (project.place / "migrations" / "models").glob("2_*.py")
    assert '"posts"' not in written.read_text().replace('REFERENCES "posts" ("id")', "")
    assert "Success upgrading to 2_" in project.types("aerich", "upgrade")
    assert await fetch(
        empty_database, "SELECT count(*) FROM pg_constraint WHERE confrelid = 'posts'::regclass"
    ) == [(5,)]
    assert is_up_to_date(project)
    assert project.types("aerich", "migrate") == "No changes detected\n"
    assert "Success downgrading to 2_" in project.types("aerich", "downgrade", "--yes")
    assert is_up_to_date(project)


async def test_the_host_has_its_migrations_run_for_as_long_as_they_take(
    project: Project, empty_database: str
) -> None:
    project.types(*OURS, "upgrade")
    project.types("aerich", "upgrade")
    text = (EXAMPLE / "migrations" / "models" / "1_20261125102321_add_tags.py").read_text()
    slow = re.sub(r'return """.*?"""', 'return "SELECT pg_sleep(11)"', text, flags=re.DOTALL)
    (project.place / "migrations" / "models" / "2_20261126000000_slow.py").write_text(slow)
    assert "Success upgrading to 2_20261126000000_slow.py" in project.types("aerich", "upgrade")


def test_it_serves_posts_with_what_the_host_knows_of_them(
    served: httpx.Client, project: Project, empty_database: str
) -> None:
    assert served.put("/tags/news", params={"description": "What is new"}).status_code == 204
    given = {"title": "Hello", "content": "First", "authors": ["Ann", "Bob"], "tags": ["news"]}
    created = served.post("/posts", json=given)
    assert created.status_code == 201, created.text
    assert served.post("/posts/hello/comments", json={"text": "Nice"}).status_code == 201
    assert served.get("/posts/hello").json() == {
        "title": "Hello",
        "authors": ["Ann", "Bob"],
        "tags": ["news"],
        "comments": ["Nice"],
    }
    assert served.get("/authors/Bob/posts").json() == [{"slug": "hello", "title": "Hello"}]
    assert served.get("/posts").json()["items"] == [created.json()]
    assert is_up_to_date(project)
    assert served.delete("/posts/hello").status_code == 204
    counts = "SELECT (SELECT count(*) FROM comment), (SELECT count(*) FROM post_author)"
    assert asyncio.run(fetch(empty_database, counts)) == [(0, 0)]


def test_a_request_that_fails_half_way_leaves_nothing(
    served: httpx.Client, empty_database: str
) -> None:
    given = {"title": "Hello", "content": "", "authors": ["Ann"], "tags": ["missing"]}
    assert served.post("/posts", json=given).status_code == 404
    counts = "SELECT (SELECT count(*) FROM posts), (SELECT count(*) FROM author)"
    assert asyncio.run(fetch(empty_database, counts)) == [(0, 0)]
    assert served.post("/posts", json={**given, "title": " ", "tags": []}).status_code == 422
    assert asyncio.run(fetch(empty_database, counts)) == [(0, 0)]


async def test_aerich_neither_makes_nor_changes_migrations_in_the_installed_package(
    project: Project, empty_database: str
) -> None:
    package = Path(project.types("python", "-c", "import blogsvc; print(blogsvc.__path__[0])")[:-1])

    def state() -> list[tuple[str, bytes]]:
        return sorted(
            (str(path), path.read_bytes()) for path in package.rglob("*") if path.is_file()
        )

    before = state()
    assert "Instead, `blogsvc adopt`" in project.types(*OURS, "upgrade", "--fake", status=1)
    assert project.types(*OURS, "heads") == project.types(*OURS, "history")
    for _ in range(2):  # on a fresh database, and on one that is migrated
        for command in ("init-db", "init-migrations", "fix-migrations", "migrate"):
            assert "Nothing was changed." in project.types(*OURS, command, status=1)
        assert project.types(*OURS, "history").startswith("0_20251120123456_create_posts.py")
        project.types(*OURS, "upgrade")
    for option, why in {"--fake": "With --fake", "--delete": "--delete would delete"}.items():
        assert why in project.types(*OURS, "downgrade", "--yes", option, status=1)
    assert state() == before
    assert is_up_to_date(project)


async def test_aerich_prints_the_columns_of_every_table(project: Project) -> None:
    project.types(*OURS, "upgrade")
    project.types("aerich", "upgrade")
    said = project.types("aerich", "inspectdb")
    assert "class Posts(Model):" in said
    assert "    search = TSVectorField(null=True)" in said
    assert "    post_id = fields.BigIntField()" in said


async def test_a_host_that_asks_for_heads_of_a_fresh_database_sees_its_own(
    project: Project,
) -> None:
    assert project.types("aerich", "heads").splitlines() == [
        "0_20261125102321_init.py",
        "1_20261125102321_add_tags.py",
    ]


async def test_a_downgrade_that_a_view_of_the_hosts_stops_tells_what_it_has_undone(
    project: Project, empty_database: str
) -> None:
    project.types(*OURS, "upgrade")
    await execute(empty_database, "CREATE VIEW tagged AS SELECT id, tags FROM posts")
    said = project.types(*OURS, "downgrade", "-v", "8", "--yes", status=1)
    assert "8_20261125100100_add_tags stopped: cannot drop column tags" in said
    assert said.count("view tagged depends on column tags") == 1
    assert "CASCADE" not in said  # which would be their view
    applied = await fetch(
        empty_database, "SELECT max(split_part(version, '_', 1)::int) FROM aerich"
    )
    assert applied == [(8,)]
    [kept] = [line for line in said.splitlines() if "Undone before it and kept" in line]
    versions = re.findall(r"(\d+)_\d{14}", kept)
    assert [int(version) for version in versions] == list(range(int(versions[0]), 8, -1))
    assert len(versions) == len(re.findall(r"\.py", project.types(*OURS, "heads")))


async def test_a_migration_of_the_hosts_that_makes_posts_runs_only_after_ours(
    project: Project, empty_database: str
) -> None:
    """Such a file is what `init-db` wrote before the application had our connection."""
    [first] = (project.place / "migrations" / "models").glob("0_*.py")
    made = 'CREATE TABLE IF NOT EXISTS "posts" ("id" BIGSERIAL PRIMARY KEY);\n'
    made += 'CREATE INDEX IF NOT EXISTS "posts_created_at_id_idx" ON "posts" ("id");\n'
    first.write_text(first.read_text().replace("CREATE TABLE", f"{made}CREATE TABLE", 1))
    said = project.types("aerich", "upgrade", status=1)
    assert said.startswith("Error: This migration would make the table posts from the model")
    assert await fetch(empty_database, TABLES) == []
    project.types(*OURS, "upgrade")
    project.types("aerich", "upgrade")
    assert is_up_to_date(project)
