"""From what the driver raises to an error of ours: the one place that reads SQLSTATEs."""

from __future__ import annotations

import re
from typing import Any, Final

import asyncpg

from ..errors import (
    AlreadyExists,
    BlogError,
    ConfigurationError,
    DatabaseError,
    InvalidPost,
    LockedError,
    OperationTimeout,
    OutcomeUnknown,
    PostInUse,
    SchemaOutOfDate,
    TransactionAborted,
    TransactionConflict,
    Unavailable,
)
from .names import quoted

DRIVER_ERRORS: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What asyncpg raises when something goes wrong; `InternalClientError` has no public parent."""

_OVERDUE: Final = (asyncpg.IdleInTransactionSessionTimeoutError, asyncpg.TransactionTimeoutError)
"""With what a server ends a session whose transaction took too long: it was rolled back."""

# SQLSTATE, or its two-character class, to the error that callers see. The longest match counts.
_BY_SQLSTATE: Final[dict[str, tuple[type[DatabaseError], str]]] = {
    "08": (Unavailable, "The connection to PostgreSQL was lost. Try again."),
    "25006": (
        Unavailable,
        "PostgreSQL takes no writes here: the transaction is readonly, or the server a standby. "
        "For the latter, name all hosts in the URL and add target_session_attrs=read-write.",
    ),
    "40001": (
        TransactionConflict,
        "The transaction conflicted with another one (serialization failure). Run it again.",
    ),
    "40P01": (
        TransactionConflict,
        "The transaction conflicted with another one (deadlock). Run it again.",
    ),
    "53": (Unavailable, "PostgreSQL is out of connections, memory or disk. Try again later."),
    "55P03": (LockedError, "Somebody else holds the lock. Try again later."),
    "55006": (LockedError, "Somebody else is using it. Try again later."),
    "57014": (OperationTimeout, "PostgreSQL cancelled the statement: it took too long. Try again."),
    "25P02": (
        TransactionAborted,
        "A statement in this transaction failed before, and the error was swallowed. Wrap what "
        "may fail in a transaction of its own.",
    ),
    "25P03": (OperationTimeout, "The transaction was idle for too long and was rolled back."),
    "25P04": (OperationTimeout, "The transaction took too long and was rolled back."),
    "57P": (Unavailable, "PostgreSQL is shutting down or starting. Try again."),
    "57P05": (Unavailable, "PostgreSQL closed the idle session. Try again."),
}

_CONSTRAINTS: Final[dict[str, tuple[str, str]]] = {
    "posts_title_not_blank": ("title", "is blank"),
    "posts_status_known": ("status", "is not draft, published or archived"),
    "posts_slug_not_blank": ("slug", "is blank"),
    "posts_version_positive": ("version", "is not positive"),
    "posts_tags_valid": ("tags", "have one that is blank, too long, or there twice"),
    "posts_former_slugs_valid": (
        "former_slugs",
        "have one that is blank, too long, or there twice",
    ),
    "posts_metadata_object": ("metadata", "is not an object"),
    "posts_published_has_time": ("published_at", "is missing: a published post needs one"),
}

# What a detail says of the key that other rows refer to, in every language of the server.
_REFERRED_TO: Final = re.compile(r"\((id|slug)\)=")

# What the message says, in every language, where it is a row of posts that is to be changed.
_ON_POSTS: Final = re.compile(r"(?<!\w)posts(?!\w)")


# A function of ours that is not there, as the message names it in every language.
_FUNCTION: Final = re.compile(r"posts_\w+\"?\(")


def translate(error: BaseException, *, write: bool = False) -> BlogError:
    """Return the error of ours that says what one of `DRIVER_ERRORS` means.

    `write` says that the statement was sent and would have been committed by itself: a lost answer
    then leaves its outcome unknown.
    """
    if isinstance(error, TimeoutError):
        return OutcomeUnknown() if write else OperationTimeout()
    # Only the error at hand counts: `__context__` may be one that the caller is just handling.
    if isinstance(error, asyncpg.PostgresError):
        return _from_server(error, write=write)
    if isinstance(error, ValueError):
        return DatabaseError(f"A value does not fit its column: {error}")
    if _lost_connection(error):
        if write:
            return OutcomeUnknown()
        return Unavailable("The connection to PostgreSQL was lost. Try again.")
    return DatabaseError(f"The driver refused the call: {error}")


def _lost_connection(error: BaseException) -> bool:
    # An InternalClientError is what the driver makes of a server that hangs up between statements.
    return (
        isinstance(error, (OSError, asyncpg.InternalClientError))
        or "closed" in str(error)
        or "released" in str(error)
    )


def _from_server(error: asyncpg.PostgresError, *, write: bool) -> BlogError:
    farewell = error.__cause__
    if isinstance(error, asyncpg.ConnectionDoesNotExistError) and isinstance(farewell, _OVERDUE):
        return _from_server(farewell, write=write)  # what the server said before it hung up
    code: str = error.sqlstate or ""
    if write and (code[:2] == "08" or code in ("57P01", "57P02")):
        return OutcomeUnknown(sqlstate=code)
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return TransactionConflict("The table was changed. Run this again.", sqlstate=code)
    rule = _rule_broken(error, code)
    if rule is not None:
        return rule
    for length in (5, 3, 2):
        known = _BY_SQLSTATE.get(code[:length])
        if known is not None:
            kind, message = known
            return kind(f"{message} (PostgreSQL: {error})", sqlstate=code)
    return DatabaseError(f"PostgreSQL refused the statement: {error} [{code}]", sqlstate=code)


def _not_unique(details: Any) -> AlreadyExists:
    name = details.constraint_name
    if name == "posts_slug_key":
        return AlreadyExists("slug")
    if name == "posts_pkey":
        table = f"{quoted(details.schema_name)}.posts"
        return AlreadyExists(
            "id",
            constraint=name,
            advice="Rows were stored with ids of their own, and the sequence did not move: SELECT "
            f"setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}.",
        )
    return AlreadyExists("post", constraint=name)


def _rule_broken(error: asyncpg.PostgresError, code: str) -> BlogError | None:
    details: Any = error
    of_posts = details.table_name == "posts"
    # A trigger of the host's writes to other tables: what these refuse is nothing about a post.
    refused = details.args[0] if details.args else ""
    if code in ("23505", "23P01") and of_posts:
        return _not_unique(details)
    if code == "23503" and of_posts and not _REFERRED_TO.search(details.detail or ""):
        return InvalidPost("post", f"refers to a row that is not there ({details.constraint_name})")
    # The latter for ON DELETE RESTRICT, from PostgreSQL 18 on.
    if code in ("23503", "23001") and _ON_POSTS.search(refused):
        return PostInUse(table=details.table_name, constraint=details.constraint_name)
    of_posts = of_posts or details.data_type_name is not None  # a domain's rule has no table
    if code == "23514" and of_posts:
        field, reason = _CONSTRAINTS.get(
            details.constraint_name, ("post", f"breaks the rule {details.constraint_name}")
        )
        return InvalidPost(field, reason)
    if code == "23502" and of_posts:
        return InvalidPost(details.column_name or "post", "is missing")
    if code in ("22001", "22021", "22008", "22P05"):
        return InvalidPost("post", f"holds a value that PostgreSQL cannot store ({error})")
    if code == "42501":
        return ConfigurationError(
            f"The database role lacks a right ({error}). GRANT it, or use another role."
        )
    if code in ("26000", "42P05"):
        return ConfigurationError(
            f"Something between blogsvc and PostgreSQL loses prepared statements ({refused}): a "
            "pooler that hides itself. Use a direct connection, or PgBouncer as in docs/scaling.md."
        )
    missing = code in ("42P01", "42703", "3F000")
    if missing or (code == "42883" and _FUNCTION.search(refused)):
        return SchemaOutOfDate(
            f"The schema is not what blogsvc needs ({error}). Run `blogsvc upgrade`, with --schema "
            "for a blog in a schema of its own, or `aerich upgrade`."
        )
    return None
