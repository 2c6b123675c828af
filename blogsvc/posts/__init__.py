"""Posts: the records, the repository, and all that is known about them outside the database."""

from .records import (
    ARCHIVED,
    DRAFT,
    PUBLISHED,
    STATUSES,
    UNSET,
    NewPost,
    Order,
    Page,
    PostRecord,
    PostSummary,
    SearchHit,
    Status,
    Unset,
)
from .repository import PostRepository
from .slugs import slug_base
from .sources import Change, Sought, Stored, find_stored, former_slugs, store_posts, taken_slugs
from .validation import (
    MAX_CONTENT,
    MAX_SLUG,
    MAX_TAG,
    MAX_TITLE,
    check_post,
    check_status,
    iterator_of,
    text_is_storable,
)

__all__ = [
    "ARCHIVED",
    "DRAFT",
    "MAX_CONTENT",
    "MAX_SLUG",
    "MAX_TAG",
    "MAX_TITLE",
    "PUBLISHED",
    "STATUSES",
    "UNSET",
    "Change",
    "NewPost",
    "Order",
    "Page",
    "PostRecord",
    "PostRepository",
    "PostSummary",
    "SearchHit",
    "Sought",
    "Status",
    "Stored",
    "Unset",
    "check_post",
    "check_status",
    "find_stored",
    "former_slugs",
    "iterator_of",
    "slug_base",
    "store_posts",
    "taken_slugs",
    "text_is_storable",
]
