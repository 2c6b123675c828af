"""PostgreSQL over asyncpg: connections, transactions and errors, and nothing of posts."""

from .arguments import check_seconds, check_sizes, check_target, is_whole, shown
from .batching import ByKey, Query
from .borrowed import Lender
from .connections import (
    CLEANUP_TIMEOUT,
    CONNECT_TIMEOUT,
    close_pool,
    connect,
    connect_to,
    create_pool,
)
from .database import Command, Database
from .endpoint import Endpoint, embedded_postgres
from .names import is_name, quoted
from .pool import Pool
from .poolers import Connection
from .speaking import is_gone, speaking_our_errors
from .sqlstates import DRIVER_ERRORS, translate
from .transactions import Isolation
from .url import CompleteURL, DatabaseURL, join_url, split_url, target_of
from .variables import VARIABLES
from .waiting import pauses

__all__ = [
    "CLEANUP_TIMEOUT",
    "CONNECT_TIMEOUT",
    "DRIVER_ERRORS",
    "VARIABLES",
    "ByKey",
    "Command",
    "CompleteURL",
    "Connection",
    "Database",
    "DatabaseURL",
    "Endpoint",
    "Isolation",
    "Lender",
    "Pool",
    "Query",
    "check_seconds",
    "check_sizes",
    "check_target",
    "close_pool",
    "connect",
    "connect_to",
    "create_pool",
    "embedded_postgres",
    "is_gone",
    "is_name",
    "is_whole",
    "join_url",
    "pauses",
    "quoted",
    "shown",
    "speaking_our_errors",
    "split_url",
    "target_of",
    "translate",
]
