"""The site that files belong to: names each by its path there, which outlives title and date."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

_SITES: Final[tuple[str, ...]] = (
    ".git",
    "_config.yml",
    "_config.yaml",
    "hugo.toml",
    "hugo.yaml",
    "hugo.yml",
    "hugo.json",
    "pelicanconf.py",
    "astro.config.mjs",
    "astro.config.ts",
    "astro.config.js",
    ".eleventy.js",
    "eleventy.config.js",
    "eleventy.config.mjs",
    "eleventy.config.cjs",
)
_SITES_BESIDE_CONTENT: Final[tuple[str, ...]] = (
    "config.toml",
    "config.yaml",
    "config.yml",
    "config.json",
)
"""Names that other programs use, too: of a site only where a folder `content` is beside them."""


class Site(NamedTuple):
    """The blog that files belong to, as far as more than one file has to do with it."""

    folder: Path

    def source_of(self, path: Path) -> str:
        """Return the path of a file below the folder of its site, as text that can be stored.

        It is never absolute and has `/` between its parts. A byte of a name that is not UTF-8 is
        written as `\\xe9`.
        """
        below = Path(os.path.abspath(path)).relative_to(self.folder)
        return os.fsencode(below.as_posix()).decode(errors="backslashreplace")


def site_of(imported: Path) -> Site:
    """Return the site of a file or folder that is imported.

    Its folder is the nearest one, the imported one or above it, that holds `.git` or the
    configuration of a site generator. Without one it is the folder around the imported one, so that
    sources begin with that one's name.
    """
    root = Path(os.path.abspath(imported))
    if not root.is_dir():
        root = root.parent
    above = (folder for folder in (root, *root.parents) if _is_site(folder))
    return Site(next(above, root.parent))


def _is_site(folder: Path) -> bool:
    names = _SITES
    if (folder / "content").is_dir():
        names += _SITES_BESIDE_CONTENT
    return any((folder / name).exists() for name in names)
