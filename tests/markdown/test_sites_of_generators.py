"""The blogs of seven generators come in as their own tools show them, and go out whole."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from blogsvc.markdown.exporting import file_names
from blogsvc.markdown.files import PostFile, read_file
from blogsvc.markdown.sites import site_of
from blogsvc.markdown.writing import write
from blogsvc.posts import PostRecord

from .trees import TREES, Expected, Tree

NOW = datetime(2026, 1, 1, tzinfo=UTC)

trees = pytest.mark.parametrize("tree", TREES.values(), ids=TREES)


def read(tree: Tree, folder: Path) -> dict[str, PostFile]:
    tree.write(folder)
    site = site_of(folder)
    return {name: read_file(folder / name, site) for name in tree.posts}


def stored(id: int, file: PostFile) -> PostRecord:
    """Return the record that the database makes of a file."""
    new = file.post
    return PostRecord(
        id=id,
        title=new.title,
        content=new.content,
        slug=new.slug or "",
        status=new.status,
        published_at=new.published_at or (NOW if new.status == "published" else None),
        version=1,
        created_at=new.created_at or NOW,
        updated_at=new.updated_at or NOW,
        tags=tuple(new.tags),
        metadata=dict(new.metadata or {}),
    )


@trees
def test_each_file_is_the_post_that_its_generator_shows(tree: Tree, tmp_path: Path) -> None:
    found = {
        name: Expected(
            title=file.post.title,
            slug=file.post.slug or "",
            created_at=file.post.created_at,
            status=file.post.status,
            published_at=file.post.published_at,
            updated_at=file.post.updated_at,
            tags=tuple(file.post.tags),
            metadata=file.post.metadata or {},
            former_slugs=tuple(file.post.former_slugs),
            held_back=file.held_back,
            content=file.post.content,
        )
        for name, file in read(tree, tmp_path).items()
    }
    for name, expected in tree.posts.items():
        assert found[name] == expected.with_the_time_of_publishing(), name


@trees
def test_a_blog_that_goes_out_comes_back_equal(tree: Tree, tmp_path: Path) -> None:
    posts = [stored(id, file) for id, file in enumerate(read(tree, tmp_path / "blog").values())]
    assert len({post.slug for post in posts}) == len(posts)
    out = tmp_path / "out"
    out.mkdir()
    for post in posts:
        path = out / file_names(post.slug)[0]
        path.write_bytes(write(post).encode())
    site = site_of(out)
    for post in posts:
        again = read_file(out / file_names(post.slug)[0], site)
        assert stored(post.id, again) == post


@trees
def test_nothing_is_published_that_was_not(tree: Tree, tmp_path: Path) -> None:
    for name, file in read(tree, tmp_path).items():
        post = stored(1, file)
        is_public = post.status == "published" and (post.published_at or NOW) <= NOW
        assert is_public == (tree.posts[name].held_back is None)


@trees
def test_what_is_kept_is_named_as_its_author_wrote_it(tree: Tree, tmp_path: Path) -> None:
    for file in read(tree, tmp_path).values():
        metadata = dict(file.post.metadata or {})
        metadata.pop("blogsvc", None)
        if "language" not in file.kept:
            metadata.pop("language", None)
        assert list(file.kept) == list(metadata)
