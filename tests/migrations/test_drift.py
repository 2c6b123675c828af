"""`blogsvc check`: what differs from what the migrations build is shown as a diff."""

from __future__ import annotations

from pathlib import Path

import pytest

from blogsvc import BlogService
from blogsvc.errors import MigrationError
from blogsvc.migrator import Migrator, files

from ..support import run
from .migrating import BREAKING, HEAD, NEWER, execute, fetch, make_checkout, recorded

CHANGES = {
    "an index dropped by hand": (
        "DROP INDEX posts_updated_at_id_idx",
        "- index posts_updated_at_id_idx CREATE INDEX posts_updated_at_id_idx ON posts "
        "USING btree (updated_at, id)",
    ),
    "an index that refuses a second title": (
        "CREATE UNIQUE INDEX mine ON posts (title)",
        "+ index mine CREATE UNIQUE INDEX mine ON posts USING btree (title)",
    ),
    "an invalid index": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'posts_slug_key'::regclass",
        "+ index posts_slug_key CREATE UNIQUE INDEX posts_slug_key ON posts USING btree (slug)"
        "  INVALID",
    ),
    "a column that our writes do not fill": (
        "ALTER TABLE posts ADD COLUMN author text NOT NULL",
        "+ column author text not null",
    ),
    "a column whose type has rules of its own": (
        "CREATE DOMAIN author AS text NOT NULL; ALTER TABLE posts ADD COLUMN author author",
        "+ column author author",
    ),
    "a rule for titles added": (
        "ALTER TABLE posts ADD CONSTRAINT short CHECK (length(title) < 9)",
        "+ constraint short CHECK ((length((title)::text) < 9))",
    ),
    "a foreign key on a column of ours": (
        "CREATE TABLE origins (name text PRIMARY KEY); "
        "ALTER TABLE posts ADD CONSTRAINT origin FOREIGN KEY (source) REFERENCES origins",
        "+ constraint origin FOREIGN KEY (source) REFERENCES origins(name)",
    ),
    "a foreign key on a column with a default": (
        "CREATE TABLE authors (id int PRIMARY KEY); ALTER TABLE posts ADD author_id int DEFAULT 1 "
        "CONSTRAINT author REFERENCES authors",
        "+ constraint author FOREIGN KEY (author_id) REFERENCES authors(id)",
    ),
    "a trigger added": (
        "CREATE TRIGGER mine BEFORE UPDATE ON posts FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "+ trigger mine CREATE TRIGGER mine BEFORE UPDATE ON posts FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ),
    "a rewrite rule": (
        "CREATE RULE mine AS ON DELETE TO posts DO INSTEAD NOTHING",
        "+ rule mine CREATE RULE mine AS ON DELETE TO posts DO INSTEAD NOTHING;",
    ),
    "a policy": (
        "CREATE POLICY mine ON posts USING (status = 'published')",
        "+ policy mine * ((status)::text = 'published'::text)",
    ),
    "a table whose rows are read, too": (
        "CREATE TABLE old_posts () INHERITS (posts)",
        "+ table posts ordinary table, with the rows of other tables",
    ),
    "a function that runs with its owner's rights": (
        "ALTER FUNCTION posts_texts_valid SECURITY DEFINER",
        "+ function posts_texts_valid SET search_path=pg_catalog, pg_temp text with md5 "
        "6b96631545667883ff81f09f5fec4a9e SECURITY DEFINER",
    ),
    "a column's type changed": (
        "ALTER TABLE posts ALTER COLUMN status TYPE varchar(30)",
        "+ column status character varying(30) not null default 'draft'::character varying",
    ),
    "a default changed": (
        "ALTER TABLE posts ALTER COLUMN status SET DEFAULT 'published'",
        "+ column status character varying(20) not null default 'published'::character varying",
    ),
    "a column that may be null": (
        "ALTER TABLE posts ALTER COLUMN content DROP NOT NULL",
        "+ column content text",
    ),
    "a constraint that does not hold for old rows": (
        "ALTER TABLE posts DROP CONSTRAINT posts_title_not_blank, "
        "ADD CONSTRAINT posts_title_not_blank CHECK (title ~ '[^[:space:]]') NOT VALID",
        "+ constraint posts_title_not_blank CHECK (((title)::text ~ '[^[:space:]]'::text))"
        "  NOT VALID",
    ),
    "a constraint dropped": (
        "ALTER TABLE posts DROP CONSTRAINT posts_published_has_time",
        "- constraint posts_published_has_time CHECK ((((status)::text <> 'published'::text) OR "
        "(published_at IS NOT NULL)))",
    ),
    "a table that a crash empties": (
        "ALTER TABLE posts SET UNLOGGED",
        "+ table posts ordinary table, unlogged",
    ),
    "rows hidden by a policy": (
        "ALTER TABLE posts ENABLE ROW LEVEL SECURITY",
        "+ table posts ordinary table, row level security",
    ),
    "the table dropped": ("DROP TABLE posts", "- table posts ordinary table"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_made_by_hand_is_seen(empty_database: str, change: str) -> None:
    script, line = CHANGES[change]
    migrator = Migrator(empty_database)
    await migrator.upgrade()
    await execute(empty_database, script)
    report = await migrator.check()
    assert report.drifted
    assert line in report.drift


BESIDE = {
    "a column that may be null": (
        "ALTER TABLE posts ADD COLUMN author text",
        "column author text",
    ),
    "a column with a default": (
        "ALTER TABLE posts ADD COLUMN author text NOT NULL DEFAULT ''",
        "column author text not null default ''::text",
    ),
    "a column that counts": (
        "ALTER TABLE posts ADD COLUMN number int GENERATED ALWAYS AS IDENTITY",
        "column number integer not null generated always as identity",
    ),
    "a column that is computed": (
        "ALTER TABLE posts ADD COLUMN words int GENERATED ALWAYS AS (length(content)) STORED",
        "column words integer generated as length(content)",
    ),
    "a plain index": (
        "CREATE INDEX mine ON posts (title)",
        "index mine CREATE INDEX mine ON posts USING btree (title)",
    ),
    "another table's foreign key": (
        "CREATE TABLE comments (post_id bigint REFERENCES posts ON DELETE CASCADE)",
        "reference comments.comments_post_id_fkey FOREIGN KEY (post_id) REFERENCES posts(id) "
        "ON DELETE CASCADE",
    ),
    "a foreign key on a column that our writes leave null": (
        "CREATE TABLE authors (id int PRIMARY KEY); "
        "ALTER TABLE posts ADD author_id int CONSTRAINT author REFERENCES authors",
        "constraint author FOREIGN KEY (author_id) REFERENCES authors(id)",
    ),
}


@pytest.mark.parametrize("change", BESIDE)
async def test_what_merely_stands_beside_ours_is_told_and_is_no_drift(
    blog_url: str, change: str
) -> None:
    script, line = BESIDE[change]
    await execute(blog_url, script)
    report = await Migrator(blog_url).check()
    assert (report.drift, report.drifted) == ((), False)
    assert line in report.notices
    async with BlogService(blog_url) as blog:
        post = await blog.posts.create("It works", "beside it")
        await blog.posts.update(post.id, title="Still")
        assert (await blog.posts.get(post.id)).title == "Still"
        await blog.posts.delete(post.id)
    ended = await run("blogsvc", "check", url=blog_url)
    assert ended.status == 0
    assert f"beside ours: {line}\n" in ended.output
    assert (await run("blogsvc", "check", "--strict", url=blog_url)).status == 3


@pytest.mark.parametrize(
    ("mode", "ending"),
    [("DISABLE", "  DISABLED"), ("ENABLE REPLICA", "  ONLY IN REPLICATION")],
)
async def test_a_trigger_that_does_not_fire_is_seen(
    empty_database: str, mode: str, ending: str
) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade()
    await execute(empty_database, f"ALTER TABLE posts {mode} TRIGGER posts_keep_rules")
    (missing, found) = (await migrator.check()).drift
    assert missing.startswith("- trigger posts_keep_rules CREATE TRIGGER")
    assert found == f"+{missing[1:]}{ending}"


async def test_a_trigger_that_fires_for_subscriptions_too_is_no_drift(blog_url: str) -> None:
    await execute(blog_url, "ALTER TABLE posts ENABLE ALWAYS TRIGGER posts_keep_rules")
    assert (await Migrator(blog_url).check()).drift == ()
    described = (await run("blogsvc", "describe", url=blog_url)).output
    assert "EXECUTE FUNCTION posts_keep_rules()  ALSO IN REPLICATION" in described


async def test_a_schema_in_the_middle_of_the_way_is_compared_with_that_version(
    empty_database: str,
) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade("3")
    assert (await migrator.check()).drift == ()
    await execute(empty_database, "ALTER TABLE posts ADD COLUMN author text NOT NULL")
    assert (await migrator.check()).drift == ("+ column author text not null",)


async def test_a_pipeline_can_tell_the_four_cases_apart(empty_database: str) -> None:
    async def status() -> int:
        return (await run("blogsvc", "check", url=empty_database)).status

    assert (await run("blogsvc", "check", url="postgresql://nobody@127.0.0.1:1/x")).status == 1
    assert await status() == 2
    await Migrator(empty_database).upgrade()
    assert await status() == 0
    await execute(empty_database, "DROP INDEX posts_updated_at_id_idx")
    assert await status() == 3


async def test_an_edited_file_is_refused_with_the_way_out(
    empty_database: str, tmp_path: Path
) -> None:
    checkout = make_checkout(tmp_path)
    await run("aerich", "upgrade", url=empty_database, checkout=checkout)
    file = checkout / "migrations/blogsvc" / HEAD.version
    file.write_text(file.read_text().replace('"""', '"""Reworded. ', 1))
    for command in (("aerich", "downgrade", "--yes"), ("blogsvc", "downgrade", "--yes")):
        ended = await run(*command, url=empty_database, checkout=checkout)
        assert ended.status == 1
        assert ended.is_one_line, ended.output
        assert f"{HEAD.label} was edited after it was applied" in ended.output
    ended = await run("blogsvc", "check", url=empty_database, checkout=checkout)
    assert (ended.status, ended.output.splitlines()[0]) == (3, f"edited: {HEAD.label}")
    await run("blogsvc", "adopt", url=empty_database, checkout=checkout)
    assert (await run("blogsvc", "check", url=empty_database, checkout=checkout)).status == 0


async def test_line_endings_are_no_edit(empty_database: str, tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path)
    await Migrator(empty_database).upgrade()
    for file in (checkout / "migrations/blogsvc").glob("*.py"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert (await run("blogsvc", "check", url=empty_database, checkout=checkout)).status == 0


async def test_what_a_newer_release_has_applied_is_left_alone(empty_database: str) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade()
    await execute(empty_database, NEWER)
    before = await recorded(empty_database)
    assert [v.version for v in await migrator.status() if v.state == "missing"] == ["99_later.py"]
    assert await migrator.upgrade() == []
    with pytest.raises(MigrationError, match="is ahead of this blogsvc: 99_later is applied"):
        await migrator.downgrade()
    ended = await run("aerich", "upgrade", url=empty_database)
    assert (ended.status, ended.output.strip()) == (0, "No upgrade items found")
    ended = await run("aerich", "downgrade", "--yes", url=empty_database)
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    ended = await run("blogsvc", "check", url=empty_database)
    assert ended.status == 4
    assert ended.output.startswith("missing: 99_later\nA newer blogsvc has migrated")
    assert await recorded(empty_database) == before


async def test_what_a_newer_release_has_broken_is_drift(empty_database: str) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade()
    await execute(empty_database, BREAKING)
    with pytest.raises(MigrationError, match="is ahead of this blogsvc: 99_later is applied"):
        await migrator.upgrade()
    for program in ("aerich", "blogsvc"):
        ended = await run(program, "upgrade", url=empty_database)
        assert (ended.status, ended.is_one_line) == (1, True), ended.output
    assert (await run("blogsvc", "check", url=empty_database)).status == 3


async def test_each_road_records_whether_a_version_is_breaking(
    empty_database: str, tmp_path: Path
) -> None:
    checkout = make_checkout(tmp_path)
    head = checkout / "migrations/blogsvc" / HEAD.version
    head.write_text(f"{head.read_text()}\nBREAKING = True\n")
    breaking = "SELECT version FROM aerich WHERE breaking"
    roads = [("aerich", "upgrade"), ("blogsvc", "upgrade"), ("blogsvc", "adopt")]
    for number, road in enumerate(roads):
        ended = await run(*road, url=empty_database, checkout=checkout)
        assert ended.status == 0, ended.output
        assert await fetch(empty_database, breaking) == [(HEAD.version,)], road
        if number == 0:
            await run("aerich", "downgrade", "--yes", url=empty_database, checkout=checkout)
        else:
            await execute(empty_database, "TRUNCATE aerich")
    await execute(empty_database, "DROP TABLE posts")
    script = await run("blogsvc", "sql", url=empty_database, checkout=checkout)
    assert "true);" in script.output


async def test_a_version_passed_over_is_out_of_order(empty_database: str) -> None:
    migrator = Migrator(empty_database)
    await migrator.upgrade()
    await execute(empty_database, "DELETE FROM aerich WHERE version LIKE '2\\_%'")
    found = [v.label for v in await migrator.status() if v.state == "out of order"]
    assert found == ["2_20261125090100_add_slug"]
    with pytest.raises(MigrationError, match="no release of blogsvc leads there"):
        await migrator.upgrade()
    assert await migrator.adopt() == ["2_20261125090100_add_slug.py"]
    assert not (await migrator.check()).drifted
    assert await recorded(empty_database) == [file.version for file in files.all_files()]
