"""Posts as Markdown files with front matter: in, and out again without a loss."""

from .exporting import export_posts
from .files import read_post
from .finding import Skipped
from .importing import import_posts
from .report import HeldBack, ImportReport, Renamed

__all__ = [
    "HeldBack",
    "ImportReport",
    "Renamed",
    "Skipped",
    "export_posts",
    "import_posts",
    "read_post",
]
