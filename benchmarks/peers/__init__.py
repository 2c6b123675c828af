"""The peers: each does the same work the way its own documentation recommends.

A peer is imported only when it is asked for, so that what is not installed can be left out.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from .peer import NewRow, Peer, server_of

__all__ = ["ALL", "BASELINE", "NewRow", "Peer", "load", "server_of"]

BASELINE: Final = "asyncpg by hand"
ALL: Final = {
    BASELINE: "by_hand.ByHand",
    "asyncpg, no reset": "by_hand.ByHandWithoutReset",
    "blogsvc": "blogsvc_repository.Blogsvc",
    "Tortoise": "tortoise_orm.Tortoise",
    "SQLAlchemy": "sqlalchemy_orm.SQLAlchemy",
    "Piccolo": "piccolo_orm.Piccolo",
    "Django": "django_orm.Django",
}


def load(name: str) -> Peer:
    """Return the peer of this name. Raises `ImportError` where it is not installed."""
    module, _, kind = ALL[name].partition(".")
    peer: Peer = getattr(import_module(f"{__name__}.{module}"), kind)()
    return peer
