"""A worker that archives what nobody has touched for a year. Run it: python -m examples.worker"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from blogsvc import BlogService
from blogsvc.errors import PostNotFound

KEPT = timedelta(days=365)


async def archive_old_posts(blog: BlogService) -> int:
    """Archive the published posts that were last changed too long ago; return how many."""
    archived = 0
    limit = datetime.now(UTC) - KEPT
    async for post in blog.posts.stream(status="published", created_before=limit):
        if post.updated_at >= limit:
            continue
        try:
            await blog.posts.archive(post.id)
            archived += 1
        except PostNotFound:
            pass  # deleted since it was read
    return archived


async def main() -> None:
    async with BlogService() as blog:
        print(f"{await archive_old_posts(blog)} posts archived")


if __name__ == "__main__":
    asyncio.run(main())
