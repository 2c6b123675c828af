"""The search index's list of new entries stays short, so that nobody waits long for it."""

from __future__ import annotations

import pytest

from blogsvc import BlogService

from .migrating import execute, fetch

PAGES = 256 // 8
"""What the list may have: pages of 8 kB."""

WORDS = " ".join(f"word{number}" for number in range(400))


@pytest.mark.parametrize("is_short", [True, False])
async def test_no_writer_leaves_more_than_a_quarter_of_a_megabyte_on_the_list(
    empty_database: str, is_short: bool
) -> None:
    async with BlogService(empty_database, migrate=True) as blog:
        if not is_short:
            undo = "ALTER INDEX posts_search_idx RESET (gin_pending_list_limit)"
            await execute(empty_database, undo)
        for number in range(60):
            await blog.posts.create(f"Number {number}", WORDS)
    clean = "SELECT gin_clean_pending_list('posts_search_idx'::regclass)"
    [(pages,)] = await fetch(empty_database, clean)
    assert (pages <= PAGES) is is_short, pages
