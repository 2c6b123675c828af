"""What a failure means in HTTP: the one place that the three web examples share."""

from __future__ import annotations

from blogsvc import errors

STATUS: dict[type[errors.BlogError], int] = {
    errors.PostNotFound: 404,
    errors.AlreadyExists: 409,
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
