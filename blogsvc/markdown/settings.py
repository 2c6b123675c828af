"""What the configuration of a site generator says of languages and times. It is never executed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from . import yaml_values
from .keys import plain_key

Generator = Literal["jekyll", "hexo", "hugo", "zola", "pelican", "astro", "eleventy", "docusaurus"]

_OWN_NAMES: Final[dict[str, Generator]] = {
    "_config.yml": "jekyll",
    "_config.yaml": "jekyll",
    "hugo.toml": "hugo",
    "hugo.yaml": "hugo",
    "hugo.yml": "hugo",
    "hugo.json": "hugo",
    "config/_default/hugo.toml": "hugo",
    "config/_default/hugo.yaml": "hugo",
    "config/_default/config.toml": "hugo",
    "config/_default/config.yaml": "hugo",
    "zola.toml": "zola",
    "pelicanconf.py": "pelican",
    "astro.config.mjs": "astro",
    "astro.config.ts": "astro",
    "astro.config.js": "astro",
    ".eleventy.js": "eleventy",
    "eleventy.config.js": "eleventy",
    "eleventy.config.mjs": "eleventy",
    "eleventy.config.cjs": "eleventy",
    "docusaurus.config.js": "docusaurus",
    "docusaurus.config.ts": "docusaurus",
}
_SHARED_NAMES: Final[dict[str, Generator]] = {
    "config.toml": "hugo",
    "config.yaml": "hugo",
    "config.yml": "hugo",
    "config.json": "hugo",
}
"""Names that other programs use, too: of a site only where a folder `content` is beside them."""

_MAX_SIZE: Final = 200_000  # bytes; a longer file is not looked into

# In Python and JavaScript: an assignment or a property, not what stands in a comment.
_ASSIGNED: Final = re.compile(
    r"""(?:^|[{,])[ \t]*["']?(\w+)["']?[ \t]*[:=][ \t]*(?:(["'])(.*?)\2|\[([^\[\]]*)\])""",
    re.MULTILINE,
)
_QUOTED: Final = re.compile(r"""(["'])(.*?)\1""")


class Settings(NamedTuple):
    """What a configuration says: codes of languages as they are written there."""

    generator: Generator
    language: str | None = None
    languages: tuple[str, ...] = ()
    timezone: ZoneInfo | None = None


def settings_of(folder: Path) -> Settings | None:
    """Return what the configuration in a folder says, or None where there is none."""
    names = _OWN_NAMES
    if (folder / "content").is_dir():
        names = names | _SHARED_NAMES
    for name, generator in names.items():
        if (folder / name).exists():
            return _read(folder / name, generator)
    return None


def _read(path: Path, generator: Generator) -> Settings:
    try:
        if path.stat().st_size > _MAX_SIZE or not path.is_file():
            return Settings(generator)
        values = _PARSERS[path.suffix](path.read_text(encoding="utf-8-sig"))
        settings = {plain_key(key): value for key, value in values.items()}
    except Exception:  # noqa: BLE001 - whatever is in it: the files of the site matter
        return Settings(generator)
    if generator == "jekyll" and (path.parent / "source").is_dir():
        generator = "hexo"
    if generator == "hugo" and "base_url" in values:
        generator = "zola"
    language = _language(settings, generator)
    return Settings(
        generator,
        language[0] if language else None,
        tuple(dict.fromkeys([*language, *_languages(settings)])),
        # Jekyll takes times that name no zone for UTC, whatever it is set to.
        None if generator == "jekyll" else _timezone(settings),
    )


def _language(settings: Mapping[str, Any], generator: Generator) -> list[str]:
    """Return the default language first; Hexo may have more of them behind it."""
    for name in (
        "defaultcontentlanguage",
        "defaultlanguage",
        "defaultlang",
        "defaultlocale",
        "language",
        "lang",
        "locale",
    ):
        found = _texts(settings.get(name))
        if found:
            return found
    return ["en"] if generator in ("hugo", "zola") else []


def _languages(settings: Mapping[str, Any]) -> list[str]:
    """Return the other languages: a mapping in Hugo and Zola, a list elsewhere."""
    for name in ("languages", "locales"):
        value = settings.get(name)
        found = list(value) if isinstance(value, dict) else _texts(value)
        if found:
            return found
    return []


def _timezone(settings: Mapping[str, Any]) -> ZoneInfo | None:
    """Return the zone of times that name none."""
    try:
        return ZoneInfo(settings["timezone"])
    except Exception:  # noqa: BLE001 - none is set, or none that this machine knows
        return None


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str) and text]


def _load_yaml(text: str) -> Mapping[str, Any]:
    return yaml_values.load(text)[0] or {}


def _assignments(text: str) -> Mapping[str, Any]:
    """Return what a program in Python or JavaScript sets to a text or a list of texts."""
    values: dict[str, Any] = {}
    for found in _ASSIGNED.finditer(text):
        name, quote, said, several = found.groups()
        values.setdefault(name, said if quote else [one[2] for one in _QUOTED.finditer(several)])
    return values


_PARSERS: Final[dict[str, Callable[[str], Mapping[str, Any]]]] = {
    ".toml": tomllib.loads,
    ".json": json.loads,
    ".yml": _load_yaml,
    ".yaml": _load_yaml,
    ".py": _assignments,
    ".js": _assignments,
    ".mjs": _assignments,
    ".cjs": _assignments,
    ".ts": _assignments,
}
