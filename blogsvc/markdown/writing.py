"""Write a post as the text of a Markdown file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from ..errors import InvalidPost
from ..posts import DRAFT, PUBLISHED, NewPost, PostRecord
from .frontmatter import MAX_MATTER, parse
from .languages import code_of
from .meaning import NO_LANGUAGE, post_of
from .metadata import OWN, from_json, to_json
from .sites import Site

_FILE: Final = Path("/post.md")
_SITE: Final = Site(_FILE.parent)
_DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)


def write(post: PostRecord, former_slugs: Sequence[str] = (), folder: Path | None = None) -> str:
    """Return the text of a Markdown file from which `read_post` returns an equal post.

    Metadata stands beside the title, as its author had it. An entry that would be taken for
    something else, such as `draft`, goes to `blogsvc`, where it only is metadata; so do former
    slugs that are not in the `aliases` there, and that a post has no language where its folder may
    be taken for one. What is more than front matter in YAML can be is written as JSON.
    """
    ours = _ours(post)
    may_be_language = folder is not None and any(map(code_of, folder.parts))
    language = NO_LANGUAGE if may_be_language and "language" not in post.metadata else ""
    try:
        header = _plainest(post, ours, former_slugs, language)
    except RecursionError:  # with SQL, metadata can be nested more deeply than we read it
        header = ""
    if not header:
        matter = _noting(
            ours, metadata=post.metadata, former_slugs=list(former_slugs), language=language
        )
        header = json.dumps(matter, ensure_ascii=False, default=datetime.isoformat) + "\n"
    return f"{header}\n{post.content}\n"


def _plainest(
    post: PostRecord, ours: dict[str, Any], former_slugs: Sequence[str], language: str
) -> str:
    """Return the front matter in YAML that reads best of what is read as the same post, if any."""
    fields = _Fields.of(post)
    if len(fields.metadata) > MAX_MATTER:
        return ""
    for matter in _ways(ours, post.metadata):
        read = _read(_yaml(matter), post.content)
        if read and _Fields.of(read) == fields:
            missing = [slug for slug in former_slugs if slug not in read.former_slugs]
            return _yaml(_noting(matter, former_slugs=missing, language=language))
    return ""


def _ways(ours: dict[str, Any], metadata: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield front matter, from what reads best to what is safest."""
    values = from_json(metadata)
    yield ours | values
    plain = _only_kept({key: value for key, value in values.items() if key not in (*ours, OWN)})
    others = {key: value for key, value in metadata.items() if key not in plain}
    yield _noting(ours | plain, metadata=others)
    yield _noting(ours, metadata=metadata)


def _noting(matter: dict[str, Any], **notes: dict[str, Any] | list[str] | str) -> dict[str, Any]:
    """Return front matter with notes of ours, if there are any, that are no post's own words."""
    noted = matter.get(OWN, {}) | {name: value for name, value in notes.items() if value}
    return matter | ({OWN: noted} if noted else {})


def _only_kept(values: dict[str, Any]) -> dict[str, Any]:
    """Return those entries of front matter that say nothing of a post."""
    ours = {"title": "x", "slug": "x", "date": _DAY}
    kept = json.dumps(to_json(values), sort_keys=True)
    read = _read(_yaml(ours | values), "")
    if read and _Fields.of(read) == _Fields("x", "x", PUBLISHED, _DAY, _DAY, None, (), kept):
        return values
    if len(values) <= 1:
        return {}
    entries = list(values.items())
    half = len(entries) // 2  # by halves: most entries say nothing, and there may be thousands
    return _only_kept(dict(entries[:half])) | _only_kept(dict(entries[half:]))


def _read(header: str, content: str) -> NewPost | None:
    """Return the post that front matter makes of a content, if it makes one."""
    try:
        matter, _ = parse(header)
        return post_of(matter, content, _FILE, _SITE).post if header else None
    except InvalidPost:
        return None


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

    text = dump(allow_unicode=True)
    # YAML takes some unprintable characters for line endings: with one, escape all but ASCII.
    if not text.replace("\n", "").isprintable():
        text = dump(allow_unicode=False)
    return f"---\n{text}---\n" if len(text) < MAX_MATTER - 10 else ""
