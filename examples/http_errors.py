"""What a failure means in HTTP: the one place that the three web examples share.

An answer holds `error.public` and never `str(error)`: the message is for those who run the
application, and may name hosts and paths.
"""

from __future__ import annotations

import logging

from blogsvc import errors

log = logging.getLogger(__name__)

STATUS: dict[type[errors.BlogError], int] = {
    errors.PostNotFound: 404,
    errors.AlreadyExists: 409,
    errors.PostInUse: 409,
    errors.VersionConflict: 409,
    errors.TransactionConflict: 409,
    errors.InvalidPost: 422,
    errors.InvalidCursor: 422,
    errors.InvalidQuery: 422,
    errors.LockedError: 503,
    errors.OperationTimeout: 503,
    errors.OutcomeUnknown: 503,
    errors.Unavailable: 503,
}


def status_of(error: errors.BlogError) -> int:
    """Return the HTTP status for an error; 500 for one that is a bug or a wrong configuration."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def answer_to(error: errors.BlogError) -> tuple[str, int]:
    """Return what the client is told, and the status; what is not its fault goes to the log."""
    status = status_of(error)
    if status >= 500:
        log.error("%s", error, exc_info=error)
    return error.public, status
