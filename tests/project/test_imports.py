"""The arrows between the parts of the package point down, and each folder has one door."""

from __future__ import annotations

import ast
import graphlib
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import blogsvc

PACKAGE = Path(blogsvc.__file__).parent

LEVELS = [
    {"errors"},
    {"config"},
    {"embedded"},
    {"database"},
    {"posts"},
    {"migrator", "markdown"},
    {"service", "models"},
    {"testing", "cli"},
    {"__init__", "__main__"},
]
"""From the ground up: a part imports from the levels below its own, and from nowhere else."""

UP_ON_PURPOSE = {("config", "migrator.aerich")}
"""pyproject.toml and aerich.ini name `blogsvc.config.TORTOISE_ORM`, which is made elsewhere."""


class Import(NamedTuple):
    """`module` imports `name` from `source`, or the module `source` itself; both in the package."""

    module: str
    source: str
    name: str | None


def modules() -> dict[str, Path]:
    """Return the package's modules by their name, `posts.sql` or `posts.__init__`."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
        if "migrations" not in path.parts
    }


def imports_of(module: str, path: Path) -> Iterator[Import]:
    """Yield what a module imports from the package, also inside of functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(name.name.startswith("blogsvc") for name in node.names), module
        if not isinstance(node, ast.ImportFrom):
            continue
        if not node.level:
            assert not (node.module or "").startswith("blogsvc"), f"{module}: import relatively"
            continue
        base = module.split(".")[: -node.level]
        source = ".".join([*base, *(node.module or "").split(".")]).strip(".")
        for name in node.names:
            as_module = f"{source}.{name.name}".strip(".")
            if as_module in modules() or f"{as_module}.__init__" in modules():
                yield Import(module, as_module, None)
            else:
                yield Import(module, source, name.name)


ALL = [each for module, path in sorted(modules().items()) for each in imports_of(module, path)]


def part_of(module: str) -> str:
    return module.partition(".")[0]


def level_of(module: str) -> int:
    return next(number for number, parts in enumerate(LEVELS) if part_of(module) in parts)


def between_parts() -> list[Import]:
    return [each for each in ALL if part_of(each.module) != part_of(each.source)]


def test_the_walk_finds_every_module_and_many_imports() -> None:
    assert len(modules()) > 40
    assert len(between_parts()) > 60
    assert {part_of(module) for module in modules()} == set().union(*LEVELS)


def test_every_arrow_points_down() -> None:
    upward = [each for each in between_parts() if level_of(each.source) >= level_of(each.module)]
    assert {(each.module, each.source) for each in upward} == UP_ON_PURPOSE


def test_a_folder_is_entered_by_its_door() -> None:
    found = [each for each in between_parts() if (each.module, each.source) not in UP_ON_PURPOSE]
    past_the_door = [each for each in found if "." in each.source]
    assert past_the_door == [], "import it from the folder, not from a module in it"
    assert [each for each in found if each.name is not None and not is_public(each)] == []


def is_public(found: Import) -> bool:
    face = importlib.import_module(f"blogsvc.{found.source}")
    public = getattr(face, "__all__", None)
    return not str(found.name).startswith("_") and (public is None or found.name in public)


def test_no_two_modules_need_each_other() -> None:
    names = modules()
    graph: dict[str, set[str]] = {}
    for module, source, _ in ALL:
        if (module, source) not in UP_ON_PURPOSE:
            needed = source if source in names else f"{source}.__init__"
            graph.setdefault(module, set()).add(needed)
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


def test_the_embedded_server_is_imported_in_one_place() -> None:
    outside = [
        each for each in ALL if each.source == "embedded" and part_of(each.module) != each.source
    ]
    assert {each.module for each in outside} == {"database.endpoint"}


_WITHOUT = """
import sys
for name in {missing}:
    sys.modules[name] = None

import asyncio
import blogsvc, blogsvc.cli

async def main():
    async with blogsvc.BlogService({url!r}) as blog:
        await blog.posts.create("Without", "what this system does not have")
    await blogsvc.Migrator({url!r}).check()

asyncio.run(main())
assert "blogsvc.embedded" not in sys.modules
try:
    asyncio.run(blogsvc.BlogService().open())
except blogsvc.errors.EmbeddedUnavailable as error:
    print(error)
"""


def test_with_a_url_it_works_where_the_embedded_server_cannot(database: str) -> None:
    program = _WITHOUT.format(missing=("fcntl", "pwd", "platformdirs"), url=database)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "runs on Linux and macOS only" in done.stdout


def test_importing_brings_nothing_that_the_caller_may_not_use() -> None:
    heavy = (
        "tortoise",
        "aerich",
        "asyncclick",
        "yaml",
        "platformdirs",
        "blogsvc.embedded",
        "pytest",
    )
    program = f"import sys, blogsvc; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
