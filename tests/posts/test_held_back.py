"""What something of the host's on the table keeps from being stored is never told as stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from blogsvc import BlogService
from blogsvc.errors import DatabaseError, PostNotFound, VersionConflict
from blogsvc.posts.repository import PostRepository

TRIGGER = """
    CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON posts
        FOR EACH ROW EXECUTE FUNCTION keep()"""

POLICY = """
    CREATE ROLE blogsvc_visitor;
    GRANT SELECT, INSERT, UPDATE, DELETE ON posts TO blogsvc_visitor;
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY read ON posts FOR SELECT USING (true);
    SET LOCAL ROLE blogsvc_visitor"""

CHANGES: dict[str, Callable[[PostRepository, int], Awaitable[object]]] = {
    "update": lambda posts, id: posts.update(id, title="Other", tags=["new"], metadata={"a": 1}),
    "rename": lambda posts, id: posts.update(id, slug="elsewhere"),
    "update of a version": lambda posts, id: posts.update(id, content="X", expected_version=1),
    "publish": lambda posts, id: posts.publish(id),
    "delete": lambda posts, id: posts.delete(id),
    "delete what may be missing": lambda posts, id: posts.delete(id, missing_ok=True),
    "delete of a version": lambda posts, id: posts.delete(id, expected_version=1),
}
# Of these, PostgreSQL tells itself that a policy keeps them.
UPSERTS: dict[str, Callable[[PostRepository, int], Awaitable[object]]] = {
    "upsert": lambda posts, id: posts.upsert("post", title="Other", content="Text"),
    "upsert of a new post": lambda posts, id: posts.upsert("new", title="New", content=""),
}
CASES = [
    *(("trigger", call) for call in CHANGES | UPSERTS),
    *(("policy", call) for call in CHANGES),
]


@pytest.mark.parametrize(("obstacle", "call"), CASES)
async def test_what_is_held_back_is_an_error(
    blog: BlogService, sql: asyncpg.Connection, obstacle: str, call: str
) -> None:
    post = await blog.posts.create("Post", "Text", slug="post")
    around = sql.transaction()
    await around.start()
    try:
        await sql.execute({"trigger": TRIGGER, "policy": POLICY}[obstacle])
        async with blog.transaction(connection=sql):
            with pytest.raises(DatabaseError, match="gave no reason: a trigger of yours"):
                await (CHANGES | UPSERTS)[call](blog.posts, post.id)
            assert await blog.posts.get(post.id) == post
    finally:
        await around.rollback()


async def test_what_would_change_nothing_is_not_held_back(
    blog: BlogService, sql: asyncpg.Connection
) -> None:
    post = await blog.posts.create("Post", "Text", slug="post", tags=["a"], metadata={"b": [1]})
    around = sql.transaction()
    await around.start()
    try:
        await sql.execute(TRIGGER)
        async with blog.transaction(connection=sql):
            same = await blog.posts.update(post.id, title="Post", tags=["a"], metadata={"b": [1]})
            assert same == await blog.posts.unpublish(post.id) == post
            assert await blog.posts.upsert("post", title="Post", content="Text") == (post, False)
            await blog.posts.delete(post.id + 1, missing_ok=True)
            with pytest.raises(PostNotFound):
                await blog.posts.update(post.id + 1, title="Other")
            with pytest.raises(VersionConflict):
                await blog.posts.update(post.id, title="Other", expected_version=2)
            with pytest.raises(VersionConflict):
                await blog.posts.delete(post.id, expected_version=2)
    finally:
        await around.rollback()
