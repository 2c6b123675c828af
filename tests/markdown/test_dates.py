"""A time is read as people write it; what cannot be sure is refused."""

from __future__ import annotations

import pytest

from blogsvc.markdown.dates import read_time


@pytest.mark.parametrize("nothing", [None, "", " ", "\t\n\xa0", " " * 30_000])
def test_nothing_is_no_time(nothing: object) -> None:
    assert read_time(nothing) is None
