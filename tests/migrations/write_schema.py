"""Write `migrations/blogsvc/schema.txt` anew: `python -m tests.migrations.write_schema`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from blogsvc import embedded
from blogsvc.migrator import Migrator, catalog, drift, files


async def replay(url: str) -> str:
    """Apply one version after the other, and return what the snapshot has to say."""
    migrator = Migrator(url)
    versions = []
    for file in files.all_files():
        await migrator.upgrade(file.version)
        async with migrator.session(take_turn=False) as connection:
            table = await catalog.read_table(connection)
        versions.append((file.label, list(table.lines())))
    return drift.render(versions)


def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        server = embedded.start(Path(directory) / "data")
        try:
            text = asyncio.run(replay(server.url))
        finally:
            server.release()
    drift.path().write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
