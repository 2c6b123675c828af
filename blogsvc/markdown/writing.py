"""Write a post as the text of a Markdown file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from ..errors import InvalidPost
from ..posts import DRAFT, PUBLISHED, NewPost, PostRecord
from .frontmatter import MAX_MATTER, parse
from .meaning import post_of
from .metadata import OWN, from_json, to_json
from .sites import Site

_FILE: Final = Path("/post.md")
_SITE: Final = Site(_FILE.parent)
_DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)


def write(post: PostRecord) -> str:
    """Return the text of a Markdown file from which `read_post` returns an equal post.

    Metadata stands beside the title, as its author had it. An entry that would be taken for
    something else, such as `draft`, goes to `blogsvc`, where it only is metadata. What is more than
    front matter in YAML can be is written as JSON.
    """
    ours = _ours(post)
    fields = _Fields.of(post)
    if not post.metadata:
        header = _yaml(ours)
    elif len(fields.metadata) > MAX_MATTER:
        header = ""
    else:
        ways = (_yaml(matter) for matter in _ways(ours, post.metadata))
        header = next((way for way in ways if _means(way, post.content, fields)), "")
    return f"{header or _json(ours, post.metadata)}\n{post.content}\n"


def _ways(ours: dict[str, Any], metadata: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield front matter, from what reads best to what is safest."""
    values = from_json(metadata)
    yield ours | values
    plain = {key: value for key, value in values.items() if _is_only_kept(key, value)}
    others = {key: value for key, value in metadata.items() if key not in plain}
    yield ours | plain | {OWN: {"metadata": others}}
    yield ours | {OWN: {"metadata": metadata}}


def _is_only_kept(key: str, value: Any) -> bool:
    """Whether an entry of front matter says nothing of a post."""
    ours = {"title": "x", "slug": "x", "date": _DAY}
    kept = json.dumps(to_json({key: value}), sort_keys=True)
    fields = _Fields("x", "x", PUBLISHED, _DAY, _DAY, None, (), kept)
    return key not in (*ours, OWN) and _means(_yaml(ours | {key: value}), "", fields)


def _means(header: str, content: str, fields: _Fields) -> bool:
    """Whether front matter is read as a post of these fields."""
    try:
        matter, _ = parse(header)
        return bool(header) and _Fields.of(post_of(matter, content, _FILE, _SITE).post) == fields
    except InvalidPost:
        return False


class _Fields(NamedTuple):
    """What front matter says of a post, to be compared."""

    title: str
    slug: str | None
    status: str
    published_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    tags: tuple[str, ...]
    metadata: str  # as JSON: in Python True is 1 and 1.0, too

    @classmethod
    def of(cls, post: PostRecord | NewPost) -> _Fields:
        return cls(
            post.title,
            post.slug,
            post.status,
            post.published_at,
            post.created_at,
            post.updated_at,
            tuple(post.tags),
            json.dumps(post.metadata or {}, sort_keys=True),
        )


def _ours(post: PostRecord) -> dict[str, Any]:
    matter: dict[str, Any] = {
        "title": post.title,
        "slug": post.slug,
        "date": post.created_at,
        "updated": post.updated_at,
    }
    if post.status == DRAFT:
        matter["draft"] = True
    elif post.status != PUBLISHED:
        matter["status"] = post.status
    if post.published_at != (post.created_at if post.status == PUBLISHED else None):
        matter["published_at"] = post.published_at
    if post.tags:
        matter["tags"] = list(post.tags)
    return matter


class _Dumper(yaml.SafeDumper):
    """Writes a value as often as it is there, and not where else it is."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _yaml(matter: dict[str, Any]) -> str:
    """Return front matter as YAML; nothing where that is more than can be read."""

    def dump(allow_unicode: bool) -> str:
        return yaml.dump(
            matter, Dumper=_Dumper, sort_keys=False, width=100_000, allow_unicode=allow_unicode
        )

    try:
        text = dump(allow_unicode=True)
        # YAML takes some unprintable characters for line endings: with one, escape all but ASCII.
        if not text.replace("\n", "").isprintable():
            text = dump(allow_unicode=False)
    except RecursionError:
        return ""
    return f"---\n{text}---\n" if len(text) < MAX_MATTER - 10 else ""


def _json(ours: dict[str, Any], metadata: dict[str, Any]) -> str:
    matter = ours | {OWN: {"metadata": metadata}}
    return json.dumps(matter, ensure_ascii=False, default=datetime.isoformat) + "\n"
