"""Tables of other shapes than the tutorial's: the first three as sequelize 6 makes them."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from blogsvc.errors import MigrationError, RowRefused
from blogsvc.migrator import Migrator, TakenOver, take_over

from ..support import run
from .migrating import execute, fetch

ENUM = """
    CREATE TYPE "enum_Posts_status" AS ENUM ('Draft', 'Published', 'Archived', 'pending');
    CREATE TABLE "Posts" (
        id SERIAL PRIMARY KEY, title VARCHAR(255), content TEXT,
        status "enum_Posts_status" DEFAULT 'Draft',
        "createdAt" TIMESTAMPTZ NOT NULL, "updatedAt" TIMESTAMPTZ NOT NULL);
    INSERT INTO "Posts" (title, content, status, "createdAt", "updatedAt") VALUES
        ('One', 'x', 'Published', '2025-01-01Z', '2025-01-02Z'),
        ('Two', 'x', 'pending', '2025-01-01Z', '2025-01-02Z'),
        ('Three', 'x', NULL, '2025-01-01Z', '2025-01-02Z')"""

PARANOID = """
    CREATE TABLE blog_posts (
        id SERIAL PRIMARY KEY, title TEXT NOT NULL, content TEXT,
        published BOOLEAN DEFAULT false NOT NULL, slug VARCHAR(500) UNIQUE, tags VARCHAR(255)[],
        meta JSONB, settings JSON, views INTEGER DEFAULT 0, author_id INTEGER,
        created_at TIMESTAMPTZ NOT NULL, updated_at TIMESTAMPTZ NOT NULL, deleted_at TIMESTAMPTZ);
    INSERT INTO blog_posts (title, content, published, slug, tags, meta, settings, author_id,
        created_at, updated_at, deleted_at) VALUES
        (repeat('word ', 60), 'x', true, 'My-Slug', '{" a",b,a,NULL,""}', '{"a": {"b": null}}',
            '[1]', 7, '2025-01-01Z', '2025-01-02Z', NULL),
        ('Gone', 'x', true, NULL, NULL, NULL, NULL, NULL,
            '2025-01-01Z', '2025-01-02Z', '2025-01-03Z'),
        ('Held back', 'x', false, NULL, NULL, NULL, NULL, NULL,
            '2025-01-01Z', '2025-01-02Z', NULL)"""

UUID = """
    CREATE TABLE "Posts" (
        id UUID PRIMARY KEY, title VARCHAR(255), content TEXT, status INTEGER DEFAULT 0,
        "createdAt" TIMESTAMPTZ NOT NULL, "updatedAt" TIMESTAMPTZ NOT NULL,
        "deletedAt" TIMESTAMPTZ);
    INSERT INTO "Posts"
        SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Same title', 'x',
            n % 3, '2025-01-01Z', '2025-01-02Z', NULL
        FROM generate_series(1, 5) AS n"""


async def taken(url: str, ddl: str, **options: Any) -> TakenOver:
    await execute(url, ddl)
    return await take_over(Migrator(url), **options)


async def test_an_enum_is_read_by_its_labels_in_any_case(empty_database: str) -> None:
    found = await taken(empty_database, ENUM)
    assert (found.created, found.became_drafts) == (3, {"pending": 1})
    made = await fetch(empty_database, "SELECT status, published_at FROM posts ORDER BY id")
    assert [row[0] for row in made] == ["published", "draft", "draft"]
    again = await take_over(Migrator(empty_database))
    assert (again.created, again.updated, again.others) == (0, 0, ())


async def test_an_underscored_and_renamed_table_keeps_its_slugs_tags_and_other_columns(
    empty_database: str,
) -> None:
    found = await taken(empty_database, PARANOID, table="blog_posts")
    assert (found.created, found.cut_titles, found.soft_deleted) == (3, 1, 1)
    title, slug, tags, status = (
        await fetch(empty_database, "SELECT title, slug, tags, status FROM posts WHERE id = 1")
    )[0]
    assert (slug, tags, status) == ("My-Slug", ["a", "b"], "published")
    assert title == ("word " * 51).strip()
    kept = """SELECT metadata->>'title' = repeat('word ', 60), metadata - 'title'
        = '{"meta": {"a": {"b": null}}, "settings": [1], "views": 0, "author_id": 7}'
        FROM posts WHERE id = 1"""
    assert await fetch(empty_database, kept) == [(True, True)]
    again = await take_over(Migrator(empty_database), table="blog_posts")
    assert (again.created, again.updated) == (0, 0)


async def test_what_is_deleted_or_held_back_there_is_not_public_here(empty_database: str) -> None:
    await taken(empty_database, PARANOID, table="blog_posts")
    query = "SELECT status, metadata ->> 'deleted_at' IS NULL FROM posts WHERE id > 1 ORDER BY id"
    assert await fetch(empty_database, query) == [("archived", False), ("draft", True)]


async def test_deleting_and_restoring_there_reaches_a_post_that_was_taken_over(
    empty_database: str,
) -> None:
    await taken(empty_database, PARANOID, table="blog_posts")
    status = "SELECT status FROM posts WHERE id = 1"
    changes = {"deleted_at = now()": "archived", "deleted_at = NULL": "published"}
    for change, expected in changes.items():
        # As Model.destroy and Model.restore do it: updated_at stays.
        await execute(empty_database, f"UPDATE blog_posts SET {change} WHERE id = 1")
        found = await take_over(Migrator(empty_database), table="blog_posts")
        assert found.updated == 1
        assert await fetch(empty_database, status) == [(expected,)]


async def test_what_was_edited_here_is_archived_when_it_is_deleted_there_later(
    empty_database: str,
) -> None:
    await taken(empty_database, PARANOID, table="blog_posts")
    await execute(empty_database, "UPDATE posts SET title = 'Mine' WHERE id = 1")
    await execute(
        empty_database, "UPDATE blog_posts SET deleted_at = now() + interval '1 s' WHERE id = 1"
    )
    found = await take_over(Migrator(empty_database), table="blog_posts")
    assert (found.updated, found.edited_here) == (1, 1)
    query = "SELECT title, status FROM posts WHERE id = 1"
    assert await fetch(empty_database, query) == [("Mine", "archived")]


async def test_a_uuid_gets_an_id_of_ours_and_is_known_again(empty_database: str) -> None:
    found = await taken(empty_database, UUID, statuses={"1": "published", "2": "archived"})
    assert (found.created, found.became_drafts) == (5, {"0": 1})
    query = """SELECT count(DISTINCT slug), count(*) FILTER (WHERE status = 'published'),
        count(*) FILTER (WHERE source = 'sequelize:Posts/' || (metadata #>> '{sequelize,id}'))
        FROM posts"""
    assert await fetch(empty_database, query) == [(5, 2, 5)]
    await execute(
        empty_database,
        """UPDATE "Posts" SET title = 'Changed', "updatedAt" = now() WHERE id::text LIKE '%2';
        INSERT INTO "Posts" VALUES (gen_random_uuid(), 'New', 'x', 1, now(), now(), NULL)""",
    )
    again = await take_over(Migrator(empty_database), statuses={"1": "published", "2": "archived"})
    assert (again.created, again.updated, again.total, again.only_here) == (1, 1, 6, 0)


async def test_a_number_publishes_nothing_that_nobody_explained(empty_database: str) -> None:
    found = await taken(empty_database, UUID)
    assert found.became_drafts == {"1": 2, "2": 2, "0": 1}
    assert await fetch(empty_database, "SELECT DISTINCT status FROM posts") == [("draft",)]
    ended = await run("blogsvc", "import-sequelize", "--status", "0=draft,1=published",
                      "--status", "2=archived", url=empty_database)  # fmt: skip
    assert "0 created, 5 updated, 0 as they were" in ended.output
    query = "SELECT status, count(*) FROM posts GROUP BY status ORDER BY status"
    assert await fetch(empty_database, query) == [("archived", 2), ("draft", 1), ("published", 2)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("TIMESTAMPTZ", "'2025-11-20 13:34:56.789+01'"),
        ("TIMESTAMP", "'2025-11-20 12:34:56.789'"),
        ("BIGINT", "1763642096789"),
        ("DOUBLE PRECISION", "1763642096.789"),
        ("TEXT", "'1763642096789'"),
        ("TEXT", "'2025-11-20T12:34:56.789Z'"),
        ("TEXT", "'Thu Nov 20 2025 13:34:56.789 GMT+0100 (Central European Standard Time)'"),
    ],
)
async def test_a_time_of_any_type_is_the_same_moment(
    empty_database: str, kind: str, value: str
) -> None:
    await execute(
        empty_database,
        f"""CREATE TABLE "Posts" (id SERIAL PRIMARY KEY, title TEXT, content TEXT, status TEXT,
            "createdAt" {kind}, "updatedAt" {kind});
        INSERT INTO "Posts" (title, "createdAt", "updatedAt") VALUES ('x', {value}, {value})""",
    )
    database = await fetch(empty_database, "SELECT quote_ident(current_database())")
    await execute(
        empty_database, f"ALTER DATABASE {database[0][0]} SET timezone TO 'America/New_York'"
    )
    await take_over(Migrator(empty_database))
    query = """SELECT date_trunc('ms', created_at) = '2025-11-20 12:34:56.789Z', created_at =
        updated_at FROM posts"""
    assert await fetch(empty_database, query) == [(True, True)]
    again = await take_over(Migrator(empty_database))
    assert (again.created, again.updated, again.others) == (0, 0, ())


async def test_rows_without_times_are_known_again_and_keep_up(empty_database: str) -> None:
    ddl = """
        CREATE TABLE posts_of_old (key VARCHAR(64) PRIMARY KEY, title VARCHAR(255), content TEXT);
        INSERT INTO posts_of_old VALUES ('a/b', NULL, NULL), ('Ä', 'Umlaut', 'x')"""
    found = await taken(empty_database, ddl, table="posts_of_old")
    assert (found.created, found.status) == (2, None)
    for text in ("once", "twice", "three times"):
        await execute(empty_database, f"UPDATE posts_of_old SET content = '{text}'")
        found = await take_over(Migrator(empty_database), table="posts_of_old")
        assert (found.created, found.updated) == (0, 2)
        assert await fetch(empty_database, "SELECT DISTINCT content FROM posts") == [(text,)]
    assert await fetch(empty_database, "SELECT DISTINCT status FROM posts") == [("draft",)]


async def test_a_slug_that_changes_there_changes_here_and_the_old_one_leads_on(
    empty_database: str,
) -> None:
    await taken(empty_database, PARANOID, table="blog_posts")
    await execute(empty_database, "UPDATE blog_posts SET slug = 'moved' WHERE id = 1")
    await take_over(Migrator(empty_database), table="blog_posts")
    query = "SELECT slug, former_slugs FROM posts WHERE id = 1"
    assert await fetch(empty_database, query) == [("moved", ["My-Slug"])]
    assert (await take_over(Migrator(empty_database), table="blog_posts")).updated == 0


async def test_a_view_is_good_enough_and_a_lower_case_table_in_another_schema(
    empty_database: str,
) -> None:
    await execute(
        empty_database,
        ENUM
        + """; CREATE SCHEMA shop; CREATE VIEW shop.blog AS
            SELECT id, title, content, 'published' AS status FROM public."Posts";
        CREATE TABLE public.posts (id INT PRIMARY KEY, title TEXT, body TEXT, "isPublished" BOOL);
        INSERT INTO public.posts VALUES (1, 'Lower', 'body', true)""",
    )
    migrator = Migrator(empty_database, schema="blog")
    assert (await take_over(migrator, table='shop."blog"')).created == 3
    assert (await take_over(Migrator(empty_database, schema="other"), table="posts")).created == 1
    query = "SELECT id, title, content, status FROM other.posts"
    assert await fetch(empty_database, query) == [(1, "Lower", "body", "published")]


async def has_changed(url: str) -> bool:
    found = await fetch(url, "SELECT to_regclass('aerich') IS NOT NULL")
    return bool(found[0][0])


async def test_a_table_of_our_own_name_is_told_before_anything_is_migrated(
    empty_database: str,
) -> None:
    await execute(empty_database, ENUM.replace('"Posts"', "posts"))
    with pytest.raises(MigrationError, match="--schema blog"):
        await take_over(Migrator(empty_database))
    assert not await has_changed(empty_database)
    assert (await take_over(Migrator(empty_database, schema="blog"))).created == 3


async def test_the_wrong_database_is_told_apart_from_an_empty_table(empty_database: str) -> None:
    with pytest.raises(MigrationError, match="It has no table at all"):
        await take_over(Migrator(empty_database))
    await execute(empty_database, PARANOID)
    with pytest.raises(MigrationError, match=r'look like one: "public"."blog_posts".* --table'):
        await take_over(Migrator(empty_database))
    assert not await has_changed(empty_database)
    await execute(empty_database, ENUM + '; DELETE FROM "Posts"')
    ended = await run("blogsvc", "import-sequelize", url=empty_database)
    assert (ended.status, ended.output.splitlines()[-2:]) == (
        0,
        ["0 created, 0 updated, 0 as they were", '"Posts" is empty.'],
    )


COLUMNS = {
    "id": "INT PRIMARY KEY",
    "title": "TEXT",
    "content": "TEXT",
    "createdAt": "TEXT",
    "settings": "JSON",
}


def table_with(**types: str) -> str:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in {**COLUMNS, **types}.items())
    return f'CREATE TABLE "Posts" ({columns})'


@pytest.mark.parametrize(
    ("types", "told"),
    [
        ({"title": "BYTEA"}, "title .* of type bytea"),
        ({"createdAt": "BOOLEAN"}, "createdAt .* of type boolean"),
        ({"id": "JSONB"}, "is of type jsonb; an id is"),
        ({"id": "INT"}, None),
    ],
)
async def test_types_are_looked_at_before_anything_is_written(
    empty_database: str, types: dict[str, str], told: str | None
) -> None:
    await execute(empty_database, table_with(**types))
    if told is None:
        await take_over(Migrator(empty_database))
        return
    with pytest.raises(MigrationError, match=told):
        await take_over(Migrator(empty_database))
    assert not await has_changed(empty_database)


@pytest.mark.parametrize(
    ("row", "column", "key"),
    [
        ("2500, 'x', 'x', 'yesterday or so', NULL", "createdAt", "2500"),
        ("2500, 'x', 'x', 'infinity', NULL", "createdAt", "2500"),
        ("2500, 'x', 'x', NULL, '{\"a\": \"\\u0000\"}'", "settings", "2500"),
        ("-1, 'x', 'x', NULL, NULL", "id", "-1"),
        ("NULL, 'x', 'x', NULL, NULL", "id", None),
        ("7, 'x', 'x', NULL, NULL", "id", "7"),
    ],
)
async def test_a_row_that_cannot_be_a_post_is_named_before_anything_is_written(
    empty_database: str, row: str, column: str, key: str | None
) -> None:
    await execute(
        empty_database,
        table_with(id="INT")
        + """; INSERT INTO "Posts" SELECT n, 'x', 'x', '2025-01-01', '{}'
            FROM generate_series(1, 4500) AS n WHERE n <> 2500;"""
        + f'INSERT INTO "Posts" VALUES ({row})',
    )
    with pytest.raises(RowRefused) as caught:
        await take_over(Migrator(empty_database))
    assert (caught.value.row, caught.value.column) == (key, column)
    assert not await has_changed(empty_database)


async def test_a_row_that_the_table_here_refuses_is_named_and_the_others_can_follow(
    empty_database: str,
) -> None:
    await Migrator(empty_database).upgrade()
    await execute(
        empty_database,
        "ALTER TABLE posts ADD CONSTRAINT house_rule CHECK (content <> 'bad');"
        + table_with()
        + """; INSERT INTO "Posts" SELECT n, 'x', CASE n WHEN 3210 THEN 'bad' ELSE 'x' END,
            '2025-01-01', NULL FROM generate_series(1, 4500) AS n""",
    )
    with pytest.raises(RowRefused, match="house_rule") as caught:
        await take_over(Migrator(empty_database))
    assert caught.value.row == "3210"
    await execute(empty_database, """UPDATE "Posts" SET content = 'good' WHERE id = 3210""")
    found = await take_over(Migrator(empty_database))
    assert (found.created, found.total) == (2500, 4500)


async def test_a_role_that_may_not_read_the_table_is_told_what_to_grant(
    empty_database: str,
) -> None:
    role = f"reader_{secrets.token_hex(4)}"
    await execute(
        empty_database,
        f'{ENUM}; CREATE ROLE {role} LOGIN; GRANT SELECT (id, title) ON "Posts" TO {role}',
    )
    url = empty_database.replace("postgres@", f"{role}@", 1)
    try:
        grant = rf'column "content".*GRANT SELECT ON "public"."Posts" TO {role}'
        with pytest.raises(MigrationError, match=grant):
            await take_over(Migrator(url))
        await execute(
            empty_database,
            f'GRANT SELECT ON "Posts" TO {role}; ALTER TABLE "Posts" ENABLE ROW LEVEL SECURITY',
        )
        with pytest.raises(MigrationError, match="Row security hides rows"):
            await take_over(Migrator(url))
    finally:
        await execute(empty_database, f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert not await has_changed(empty_database)
