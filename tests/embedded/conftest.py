from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import nothing_left


@pytest.fixture
def data_dir(reachable: Path) -> Iterator[Path]:
    """A directory that is not there yet, and whose server has gone when the test is over."""
    yield reachable / "data"
    assert nothing_left(reachable / "data")
