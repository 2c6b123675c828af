"""The text vector follows title and content, whoever writes them.

The setting is for Citus, where a trigger on a distributed table has to be wished for; elsewhere it
means nothing. The trigger touches its own row only, so it is safe there.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    SET LOCAL citus.enable_unsafe_triggers = on;
    CREATE TRIGGER "posts_set_search" BEFORE INSERT OR UPDATE OF "title", "content" ON "posts"
        FOR EACH ROW EXECUTE FUNCTION "posts_set_search"();
    """


async def downgrade(db: BaseDBAsyncClient) -> str:
    return r"""
    SET LOCAL citus.enable_unsafe_triggers = on;
    DROP TRIGGER "posts_set_search" ON "posts";
    """
