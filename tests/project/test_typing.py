"""A user's code has types without a hole, for mypy and for pyright."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent / "typing" / "a_users_code.py"
CHECKERS = {
    "mypy": ["mypy", "--strict", "--disallow-any-expr", "--config-file=", str(SAMPLE)],
    "pyright": ["basedpyright", "--pythonpath", sys.executable, "--level", "error", str(SAMPLE)],
}


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_users_code_passes_the_checker(checker: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *CHECKERS[checker]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
