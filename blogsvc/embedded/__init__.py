"""A real PostgreSQL from a wheel, for those who have no database URL."""

from .programs import program
from .server import EmbeddedServer, running_url, start

__all__ = ["EmbeddedServer", "program", "running_url", "start"]
