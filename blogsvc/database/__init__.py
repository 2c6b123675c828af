"""PostgreSQL over asyncpg: connections, transactions and errors, and nothing of posts."""

from .batching import ByKey, Query
from .borrowed import Lender
from .connections import (
    CLEANUP_TIMEOUT,
    CONNECT_TIMEOUT,
    close_pool,
    connect,
    connect_to,
    create_pool,
    leave_as_is,
    quoted,
)
from .endpoint import Endpoint, embedded_postgres
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
    "ByKey",
    "Command",
    "Connection",
    "Database",
    "DatabaseURL",
    "Endpoint",
    "Isolation",
    "Lender",
    "Query",
    "close_pool",
    "connect",
    "connect_to",
    "create_pool",
    "embedded_postgres",
    "is_gone",
    "join_url",
    "leave_as_is",
    "pauses",
    "quoted",
    "speaking_our_errors",
    "split_url",
    "target_of",
    "translate",
]
