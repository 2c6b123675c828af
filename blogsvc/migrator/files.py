"""The migration files: Aerich's own, found, checked and read."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from ..database import shown
from ..errors import InvalidQuery, MigrationError

APP: Final = "blogsvc"
"""Our app label: it stands in every row that we write to Aerich's table, so it never changes."""

_BOGUS: Final = re.compile(r"\d+_\d{14}_(init|None)\.py")

_NAME: Final = re.compile(r"(?P<number>\d+)_(?P<time>\d{14})_(?P<name>[a-z0-9_]+)\.py")


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """One version: `up` and `down` are the SQL that its two functions return.

    `breaking` says that a release from before it cannot run on it: the file has `BREAKING = True`.
    """

    version: str
    number: int
    checksum: str
    in_transaction: bool
    breaking: bool
    up: str
    down: str
    models_state: str | None

    @property
    def label(self) -> str:
        """The name as it is shown and typed: the file's, without `.py`."""
        return label(self.version)


def label(version: str) -> str:
    """Return a version as it is shown and typed."""
    return version.removesuffix(".py")


def is_bogus(version: str) -> bool:
    """Whether `aerich init-db`, typed for our app, has recorded this: it is no migration."""
    return _BOGUS.fullmatch(version) is not None and version not in all_versions()


def folder() -> Path:
    """Return where the migrations are: in the wheel inside the package, in a checkout beside it."""
    return _inside() if is_installed() else _inside().parents[2] / "migrations" / APP


def is_installed() -> bool:
    """Whether the migrations came with a package, and are not those of a checkout."""
    return _inside().is_dir()


def _inside() -> Path:
    return Path(__file__).resolve().parents[1] / "migrations" / APP


def all_files(where: Path | None = None) -> tuple[MigrationFile, ...]:
    """Return the migrations in their order.

    Raises `MigrationError` when one cannot be imported, has no way up or no way down, is named
    wrongly, or when a number is missing or there twice.
    """
    return _all_files(where or folder())


@lru_cache
def all_versions() -> tuple[str, ...]:
    """Return the names of the files in their order, without importing them."""
    paths = (path.name for path in folder().glob("[0-9]*.py"))
    return tuple(sorted(paths, key=lambda name: int(name.partition("_")[0])))


def find(known: Sequence[MigrationFile], wanted: str) -> MigrationFile:
    """Return the file that a number, a version or a file's name means.

    Raises `MigrationError` when there is none.
    """
    if not isinstance(wanted, str):
        raise InvalidQuery("to", f"is a {type(wanted).__name__}, not a str such as '5'")
    for file in known:
        if wanted in (str(file.number), file.label, file.version):
            return file
    raise MigrationError(
        f"There is no migration {shown(wanted)}. The newest is {known[-1].label}; `blogsvc status` "
        "lists them all."
    )


@lru_cache
def models_state(files: tuple[MigrationFile, ...]) -> Any:
    """Return what Aerich compares the models with: the newest file carries it."""
    from aerich.utils import decompress_dict  # brings Tortoise, which an application may not need

    return decompress_dict(files[-1].models_state) if files[-1].models_state else {}


@lru_cache
def _all_files(folder: Path) -> tuple[MigrationFile, ...]:
    if not folder.is_dir():
        raise MigrationError(f"There is no folder of migrations at {folder}. Reinstall blogsvc.")
    paths = [path for path in folder.glob("*.py") if path.name[0].isdigit()]
    files = sorted((_load(path) for path in paths), key=lambda file: file.number)
    for expected, file in enumerate(files):
        if file.number != expected:
            raise MigrationError(
                f"The migrations in {folder} are not numbered one by one: {file.version} stands "
                f"where number {expected} belongs. Rename it, or bring the missing file back."
            )
    if not files:
        raise MigrationError(f"There is no migration in {folder}. Reinstall blogsvc.")
    return tuple(files)


def _load(path: Path) -> MigrationFile:
    name = _NAME.fullmatch(path.name)
    if name is None:
        raise MigrationError(
            f"{path.name} is no name of a migration: it has the form 7_20261123090000_add_slug.py."
        )
    source = path.read_text(encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"blogsvc_migration_{name['number']}", path)
    try:
        if spec is None or spec.loader is None:
            raise ImportError(f"no loader for {path}")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return MigrationFile(
            version=path.name,
            number=int(name["number"]),
            # Text mode has folded the line endings, which version control may change.
            checksum=hashlib.sha256(source.encode()).hexdigest(),
            in_transaction=getattr(module, "RUN_IN_TRANSACTION", True),
            breaking=getattr(module, "BREAKING", False),
            up=_sql(module.upgrade),
            down=_sql(module.downgrade),
            models_state=getattr(module, "MODELS_STATE", None),
        )
    except Exception as error:
        raise MigrationError(
            f"The migration {path.name} cannot be used: {error!r}. Fix the file; nothing was run."
        ) from error


def _sql(function: Callable[[Any], Coroutine[Any, Any, str]]) -> str:
    """Return the SQL of `upgrade` or `downgrade`, without a database and without an event loop."""
    coroutine = function(None)
    try:
        coroutine.send(None)
    except StopIteration as returned:
        sql = returned.value
        if not isinstance(sql, str) or not sql.strip():
            raise ValueError(f"{function.__name__} returns no SQL") from None
        return sql
    coroutine.close()
    raise ValueError(f"{function.__name__} awaits something; it may only return SQL")
