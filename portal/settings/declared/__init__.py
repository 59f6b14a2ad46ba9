"""The settings that there are: name, default, what is taken, and what it does, as
docs/operate.md lists them.
"""

from __future__ import annotations

from portal.settings.declared.callers import CALLERS
from portal.settings.declared.engines import ENGINES
from portal.settings.declared.operation import OPERATION
from portal.settings.declared.setting import PREFIX, Setting
from portal.settings.declared.tables import TABLES

__all__ = ["PREFIX", "SETTINGS", "Setting"]

SETTINGS: tuple[Setting, ...] = (*ENGINES, *CALLERS, *TABLES, *OPERATION)
"""In the order in which docs/operate.md lists them."""
