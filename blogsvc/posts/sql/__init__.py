"""All SQL about posts: one function a statement, each built once for a table and then looked up.

Whoever may create in a schema on the search_path can put an operator or a function there that fits
our arguments better than PostgreSQL's own, and it would run with our rights. An exact fit cannot be
beaten. VARCHAR has no operators of its own, so it is compared as text, which costs nothing and uses
the same indexes; a function that takes any type is called by its schema. (`unnest` of several
arrays is a word of SQL, and no call.)
"""

from .files import former_slugs, of_files, taken_slugs, update_seen
from .lists import ORDERS, count, listing, neighbours, tags
from .rows import (
    compare,
    create,
    create_many,
    delete,
    exists,
    get,
    get_by_slug,
    get_locked,
    update,
    upsert,
)
from .searching import UNSPACED, UNSPACED_MARKS, Way, matches, sample, search
from .table import COLUMNS, FILTERS, SUMMARY, table_of

__all__ = [
    "COLUMNS",
    "FILTERS",
    "ORDERS",
    "SUMMARY",
    "UNSPACED",
    "UNSPACED_MARKS",
    "Way",
    "compare",
    "count",
    "create",
    "create_many",
    "delete",
    "exists",
    "former_slugs",
    "get",
    "get_by_slug",
    "get_locked",
    "listing",
    "matches",
    "neighbours",
    "of_files",
    "sample",
    "search",
    "table_of",
    "tags",
    "taken_slugs",
    "update",
    "update_seen",
    "upsert",
]
