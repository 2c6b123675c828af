"""`blogsvc list`, `import` and `export`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import asyncclick as click

from ..markdown import export_posts, import_posts
from ..posts import STATUSES, Status
from ..service import BlogService
from .target import Target, on_a_blog


@click.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only posts of this status.")
@click.option("--limit", default=20, show_default=True, help="How many, 1 to 1000.")
@click.option("--after", metavar="CURSOR", help="Go on where a page ended.")
@on_a_blog
async def list_posts(target: Target, status: Status | None, limit: int, after: str | None) -> None:
    """Show a page of posts, newest first."""
    async with BlogService(**target) as blog:
        page = await blog.posts.page(status=status, limit=limit, after=after, with_total=True)
    for post in page:
        click.echo(
            f"{post.id:>6}  {post.created_at:%Y-%m-%d}  {post.status:<9}  "
            f"{_on_one_line(post.title, 58):<58}  {_on_one_line(post.slug, 255)}"
        )
    click.echo(f"{len(page)} of {page.total} posts")
    if page.next:
        only = f" --status {status}" if status else ""
        click.echo(f"Next page: blogsvc list{only} --limit {limit} --after {page.next}")


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@on_a_blog
async def import_command(target: Target, paths: Sequence[Path]) -> None:
    """Store the Markdown files of PATHS, files or folders, as posts. Nothing is stored twice."""
    async with BlogService(**target) as blog:
        with _progress("Importing") as tick:
            report = await import_posts(blog.posts, paths, on_progress=tick)
    for skipped in report.skipped:
        click.echo(f"skipped {skipped.path}: {skipped.reason}", err=True)
    click.echo(
        f"{report.created} created, {report.unchanged} unchanged, {report.updated} updated, "
        f"{len(report.skipped)} skipped, {len(report.section_pages)} section pages ignored"
    )
    if not report.is_complete:
        sys.exit(1)


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@on_a_blog
async def export(target: Target, directory: Path) -> None:
    """Write every post to DIRECTORY as a Markdown file with front matter."""
    async with BlogService(**target) as blog:
        with _progress("Exporting") as tick:
            written = await export_posts(blog.posts, directory, on_progress=tick)
    click.echo(f"{written} posts written to {directory}")


def _on_one_line(text: str, width: int) -> str:
    """Shorten a text, and take out what would move the cursor of a terminal."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= width else f"{text[: width - 1]}…"


@contextlib.contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """Draw a bar on a terminal, and nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def tick(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield tick
