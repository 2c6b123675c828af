"""The fixtures for users' tests work in each mode and loop scope that their document shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..support import ROOT
from .test_docs import CODE

DOCUMENT = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
CONFTEST, AUTO, STRICT, MODULE = (text for kind, text in CODE.findall(DOCUMENT) if kind == "python")
[ONE_LOOP] = (text for kind, text in CODE.findall(DOCUMENT) if kind == "toml")
NOTHING = "[tool.pytest.ini_options]\n"
SYNC = "\n\ndef test_the_database_is_empty(blog_url):\n    assert blog_url\n"
ANYIO = (
    """
import pytest
from blogsvc import BlogService

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def blog(blog_url):
    async with BlogService(blog_url) as service:
        yield service
"""
    + AUTO
)


def passed(place: Path, server: str, test: str, settings: str) -> int:
    (place / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (place / "pyproject.toml").write_text(settings, encoding="utf-8")
    for number in range(2):  # a loop that outlives a test is used by the next one
        (place / f"test_{number}.py").write_text(test, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=place,
        env={"BLOGSVC_TEST_URL": server, "PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    # "in" and no warning before it.
    found = re.search(r"^(\d+) passed in", done.stdout, re.M)
    assert found is not None, done.stdout + done.stderr
    return int(found[1])


@pytest.mark.parametrize(
    ("test", "settings", "number"),
    [
        (AUTO + SYNC, NOTHING + 'asyncio_mode = "auto"\n', 4),
        (STRICT + SYNC, NOTHING, 4),
        (AUTO + SYNC, ONE_LOOP, 4),
        (MODULE, NOTHING, 2),
        (ANYIO, NOTHING, 2),
    ],
    ids=["auto", "strict", "session", "module", "anyio"],
)
def test_a_users_test_passes(
    server: str, tmp_path: Path, test: str, settings: str, number: int
) -> None:
    assert passed(tmp_path, server, test, settings) == number
