"""PostgreSQL over asyncpg: connections, transactions and errors, and nothing of posts."""

from .batching import ByKey, Query
from .borrowed import Lender
from .connections import (
    CLEANUP_TIMEOUT,
    CONNECT_TIMEOUT,
    close_pool,
    connect,
    create_pool,
    leave_as_is,
)
from .endpoint import Endpoint, embedded_postgres
from .names import MAX_NAME, check_target, is_name, quoted
from .poolers import Connection
from .speaking import is_gone, speaking_our_errors
from .sqlstates import DRIVER_ERRORS, translate
from .transactions import Command, Database, Isolation
from .url import DatabaseURL, join_url, split_url, target_of
from .waiting import pauses

__all__ = [
    "CLEANUP_TIMEOUT",
    "CONNECT_TIMEOUT",
    "DRIVER_ERRORS",
    "MAX_NAME",
    "ByKey",
    "Command",
    "Connection",
    "Database",
    "DatabaseURL",
    "Endpoint",
    "Isolation",
    "Lender",
    "Query",
    "check_target",
    "close_pool",
    "connect",
    "create_pool",
    "embedded_postgres",
    "is_gone",
    "is_name",
    "join_url",
    "leave_as_is",
    "pauses",
    "quoted",
    "speaking_our_errors",
    "split_url",
    "target_of",
    "translate",
]
