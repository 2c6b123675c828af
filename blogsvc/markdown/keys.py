"""The keys of front matter: what authors call a thing, and which of theirs were understood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

# Names by `plain_key`; of several that are there, the first counts.
TITLE: Final = ("title",)
SLUG: Final = ("slug",)
ADDRESSES: Final = ("url", "permalink")
PATH: Final = ("path",)
FORMER_ADDRESSES: Final = ("aliases", "alias", "redirectfrom", "redirects")
TAGS: Final = ("tags", "tag")
TAXONOMIES: Final = ("taxonomies",)
LANGUAGE: Final = ("language", "lang", "locale")
WRITTEN: Final = (
    "date",
    "created",
    "createdat",
    "publishdate",
    "pubdate",
    "publishedat",
    "published",
)
PUBLISHED: Final = ("publishedat", "publishdate", "pubdate", "published")
UPDATED: Final = (
    "updated",
    "updatedat",
    "lastmod",
    "modified",
    "modifiedat",
    "lastmodified",
    "lastmodifiedat",
    "updateddate",
    "modifieddate",
    "dateupdated",
    "datemodified",
    "lastupdated",
)
EXPIRES: Final = ("expirydate", "unpublishdate")


class Entry(NamedTuple):
    """One entry of front matter: its key and value, and the value as its author typed it."""

    key: str
    value: Any
    spelled: Any

    @property
    def text(self) -> str | None:
        """What was typed, if that is a text that is not blank."""
        said = self.spelled
        return said if isinstance(said, str) and said.strip() else None


def plain_key(key: object) -> str:
    """Return a key as generators compare it: `publish_date` and `PublishDate` are the same."""
    return str(key).lower().replace("_", "").replace("-", "")


class Keys:
    """Front matter in which a key is found however it is spelled.

    Whoever has understood the whole of an entry says so with `used.add(key)`; `rest` is what
    remains.
    """

    def __init__(self, matter: Mapping[str, Any], spelled: Mapping[str, Any]) -> None:
        self._matter = matter
        self._spelled = spelled
        self._remains: dict[str, Any] = {}
        self._by_plain_key: dict[str, list[str]] = {}
        for key in matter:
            self._by_plain_key.setdefault(plain_key(key), []).append(key)
        self.used: set[str] = set()

    def find(self, names: tuple[str, ...]) -> Iterator[Entry]:
        """Yield the entries under these names, in the order of the names."""
        for name in names:
            for key in self._by_plain_key.get(name, ()):
                yield self[key]

    def __getitem__(self, key: str) -> Entry:
        return Entry(key, self._matter[key], self._spelled[key])

    def __iter__(self) -> Iterator[Entry]:
        return (self[key] for key in self._matter)

    def first(self, names: tuple[str, ...]) -> Entry | None:
        """Return the first entry under these names whose value is a text that is not blank."""
        return next((entry for entry in self.find(names) if entry.text), None)

    def keep(self, key: str, value: Any) -> None:
        """Say what remains of an entry that was understood in part, if anything does."""
        if value:
            self._remains[key] = value
        else:
            self.used.add(key)

    def rest(self) -> dict[str, Any]:
        """Return the values that nobody has used."""
        values = {**self._matter, **self._remains}
        return {key: value for key, value in values.items() if key not in self.used}
