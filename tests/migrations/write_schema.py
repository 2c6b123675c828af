"""Write `migrations/blogsvc/schema.txt` anew: `python -m tests.migrations.write_schema`."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from blogsvc import embedded
from blogsvc.migrator import Migrator, files, schema


async def replay(url: str) -> str:
    """Apply one version after the other, and return what the snapshot has to say."""
    migrator = Migrator(url)
    versions = []
    for file in files.all_files():
        await migrator.upgrade(file.version)
        async with migrator.session(locked=False) as connection:
            facts = await schema.read_schema(connection)
        versions.append((file.label, list(map(str, facts))))
    return schema.render(versions)


def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        os.chmod(directory, 0o711)  # as root, the server runs as another account
        server = embedded.start(Path(directory) / "data")
        try:
            text = asyncio.run(replay(server.url))
        finally:
            server.release()
    schema.path().write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
