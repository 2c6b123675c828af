"""A real PostgreSQL from a wheel, for those who have no database URL."""

from .server import EmbeddedServer, start

__all__ = ["EmbeddedServer", "start"]
