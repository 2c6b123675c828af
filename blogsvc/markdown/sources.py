"""Say which file a post is, so that it is found again after its title, date and text changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

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


def source_of(path: Path, root: Path) -> str:
    """Return the path of a file below its site, or below the folder that was imported.

    The site is the nearest folder, `root` or above it, that holds `.git` or the configuration of a
    site generator. Without one the path begins with the name of `root`. It is never absolute, has
    `/` between its parts, and is text that can be stored: a byte of a name that is not UTF-8 is
    written as `\\xe9`.
    """
    path, root = Path(os.path.abspath(path)), Path(os.path.abspath(root))
    base = next((folder for folder in (root, *root.parents) if _is_site(folder)), root.parent)
    return os.fsencode(path.relative_to(base).as_posix()).decode(errors="backslashreplace")


def _is_site(folder: Path) -> bool:
    names = _SITES
    if (folder / "content").is_dir():
        names += _SITES_BESIDE_CONTENT
    return any((folder / name).exists() for name in names)
