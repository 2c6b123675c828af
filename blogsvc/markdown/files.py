"""Read a post from a Markdown file."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from ..database import shown
from ..errors import InvalidPost, InvalidQuery
from ..posts import MAX_CONTENT, NewPost
from .frontmatter import MAX_JSON, in_one_line, parse
from .meaning import PostFile, post_of
from .sites import Site, site_of

__all__ = ["MAX_FILE", "SUFFIXES", "PostFile", "read_file", "read_post"]

SUFFIXES: Final = (".md", ".markdown", ".mkd", ".mdown", ".mdx")

MAX_FILE: Final = MAX_CONTENT + MAX_JSON
"""Bytes that a file can have. A larger one cannot be a post, and is not read."""


def path_of(argument: str, path: object) -> Path:
    """Return a path. Raises `InvalidQuery` for what is none, or none that a system can have."""
    if not isinstance(path, str | os.PathLike):
        raise InvalidQuery(argument, f"has a {type(path).__name__} where a path should be")
    if "\0" in os.fspath(path):
        raise InvalidQuery(argument, f"has a NUL character: {shown(path)}")
    return Path(path)


def read_post(path: Path) -> NewPost:
    """Return the post that a Markdown file holds. It always has a slug.

    `created_at` is the date that the file gives, or None. Raises `InvalidPost` when the file cannot
    be a post; its `field` and `reason` say why.
    """
    return read_file(path, site_of(path)).post


def read_file(path: Path, site: Site) -> PostFile:
    """Return what a file of a site holds. Raises `InvalidPost` as `read_post` does."""
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidPost("file", f"is not Markdown: its name must end in {' or '.join(SUFFIXES)}")
    try:
        matter, content = parse(_read(path).decode("utf-8-sig"))
        return post_of(matter, content, Path(os.path.abspath(path)), site)
    except InvalidPost:
        raise
    except UnicodeDecodeError:
        raise InvalidPost("file", "is not UTF-8: save it in that encoding") from None
    except OSError as error:
        raise InvalidPost("file", f"cannot be read ({error.strerror})") from error
    except MemoryError as error:
        raise InvalidPost("file", "is too large for the memory that is free") from error
    except Exception as error:  # whatever a file does to us is said about that file
        raise InvalidPost("file", f"cannot be read ({in_one_line(error)})") from error


def _read(path: Path) -> bytes:
    before = os.stat(path)
    if not stat.S_ISREG(before.st_mode):  # reading a pipe could wait forever
        raise InvalidPost("file", "is not a regular file")
    if before.st_size > MAX_FILE:
        raise InvalidPost("file", f"has {before.st_size:,} bytes; a post has at most {MAX_FILE:,}")
    with path.open("rb") as file:
        text = file.read(before.st_size + 1)
        after = os.fstat(file.fileno())
    if len(text) != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
        raise InvalidPost("file", "changed while it was read: import it again")
    return text
