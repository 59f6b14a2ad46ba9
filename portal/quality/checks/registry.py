"""All checks of tables: whatever stands in `rules` and `rows` is one."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from portal.quality.checks import rows, rules
from portal.quality.checks.declared import RowCheck, RuleCheck


def _declared(package: ModuleType) -> list[Any]:
    """The CHECK of every module of a package, in the order of their names."""
    modules = sorted(each.name for each in pkgutil.iter_modules(package.__path__))
    return [
        importlib.import_module(f"{package.__name__}.{name}").CHECK for name in modules
    ]


RULE_CHECKS: tuple[RuleCheck, ...] = tuple(_declared(rules))
ROW_CHECKS: tuple[RowCheck, ...] = tuple(_declared(rows))
BY_ID = {check.id: check for check in RULE_CHECKS}
"""The checks that a schema may ask for."""
