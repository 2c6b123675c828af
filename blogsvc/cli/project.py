"""`blogsvc init`: what the two Aerich commands read, in the directory where they are typed."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import asyncclick as click

from ..errors import ConfigurationError
from ..migrator import migrations_folder
from .terminal import echo

_TORTOISE_ORM: Final = "blogsvc.config.TORTOISE_ORM"
_COMMENT: Final = (
    "# Where Aerich finds the migrations of blogsvc. After a move, type `blogsvc init` again.\n"
)
_LOCATION: Final = re.compile(
    r"(^\[tool\.(?:aerich|tortoise)\][^\n]*\n(?:[^\[\n][^\n]*\n|\n)*?)location\s*=[^\n]*", re.M
)


@click.command()
async def init() -> None:
    """Let `aerich upgrade` and `aerich downgrade` work in this directory.

    Writes aerich.ini, and the same into pyproject.toml, unless another application has its Aerich
    settings there: then give the commands `-c aerich.ini`. Run it again when blogsvc has moved.
    """
    location = _location(Path.cwd())
    ini, project = Path("aerich.ini"), Path("pyproject.toml")
    # Both are read before one is written.
    texts = {path: _with_settings(path, location) for path in (ini, project)}
    if texts[ini] is None:
        raise ConfigurationError(
            "The aerich.ini here is of another application, and was left as it is; nothing was "
            "written. Type `blogsvc init` in another directory."
        )
    before = {path: _read(path) for path in texts}
    for path, text in texts.items():
        if text is None:
            echo(f"{path}: left as it is, with the settings of another application")
        elif before[path] == text:
            echo(f"{path}: as it should be")
        else:
            _write(path, text)
            echo(f"{path}: written")
    option = " -c aerich.ini" if texts[project] is None else ""
    echo(f"Next: aerich{option} upgrade")


def _location(here: Path) -> str:
    """Return where the migrations are, as Aerich reads it, and relative where they are below."""
    folder = migrations_folder().parent
    below = folder.is_relative_to(here)
    return f"./{folder.relative_to(here).as_posix()}" if below else folder.as_posix()


def _with_settings(path: Path, location: str) -> str | None:
    """Return what a file should hold; None where it has the settings of another application."""
    text = _read(path)
    line = f"location = {json.dumps(location, ensure_ascii=False)}"
    found = _aerich_settings(path, text)
    if found is None:
        blank = "\n" if text.strip() else ""
        longer = (
            f"{text}{blank}{_COMMENT}[tool.aerich]\n"
            f'tortoise_orm = "{_TORTOISE_ORM}"\n{line}\nsrc_folder = "./."\n'
        )
        _aerich_settings(path, longer)  # as it would be read
        return longer
    if found.get("tortoise_orm") != _TORTOISE_ORM:
        return None
    if found.get("location") == location:
        return text
    moved = _LOCATION.sub(lambda match: match[1] + line, text)
    if (_aerich_settings(path, moved) or {}).get("location") != location:
        raise ConfigurationError(
            f"{path} names other migrations in a way that is not changed here; nothing was "
            f"written. In its section for Aerich, write {line}"
        )
    return moved


def _read(path: Path) -> str:
    """Return what is in a file; nothing, where there is none."""
    try:
        if not path.exists():
            return ""
        if not path.is_file():  # reading a pipe could wait forever
            raise ConfigurationError(f"{path} is no regular file; nothing was written.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path} is not UTF-8, so Aerich cannot read it; nothing was written. Save it in that "
            "encoding, and type `blogsvc init` again."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}); nothing was written."
        ) from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}). Type `blogsvc init` where you may write."
        ) from error


def _aerich_settings(path: Path, text: str) -> dict[str, Any] | None:
    """Return what Aerich would read from a file; None where it would find nothing."""
    try:
        tool = tomllib.loads(text).get("tool")
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"{path} is no valid TOML ({error}), so Aerich cannot read it; nothing was written. "
            "Fix it, and type `blogsvc init` again."
        ) from error
    for name in ("aerich", "tortoise"):
        found = tool.get(name) if isinstance(tool, dict) else None
        if found:
            return found if isinstance(found, dict) else {}
    return None
