"""Blog posts in PostgreSQL for any asyncio application."""

from .posts.records import UNSET, NewPost, Page, PostRecord, SearchHit
from .service import BlogService

__all__ = ["UNSET", "BlogService", "NewPost", "Page", "PostRecord", "SearchHit"]
