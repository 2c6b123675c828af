"""Read a post from a Markdown file, and write a post as one.

A file begins with front matter, which holds the title, the date and so on: YAML between lines of
`---`, TOML between lines of `+++`, or a JSON object. The content of the post follows.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from ..errors import InvalidPost
from ..posts import (
    DRAFT,
    MAX_CONTENT,
    MAX_SLUG,
    PUBLISHED,
    NewPost,
    PostRecord,
    Status,
    check_post,
    check_status,
    slug_base,
    text_is_storable,
)

SUFFIXES: Final = (".md", ".markdown")

_DATE_IN_PATH: Final = re.compile(r"(?<!\d)(\d{4})/(\d{2})/(\d{2})(?!\d)")
_DATE_IN_NAME: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})-(?=.)")
_GOOD_IN_A_URL: Final = re.compile(r"[\w.~-]*\w[\w.~-]*")

# A line of three or more; `[^\S\n]` is any blank but the line ending.
_YAML_FENCE: Final = re.compile(r"^-{3,}[^\S\n]*(?:\n|\Z)", re.MULTILINE)
_TOML_FENCE: Final = re.compile(r"^\+{3,}[^\S\n]*(?:\n|\Z)", re.MULTILINE)
_BLANK_REST_OF_LINE: Final = re.compile(r"[^\S\n]*\n")

MAX_MATTER: Final = 65_536
"""Characters that front matter can have: a hundred times what a large blog needs.

It bounds the time that the parsers take, which are written in Python. Where theirs grows faster
than the text, the two limits below hold.
"""

MAX_FILE: Final = MAX_CONTENT + MAX_MATTER
"""Bytes that a file can have. A larger one cannot be a post, and is not read."""

MAX_MERGED: Final = 100_000
"""Values that the mappings in YAML can have, those that merge keys (`<<`) copy counted as often."""

_MAX_PARTS: Final = 100

# A TOML key of more parts, a.b.c: the parser takes quadratic time on one. Each begins a word or a
# quote, so that looking for it takes linear time.
_LONG_TOML_KEY: Final = re.compile(
    rf"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{_MAX_PARTS}}}"""
)


def read_post(path: Path) -> NewPost:
    """Return the post that a Markdown file holds. It always has a slug.

    `created_at` is the date that the file gives, or None. Raises `InvalidPost` when the file cannot
    be a post; its `field` and `reason` say why.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidPost("file", f"is not Markdown: its name must end in {' or '.join(SUFFIXES)}")
    try:
        matter, content = parse(_read(path).decode("utf-8-sig"))
        return _to_post(matter, content, Path(os.path.abspath(path)))
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


def parse(text: str) -> tuple[dict[str, Any], str]:
    """Return the values in the front matter of a text, and the content that follows it.

    The content is unchanged, except that one blank line before it and its last line ending are
    removed. Raises `InvalidPost` when the front matter is missing or cannot be read.
    """
    text = text.lstrip()
    try:
        matter, content = _split(text)
    except InvalidPost:
        raise
    except Exception as error:  # parsers raise anything on broken or hostile text
        raise InvalidPost("front matter", f"cannot be read ({in_one_line(error)})") from error
    if matter is None:  # empty YAML
        matter = {}
    if not isinstance(matter, dict):
        raise InvalidPost("front matter", "is not made of names and values, such as title: Hello")
    newline = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    return matter, content.removeprefix(newline).removesuffix(newline)


def _split(text: str) -> tuple[Any, str]:
    """Return the front matter, parsed, and the text after it."""
    # The parsers get no more than front matter can have, so that a large file costs no more time.
    head = text[:MAX_MATTER]
    where = ""
    if len(text) > MAX_MATTER:
        where = f" in the first {MAX_MATTER:,} characters, which is what front matter can have"
    if text.startswith("{"):
        try:
            matter, end = json.JSONDecoder().raw_decode(head)
        except json.JSONDecodeError as error:
            raise ValueError(f"{error}{where}") from error
        blank = _BLANK_REST_OF_LINE.match(head, end)
        return matter, text[blank.end() if blank else end :]
    if where:
        head = head[: head.rfind("\n") + 1]  # half a line could look like a fence
    for fence, load in ((_YAML_FENCE, _load_yaml), (_TOML_FENCE, _load_toml)):
        opening = fence.match(head)
        if opening:
            closing = fence.search(head, opening.end())
            if not closing:
                raise ValueError(f"its closing line {text[:3]} is missing{where}")
            return load(head[opening.end() : closing.start()]), text[closing.end() :]
    raise InvalidPost("front matter", "is missing: the file must begin with ---, +++ or {")


# Not yaml.CSafeLoader: with a libyaml older than 0.2.6, deeply nested brackets crash it.
class _YamlLoader(yaml.SafeLoader):
    """Stops where merge keys copy so much that a short text would take minutes."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._merged = 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        self._merged += len(node.value)
        if self._merged > MAX_MERGED:
            raise ValueError(f"its merge keys (<<) copy more than {MAX_MERGED:,} values")


def _load_yaml(source: str) -> Any:
    return yaml.load(source, Loader=_YamlLoader)


def _load_toml(source: str) -> Any:
    if _LONG_TOML_KEY.search(source):
        raise ValueError(f"a key has more than {_MAX_PARTS} parts")
    return tomllib.loads(source)


def in_one_line(error: Exception) -> str:
    """Return what an error says, on one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _to_post(matter: dict[str, Any], content: str, path: Path) -> NewPost:
    day, name = _read_name(path)
    address = matter.get("path")
    address = address if isinstance(address, str) else ""
    last_part = address.rstrip("/").rpartition("/")[2].removesuffix(".html")
    created_at = _read_time(matter, "date") or _day(_DATE_IN_PATH.search(address)) or day
    title = _read_text(matter, "title")
    status = _read_status(matter)
    post = NewPost(
        title=title,
        content=content,
        status=status,
        slug=_read_slug(matter) or _slug_from(last_part) or _slug_from(name) or slug_base(title),
        published_at=_read_time(matter, "published_at") or _usual_time(status, created_at),
        created_at=created_at,
    )
    check_post(post)
    return post


def _read_name(path: Path) -> tuple[datetime | None, str]:
    """Return the date at the beginning of a file's name, if any, and the rest of the name."""
    name = path.parent.name if path.stem.lower() == "index" else path.stem
    found = _DATE_IN_NAME.match(name)
    day = _day(found)
    return (day, name[found.end() :]) if found and day else (None, name)


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


def _read_status(matter: dict[str, Any]) -> Status:
    draft = matter.get("draft")
    if draft not in (None, True, False):
        raise InvalidPost("draft", "is neither true nor false")
    if matter.get("status") is None:
        return DRAFT if draft else PUBLISHED
    status = check_status("status", _read_text(matter, "status"))
    if draft and status != DRAFT:
        raise InvalidPost("draft", f"is true, but status is {status}: remove one of the two")
    return status


def _read_time(matter: dict[str, Any], key: str) -> datetime | None:
    """Return a time in UTC, or None. A time without a time zone is taken to be in UTC."""
    value = matter.get(key)
    if value is None:
        return None
    try:
        # The expression takes quadratic time on blanks, and no date is that long.
        if isinstance(value, str) and len(value) <= 100:
            # Some site generators write 2026-01-31 10:00:00 +0100.
            value = datetime.fromisoformat(re.sub(r"\s+(?=[+-]|Z$)", "", value.strip()))
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day, tzinfo=UTC)
        if isinstance(value, datetime):
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidPost(key, "is not a date: write it as 2026-01-31 or 2026-01-31T10:00:00+01:00")


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
