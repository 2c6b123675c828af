"""Migrations: applied, undone and looked at, safely beside others that do the same."""

from .migrator import Migrator, Report, Step
from .plan import VersionStatus, check_versions

__all__ = ["Migrator", "Report", "Step", "VersionStatus", "check_versions"]
