"""The licence register: license_list."""

from __future__ import annotations

from typing import Any

from portal.access.policy import Permission
from portal.actions.registry import NoParams, Params, action
from portal.runtime import Context
from schemas.vocabularies import LICENCES


@action(NoParams, allow=Permission.ANYONE, safe=True)
def license_list(ctx: Context, target: object, params: Params) -> list[dict[str, Any]]:
    """Return the licences that datasets may name: CKAN's fifteen in CKAN's order, then
    those of Việt Nam.
    """
    return [licence.describe() for licence in LICENCES]
