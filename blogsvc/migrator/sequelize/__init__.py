"""Posts of an application that Sequelize made, brought over and kept up to date."""

from .taking import TakenOver, take_over

__all__ = ["TakenOver", "take_over"]
