"""No file crashes or stalls the reader; what is wrong is said about the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

import pytest

from blogsvc.errors import InvalidPost
from blogsvc.markdown import files
from blogsvc.markdown.files import MAX_FILE, read_post
from blogsvc.posts import MAX_CONTENT


def test_a_file_larger_than_any_post_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "hello.md"
    path.touch()
    os.truncate(path, 3_000_000_000)  # takes no room on the disk
    with pytest.raises(InvalidPost, match="file has 3,000,000,000 bytes; a post has at most"):
        read_post(path)


def test_a_content_larger_than_any_post_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hello.md"
    path.write_text("---\ntitle: x\n---\n" + "x" * (MAX_CONTENT + 1), encoding="utf-8")
    assert path.stat().st_size < MAX_FILE
    with pytest.raises(InvalidPost, match="content is too long"):
        read_post(path)


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), KeyError("x"), OSError(5, "I")])
def test_whatever_goes_wrong_with_a_file_is_said_about_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    path = tmp_path / "hello.md"
    path.write_text("---\ntitle: x\n---\n", encoding="utf-8")
    for place in ("_read", "parse", "post_of"):
        with monkeypatch.context() as patch:
            patch.setattr(files, place, fail)
            with pytest.raises(InvalidPost, match=r"file (cannot be read \(|is too large)"):
                read_post(path)


@pytest.mark.parametrize(("change", "changed_at"), [("text and more", 1), ("tex", 1), ("TEXT", 2)])
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, changed_at: int
) -> None:
    path = tmp_path / "hello.md"
    path.write_text("---\ntitle: x\n---\ntext", encoding="utf-8")
    os.utime(path, (1, 1))
    read = path.open

    def open_too_late(_: Path, mode: str) -> IO[Any]:
        with read("w", encoding="utf-8") as file:
            file.write(f"---\ntitle: x\n---\n{change}")
        os.utime(path, (changed_at, changed_at))
        return read(mode)

    monkeypatch.setattr(Path, "open", open_too_late)
    with pytest.raises(InvalidPost, match="file changed while it was read"):
        read_post(path)


def test_blanks_that_make_a_date_longer_than_any_date_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "hello.md"
    path.write_text(f'{{"title": "x", "date": "2026-05-01T10:00{" " * 100}Z"}}', encoding="utf-8")
    with pytest.raises(InvalidPost, match="date is not a date"):
        read_post(path)
