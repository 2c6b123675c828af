"""Blog posts in PostgreSQL for any asyncio application."""

from importlib.metadata import version

from .migrator import Migrator
from .posts import UNSET, NewPost, Page, PostRecord, PostRepository, SearchHit
from .service import BlogService

__version__ = version("blogsvc")

__all__ = [
    "UNSET",
    "BlogService",
    "Migrator",
    "NewPost",
    "Page",
    "PostRecord",
    "PostRepository",
    "SearchHit",
    "__version__",
]
