"""Arguments of the service, and of what else connects; each is named where it is out of bounds."""

from __future__ import annotations

from typing import Final, TypeGuard

from ..errors import ConfigurationError
from .names import MAX_NAME, is_name

MAX_CONNECTIONS: Final = 262_143
"""As many as PostgreSQL's max_connections can be."""

MAX_SECONDS: Final = 1_000_000_000
"""About thirty years: what is more, clocks cannot count with."""


def check_target(url: object, schema: object) -> None:
    """Raise `ConfigurationError` for what can be no URL or no schema; both may be None."""
    for argument, value in {"url": url, "schema": schema}.items():
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(
                f"{argument} is a {type(value).__name__}; write a str or None."
            )
    if isinstance(schema, str) and not is_name(schema):
        raise ConfigurationError(
            f"schema is {shown(schema)}, which is no name in PostgreSQL; write one of at most "
            f"{MAX_NAME} bytes."
        )


def check_sizes(min_size: object, max_size: object) -> None:
    """Raise `ConfigurationError` for sizes that no pool can have."""
    if not is_whole(max_size) or not 1 <= max_size <= MAX_CONNECTIONS:
        raise ConfigurationError(
            f"max_size is {shown(max_size)}; write a whole number from 1 to {MAX_CONNECTIONS}."
        )
    if not is_whole(min_size) or not 0 <= min_size <= max_size:
        raise ConfigurationError(
            f"min_size is {shown(min_size)}; write a whole number from 0 to max_size, {max_size}."
        )


def check_seconds(argument: str, value: object) -> None:
    """Raise `ConfigurationError` for what is no time to wait, or one without an end."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 < value <= MAX_SECONDS
    ):
        raise ConfigurationError(
            f"{argument} is {shown(value)}; write a number of seconds that is greater than 0, and "
            f"at most {MAX_SECONDS:,}."
        )


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is an int, and no bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def shown(value: object, longest: int = 300) -> str:
    """Return a value for a message, as Python writes it, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of thousands of digits
        text = hex(value) if isinstance(value, int) else f"a {type(value).__name__}"
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
