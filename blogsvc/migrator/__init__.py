"""Migrations: applied, undone and looked at, safely beside others that do the same."""

from .aerich_commands import fit_aerich
from .files import APP, label
from .files import folder as migrations_folder
from .history import applied_versions
from .many import in_each, schemas_with_blogs
from .migrator import Migrator, Report, Step
from .plan import VersionStatus, check_versions
from .repair import Repair
from .schema import Fact
from .sequelize import TakenOver, take_over

__all__ = [
    "APP",
    "Fact",
    "Migrator",
    "Repair",
    "Report",
    "Step",
    "TakenOver",
    "VersionStatus",
    "applied_versions",
    "check_versions",
    "fit_aerich",
    "in_each",
    "label",
    "migrations_folder",
    "schemas_with_blogs",
    "take_over",
]
