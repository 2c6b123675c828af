"""What Tortoise and Aerich make of `posts` without our migrations is recognised and repaired.

Tables are made by Tortoise's own engine, as in an application that does not know our recipe.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tortoise.context import TortoiseContext

from blogsvc import BlogService
from blogsvc.errors import MigrationError, SchemaOutOfDate
from blogsvc.migrator import Migrator, files

from ..migrations.migrating import execute, fetch, recorded
from ..support import run
from .shop import configuration, stock_connection

pytestmark = pytest.mark.usefixtures("kept_environment")

ALL = [file.version for file in files.all_files()]
BOGUS = "16_20261125102805_None.py"

MADE_BY_0_1_0 = """
    CREATE TABLE "posts" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "title" VARCHAR(255) NOT NULL,
        "content" TEXT NOT NULL,
        "slug" VARCHAR(255) NOT NULL UNIQUE,
        "status" VARCHAR(20) NOT NULL,
        "published_at" TIMESTAMPTZ,
        "version" INT NOT NULL,
        "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
        "updated_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
    );
    CREATE INDEX "posts_created_at_id_idx" ON "posts" ("created_at", "id");
    CREATE INDEX "posts_updated_at_id_idx" ON "posts" ("updated_at", "id");
    CREATE INDEX "posts_published_at_id_idx" ON "posts" ("published_at", "id");
    CREATE INDEX "posts_status_created_at_id_idx" ON "posts" ("status", "created_at", "id");"""
"""What Tortoise made of the model of blogsvc 0.1.0."""

POSTS = """
    INSERT INTO posts (id, title, content, slug, status, published_at, version, created_at,
        updated_at{columns})
    SELECT n, 'Post ' || n, repeat('text ', n::int), 'post-' || n, 'published',
        '2026-01-01Z'::timestamptz + n * interval '1 day', n, '2026-01-01Z', '2026-02-02Z'{values}
    FROM generate_series(1, 30) AS n;
    DELETE FROM posts WHERE id = 7;
    SELECT setval('posts_id_seq', 40);"""
LOOKING = {"status": 0, "check": 3, "describe": 0, "sql": 1, "adopt": 1}
"""Commands that change nothing where Tortoise has made the table, and their exit codes."""

READ = """
    SELECT id, title, content, slug, status, published_at, version, created_at, updated_at
    FROM posts ORDER BY id"""


async def make_by_todays_model(url: str) -> None:
    """Make the tables of the host, and `posts`, as Tortoise does."""
    config = configuration(url)
    config["connections"]["default"] = stock_connection(url)
    with TortoiseContext() as context:
        await context.init(config=config)
        await context.generate_schemas()
        await context.close_connections()


async def make_by_the_model_of_0_1_0(url: str) -> None:
    await execute(url, MADE_BY_0_1_0)


MAKERS = {"today": make_by_todays_model, "0.1.0": make_by_the_model_of_0_1_0}


async def is_as_our_migrations_make_it(url: str) -> bool:
    report = await Migrator(url).check()
    return not report.pending and not report.drifted and await recorded(url) == ALL


@pytest.mark.parametrize("made", MAKERS)
@pytest.mark.parametrize("filled", [False, True])
async def test_a_table_that_tortoise_made_is_replaced_and_every_post_kept(
    empty_database: str, made: str, filled: bool
) -> None:
    await MAKERS[made](empty_database)
    if filled:
        more = ("tags", "metadata", "former_slugs") if made == "today" else ()
        columns = "".join(f", {name}" for name in more)
        values = ", ARRAY['a', 'b'], '{\"by\": \"Ann\"}', ARRAY['old-' || n]" if more else ""
        await execute(empty_database, POSTS.format(columns=columns, values=values))
    before = await fetch(empty_database, READ)
    assert len(before) == (29 if filled else 0)
    repaired = await Migrator(empty_database).repair()
    assert repaired.posts == len(before)
    assert await fetch(empty_database, READ) == before
    assert await is_as_our_migrations_make_it(empty_database)
    async with BlogService(empty_database) as blog:
        created = await blog.posts.create("Next", "text")
        assert created.id == (41 if filled else 1)  # no id is given twice
        assert (await blog.posts.search("text", limit=100)).items
        if filled and made == "today":
            found = await blog.posts.get_by_slug("old-30")
            assert (found.id, found.tags, found.metadata) == (30, ("a", "b"), {"by": "Ann"})


async def test_foreign_keys_and_grants_are_as_they_were(empty_database: str) -> None:
    await make_by_todays_model(empty_database)
    await execute(
        empty_database,
        """
        INSERT INTO posts (title, content, slug, status, version, tags, metadata, former_slugs)
        VALUES ('Hello', '', 'hello', 'draft', 1, '{}', '{}', '{}');
        INSERT INTO comment (text, post_id) VALUES ('Nice', 1);
        DROP ROLE IF EXISTS reader_of_repair;
        CREATE ROLE reader_of_repair;
        GRANT SELECT ON posts TO reader_of_repair""",
    )
    keys = """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated
        FROM pg_constraint WHERE contype = 'f' ORDER BY 1, 2"""
    before = await fetch(empty_database, keys)
    try:
        planned = await Migrator(empty_database).plan_repair()
        assert [key.name for key in planned.foreign_keys] == [
            "comment_post_id_fkey",
            "label_posts_post_id_fkey",
        ]
        await Migrator(empty_database).repair(expect=planned)
        assert await fetch(empty_database, keys) == before
        may = "SELECT has_table_privilege('reader_of_repair', 'posts', 'SELECT')"
        assert await fetch(empty_database, may) == [(True,)]
        await execute(empty_database, "DELETE FROM posts")
        assert await fetch(empty_database, "SELECT count(*) FROM comment") == [(0,)]
    finally:
        await execute(empty_database, "DROP OWNED BY reader_of_repair; DROP ROLE reader_of_repair")


async def test_the_command_shows_what_it_will_do_and_asks(empty_database: str) -> None:
    await make_by_the_model_of_0_1_0(empty_database)
    await execute(empty_database, POSTS.format(columns="", values=""))
    for command in ("blogsvc", "aerich"):
        ended = await run(command, "upgrade", url=empty_database)
        assert (ended.status, ended.is_one_line) == (1, True), ended.output
        assert "Type `blogsvc adopt --repair`" in ended.output
    for command, status in LOOKING.items():
        ended = await run("blogsvc", command, url=empty_database)
        assert (ended.status, ended.output.count("Type `blogsvc adopt --repair`")) == (status, 1)
    ended = await run("blogsvc", "adopt", "--repair", url=empty_database)
    assert "move all 29 posts there, and drop the table that Tortoise has made" in ended.output
    assert ended.status == 1  # nobody has said yes
    assert await fetch(empty_database, "SELECT to_regclass('aerich')") == [(None,)]
    ended = await run("blogsvc", "adopt", "--repair", "--yes", url=empty_database)
    assert ended.status == 0, ended.output
    assert "Repaired. 29 posts are where they belong." in ended.output
    assert "have tortoise_connection() and tortoise_app() in your TORTOISE_ORM" in ended.output
    assert await is_as_our_migrations_make_it(empty_database)
    again = await run("blogsvc", "adopt", "--repair", "--yes", url=empty_database)
    assert again.output == "Nothing to repair. Next: blogsvc check\n"


async def test_a_post_that_breaks_a_rule_stops_it_and_nothing_is_changed(
    empty_database: str,
) -> None:
    await make_by_the_model_of_0_1_0(empty_database)
    await execute(empty_database, POSTS.format(columns="", values=""))
    await execute(empty_database, "UPDATE posts SET title = ' ' WHERE id = 3")
    facts = "SELECT indexdef FROM pg_indexes WHERE tablename = 'posts' ORDER BY 1"
    before = await fetch(empty_database, READ), await fetch(empty_database, facts)
    with pytest.raises(MigrationError, match=r'(?s)"posts_title_not_blank".*Failing row .*\(3,'):
        await Migrator(empty_database).repair()
    assert (await fetch(empty_database, READ), await fetch(empty_database, facts)) == before
    await execute(empty_database, "UPDATE posts SET title = 'Untitled' WHERE id = 3")
    await Migrator(empty_database).repair()
    assert await is_as_our_migrations_make_it(empty_database)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER TABLE posts ADD COLUMN author TEXT", "column author"),
        ("CREATE INDEX mine ON posts (title)", "index mine"),
        ("ALTER TABLE posts ADD CONSTRAINT mine CHECK (version > 0)", "constraint mine"),
        ("CREATE POLICY mine ON posts", "policy mine"),
    ],
)
async def test_a_table_with_more_than_tortoise_makes_is_left_alone(
    empty_database: str, change: str, named: str
) -> None:
    await make_by_the_model_of_0_1_0(empty_database)
    await execute(empty_database, change)
    with pytest.raises(MigrationError, match=named):
        await Migrator(empty_database).repair()
    await execute(empty_database, "INSERT INTO posts VALUES (1, '', '', '', '', NULL, 1)")


async def test_a_view_that_holds_the_table_is_named_and_nothing_is_changed(
    empty_database: str,
) -> None:
    await make_by_the_model_of_0_1_0(empty_database)
    await execute(empty_database, POSTS.format(columns="", values=""))
    await execute(empty_database, "CREATE VIEW titles AS SELECT title FROM posts")
    with pytest.raises(MigrationError, match="view titles depends on"):
        await Migrator(empty_database).repair()
    assert await fetch(empty_database, "SELECT count(*) FROM titles, posts") == [(29 * 29,)]


async def test_a_row_that_init_db_recorded_on_a_migrated_database_goes(blog_url: str) -> None:
    await record_bogus(blog_url, BOGUS)
    for command in ("status", "check", "describe"):
        said = (await run("blogsvc", command, url=blog_url)).output
        assert "bogus" in said
        assert "16_20261125102805_None" in said
        assert "Type `blogsvc adopt --repair`" in said
    for words in (("blogsvc", "adopt"), ("aerich", "downgrade", "--yes")):
        ended = await run(*words, url=blog_url)
        assert (ended.status, ended.is_one_line) == (1, True), ended.output
        assert "Type `blogsvc adopt --repair`" in ended.output
    # There is nothing to apply, so that no deployment is held up by it.
    assert (await run("blogsvc", "upgrade", url=blog_url)).status == 0
    planned = await Migrator(blog_url).plan_repair()
    assert (planned.bogus, planned.rebuilt, planned.adopted) == ((BOGUS,), False, ())
    await Migrator(blog_url).repair(expect=planned)
    assert await is_as_our_migrations_make_it(blog_url)


async def test_a_service_opens_beside_such_a_row_with_a_warning(
    blog_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await record_bogus(blog_url, BOGUS)
    async with BlogService(blog_url) as blog:
        await blog.ping()
    assert "blogsvc adopt --repair" in caplog.text
    await execute(blog_url, f"DELETE FROM aerich WHERE version = '{ALL[-1]}'")
    with pytest.raises(SchemaOutOfDate, match="blogsvc adopt --repair"):
        await BlogService(blog_url).open()


async def test_undoing_passes_over_such_a_row(blog_url: str) -> None:
    await record_bogus(blog_url, BOGUS)
    assert await Migrator(blog_url).downgrade() == [ALL[-1]]
    with pytest.raises(MigrationError, match="blogsvc adopt --repair"):
        await Migrator(blog_url).upgrade()
    await Migrator(blog_url).repair()
    await Migrator(blog_url).upgrade()
    assert await is_as_our_migrations_make_it(blog_url)


async def test_what_somebody_has_changed_since_it_was_planned_is_not_repaired(
    blog_url: str,
) -> None:
    await record_bogus(blog_url, BOGUS)
    planned = await Migrator(blog_url).plan_repair()
    await record_bogus(blog_url, "17_20261125102806_None.py")
    with pytest.raises(MigrationError, match="Somebody has changed the database"):
        await Migrator(blog_url).repair(expect=planned)
    assert len(await recorded(blog_url)) == len(ALL) + 2


async def test_a_schema_that_only_lost_its_history_is_adopted(blog_url: str) -> None:
    await execute(blog_url, "DROP TABLE aerich")
    with pytest.raises(MigrationError, match="type `blogsvc adopt`"):
        await Migrator(blog_url).upgrade()
    planned = await Migrator(blog_url).plan_repair()
    assert (planned.rebuilt, list(planned.adopted)) == (False, ALL)
    await Migrator(blog_url).repair()
    assert await is_as_our_migrations_make_it(blog_url)


@pytest.mark.parametrize("migrated_before", [False, True])
async def test_what_the_stock_init_db_does_to_our_app_is_repaired(
    empty_database: str, tmp_path: Path, migrated_before: bool
) -> None:
    """The whole way: Aerich's own command, Tortoise's own engine, and no recipe of ours."""
    if migrated_before:
        await Migrator(empty_database).upgrade()
    apps = {
        "blogsvc": {
            "models": ["blogsvc.models", "aerich.models"],
            "default_connection": "default",
        }
    }
    orm = {"connections": {"default": stock_connection(empty_database)}, "apps": apps}
    (tmp_path / "settings.py").write_text(f"TORTOISE_ORM = {orm!r}")
    (tmp_path / "pyproject.toml").write_text(
        "[tool.aerich]\n"
        + "\n".join(
            f"{name} = {json.dumps(value)}"
            for name, value in {
                "tortoise_orm": "settings.TORTOISE_ORM",
                "location": "./migrations",
                "src_folder": "./.",
            }.items()
        )
    )
    ended = await run("aerich", "init-db", checkout=tmp_path)
    assert "Success writing schemas" in ended.output, ended.output
    [written] = (tmp_path / "migrations" / "blogsvc").glob("*.py")
    assert files.is_bogus(written.name)
    planned = await Migrator(empty_database).plan_repair()
    assert (planned.bogus, planned.rebuilt) == ((written.name,), not migrated_before)
    ended = await run("blogsvc", "adopt", "--repair", "--yes", url=empty_database)
    assert ended.status == 0, ended.output
    assert await is_as_our_migrations_make_it(empty_database)


def test_no_migration_of_ours_has_a_name_that_aerich_gives() -> None:
    assert not [version for version in ALL if files.is_bogus(version)]
    assert not files.is_bogus("99_later.py")


async def record_bogus(url: str, version: str) -> None:
    await execute(
        url, f"INSERT INTO aerich (version, app, content) VALUES ('{version}', 'blogsvc', '{{}}')"
    )
