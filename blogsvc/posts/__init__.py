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
from .validation import MAX_CONTENT, MAX_SLUG, check_post, check_status, text_is_storable

__all__ = [
    "ARCHIVED",
    "DRAFT",
    "MAX_CONTENT",
    "MAX_SLUG",
    "PUBLISHED",
    "STATUSES",
    "UNSET",
    "NewPost",
    "Order",
    "Page",
    "PostRecord",
    "PostRepository",
    "PostSummary",
    "SearchHit",
    "Status",
    "Unset",
    "check_post",
    "check_status",
    "slug_base",
    "text_is_storable",
]
