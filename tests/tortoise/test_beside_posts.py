"""A host's models beside `posts`: made by Tortoise, while only our migrations ever make `posts`."""

from __future__ import annotations

import pytest
from tortoise.context import TortoiseContext
from tortoise.exceptions import OperationalError

from blogsvc import BlogService
from blogsvc.errors import PostInUse
from blogsvc.migrator import Migrator
from blogsvc.models import Post

from ..migrations.migrating import execute, fetch
from .shop import Comment, Label, configuration

pytestmark = pytest.mark.usefixtures("host")


async def test_a_schema_made_from_the_models_leaves_posts_as_they_were(blog_url: str) -> None:
    report = await Migrator(blog_url).check()
    assert (report.drift, report.pending) == ((), False)
    assert await fetch(blog_url, "SELECT conname FROM pg_constraint WHERE contype = 'f'") == [
        ("comment_post_id_fkey",),
        ("label_posts_label_id_fkey",),
        ("label_posts_post_id_fkey",),
    ]


@pytest.mark.usefixtures("kept_environment")
async def test_a_schema_made_before_our_migrations_fails_and_changes_nothing(
    empty_database: str,
) -> None:
    context = TortoiseContext()
    with context:
        await context.init(config=configuration(empty_database))
        with pytest.raises(OperationalError, match='relation "posts" does not exist'):
            await context.generate_schemas()
        assert await fetch(empty_database, "SELECT FROM pg_class WHERE relname = 'comment'") == []
        await Migrator(empty_database).upgrade()
        await context.generate_schemas()
        await context.close_connections()
    assert not (await Migrator(empty_database).check()).drifted


async def test_joins_and_prefetch_find_the_posts_of_the_repository(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "")
    await Comment.create(text="Nice", post_id=post.id)
    [comment] = await Comment.filter(post__title="Hello").select_related("post")
    assert comment.post.slug == "hello"
    [found] = await Post.all().prefetch_related("comments")
    assert [each.text for each in found.comments] == ["Nice"]  # type: ignore[attr-defined]


async def test_many_posts_have_many_labels(blog: BlogService) -> None:
    first, second = [await blog.posts.create(f"Post {n}", "") for n in range(2)]
    label = await Label.create(name="news")
    await label.posts.add(Post.from_record(first), Post.from_record(second))
    found = await Post.filter(labels__name="news").order_by("id")
    assert [each.id for each in found] == [first.id, second.id]


async def test_a_post_that_is_deleted_takes_its_comments_along(
    blog: BlogService, blog_url: str
) -> None:
    post = await blog.posts.create("Hello", "")
    await Comment.create(text="Nice", post_id=post.id)
    await blog.posts.delete(post.id)
    assert await Comment.all().count() == 0


async def test_a_foreign_key_that_holds_a_post_is_named(blog: BlogService, blog_url: str) -> None:
    await execute(
        blog_url, "CREATE TABLE pins (post_id BIGINT CONSTRAINT pinned REFERENCES posts (id))"
    )
    post = await blog.posts.create("Hello", "")
    await execute(blog_url, f"INSERT INTO pins VALUES ({post.id})")
    with pytest.raises(PostInUse) as raised:
        await blog.posts.delete(post.id)
    assert (raised.value.table, raised.value.constraint) == ("pins", "pinned")


async def test_a_stale_whole_row_of_tortoise_is_refused(blog: BlogService) -> None:
    post = await blog.posts.create("Hello", "")
    stale = await Post.get(id=post.id)
    await blog.posts.update(post.id, title="Changed")
    stale.content = "Overwritten"
    with pytest.raises(Exception, match="is based on version 1"):
        await stale.save()
    assert (await blog.posts.get(post.id)).title == "Changed"


async def test_former_slugs_survive_a_whole_row_of_tortoise(blog: BlogService) -> None:
    post = await blog.posts.create("One", "")
    for slug in ("two", "three"):
        await blog.posts.update(post.id, slug=slug)
    loaded = await Post.get(id=post.id)
    loaded.slug = "four"
    await loaded.save()
    assert loaded.former_slugs == ["one", "two", "three"]
    assert (await blog.posts.get_by_slug("one")).slug == "four"
    assert [each.id for each in await Post.filter(former_slugs__contains=["two"])] == [post.id]
