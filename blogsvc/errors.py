"""Everything that can go wrong, under one root, and which SQLSTATE means what."""

from __future__ import annotations

from typing import Any, Final

import asyncpg

__all__ = [
    "AlreadyExists",
    "BlogError",
    "ConfigurationError",
    "DatabaseError",
    "EmbeddedUnavailable",
    "InvalidCursor",
    "InvalidPost",
    "InvalidQuery",
    "LockedError",
    "MigrationError",
    "NotInTransaction",
    "NotOpen",
    "OperationTimeout",
    "OutcomeUnknown",
    "PostNotFound",
    "SchemaOutOfDate",
    "TransactionAborted",
    "TransactionConflict",
    "Unavailable",
    "VersionConflict",
    "WrongEventLoop",
]


class BlogError(Exception):
    """Something went wrong in blogsvc."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors travel between processes; their constructors take other arguments than `args`.
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(
    kind: type[BlogError], args: tuple[object, ...], attributes: dict[str, object]
) -> BlogError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class PostNotFound(BlogError):
    """No such post. Use `get_or_none` where a post may be missing."""

    def __init__(self, *, id: int | None = None, slug: str | None = None) -> None:
        self.id = id
        self.slug = slug
        which = f"the id {id}" if slug is None else f"the slug {slug!r}"
        super().__init__(f"No post has {which}. Use get_or_none where a post may be missing.")


class AlreadyExists(BlogError):
    """Another post has this value already. `field` says which; nothing was stored.

    `index` is the place of the offending post in a `create_many`, from 0; None elsewhere.
    """

    def __init__(self, field: str, value: object = None, *, index: int | None = None) -> None:
        self.field = field
        self.value = value
        self.index = index
        said = "" if value is None else f" {value!r}"
        super().__init__(
            f"Another post has the {field}{said} already{_at(index)}. Choose another one, or "
            "leave it out and one is made from the title."
        )


class InvalidPost(BlogError):
    """A post breaks a rule of the table. `field` and `reason` say which; nothing was stored.

    `index` is the place of the offending post in a `create_many`, from 0; None elsewhere.
    """

    def __init__(self, field: str, reason: str, *, index: int | None = None) -> None:
        self.field = field
        self.reason = reason
        self.index = index
        super().__init__(
            f"{field} {reason}{_at(index)}. Nothing was stored: mend it and try again."
        )


class InvalidCursor(BlogError):
    """This cursor does not fit the call.

    Pass `Page.next` unchanged, with the order and the filters of the call that returned it.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"The cursor {reason}. Pass Page.next unchanged, with the order and the filters of "
            "the call that returned it, or start again without one."
        )


class InvalidQuery(BlogError):
    """An argument of a query is out of bounds. `argument` and `reason` say which and why."""

    def __init__(self, argument: str, reason: str) -> None:
        self.argument = argument
        self.reason = reason
        super().__init__(f"{argument} {reason}.")


class VersionConflict(BlogError):
    """Somebody else changed the post first. Read it again, redo the change, and retry."""

    def __init__(self, id: int, expected: int, actual: int) -> None:
        self.id = id
        self.expected = expected
        self.actual = actual
        super().__init__(
            f"Post {id} is at version {actual}, not {expected}: somebody else changed it first. "
            "Read it again, redo the change on what you read, and retry."
        )


class DatabaseError(BlogError):
    """The database refused a statement for a reason that has no name of its own here.

    `sqlstate` is PostgreSQL's five-character code, when the server gave one.
    """

    def __init__(self, message: str | None = None, *, sqlstate: str | None = None) -> None:
        self.sqlstate = sqlstate
        super().__init__(message)


class TransactionConflict(DatabaseError):
    """This transaction met another one and was rolled back. Run the whole of it again."""


class TransactionAborted(DatabaseError):
    """A statement in this transaction failed and the error was swallowed: it was rolled back.

    Wrap what may fail in a transaction of its own, which is a savepoint of the outer one.
    """


class LockedError(DatabaseError):
    """A lock that somebody else holds could not be had in time. Try again later."""


class Unavailable(DatabaseError):
    """The database cannot be reached or does not take this work now. Nothing was stored."""


class OutcomeUnknown(DatabaseError):
    """The answer to a write was lost: it may be stored or not.

    Look before you repeat it. A slug chosen by the caller makes the repetition safe: it is stored
    once, or says `AlreadyExists`.
    """


