"""The database: `$DATABASE_URL`, or the embedded PostgreSQL where it is not set."""

from __future__ import annotations

from blogsvc.models import tortoise_app, tortoise_connection

TORTOISE_ORM = {
    "connections": {"default": tortoise_connection()},
    "apps": {
        "models": {"models": ["shop.models", "aerich.models"], "default_connection": "default"},
        "blogsvc": tortoise_app("default"),
    },
    "use_tz": True,
    "timezone": "UTC",
}
