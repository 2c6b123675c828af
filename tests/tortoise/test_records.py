"""A record and a `Post` are the same row, each as its world has it."""

from __future__ import annotations

from datetime import UTC

import pytest
from tortoise.contrib.pydantic import pydantic_model_creator

from blogsvc import BlogService, NewPost
from blogsvc.errors import InvalidPost
from blogsvc.models import Post

pytestmark = pytest.mark.usefixtures("host")


async def test_there_and_back_is_the_same_record(blog: BlogService) -> None:
    record = await blog.posts.create(
        "Hello", "Text", status="published", tags=["a", "b"], metadata={"by": {"name": "Ann"}}
    )
    assert Post.from_record(record).to_record() == record


async def test_what_tortoise_loads_is_what_the_repository_returns(blog: BlogService) -> None:
    record = await blog.posts.create("Hello", "", tags=["a"], metadata={"n": [1, None]})
    loaded = await Post.get(id=record.id)
    assert str(loaded.created_at.tzinfo) == "Europe/Berlin"
    assert loaded.to_record() == record
    assert loaded.to_record().created_at.tzinfo is UTC


async def test_a_post_from_a_record_is_saved_as_the_row_that_it_is(blog: BlogService) -> None:
    record = await blog.posts.create("Hello", "", slug="one")
    await blog.posts.update(record.id, slug="two")
    post = Post.from_record(await blog.posts.get(record.id))
    post.title = "Changed"
    await post.save()
    found = await blog.posts.get(record.id)
    assert (found.title, found.version, await blog.posts.count()) == ("Changed", 3, 1)
    assert (await blog.posts.get_by_slug("one")).id == record.id
    assert post.former_slugs == ["one"]


async def test_a_post_from_an_old_record_overwrites_nothing(blog: BlogService) -> None:
    record = await blog.posts.create("Hello", "")
    await blog.posts.update(record.id, content="Newer")
    post = Post.from_record(record)
    post.title = "Changed"
    with pytest.raises(Exception, match="is based on version 1"):
        await post.save()


async def test_changing_a_post_does_not_change_the_record(blog: BlogService) -> None:
    record = await blog.posts.create("Hello", "", tags=["a"], metadata={"deep": {"n": 1}})
    post = Post.from_record(record)
    post.tags.append("b")
    post.metadata["deep"]["n"] = 2
    assert (record.tags, record.metadata) == (("a",), {"deep": {"n": 1}})
    again = post.to_record()
    post.metadata["deep"]["n"] = 3
    assert again.metadata == {"deep": {"n": 2}}


def test_a_post_that_was_never_saved_is_no_record() -> None:
    with pytest.raises(InvalidPost) as raised:
        Post(title="Hello", content="").to_record()
    assert raised.value.field == "id"


async def test_where_tortoise_keeps_no_zones_a_record_is_in_utc_all_the_same(
    blog: BlogService,
) -> None:
    record = await blog.posts.create("Hello", "")
    post = await Post.get(id=record.id)
    # What `use_tz=False` makes of the server's answer.
    post.created_at = record.created_at.replace(tzinfo=None)
    assert post.to_record() == record


async def test_what_is_made_for_readers_does_not_tell_where_a_file_was(blog: BlogService) -> None:
    source = "/home/ann/blog//hello.md"
    [id] = await blog.posts.create_many([NewPost("Hello", "", source=source)])
    post = await Post.get(id=id)
    assert post.source == source
    read = await pydantic_model_creator(Post).from_tortoise_orm(post)
    for told in (read.model_dump_json(), repr(await blog.posts.get(id)), repr(post.to_record())):
        assert "Hello" in told
        assert "/home/ann" not in told