class OperationTimeout(DatabaseError):
    """The database did not answer in time. Nothing was changed; try again."""


class SchemaOutOfDate(BlogError):
    """The database's schema is not the one that this blogsvc needs.

    `pending` are migrations to apply; `missing` are applied ones that this blogsvc does not know.
    """

    def __init__(
        self, message: str, *, pending: tuple[str, ...] = (), missing: tuple[str, ...] = ()
    ) -> None:
        self.pending = pending
        self.missing = missing
        super().__init__(message)


class NotOpen(BlogError):
    """This BlogService is not open. Use `async with BlogService(...)`, or await `open()` first."""


class WrongEventLoop(BlogError):
    """This BlogService was opened in another event loop. Open one service in each loop."""


class NotInTransaction(BlogError):
    """A row can be locked only inside `async with blog.transaction()`."""


class ConfigurationError(BlogError):
    """The configuration cannot work. The message says what to change."""


class EmbeddedUnavailable(ConfigurationError):
    """There is no database URL, and the embedded PostgreSQL cannot be used here."""


class MigrationError(BlogError):
    """A migration cannot be planned or did not finish. The message says where things stand."""


def _at(index: int | None) -> str:
    return "" if index is None else f" (post number {index}, counted from 0)"


# SQLSTATE, or its two-character class, to the error that callers see. The longest match counts.
_BY_SQLSTATE: Final[dict[str, tuple[type[DatabaseError], str]]] = {
    "08": (Unavailable, "The connection to PostgreSQL was lost. Try again."),
    "25006": (
        Unavailable,
        "PostgreSQL takes no writes here: the transaction is readonly, or the server a standby. "
        "For the latter, name all hosts in the URL and add target_session_attrs=read-write.",
    ),
    "40001": (TransactionConflict, "The transaction met another one. Run the whole of it again."),
    "40P01": (TransactionConflict, "Two transactions waited for each other. Run this one again."),
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
    "posts_published_has_time": ("published_at", "is missing: a published post needs one"),
}


def translate(error: BaseException, *, write: bool = False) -> BlogError | None:
    """Return the error of ours that says what a driver's error means.

    None for an error that is not the driver's. `write` says that the statement was sent and would
    have been committed by itself: a lost answer then leaves its outcome unknown.
    """
    if isinstance(error, BlogError):
        return error
    if isinstance(error, TimeoutError):
        return OutcomeUnknown() if write else OperationTimeout()
    server = _server_error(error)
    if server is not None:
        return _from_server(server, write=write)
    if isinstance(error, (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        if isinstance(error, asyncpg.DataError | ValueError):
            return DatabaseError(f"A value does not fit its column: {error}")
        lost = _lost_connection(error)
        if lost and write:
            return OutcomeUnknown()
        if lost:
            return Unavailable("The connection to PostgreSQL was lost. Try again.")
        return DatabaseError(f"The driver refused the call: {error}")
    return None


def _server_error(error: BaseException) -> asyncpg.PostgresError | None:
    """Find what the server said, also behind the driver's own complaint about it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, asyncpg.PostgresError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _lost_connection(error: BaseException) -> bool:
    # The driver loses its way when the server hangs up as the next statement is on its way.
    return (
        isinstance(error, (OSError, asyncpg.InternalClientError))
        or "closed" in str(error)
        or "released" in str(error)
    )


def _from_server(error: asyncpg.PostgresError, *, write: bool) -> BlogError:
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


def _rule_broken(error: asyncpg.PostgresError, code: str) -> BlogError | None:
    details: Any = error
    if code == "23505":
        field = "slug" if details.constraint_name == "posts_slug_key" else "id"
        return AlreadyExists(field)
    if code == "23514":
        field, reason = _CONSTRAINTS.get(
            details.constraint_name, ("post", f"breaks the rule {details.constraint_name}")
        )
        return InvalidPost(field, reason)
    if code == "23502":
        return InvalidPost(details.column_name or "post", "is missing")
    if code in ("22001", "22021", "22008", "22P05"):
        return InvalidPost("post", f"holds a value that PostgreSQL cannot store ({error})")
    if code == "42501":
        return ConfigurationError(
            f"The database role lacks a right ({error}). GRANT it, or use another role."
        )
    if code in ("42P01", "42703", "3F000"):
        return SchemaOutOfDate(
            f"The schema is not what blogsvc needs ({error}). Run `blogsvc upgrade` "
            "or `aerich upgrade`."
        )
    return None
