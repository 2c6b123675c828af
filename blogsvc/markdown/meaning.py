"""What a file means as a post: its front matter, its content, its name and its place in a site."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..errors import InvalidPost
from ..posts import (
    ARCHIVED,
    MAX_SLUG,
    PUBLISHED,
    NewPost,
    check_post,
    slug_base,
    text_is_storable,
)
from . import keys as names
from .addresses import fill, former_slugs, last_part, slug_from
from .dates import read_time
from .frontmatter import Matter
from .keys import Keys, plain_key
from .languages import are_same, code_of
from .metadata import OWN, to_json
from .sites import Site
from .tags import tags_of
from .titles import shorten, title_of
from .visibility import visibility_of

NO_LANGUAGE: Final = "none"
"""What an export notes where the folder would give a post a language that it has not."""

_DATE_IN_PATH: Final = re.compile(r"(?<!\d)(\d{4})/(\d{2})/(\d{2})(?!\d)")
_DATE_IN_NAME: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-(?=.)")


class PostFile(NamedTuple):
    """What a file holds: its post, what in it keeps that from the public, and what is only kept.

    `kept` are the keys that say nothing to us and stand in the post's metadata.
    """

    post: NewPost
    held_back: str | None
    kept: tuple[str, ...]


def post_of(matter: Matter | None, content: str, path: Path, site: Site) -> PostFile:
    """Return the post that a file holds. Raises `InvalidPost` when it cannot be one."""
    keys = Keys(matter, matter.spelled) if matter else Keys({}, {})
    notes = _Notes.of(keys)
    name = _Name.of(path, site)
    title = shorten(
        title_of(keys if matter is not None else None, content, name.rest, is_dated=bool(name.day))
    )
    keys.used.update(entry.key for entry in keys.find(names.TITLE) if entry.text == title)
    times = _Times.of(keys, site, name.day)
    folders = path.parts[:-1]  # all of them: what is above may be drafts, too
    status, held_back = visibility_of(keys, folders)
    published_at = times.published_at or (times.created_at if status == PUBLISHED else None)
    if status == PUBLISHED:
        if times.expires and times.expires[1] <= datetime.now(UTC):
            status, held_back = ARCHIVED, f"{times.expires[0]} is past"
        elif times.shown and times.shown[1] > datetime.now(UTC):
            held_back = f"{times.shown[0]} lies ahead"
    language = None if notes.language == NO_LANGUAGE else _language(keys, name)
    slug = _slug(keys, name, times.created_at, title, language, site)
    former = dict.fromkeys([*former_slugs(keys), *notes.former_slugs])
    tags = tags_of(keys, split_at_blanks=_is_jekyll(site, folders))
    rest = keys.rest()
    metadata = to_json(rest)
    if language and "language" not in rest:
        metadata["language"] = language.code
    metadata |= notes.metadata
    post = NewPost(
        title=title,
        content=content,
        status=status,
        slug=slug,
        published_at=published_at,
        created_at=times.created_at,
        tags=tags,
        metadata=metadata or None,
        updated_at=times.updated_at,
        former_slugs=tuple(one for one in former if one != slug),
        source=site.origin_of(path).source,
    )
    check_post(post)
    return PostFile(post, held_back, kept=(*rest, *(key for key in notes.metadata if key != OWN)))


class _Notes(NamedTuple):
    """What an export noted of ours, as there is no plainer way to write it."""

    metadata: dict[str, Any]
    former_slugs: list[str]
    language: str

    @classmethod
    def of(cls, keys: Keys) -> _Notes:
        notes: Any = next((entry.value for entry in keys if entry.key == OWN), {})
        keys.used.add(OWN)
        if not isinstance(notes, dict) or not notes.keys() <= {*cls._fields}:
            raise InvalidPost(OWN, "is the name of what an export notes: rename yours")
        metadata, former = notes.get("metadata", {}), notes.get("former_slugs", [])
        language = notes.get("language", "")
        if (
            not isinstance(metadata, dict)
            or not isinstance(former, list)
            or language not in ("", NO_LANGUAGE)
        ):
            raise InvalidPost(OWN, "is not as an export writes it: export again, or remove it")
        return cls(metadata, former, language)


class _Name(NamedTuple):
    """What the path of a file says: a day, a name without it, and a language."""

    day: datetime | None
    rest: str
    language: str | None

    @classmethod
    def of(cls, path: Path, site: Site) -> _Name:
        stem, language = site.split_language(path)
        name = path.parent.name if site.is_bundle(path, stem) else stem
        found = _DATE_IN_NAME.match(name)
        day = _day(found, site)
        rest = name[found.end() :] if found and day else name
        return cls(day, rest, language or site.folder_language(path))


class _Times(NamedTuple):
    """The times of a post; of two, the name of what says so comes with it."""

    created_at: datetime | None
    published_at: datetime | None
    updated_at: datetime | None
    shown: tuple[str, datetime] | None
    expires: tuple[str, datetime] | None

    @classmethod
    def of(cls, keys: Keys, site: Site, day: datetime | None) -> _Times:
        written = _first_time(keys, names.WRITTEN, site)
        published = _first_time(keys, names.PUBLISHED, site)
        updated = _first_time(keys, names.UPDATED, site)
        if not written:
            found = _DATE_IN_PATH.search(_address(keys, names.PATH + names.ADDRESSES))
            day = _day(found, site) or day
        created_at = written[1] if written else day
        for said in (written, published, updated):
            if said:
                keys.used.add(said[0])
        shown = published or written or (("date", day) if day else None)
        return cls(
            created_at,
            published[1] if published else None,
            updated[1] if updated else None,
            shown,
            _first_time(keys, names.EXPIRES, site),
        )


def _first_time(keys: Keys, group: tuple[str, ...], site: Site) -> tuple[str, datetime] | None:
    """Return the first time under these names, and its key. A name without a value is no time."""
    for entry in keys.find(group):
        value = entry.value if isinstance(entry.value, date) else entry.spelled
        try:
            time = read_time(value, site.timezone)
        except ValueError as error:
            # `published` may be true or false; an `updated` that is a word hides and shows nothing.
            if plain_key(entry.key) == "published" or group is names.UPDATED:
                continue
            raise InvalidPost(entry.key, str(error)) from error
        if time:
            return entry.key, time
    return None


def _day(found: re.Match[str] | None, site: Site) -> datetime | None:
    if found is None:
        return None
    year, month, day = map(int, found.groups())
    try:
        return read_time(date(year, month, day), site.timezone)
    except ValueError:  # 2026-99-99, for example
        return None


class _Language(NamedTuple):
    code: str
    is_in_path: bool


def _language(keys: Keys, name: _Name) -> _Language | None:
    for entry in keys.find(names.LANGUAGE):
        code = code_of(entry.text or "")
        if code:
            return _Language(code, bool(name.language))
    return _Language(name.language, True) if name.language else None


def _slug(
    keys: Keys,
    name: _Name,
    day: datetime | None,
    title: str,
    language: _Language | None,
    site: Site,
) -> str:
    """Return the slug: the last part of the address, with the language if that is not the usual.

    A slug in the front matter says all of it where no configuration of a generator is there.
    """
    chosen = keys.first(names.SLUG)
    address = _address(keys, names.ADDRESSES)
    path = _address(keys, names.PATH)
    chosen_slug = _storable(chosen.text) if chosen and chosen.text else None
    if chosen_slug and chosen_slug.startswith("/") and site.generator:  # of Docusaurus: an address
        chosen_slug = slug_from(last_part(chosen_slug))
    slug = (
        slug_from(last_part(fill(address, chosen_slug or name.rest, day)))
        or chosen_slug
        or slug_from(last_part(path))
        or slug_from(name.rest)
        or slug_base(title)
    )
    says_all = slug == chosen_slug and site.generator is None
    if language and not says_all and (language.is_in_path or site.language):
        ending = f"-{language.code}"
        usual = site.language and are_same(language.code, site.language)
        if not usual and not slug.lower().endswith(ending):
            slug = slug[: MAX_SLUG - len(ending)] + ending
    if chosen and chosen.text == slug:
        keys.used.add(chosen.key)
    return slug


def _address(keys: Keys, group: tuple[str, ...]) -> str:
    """Return the first address under these names; none is an empty text, and so is false."""
    texts = (entry.text for entry in keys.find(group) if not isinstance(entry.value, bool))
    return next((text.strip() for text in texts if text), "")


def _storable(slug: str) -> str:
    return slug if len(slug) <= MAX_SLUG and text_is_storable(slug) else slug_base(slug)


def _is_jekyll(site: Site, folders: tuple[str, ...]) -> bool:
    if site.generator:
        return site.generator == "jekyll"
    # Hexo has such folders, too, in one that is called source.
    return any(
        name in ("_posts", "_drafts") and above != "source"
        for above, name in itertools.pairwise(folders)
    )
