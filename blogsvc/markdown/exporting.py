"""Posts out into a folder of Markdown files."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

from ..errors import ConfigurationError, InvalidPost
from ..posts import PostRecord, PostRepository, former_slugs, slug_base
from .files import path_of, read_file
from .languages import code_of
from .sites import Site
from .writing import write

# A name that is the same file on every file system: no capitals, no marks, no dot in front, none
# of the names that Windows keeps for itself.
_PLAIN: Final = re.compile(r"(?!(con|prn|aux|nul|com\d|lpt\d)(\.|$))[a-z0-9][a-z0-9._-]{0,99}")


_BATCH: Final = 100
"""Posts that are in memory at a time."""


async def export_posts(
    posts: PostRepository,
    directory: Path,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write every post to a Markdown file in a folder and return how many there are.

    `import_posts` gets equal posts from them. A post is in `<slug>.md`; a slug that is no good file
    name, such as `a/b` or `Hello`, gets one that ends in `~` and a digest of it. The same post
    always gets the same file, so exporting again brings the files up to date; files of posts that
    are gone stay. A file that is not of this post, by slug and date, is never overwritten: the post
    then goes to the name with the digest. Each file is complete at any time.

    `on_progress` is called with how many are done, 0 first, and how many there are. Raises
    `ConfigurationError` when a file cannot be written.
    """
    directory = path_of("directory", directory)
    total = await posts.count() if on_progress else 0
    if on_progress:
        on_progress(0, total)
    done = 0
    try:
        await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
        async for post, former in _with_former_slugs(posts):
            await asyncio.to_thread(_export, post, former, directory)
            done += 1
            if on_progress:
                on_progress(done, max(done, total))
    except OSError as error:
        raise ConfigurationError(
            f"{str(error.filename or directory)!r} cannot be written ({error.strerror}), after "
            f"{done} posts. Make it writable, or export into another folder."
        ) from error
    return done


async def _with_former_slugs(
    posts: PostRepository,
) -> AsyncIterator[tuple[PostRecord, Sequence[str]]]:
    """Yield all posts, each with the slugs that it had before."""
    page = None
    while page is None or page.next:
        page = await posts.page(order="oldest", limit=_BATCH, after=page.next if page else None)
        former = await former_slugs(posts, [post.id for post in page])
        for post in page:
            yield post, former.get(post.id, ())


def file_names(slug: str) -> tuple[str, ...]:
    """Return the names a post's file can have, best first; no other slug leads to any of them."""
    digest = hashlib.sha256(slug.encode()).hexdigest()[:8]
    readable = re.sub(r"[^a-z0-9._-]+", "-", slug.lower()).strip("-._")[:60] or slug_base(slug)
    with_digest = f"{readable}~{digest}.md"
    # `about.fr.md` would be the French `about.md`.
    in_a_language = "." in slug and code_of(slug.rpartition(".")[2])
    is_plain = _PLAIN.fullmatch(slug) and not in_a_language
    return (f"{slug}.md", with_digest) if is_plain else (with_digest,)


def _export(post: PostRecord, former: Sequence[str], directory: Path) -> None:
    text = write(post, former, Path(os.path.abspath(directory))).encode()
    path = _choose(post, directory)
    if path.exists() and path.read_bytes() == text:
        return
    temporary = directory / f".{path.name}.{secrets.token_hex(4)}.tmp"
    try:
        temporary.write_bytes(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _choose(post: PostRecord, directory: Path) -> Path:
    paths = [directory / name for name in file_names(post.slug)]
    for path in paths:
        if _holds(path, post, directory):
            return path
    for path in paths:
        if not os.path.lexists(path):
            return path
    raise ConfigurationError(
        f"{str(paths[-1])!r} is there already and is not the post {post.slug!r}. Nothing of it was "
        "changed: move it, or export into another folder."
    )


def _holds(path: Path, post: PostRecord, directory: Path) -> bool:
    try:
        there = read_file(path, Site(directory)).post
    except InvalidPost:
        return False
    return (there.slug, there.created_at) == (post.slug, post.created_at)
