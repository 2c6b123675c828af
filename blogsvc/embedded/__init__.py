"""A real PostgreSQL from a wheel, for those who have no database URL."""

from .programs import program
from .server import EmbeddedServer, start

__all__ = ["EmbeddedServer", "program", "start"]
