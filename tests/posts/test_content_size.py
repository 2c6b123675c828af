"""A content too large to be stored is refused before it is sent, and the largest is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from blogsvc import BlogService, NewPost
from blogsvc.errors import InvalidPost
from blogsvc.posts.validation import MAX_CONTENT, check_content

FOUR_BYTES = "😀"

WRITES: list[Callable[[BlogService, str], Awaitable[object]]] = [
    lambda blog, content: blog.posts.create("Hello", content),
    lambda blog, content: blog.posts.create_many([NewPost("A", "a"), NewPost("Hello", content)]),
    lambda blog, content: blog.posts.update(1, content=content),
    lambda blog, content: blog.posts.upsert("hello", title="Hello", content=content),
]


@pytest.mark.parametrize(
    ("letter", "times"), [("x", MAX_CONTENT + 1), (FOUR_BYTES, MAX_CONTENT // 4 + 1)]
)
@pytest.mark.parametrize("write", WRITES, ids=["create", "create_many", "update", "upsert"])
async def test_a_content_that_is_too_long_is_refused_by_every_call(
    blog: BlogService,
    sql: asyncpg.Connection,
    write: Callable[[BlogService, str], Awaitable[object]],
    letter: str,
    times: int,
) -> None:
    with pytest.raises(InvalidPost, match="content is too long: 100,000,000 bytes") as refused:
        await write(blog, letter * times)
    assert refused.value.field == "content"
    assert await sql.fetchval("SELECT count(*) FROM posts") == 0


async def test_the_longest_content_is_stored_and_changed(
    database: str, sql: asyncpg.Connection
) -> None:
    # However busy the machine is: the time of a statement is not what is looked at here.
    async with BlogService(database, command_timeout=None) as blog:
        post = await blog.posts.create("Hello", FOUR_BYTES * (MAX_CONTENT // 4))
        await blog.posts.update(post.id, content="x" * MAX_CONTENT)
    row = await sql.fetchrow("SELECT version, octet_length(content) FROM posts")
    assert tuple(row) == (2, MAX_CONTENT)


def test_an_ordinary_content_is_not_encoded_only_to_be_measured() -> None:
    class Text(str):
        encoded = 0

        def encode(self, *_: object, **__: object) -> bytes:
            self.encoded += 1
            return str.encode(self)

    text = Text("Привет")
    check_content("content", text)
    assert text.encoded == 1  # to find lone surrogates


def test_a_content_that_is_too_long_is_not_looked_through() -> None:
    class Text(str):
        def __len__(self) -> int:
            return 1_000_000_000

        def __contains__(self, _: object) -> bool:
            raise AssertionError("looked through")

    with pytest.raises(InvalidPost, match="content is too long"):
        check_content("content", Text("x"))
