from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from blogsvc import embedded

from .processes import nothing_left, reachable_directory


@pytest.fixture
def data_dir(reachable: Path) -> Iterator[Path]:
    """A directory that is not there yet, and whose server has gone when the test is over."""
    yield reachable / "data"
    assert nothing_left(reachable / "data")


@pytest.fixture(scope="module")
def used_once() -> Iterator[Path]:
    """A data directory in which a server has run before; to be copied."""
    with reachable_directory() as directory:
        embedded.start(directory).release()
        yield directory


@pytest.fixture
def cluster(used_once: Path, data_dir: Path) -> Path:
    """A data directory in which a server has run before."""
    subprocess.run(["cp", "-Rp", used_once, data_dir], check=True)
    return data_dir
