"""An import reads what it was given, each file once, and nothing from elsewhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from blogsvc import BlogService
from blogsvc.errors import ConfigurationError
from blogsvc.markdown.finding import find_files
from blogsvc.markdown.importing import import_posts

POST = "---\ntitle: Hello\n---\n\ntext\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that is imported, with one post and beside a folder with a secret."""
    write(tmp_path / "folder/hello.md")
    write(tmp_path / "outside/secret.md")
    return tmp_path / "folder"


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(POST, encoding="utf-8")


def found(*paths: Path) -> list[Path]:
    files, skipped = find_files(paths)
    assert skipped == []
    return files


@pytest.mark.parametrize("target", ["outside/secret.md", "outside", "/", "/dev/zero"])
@pytest.mark.parametrize("name", ["link.md", "deep/er/link.md"])
async def test_a_link_out_of_the_folder_is_named_and_not_followed(
    blog: BlogService, folder: Path, target: str, name: str
) -> None:
    link, leads_to = folder / name, folder.parent / target
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(leads_to)
    report = await import_posts(blog.posts, [folder])
    assert report.skipped == ((link, f"is a link to {leads_to}, outside of what is imported"),)
    assert [post.slug async for post in blog.posts.stream()] == ["hello"]


def test_a_chain_of_links_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder / "one.md").symlink_to("two.md")
    (folder / "two.md").symlink_to("../way.md")
    (folder.parent / "way.md").symlink_to("outside/secret.md")
    (folder / "real").mkdir()
    (folder / "real/up").symlink_to("../..")
    (folder / "up").symlink_to("real/up/outside")
    files, skipped = find_files([folder])
    assert files == [folder / "hello.md"]
    assert [path.name for path, _ in skipped] == ["one.md", "two.md", "up", "up"]


def test_a_folder_whose_name_begins_alike_is_outside(folder: Path) -> None:
    write(folder.parent / "folder-2/secret.md")
    (folder / "link.md").symlink_to("../folder-2/secret.md")
    assert find_files([folder]).files == [folder / "hello.md"]


def test_a_link_that_is_given_is_followed_and_what_it_leads_to_is_the_folder(folder: Path) -> None:
    given = folder.parent / "given"
    given.symlink_to("folder")
    (folder / "link.md").symlink_to("../outside/secret.md")
    files, skipped = find_files([given])
    assert files == [given / "hello.md"]
    assert [path for path, _ in skipped] == [given / "link.md"]
    file = folder.parent / "given.md"
    file.symlink_to("outside/secret.md")
    assert found(file) == [file]


def test_a_link_to_what_is_given_as_well_is_not_outside(folder: Path) -> None:
    (folder / "link").symlink_to("../outside")
    secret = folder.parent / "outside/secret.md"
    assert found(folder, folder.parent / "outside") == [folder / "hello.md", secret]
    assert found(folder.parent / "outside", folder) == [secret, folder / "hello.md"]


def test_a_file_with_links_beside_it_is_found_once_under_its_own_name(folder: Path) -> None:
    (folder / "a.md").symlink_to("hello.md")
    (folder / "all").symlink_to(".")
    (folder / "sub").mkdir()
    (folder / "sub/b.md").symlink_to(folder / "hello.md")
    (folder / "sub/up").symlink_to("..")
    assert found(folder) == [folder / "hello.md"]


def test_a_link_inside_leads_to_what_is_hidden(folder: Path) -> None:
    write(folder / "..data/config.md")
    write(folder / ".store/more/post.md")
    (folder / "config.md").symlink_to("..data/config.md")
    (folder / "more").symlink_to(".store/more")
    assert found(folder) == [folder / name for name in ("hello.md", "config.md", "more/post.md")]


def test_a_link_to_nothing_or_to_itself_hides_no_other_file(folder: Path) -> None:
    for name in ("a", "b.md"):
        (folder / name).symlink_to(name)
    (folder / "c").symlink_to("nothing")
    (folder / "d.md").symlink_to("nothing.md")
    assert found(folder) == [folder / name for name in ("hello.md", "b.md", "d.md")]


async def test_a_link_to_nothing_is_named(blog: BlogService, folder: Path) -> None:
    (folder / "a.md").symlink_to("a.md")
    (folder / "b.md").symlink_to("nothing.md")
    report = await import_posts(blog.posts, [folder])
    assert [(path.name, reason) for path, reason in report.skipped] == [
        ("a.md", "file cannot be read (Too many levels of symbolic links)"),
        ("b.md", "file cannot be read (No such file or directory)"),
    ]


async def test_what_is_no_regular_file_is_named(blog: BlogService, folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")
    (folder / "device.md").symlink_to("/dev/zero")
    report = await import_posts(blog.posts, [folder, folder / "device.md", folder / "pipe.md"])
    assert {(path.name, reason) for path, reason in report.skipped} == {
        ("pipe.md", "file is not a regular file"),
        ("device.md", "file is not a regular file"),
    }


def test_nested_folders_are_searched_as_deep_as_a_path_can_go(
    folder: Path,
) -> None:
    deep = folder
    try:
        at = os.open(folder, os.O_RDONLY)
        for depth in range(2100):
            os.mkdir("d", dir_fd=at)
            above, at = at, os.open("d", os.O_RDONLY, dir_fd=at)
            os.close(above)
            if depth < 1500:
                deep /= "d"
        os.close(at)
        write(deep / "deep.md")
        files, [skipped] = find_files([folder])
        assert set(files) == {folder / "hello.md", deep / "deep.md"}
        assert skipped.path.is_relative_to(deep)
        assert skipped.reason == "cannot be read (File name too long)"
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_a_path_that_does_not_exist_is_named(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no file or folder '.*/missing\.md'"):
        find_files([folder, folder / "missing.md"])
