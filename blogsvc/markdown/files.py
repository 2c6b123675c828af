"""Read a post from a Markdown file, and write a post as one."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from ..errors import InvalidPost
from ..posts import (
    ARCHIVED,
    DRAFT,
    MAX_CONTENT,
    MAX_SLUG,
    PUBLISHED,
    NewPost,
    PostRecord,
    check_post,
    slug_base,
    text_is_storable,
)
from .addresses import address_of, fill, last_part, split_language
from .dates import read_time
from .frontmatter import MAX_MATTER, in_one_line, parse
from .sites import Site, site_of
from .visibility import plain_key, visibility_of

SUFFIXES: Final = (".md", ".markdown", ".mkd", ".mdown", ".mdx")

_DATE_IN_PATH: Final = re.compile(r"(?<!\d)(\d{4})/(\d{2})/(\d{2})(?!\d)")
_DATE_IN_NAME: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-(?=.)")

# By `plain_key`, the first that is there counts.
_WRITING: Final = (
    "date",
    "created",
    "createdat",
    "publishdate",
    "pubdate",
    "publishedat",
    "published",
)
_PUBLISHING: Final = ("publishedat", "publishdate", "pubdate", "published")
_EXPIRING: Final = ("expirydate", "unpublishdate")

_GOOD_IN_A_URL: Final = re.compile(r"[\w.~-]*\w[\w.~-]*")

MAX_FILE: Final = MAX_CONTENT + MAX_MATTER
"""Bytes that a file can have. A larger one cannot be a post, and is not read."""


class PostFile(NamedTuple):
    """What a file holds: its post, what in it keeps that from the public, and what is only kept.

    `kept` are the keys that say nothing to us and stand in the post's metadata.
    """

    post: NewPost
    held_back: str | None
    kept: tuple[str, ...]


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
        if matter is None:
            raise InvalidPost("front matter", "is missing: the file must begin with ---, +++ or {")
        return _to_post(matter, content, Path(os.path.abspath(path)), site)
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


def _to_post(matter: dict[str, Any], content: str, path: Path, site: Site) -> PostFile:
    day, name = _read_name(path)
    address = address_of(matter, "path", "url", "permalink")
    created_at = _first_time(matter, _WRITING) or _day(_DATE_IN_PATH.search(address)) or day
    chosen = last_part(fill(address_of(matter, "url", "permalink"), name, created_at))
    path_part = last_part(address_of(matter, "path"))
    title = _read_text(matter, "title")
    status, held_back = visibility_of(matter, path)
    published_at = _first_time(matter, _PUBLISHING) or _usual_time(status, created_at)
    expires_at = _first_time(matter, _EXPIRING)
    if status == PUBLISHED and expires_at and expires_at <= datetime.now(UTC):
        status = ARCHIVED
    post = NewPost(
        title=title,
        content=content,
        status=status,
        slug=_slug_from(chosen)
        or _read_slug(matter)
        or _slug_from(path_part)
        or _slug_from(name)
        or slug_base(title),
        published_at=published_at,
        created_at=created_at,
        source=site.source_of(path),
    )
    check_post(post)
    return PostFile(post, held_back, kept=())


def _read_name(path: Path) -> tuple[datetime | None, str]:
    """Return the date at the beginning of a file's name, if any, and the rest of the name."""
    stem, language = split_language(path)
    name = path.parent.name if stem.lower() == "index" else stem
    found = _DATE_IN_NAME.match(name)
    day = _day(found)
    rest = name[found.end() :] if found and day else name
    return day, f"{rest}-{language}" if language else rest


def _read_text(matter: dict[str, Any], key: str) -> str:
    value = matter.get(key)
    if value is None:
        raise InvalidPost(key, "is missing")
    if not isinstance(value, str):
        # What the author typed is lost: YAML reads 012 as 10, and 12:30 as 750.
        kind = type(value).__name__
        raise InvalidPost(key, f"has the type {kind}, not text: put it in quotes")
    return value


def _read_slug(matter: dict[str, Any]) -> str | None:
    if matter.get("slug") is None:
        return None
    slug = _read_text(matter, "slug")
    if len(slug) > MAX_SLUG or not text_is_storable(slug):
        return slug_base(slug)
    return slug if slug.strip() else None


def _slug_from(name: str) -> str | None:
    if not name:
        return None
    good = len(name) <= MAX_SLUG and _GOOD_IN_A_URL.fullmatch(name)
    return name if good else slug_base(name)


def _first_time(matter: dict[str, Any], names: Sequence[str]) -> datetime | None:
    """Return the time under the first of these keys, however it is spelled, that holds one."""
    for name in names:
        for key, value in matter.items():
            # `published` may be true or false, in words or as a number: that is no time.
            is_time = isinstance(value, date) or (isinstance(value, str) and value.strip())
            if name == "published" and isinstance(value, str):
                is_time = value.strip()[:4].isdigit()
            if plain_key(key) == name and is_time:
                return _read_time(matter, key)
    return None


def _read_time(matter: dict[str, Any], key: str) -> datetime | None:
    try:
        return read_time(matter.get(key))
    except ValueError as error:
        raise InvalidPost(key, str(error)) from error


def _day(found: re.Match[str] | None) -> datetime | None:
    if found is None:
        return None
    year, month, day = map(int, found.groups())
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:  # 2026-99-99, for example
        return None


def write(post: PostRecord) -> str:
    """Return the text of a Markdown file from which `read_post` returns an equal post."""
    matter: dict[str, object] = {
        "title": post.title,
        "slug": post.slug,
        "date": post.created_at,
    }
    if post.status == DRAFT:
        matter["draft"] = True
    elif post.status != PUBLISHED:
        matter["status"] = post.status
    if post.published_at != _usual_time(post.status, post.created_at):
        matter["published_at"] = post.published_at
    header = yaml.safe_dump(
        matter,
        sort_keys=False,
        width=100_000,
        # YAML takes some unprintable characters for line endings: with one, escape all but ASCII.
        allow_unicode=post.title.isprintable() and post.slug.isprintable(),
    )
    return f"---\n{header}---\n\n{post.content}\n"


def _usual_time(status: str, created_at: datetime | None) -> datetime | None:
    """Return the publishing time of a post whose file does not give one."""
    return created_at if status == PUBLISHED else None
