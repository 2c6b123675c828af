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
    "PostInUse",
    "PostNotFound",
    "RowRefused",
    "SchemaOutOfDate",
    "TransactionAborted",
    "TransactionConflict",
    "Unavailable",
    "VersionConflict",
    "WrongEventLoop",
]


class BlogError(Exception):
    """Something went wrong in blogsvc.

    The message is for developers and operators: it may name hosts, paths and rules of the table.
    `public` is the sentence for anybody, such as the client of a web application.
    """

    public = "Something went wrong on the server."

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
        self.public = f"No post has this {'id' if slug is None else 'slug'}."
        which = f"the id {id}" if slug is None else f"the slug {slug!r}"
        other = "get_or_none" if slug is None else "get_by_slug_or_none"
        super().__init__(f"No post has {which}. Use {other} where a post may be missing.")


class PostInUse(BlogError):
    """Rows of another table refer to the post; nothing was changed.

    `table` and `constraint` say which foreign key it is; `id` is the post's, where it is known.
    """

    public = "Something else refers to this post."

    def __init__(
        self, id: int | None = None, *, table: str | None = None, constraint: str | None = None
    ) -> None:
        self.id = id
        self.table = table
        self.constraint = constraint
        post = "the post" if id is None else f"post {id}"
        super().__init__(
            f"Rows of the table {table or '?'} refer to {post} (foreign key {constraint or '?'}). "
            "Delete those first, or let the foreign key say what happens to them: ON DELETE "
            "CASCADE or ON DELETE SET NULL."
        )


class AlreadyExists(BlogError):
    """Another post has this value already. `field` says which; nothing was stored.

    `field` is `slug`, `id`, or `post` where an index of your own is unique: `constraint` names it.
    `index` is the place of the offending post in a `create_many`, from 0; None elsewhere.
    """

    def __init__(
        self,
        field: str,
        value: object = None,
        *,
        index: int | None = None,
        constraint: str | None = None,
        advice: str = "Choose another one.",
    ) -> None:
        self.field = field
        self.value = value
        self.index = index
        self.constraint = constraint
        said = "" if value is None else f" {value!r}"
        if field == "post":
            self.public = f"There is such a post already{_at(index)}."
            found = f"Another post has the same values already, which {constraint} does not allow"
        else:
            self.public = f"Another post has this {field} already{_at(index)}."
            found = f"Another post has the {field}{said} already"
        super().__init__(f"{found}{_at(index)}. {advice}")


class InvalidPost(BlogError):
    """A post breaks a rule of the table. `field` and `reason` say which; nothing was stored.

    `index` is the place of the offending post in a `create_many`, from 0; None elsewhere.
    """

    def __init__(self, field: str, reason: str, *, index: int | None = None) -> None:
        self.field = field
        self.reason = reason
        self.index = index
        self.public = f"{field} {reason}{_at(index)}."
        super().__init__(f"{field} {reason}{_at(index)}. Nothing was stored: fix it and try again.")


class InvalidCursor(BlogError):
    """This cursor does not fit the call.

    Pass `Page.next` unchanged, with the order and the filters of the call that returned it.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.public = f"The cursor {reason}. Start again without one."
        super().__init__(
            f"The cursor {reason}. Pass Page.next unchanged, with the order and the filters of "
            "the call that returned it, or start again without one."
        )


class InvalidQuery(BlogError):
    """An argument of a call is out of bounds. `argument` and `reason` say which and why."""

    def __init__(self, argument: str, reason: str) -> None:
        self.argument = argument
        self.reason = reason
        self.public = f"{argument} {reason}."
        super().__init__(f"{argument} {reason}.")


class VersionConflict(BlogError):
    """Somebody else changed the post first. Read it again, redo the change, and retry."""

    public = "Somebody else changed this post first. Read it again, and redo the change."

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

    public = "Somebody else changed the same at the same moment. Try again."


class TransactionAborted(DatabaseError):
    """A statement in this transaction failed and the error was swallowed: it was rolled back.

    Wrap what may fail in a transaction of its own, which is a savepoint of the outer one.
    """


class LockedError(DatabaseError):
    """A lock that somebody else holds could not be had in time. Try again later."""

    public = "Somebody else is at work on this. Try again later."


class Unavailable(DatabaseError):
    """The database cannot be reached or does not take this work now. Nothing was stored."""

    public = "This is not available now. Try again later."


class OutcomeUnknown(DatabaseError):
    """The answer to a write was lost: it may be stored or not.

    Look before you repeat it. A slug chosen by the caller makes the repetition safe: it is stored
    once, or says `AlreadyExists`.
    """

    public = "It is not known whether this was stored. Look before you send it again."


class OperationTimeout(DatabaseError):
    """The database did not answer in time. Nothing was changed; try again."""

    public = "This took too long, and nothing was changed. Try again later."


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


class RowRefused(MigrationError):
    """A row of another application's table cannot become a post.

    `table`, `row` (its id) and `column` say which value it is, where that is known; `reason` why.
    """

    def __init__(
        self, table: str, row: str | None, column: str | None, reason: str, standing: str
    ) -> None:
        self.table = table
        self.row = row
        self.column = column
        self.reason = reason
        which = "A row" if row is None else f"The row {row!r}"
        value = "" if column is None else f": {column}"
        super().__init__(
            f"{which} of {table} cannot be brought over{value} {reason}. {standing} Fix it there, "
            "or name a view with --table that does, and run it again."
        )


def _at(index: int | None) -> str:
    return "" if index is None else f" (post number {index}, counted from 0)"
