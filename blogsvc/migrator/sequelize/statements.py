"""What is asked of the server while posts are brought over.

`old` is the old table read as posts; a `{batch}` takes the keys after $1 up to $2, of which $3.
"""

from __future__ import annotations

from typing import Final

# Times without a zone are UTC, whatever the role's setting. The plan of a first, small batch would
# be a bad one for the last.
SETTINGS: Final = """
    SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, MDY', false),
        set_config('plan_cache_mode', 'force_custom_plan', false)"""

MISSING: Final = """
    SELECT old.key, old.title, old.slug, posts.id AS other
    FROM {old} LEFT JOIN posts ON {beside}
    WHERE {batch} AND ({same}) IS NOT TRUE
    ORDER BY old.raw_key"""

INSERT: Final = """
    INSERT INTO posts ({id}title, content, slug, status, published_at, created_at, updated_at,
        tags, metadata, source)
    SELECT {id}title, content, chosen.slug, status, published_at, coalesce(began_at, now()),
        coalesce(updated_at, began_at, now()), tags, metadata,
        CASE WHEN id IS NULL OR created_at IS NULL THEN source END
    FROM {old} JOIN unnest($4::text[], $5::text[]) AS chosen (key, slug) USING (key)
    WHERE {batch}
    ON CONFLICT DO NOTHING"""

# A post edited here later than there stays as it is: the last writer wins. Where the old table
# knows no time of a change, the time of its creation stands for it.
UPDATE: Final = """
    WITH free AS (
        SELECT DISTINCT ON (old.slug) old.key, old.slug FROM {old}
        WHERE {batch} AND old.slug IS NOT NULL
            AND NOT EXISTS (SELECT FROM posts WHERE posts.slug = old.slug)
        ORDER BY old.slug, old.raw_key)
    UPDATE posts SET title = old.title, content = old.content, status = old.status,
        slug = coalesce(free.slug, posts.slug), tags = old.tags,
        metadata = (posts.metadata - {names}) || old.metadata,
        published_at = coalesce(old.planned_at, posts.published_at,
            CASE WHEN old.status = 'published' THEN coalesce(old.updated_at, now()) END),
        updated_at = {updated_at} + CASE WHEN posts.updated_at = {updated_at}
            THEN interval '1 microsecond' ELSE interval '0' END
    FROM {old} LEFT JOIN free USING (key)
    WHERE {batch} AND {beside} AND {same} AND posts.updated_at <= {updated_at}
        AND (posts.title, posts.content, posts.status, posts.slug, posts.tags, posts.metadata,
            posts.updated_at, posts.published_at)
        IS DISTINCT FROM (old.title, old.content, old.status, coalesce(free.slug, posts.slug),
            old.tags, (posts.metadata - {names}) || old.metadata, {updated_at},
            coalesce(old.planned_at, posts.published_at))
    RETURNING posts.id, posts.updated_at > {updated_at} AS moved"""

# The trigger takes an `updated_at` that is as it was for one that was not given, and sets now: the
# post would look like one that was edited here. So it was moved first, and is put back.
PUT_BACK: Final = """
    UPDATE posts SET updated_at = updated_at - interval '1 microsecond' WHERE id = ANY($1)"""

# Deleting rows there need not change their `updatedAt`, but it is later than an edit here.
ARCHIVE: Final = """
    UPDATE posts SET status = 'archived' FROM {old}
    WHERE {batch} AND {beside} AND {same} AND posts.status <> 'archived'
        AND posts.updated_at > {updated_at} AND posts.updated_at < old.deleted
    RETURNING posts.id"""

CONTINUE_IDS: Final = """
    SELECT setval(ours, greatest(highest, (SELECT max(id) FROM posts), pg_sequence_last_value(ours),
        CASE WHEN has_sequence_privilege(theirs, 'SELECT') THEN pg_sequence_last_value(theirs) END))
    FROM (SELECT pg_get_serial_sequence('posts', 'id')::regclass AS ours,
        pg_get_serial_sequence($1, $2)::regclass AS theirs,
        (SELECT max({key}) FROM {table} AS raw) AS highest) AS found
    WHERE highest IS NOT NULL"""

COUNTS: Final = """
    SELECT count(*) AS total, count(*) FILTER (WHERE gone) AS soft_deleted,
        count(*) FILTER (WHERE cut) AS cut_titles FROM {old}"""

EDITED_HERE: Final = """
    SELECT count(*) FROM {old} JOIN posts ON {beside}
    WHERE {same} AND posts.updated_at > {updated_at}
        AND (posts.title, posts.content, posts.status)
            IS DISTINCT FROM (old.title, old.content, old.status)"""

ONLY_HERE: Final = """
    SELECT count(*) FROM posts WHERE NOT EXISTS (SELECT FROM {old} WHERE {beside})"""

BECAME_DRAFTS: Final = """
    SELECT said_as, count(*) FROM {old} WHERE said IS NULL AND NOT gone
    GROUP BY said_as ORDER BY count(*) DESC, said_as LIMIT 100"""

KEYS: Final = "SELECT old.key FROM {old} WHERE {batch} ORDER BY old.raw_key"

LAST_KEY: Final = """
    SELECT {key}::text FROM {table} AS raw
    WHERE $1::text IS NULL OR {key} > $1::text::{type}
    ORDER BY {key} OFFSET $2 LIMIT 1"""
