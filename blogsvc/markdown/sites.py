"""The site that files belong to: their paths in it, its language and its time zone."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final

from .languages import CODES, code_of
from .origins import Origin, is_folder, name_of, text_of
from .settings import Generator, settings_of

_REPOSITORY: Final = ".git"
_FOLDERS_OF_LANGUAGES: Final = ("i18n", "_i18n", "locales", "translations")


@dataclass(frozen=True)
class Site:
    """The blog that files belong to, as far as more than one file has to do with it.

    `language` is the default one, whose posts have the plain slugs; `languages` are those that the
    configuration names. Without a configuration, `root` is the folder that is imported, and
    `folder` the one around it. A site is called as its `root` or `folder`, or as `given_name` says.
    Made for one import: it remembers what is in a folder.
    """

    folder: Path
    root: Path | None = None
    given_name: str | None = None
    language: str | None = None
    languages: frozenset[str] = frozenset()
    timezone: tzinfo = UTC
    generator: Generator | None = None
    _listed: dict[Path, tuple[frozenset[str], frozenset[str]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def top(self) -> Path:
        """The folder below which are the paths that tell its files apart."""
        has_own_name = self.given_name is not None and not is_folder(self.given_name)
        return self.folder if has_own_name else self.root or self.folder

    def origin_of(self, path: Path) -> Origin:
        """Return where the post of a file comes from."""
        name = name_of(self.top) if self.given_name is None else self.given_name
        return Origin(name, self._below(path, self.top))

    def path_of(self, path: Path) -> str:
        """Return the path of a file below `folder`."""
        return self._below(path, self.folder)

    def _below(self, path: Path, folder: Path) -> str:
        return text_of(Path(os.path.abspath(path)).relative_to(folder))

    def split_language(self, path: Path) -> tuple[str, str | None]:
        """Return the stem of a file's name without its language, and the language.

        `fr` in `about.fr.md` is one only where that is proven: beside an `about.md` or
        `about.de.md`, in `index.fr.md`, with a region as in `about.pt-br.md`, or where the
        configuration names the language. `socket.io.md` and `v1.2.md` have none.
        """
        stem, _, ending = path.stem.rpartition(".")
        code = code_of(ending)
        if not stem or not code:
            return path.stem, None
        is_proven = (
            stem.lower() in ("index", "readme") or "-" in code or code in self.languages
        ) or any(
            f"{stem}{other}{path.suffix}" in self._list(path.parent)[0]
            for other in ("", *(f".{one}" for one in CODES if one != code))
        )
        return (stem, code) if is_proven else (path.stem, None)

    def is_bundle(self, path: Path, stem: str) -> bool:
        """Whether a file is named after its folder: an `index.md`, or a `README.md` alone there."""
        if stem.lower() != "readme":
            return stem.lower() == "index"
        others = (name.lower() for name in self._list(path.parent)[0])
        return path.parent != self.folder and not any(
            name.endswith(path.suffix.lower()) and not name.startswith("readme") for name in others
        )

    def folder_language(self, path: Path) -> str | None:
        """Return the language of the folders that a file is in: of `content/fr/about.md`.

        A folder is a language where the configuration names it, or where it has only languages
        beside it.
        """
        folder = self.folder
        for part in path.relative_to(folder).parts[:-1]:
            code = code_of(part)
            if code and (code in self.languages or self._holds_languages(folder)):
                return code
            folder /= part
        return None

    def _holds_languages(self, folder: Path) -> bool:
        if folder.name.lower() in _FOLDERS_OF_LANGUAGES:
            return True
        folders = self._list(folder)[1]
        return len(folders) > 1 and all(code_of(name) for name in folders)

    def _list(self, folder: Path) -> tuple[frozenset[str], frozenset[str]]:
        """Return the names of what is in a folder, and of the folders that are not hidden."""
        if folder not in self._listed:
            names: set[str] = set()
            folders: set[str] = set()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        names.add(entry.name)
                        if entry.is_dir() and not entry.name.startswith("."):
                            folders.add(entry.name)
            except OSError:
                pass
            self._listed[folder] = frozenset(names), frozenset(folders)
        return self._listed[folder]


def site_of(
    imported: Path,
    *,
    timezone: tzinfo | None = None,
    language: str | None = None,
    name: str | None = None,
) -> Site:
    """Return the site of a file or folder that is imported.

    Its folder is the nearest one, the imported one or above it, that holds `.git` or the
    configuration of a site generator. Without one it is the folder around the imported one, whose
    name may be a language, and the paths of files are those below the imported one.

    A time zone or language that is given counts before those of the configuration. Without either,
    the time zone is UTC, and no language is the default.
    """
    root = Path(os.path.abspath(imported))
    if not root.is_dir():
        root = root.parent
    for folder in (root, *root.parents):
        settings = settings_of(folder)
        if settings:
            names = (language or settings.language or "", *settings.languages)
            found = [code_of(one) for one in names]
            return Site(
                folder,
                given_name=name,
                language=found[0],
                languages=frozenset(code for code in found if code),
                timezone=timezone or settings.timezone or UTC,
                generator=settings.generator,
            )
        if (folder / _REPOSITORY).exists():
            root = folder
            break
    else:
        folder = root.parent
    return Site(
        folder,
        root,
        given_name=name,
        language=code_of(language or ""),
        timezone=timezone or UTC,
    )
