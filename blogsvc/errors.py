"""Everything that can go wrong, under one root."""

from __future__ import annotations

from typing import Any

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
        super().__init__(message or " ".join(str(type(self).__doc__).split()))

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
        super().__init__(f"{field} {reason}{_at(index)}. Nothing was stored: fix it and try again.")


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
    """The transaction conflicted with another one (deadlock or serialization failure).

    It was rolled back: run the whole of it again.
    """


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
