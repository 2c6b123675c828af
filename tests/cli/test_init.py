"""`blogsvc init`: after it, the two Aerich commands work in any directory."""

from __future__ import annotations

import configparser
import os
import shutil
import tomllib
from pathlib import Path

import pytest

from blogsvc.migrator import files

from ..migrations.migrating import recorded
from ..support import ROOT, run

ALL = [file.version for file in files.all_files()]
HOST = '[tool.aerich]\ntortoise_orm = "shop.settings.TORTOISE_ORM"\nlocation = "./migrations"\n'


def texts(place: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(place.iterdir())}


async def init(place: Path, status: int = 0) -> str:
    ended = await run("blogsvc", "init", checkout=place, PYTHONPATH=str(ROOT))
    assert ended.status == status, ended.output
    return ended.output


async def aerich(place: Path, url: str, *arguments: str) -> str:
    ended = await run("aerich", *arguments, url=url, checkout=place, PYTHONPATH=str(ROOT))
    assert ended.status == 0, ended.output
    return ended.output


async def test_the_two_commands_work_in_an_empty_directory(
    empty_database: str, tmp_path: Path
) -> None:
    assert (await init(tmp_path)).splitlines() == [
        "aerich.ini: written",
        "pyproject.toml: written",
        "Next: aerich upgrade",
    ]
    await aerich(tmp_path, empty_database, "upgrade")
    assert await recorded(empty_database) == ALL
    await aerich(tmp_path, empty_database, "downgrade", "--yes")
    assert await recorded(empty_database) == ALL[:-1]
    await aerich(tmp_path, empty_database, "-c", "aerich.ini", "upgrade")
    assert await recorded(empty_database) == ALL
    assert list(texts(tmp_path)) == ["aerich.ini", "pyproject.toml"]


async def test_what_it_writes_is_valid_as_ini_too(tmp_path: Path) -> None:
    await init(tmp_path)
    parser = configparser.ConfigParser()
    parser.read(tmp_path / "aerich.ini")
    as_ini = {name: value.strip('"') for name, value in parser["tool.aerich"].items()}
    assert as_ini == tomllib.loads((tmp_path / "aerich.ini").read_text())["tool"]["aerich"]


async def test_the_settings_of_a_project_stay(empty_database: str, tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nname = "shop"\n')
    assert "pyproject.toml: written" in await init(tmp_path)
    written = tomllib.loads(project.read_text())
    assert written["project"] == {"name": "shop"}
    assert project.read_text().startswith('[project]\nname = "shop"\n\n#')
    await aerich(tmp_path, empty_database, "upgrade")
    assert await recorded(empty_database) == ALL


@pytest.mark.parametrize("section", ["aerich", "tortoise"])
async def test_a_project_with_an_aerich_of_its_own_keeps_it(
    empty_database: str, tmp_path: Path, section: str
) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text(HOST.replace("aerich", section))
    assert (await init(tmp_path)).splitlines() == [
        "aerich.ini: written",
        "pyproject.toml: left as it is, with the settings of another application",
        "Next: aerich -c aerich.ini upgrade",
    ]
    assert project.read_text() == HOST.replace("aerich", section)
    await aerich(tmp_path, empty_database, "-c", "aerich.ini", "upgrade")
    assert await recorded(empty_database) == ALL


async def test_an_aerich_ini_of_another_application_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "aerich.ini").write_text(HOST)
    assert "nothing was written" in await init(tmp_path, 1)
    assert texts(tmp_path) == {"aerich.ini": HOST}


async def test_a_file_that_aerich_cannot_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    assert "pyproject.toml is no valid TOML" in await init(tmp_path, 1)
    assert not (tmp_path / "aerich.ini").exists()


@pytest.mark.parametrize("name", ["aerich.ini", "pyproject.toml"])
@pytest.mark.parametrize("kind", ["bytes", "folder", "pipe", "link"])
async def test_what_is_no_file_of_text_is_named(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    match kind:
        case "bytes":
            path.write_bytes(b"\xff\xfe")
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            path.symlink_to("/nowhere/at/all")
    ended = await run("blogsvc", "init", checkout=tmp_path, PYTHONPATH=str(ROOT))
    assert (ended.status, ended.output.splitlines()[-1].startswith(f"Error: {name} ")) == (1, True)
    assert "Traceback" not in ended.output


async def test_settings_that_are_no_settings_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("tool = 5\n")
    ended = await run("blogsvc", "init", checkout=tmp_path, PYTHONPATH=str(ROOT))
    assert "Error: pyproject.toml is no valid TOML" in ended.output
    assert (tmp_path / "pyproject.toml").read_text() == "tool = 5\n"
    (tmp_path / "pyproject.toml").write_text("[tool]\ntortoise = 5\n")
    ended = await run("blogsvc", "init", checkout=tmp_path, PYTHONPATH=str(ROOT))
    assert "pyproject.toml: left as it is" in ended.output


async def test_it_is_typed_again_after_a_move(empty_database: str, tmp_path: Path) -> None:
    other = '[tool.other]\nlocation = "./elsewhere"\n\n'
    (tmp_path / "pyproject.toml").write_text(other)
    await init(tmp_path)
    before = texts(tmp_path)
    for name, text in before.items():
        (tmp_path / name).write_text(text.replace(ROOT.as_posix(), "/gone"))
    await init(tmp_path)
    assert texts(tmp_path) == before
    assert (await init(tmp_path)).count("as it should be") == 2


async def test_settings_that_are_written_otherwise_are_left_to_the_reader(tmp_path: Path) -> None:
    text = '[tool]\naerich = {tortoise_orm = "blogsvc.config.TORTOISE_ORM", location = "/gone"}\n'
    (tmp_path / "pyproject.toml").write_text(text)
    assert 'write location = "' in await init(tmp_path, 1)
    assert texts(tmp_path) == {"pyproject.toml": text}


async def test_in_the_repository_it_finds_what_is_there(tmp_path: Path) -> None:
    for name in ("blogsvc", "migrations"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("aerich.ini", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path)
    ended = await run("blogsvc", "init", checkout=tmp_path)
    assert ended.output.count("as it should be") == 2, ended.output
