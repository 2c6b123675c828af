"""What a listing lets through and in which order: checked, and ready for a statement."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..errors import InvalidPost, InvalidQuery
from . import validation
from .records import Order, Status
from .sql import FILTERS, ORDERS


def filters_of(
    status: Status | None,
    visible: bool,
    created_before: datetime | None,
    created_after: datetime | None,
    order: Order | None = None,
) -> dict[str, Any]:
    """Return the filters that are in force, by name, with their values.

    A listing by the time of publishing has only posts with such a time.
    """
    if status is not None:
        try:
            status = validation.check_status("status", status)
        except InvalidPost as error:
            raise InvalidQuery("status", error.reason) from None
    validation.check_filter_time("created_before", created_before)
    validation.check_filter_time("created_after", created_after)
    # In one form each, whatever form the caller's had: cursors compare them.
    given = {
        "status": status,
        "visible": True if visible else None,
        "created_before": created_before and created_before.astimezone(UTC),
        "created_after": created_after and created_after.astimezone(UTC),
        "dated": order == "published" or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def values_of(filters: dict[str, Any]) -> list[Any]:
    """Return the values of the filters that have one in the statement, in their order."""
    return [value for name, value in filters.items() if "{}" in FILTERS[name]]


def column_of(order: Order) -> str:
    """Return the column that an order goes by. Raises `InvalidQuery` where there is none."""
    try:
        return ORDERS[order][0]
    except (KeyError, TypeError):
        raise InvalidQuery("order", f"is {order!r}, not one of {', '.join(ORDERS)}") from None
