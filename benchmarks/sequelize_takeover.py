"""A database made by the real sequelize and sequelize-cli, taken over by blogsvc.

    python benchmarks/sequelize_takeover.py --rows 1000000

Needs node and npm, which fetches the tools into a temporary folder. sequelize-cli applies the
tutorial's migration, with a status that is an ENUM, and a few posts are made and changed by a
Sequelize model, the rest by SQL. Then `blogsvc import-sequelize` runs once, again, and after
changes, and what it must keep is checked. Nothing is measured but the time of each run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from blogsvc import embedded

MIGRATION = """\
'use strict';
module.exports = {
  async up(queryInterface, Sequelize) {
    await queryInterface.createTable('Posts', {
      id: { allowNull: false, autoIncrement: true, primaryKey: true, type: Sequelize.INTEGER },
      title: { type: Sequelize.STRING, allowNull: false },
      content: { type: Sequelize.TEXT, allowNull: false },
      status: { type: Sequelize.ENUM('draft', 'published', 'Archived'), defaultValue: 'draft' },
      createdAt: { allowNull: false, type: Sequelize.DATE },
      updatedAt: { allowNull: false, type: Sequelize.DATE }
    });
  },
  async down(queryInterface) {
    await queryInterface.dropTable('Posts');
  }
};
"""

WRITE = """\
const { Sequelize, DataTypes } = require('sequelize');
const config = require('./config/config.json').development;
const sequelize = new Sequelize(config.database, config.username, null, config);
const Post = sequelize.define('Post', {
  title: DataTypes.STRING, content: DataTypes.TEXT,
  status: { type: DataTypes.ENUM('draft', 'published', 'Archived'), defaultValue: 'draft' }
});
(async () => {
  if (process.argv[2] === 'create') {
    await Post.create({ title: 'Hello, World!', content: 'Made by Sequelize' });
    await Post.create({ title: 'Hello, World!', content: 'Once more', status: 'published' });
    await Post.create({ title: 'Nothing said', content: '', status: null });
  } else {
    await Post.update({ title: 'Changed by Sequelize' }, { where: { id: 1 } });
    await Post.create({ title: 'A late one', content: 'Made after the first run' });
  }
  await sequelize.close();
})();
"""

MANY = """
    INSERT INTO "Posts" (title, content, status, "createdAt", "updatedAt")
    SELECT 'Post number ' || n,
        (SELECT string_agg('word' || (n::bigint * 7919 + w * 104729) % 20011, ' ')
            FROM generate_series(1, 80) AS w),
        (ARRAY['draft', 'published', 'Archived', NULL])[1 + n % 4]::"enum_Posts_status",
        now() - make_interval(secs => n), now() - make_interval(secs => n)
    FROM generate_series(1, $1) AS n"""

KEPT = """
    SELECT count(*) FROM "Posts" AS old LEFT JOIN posts AS new USING (id)
    WHERE (old.title, old.content, coalesce(lower(old.status::text), 'draft'), "createdAt",
            "updatedAt")
        IS DISTINCT FROM (new.title, new.content, new.status, new.created_at, new.updated_at)"""

OLD = """
    SELECT md5(string_agg(p::text, '' ORDER BY id)) || (SELECT string_agg(name, '') FROM
        "SequelizeMeta") FROM "Posts" AS p"""


def show(command: list[str], **options: Any) -> None:
    print(f"$ {' '.join(command)}", flush=True)
    subprocess.run(command, check=True, **options)


def set_up(folder: Path, url: str) -> None:
    """Install the tools, and let them make the table and a few posts."""
    (folder / "config").mkdir()
    (folder / "migrations").mkdir()
    parts = urlsplit(url)
    config = {
        "username": parts.username,
        "database": parts.path.lstrip("/"),
        "host": parse_qs(parts.query)["host"][0],
        "dialect": "postgres",
        "logging": False,
    }
    (folder / "config" / "config.json").write_text(json.dumps({"development": config}))
    (folder / "migrations" / "20251120123456-create-post.js").write_text(MIGRATION)
    (folder / "write.js").write_text(WRITE)
    show(["npm", "install", "--silent", "--no-audit", "--no-fund", "sequelize@6",
          "sequelize-cli@6", "pg@8"], cwd=folder)  # fmt: skip
    show(["npx", "sequelize-cli", "db:migrate"], cwd=folder)
    show(["node", "write.js", "create"], cwd=folder)


def take_over(url: str) -> None:
    started = time.perf_counter()
    command = str(Path(sysconfig.get_path("scripts"), "blogsvc"))
    show([command, "import-sequelize"], env={**os.environ, "DATABASE_URL": url})
    print(f"took {time.perf_counter() - started:.1f} s\n", flush=True)


async def ask(url: str, query: str, *args: object) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query, *args)
    finally:
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    rows = parser.parse_args().rows
    if not shutil.which("npm"):
        sys.exit("This needs node and npm.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        os.chmod(directory, 0o711)  # as root, the server runs as another account
        server = embedded.start(Path(directory) / "data")
        try:
            folder = Path(directory) / "node"
            folder.mkdir()
            set_up(folder, server.url)
            asyncio.run(ask(server.url, MANY, rows))
            before = asyncio.run(ask(server.url, OLD))
            take_over(server.url)
            take_over(server.url)
            assert asyncio.run(ask(server.url, OLD)) == before, "the old tables were touched"
            show(["node", "write.js", "change"], cwd=folder)
            take_over(server.url)
            assert asyncio.run(ask(server.url, KEPT)) == 0, "a row differs"
            next_id = "INSERT INTO posts (title, content) VALUES ('New', '') RETURNING id"
            assert asyncio.run(ask(server.url, next_id)) == rows + 5
            print("Every row is there, and the next post gets the next id.")
        finally:
            server.release()


if __name__ == "__main__":
    main()
