"""Folders of Markdown for the tests, and what an import of them stores."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from blogsvc import BlogService
from blogsvc.markdown import ImportReport, import_posts
from blogsvc.posts import PostRecord

FIRST_OF_MAY = datetime(2026, 5, 1, tzinfo=UTC)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def yaml(title: str = "Hello", content: str = "text", **values: str) -> str:
    lines = "".join(f"{name}: {value}\n" for name, value in values.items())
    return f"---\ntitle: {title}\n{lines}---\n\n{content}\n"


def markdown_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.md") if path.name != "_index.md"]


def outcome(report: ImportReport) -> tuple[int, int, int]:
    assert report.is_complete, report.skipped
    return report.created, report.unchanged, report.updated


async def stored(blog: BlogService) -> dict[str, PostRecord]:
    return {post.slug: post async for post in blog.posts.stream()}


# Sites

MAY = "2026-05-01"
JUNE = "2026-06-01"

MARKS = ["", ".git/HEAD", "hugo.toml"]
"""What makes a folder a site; without any, the imported folder is one."""

ORDERS = [("one", "two"), ("two", "one")]

EDITS = {
    "title": yaml("Edited", "one", date=MAY),
    "date": yaml("Hello", "one", date=JUNE),
    "text": yaml("Hello", "edited", date=MAY),
    "slug": yaml("Hello", "one", date=MAY, slug="edited"),
    "all but the path": yaml("Edited", "edited", date=MAY, slug="edited"),
}


async def run(blog: BlogService, *paths: Path, site: str | None = None) -> tuple[int, int, int]:
    return outcome(await import_posts(blog.posts, paths, site=site))


async def texts(sql: asyncpg.Connection) -> list[str]:
    rows = await sql.fetch("SELECT content FROM posts ORDER BY content")
    return [content for (content,) in rows]


def make_site(folder: Path, mark: str, posts: dict[str, str]) -> Path:
    """Make a site and return the folder to import."""
    if mark:
        write(folder, mark, "")
    for name, text in posts.items():
        write(folder, f"posts/{name}.md", text)
    return folder / "posts"


def told(report: ImportReport) -> list[str]:
    return [reason for _, reason in report.skipped]


def blog_of(*names: str) -> dict[str, str]:
    return {name: yaml(name, name, date=MAY) for name in names}
