"""A table of millions of posts in minutes: what is costly is made once and then repeated.

Twenty thousand posts get their texts and text vectors, and the table repeats them under other ids,
slugs and times, without the trigger, before its indexes are built. One word stands in exactly
twenty posts, evenly spread; another one in about a third of all.
"""

from __future__ import annotations

from typing import Final

import asyncpg

from blogsvc.migrator import Migrator

from .texts import Texts

DIFFERENT: Final = 20_000
RARE: Final = "quokka"
COMMON_RANK: Final = 20

_BATCH: Final = 250_000

_MAKE: Final = """
    CREATE UNLOGGED TABLE made AS
    SELECT n, title, content,
        setweight(to_tsvector('english', title), 'A')
        || setweight(to_tsvector('english', content), 'B') AS search
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS text (title, content, n)"""

_REPEAT: Final = """
    INSERT INTO posts
        (id, title, content, slug, status, published_at, created_at, updated_at, search)
    SELECT id, title || ' ' || id,
        content || CASE WHEN rare THEN ' $RARE.' ELSE '' END,
        'post-' || id, status,
        CASE WHEN status <> 'draft' THEN created END, created, created,
        CASE WHEN rare THEN search || setweight(to_tsvector('english', '$RARE'), 'B')
            ELSE search END
    FROM generate_series($1::bigint, $2::bigint) AS id
    CROSS JOIN LATERAL (SELECT
        id % ($3::bigint / 20) = 0 AS rare,
        now() - ($3::bigint - id) * interval '10 seconds' AS created,
        CASE WHEN id % 20 = 0 THEN 'archived' WHEN id % 7 = 0 THEN 'draft' ELSE 'published' END
            AS status
    ) AS facts
    JOIN made ON made.n = 1 + id % $4""".replace("$RARE", RARE)


async def fill(url: str, posts: int) -> None:
    """Migrate an empty database and store so many posts in it."""
    await Migrator(url).upgrade()
    texts = list(Texts().posts(min(posts, DIFFERENT)))
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET maintenance_work_mem = '512MB'; SET synchronous_commit = off")
        indexes = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes "
            "WHERE tablename = 'posts' AND indexname <> 'posts_pkey'"
        )
        for name, _ in indexes:
            await connection.execute(f'DROP INDEX "{name}"')
        await connection.execute("ALTER TABLE posts DISABLE TRIGGER posts_keep_rules")
        await connection.execute(_MAKE, *map(list, zip(*texts, strict=True)))
        for first in range(1, posts + 1, _BATCH):
            last = min(first + _BATCH - 1, posts)
            await connection.execute(_REPEAT, first, last, posts, len(texts))
        await connection.execute("ALTER TABLE posts ENABLE TRIGGER posts_keep_rules")
        for _, definition in indexes:
            await connection.execute(definition)
        await connection.execute("DROP TABLE made")
        await connection.execute("SELECT setval('posts_id_seq', max(id)) FROM posts")
        await connection.execute("VACUUM (ANALYZE) posts")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
