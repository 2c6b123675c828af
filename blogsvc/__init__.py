"""Blog posts in PostgreSQL for any asyncio application."""

from .migrator import Migrator
from .posts import UNSET, NewPost, Page, PostRecord, PostRepository, PostSummary, SearchHit
from .service import BlogService

__version__ = "0.2.0"

__all__ = [
    "UNSET",
    "BlogService",
    "Migrator",
    "NewPost",
    "Page",
    "PostRecord",
    "PostRepository",
    "PostSummary",
    "SearchHit",
    "__version__",
]
