"""Folders of Markdown for the tests, and what an import of them stores."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from blogsvc import BlogService
from blogsvc.markdown import ImportReport
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
