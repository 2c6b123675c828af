"""The shipped files: their names and numbers, their text, and what Aerich makes of them."""

from __future__ import annotations

import ast
import configparser
import json
import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest

from blogsvc.errors import MigrationError
from blogsvc.migrator import Migrator, files, schema

from ..support import ROOT, run
from .migrating import MIGRATION, add_online, make_checkout
from .write_schema import replay

FILES = files.all_files()
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.label)

FIRST = set(range(7))
"""The versions of the first release: they begin with an empty table."""

# What squawk says and we do anyway: by the way and the rule, where (empty: anywhere) and why.
EXCEPTIONS: dict[tuple[str, str], tuple[set[int], str]] = {
    ("up", "require-lock-timeout"): (set(), "the session that migrates has one"),
    ("up", "require-statement-timeout"): (set(), "a backfill takes as long as it takes"),
    ("up", "prefer-robust-stmts"): (set(), "what half ran must not pass for what has run"),
    ("up", "prefer-text-field"): (FIRST, "the tutorial's limits"),
    ("up", "prefer-bigint-over-int"): (FIRST, "the edits of one post"),
    ("up", "require-concurrent-index-creation"): (FIRST, "the table is empty"),
    ("up", "constraint-missing-not-valid"): (FIRST, "the table is empty"),
    ("up", "adding-not-nullable-field"): (FIRST, "the table is empty"),
    ("down", "require-lock-timeout"): (set(), "the session that migrates has one"),
    ("down", "require-statement-timeout"): (set(), "as on the way up"),
    ("down", "prefer-robust-stmts"): (set(), "undoing what is not there must fail"),
    ("down", "ban-drop-table"): (set(), "what the way up made; the command asks before"),
    ("down", "ban-drop-column"): (set(), "what the way up made; the command asks before"),
    ("down", "ban-drop-constraint"): (set(), "what the way up made"),
    ("down", "ban-drop-function"): (set(), "what the way up made"),
    ("down", "ban-drop-not-null"): (set(), "what the way up made"),
    ("up", "ban-drop-constraint"): (set(), "NOT NULL says the same from then on"),
    ("down", "require-concurrent-index-deletion"): (
        set(),
        "Aerich undoes in a transaction, where CONCURRENTLY cannot run; it takes milliseconds",
    ),
}


@each_file
def test_a_name_is_a_number_a_time_and_words(file: files.MigrationFile) -> None:
    assert re.fullmatch(r"\d+_\d{14}_[a-z]+(_[a-z]+)*\.py", file.version)


def test_numbers_have_no_gap_and_times_rise() -> None:
    assert [file.number for file in FILES] == list(range(len(FILES)))
    times = [file.version.split("_")[1] for file in FILES]
    assert times == sorted(set(times))


@each_file
def test_a_file_says_what_it_is_for_and_imports_nothing_of_ours(
    file: files.MigrationFile,
) -> None:
    tree = ast.parse((files.folder() / file.version).read_text())
    assert ast.get_docstring(tree)
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"tortoise"}


@each_file
def test_a_concurrent_index_is_alone_in_its_file(file: files.MigrationFile) -> None:
    assert "CONCURRENTLY" not in file.down
    if "CONCURRENTLY" in file.up:
        assert file.up.count(";") == 1
        assert not file.in_transaction


@each_file
def test_a_statement_ends_where_psql_sees_its_end(file: files.MigrationFile) -> None:
    assert file.up.rstrip().endswith(";")
    assert file.down.rstrip().endswith(";")


def test_squawk_finds_nothing_but_the_exceptions(tmp_path: Path) -> None:
    """Over the shipped files, and over the shapes for live tables that come after them."""
    folder = make_checkout(tmp_path / "checkout") / "migrations/blogsvc"
    add_online(folder)
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for file in files.all_files(folder):
        (scripts / f"{file.number}.up").write_text(file.up)
        (scripts / f"{file.number}.down").write_text(file.down)
    squawk = Path(sysconfig.get_path("scripts"), "squawk")
    command = [str(squawk), "--reporter=json", "--pg-version=15", *map(str, scripts.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[tuple[str, str], set[int]] = {}
    for one in json.loads(done.stdout):
        path = Path(one["file"])
        found.setdefault((path.suffix[1:], one["rule_name"]), set()).add(int(path.stem))
    assert found.keys() == EXCEPTIONS.keys()
    for rule, (allowed, _) in EXCEPTIONS.items():
        assert not allowed or found[rule] <= allowed, rule


async def test_the_stored_snapshot_is_what_the_files_build(empty_database: str) -> None:
    stored = schema.path().read_text()
    assert await replay(empty_database) == stored, "type: python -m tests.migrations.write_schema"


async def test_aerich_finds_no_difference_between_the_models_and_the_head(database: str) -> None:
    ended = await run("aerich", "migrate", url=database)
    assert (ended.status, ended.output.strip()) == (0, "No changes detected")
    assert len(list(files.folder().glob("[0-9]*.py"))) == len(FILES)


async def test_aerich_ini_is_what_pyproject_says(database: str) -> None:
    in_project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["aerich"]
    assert tomllib.loads((ROOT / "aerich.ini").read_text())["tool"]["aerich"] == in_project
    parser = configparser.ConfigParser()
    parser.read(ROOT / "aerich.ini")
    values = {key: value.strip('"') for key, value in parser["tool.aerich"].items()}
    assert values == in_project
    ended = await run("aerich", "-c", "aerich.ini", "heads", url=database)
    assert (ended.status, ended.output.strip()) == (0, "No available heads.")


def test_no_two_files_have_the_same_text() -> None:
    # By its text we know which file Aerich runs.
    assert len({text for file in FILES for text in (file.up, file.down)}) == 2 * len(FILES)


@pytest.mark.parametrize(
    ("files_of_a_folder", "reason"),
    [
        ({"0_20260101000000_a": ("SELECT 1;",) * 2, "2_20260101000001_b": ("SELECT 1;",) * 2},
         "where number 1 belongs"),
        ({"0_20260101000000_a": ("SELECT 1;",) * 2, "0_20260101000001_b": ("SELECT 1;",) * 2},
         "where number 1 belongs"),
        ({"0_20260101000000_a": ("SELECT 1;", "  ")}, "downgrade returns no SQL"),
        ({"0_a": ("SELECT 1;", "SELECT 1;")}, "is no name of a migration"),
    ],
    ids=["a number is missing", "a number is there twice", "no way down", "wrongly named"],
)  # fmt: skip
async def test_a_bad_file_stops_everything_before_the_first_statement(
    files_of_a_folder: dict[str, tuple[str, str]],
    reason: str,
    empty_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, (up, down) in files_of_a_folder.items():
        text = MIGRATION.format(in_transaction=True, up=up, down=down)
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(files, "folder", lambda: tmp_path)
    with pytest.raises(MigrationError, match=reason):
        await Migrator(empty_database).upgrade()


async def test_a_file_that_cannot_be_imported_is_named(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0_20260101000000_a.py").write_text("import nowhere_to_be_found")
    monkeypatch.setattr(files, "folder", lambda: tmp_path)
    with pytest.raises(MigrationError, match=r"0_20260101000000_a\.py cannot be used: ModuleNotF"):
        await Migrator(empty_database).upgrade()


def test_the_first_version_is_the_tutorials_table_and_nothing_else() -> None:
    assert FILES[0].version == "0_20251120123456_create_posts.py"
    assert FILES[0].down.strip() == 'DROP TABLE "posts";'
    assert FILES[0].up.count(";") == 1
    assert not [file.label for file in FILES if "aerich" in file.up + file.down]
