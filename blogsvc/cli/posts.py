"""`blogsvc list`, `import` and `export`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import asyncclick as click

from ..markdown import export_posts, import_posts
from ..posts import STATUSES, Status
from ..service import BlogService
from .target import Target, on_a_blog
from .terminal import echo, one_line

NAMED: Final = 10
"""Files that an import names of a kind unless --verbose asks for all."""


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
        echo(
            f"{post.id:>6}  {post.created_at:%Y-%m-%d}  {one_line(post.status, 9):<9}  "
            f"{one_line(post.title, 58):<58}  {one_line(post.slug, 255)}"
        )
    echo(f"{len(page)} of {page.total} posts")
    if page.next:
        only = f" --status {status}" if status else ""
        echo(f"Next page: blogsvc list{only} --limit {limit} --after {page.next}")


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--timezone", help="Of dates that name none, such as Europe/Berlin.")
@click.option("--language", help="The one whose posts have the plain slugs, such as fr.")
@click.option(
    "--site", metavar="NAME", help="The site's name, for CI and containers; else its folder."
)
@click.option("-v", "--verbose", is_flag=True, help="Name every file that is not just stored.")
@on_a_blog
async def import_command(
    target: Target,
    paths: Sequence[Path],
    timezone: str | None,
    language: str | None,
    site: str | None,
    verbose: bool,
) -> None:
    """Store the Markdown files of PATHS, files or folders, as posts. Nothing is stored twice.

    Exits with 1 where a file could not become a post, and names the first of them.
    """
    async with BlogService(**target) as blog:
        with _progress("Importing") as tick:
            report = await import_posts(
                blog.posts,
                paths,
                timezone=timezone,
                language=language,
                site=site,
                on_progress=tick,
            )
    _name([f"skipped {one_line(path)}: {one_line(why)}" for path, why in report.skipped], verbose)
    _name([f"updated {one_line(path)}" for path in report.updated_files], verbose)
    renamed = [f"stored {one_line(path)} as {one_line(slug)}" for path, slug in report.renamed]
    _name(renamed, verbose)
    if verbose:
        for path, why in report.held_back:
            echo(f"held back {one_line(path)}: {one_line(why)}", err=True)
        for path in report.copies:
            echo(f"copy {one_line(path)}: another file has this slug, date and text", err=True)
        for path in report.section_pages:
            echo(f"ignored {one_line(path)}: a section page", err=True)
    for line in report.summary():
        echo(one_line(line))
    if not report.is_complete:
        sys.exit(1)


def _name(lines: Sequence[str], verbose: bool) -> None:
    """Name files, or without `verbose` the first of them."""
    shown = lines if verbose or len(lines) <= NAMED else lines[:NAMED]
    for line in shown:
        echo(line, err=True)
    if len(shown) < len(lines):
        what = lines[0].partition(" ")[0]
        echo(f"{what} {len(lines) - len(shown)} more; --verbose names them", err=True)


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@on_a_blog
async def export(target: Target, directory: Path) -> None:
    """Write every post to DIRECTORY as a Markdown file with front matter."""
    async with BlogService(**target) as blog:
        with _progress("Exporting") as tick:
            written = await export_posts(blog.posts, directory, on_progress=tick)
    echo(f"{written} posts written to {one_line(directory)}")


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
