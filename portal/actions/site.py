"""The portal about itself: status_show, help_show, site_read."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from marshmallow import Schema

from portal.access.identity import SYSTEM
from portal.access.policy import Permission
from portal.actions.registry import ACTIONS, NoParams, Params, action
from portal.db import site as db
from portal.errors import NotFound
from portal.runtime import Context
from schemas.values import MISSING, Text

CKAN_VERSION = "2.12.0"
"""The version whose API is spoken: clients choose what they send by it."""
EXTENSIONS = ("activity", "datastore", "harvest", "validation")


class HelpShow(Schema):
    """Parameters of help_show."""

    name = Text(required=True, error_messages={"required": MISSING, "null": MISSING})


@cache
def _version() -> str:
    return version("thanhhoa-data-portal")


@action(NoParams, allow=Permission.ANYONE, safe=True)
def status_show(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Return the portal's name and address, the version of CKAN's API that it speaks,
    and how search is.
    """
    settings = ctx.portal.settings
    options = db.options(ctx.uow.session)
    health = ctx.portal.search.health()
    return {
        "ckan_version": CKAN_VERSION,
        "site_url": settings.site_url,
        "site_title": options.get("ckan.site_title") or settings.site_title,
        "site_description": options.get("ckan.site_description")
        or settings.site_description,
        "error_emails_to": None,
        "locale_default": settings.locale,
        "extensions": list(EXTENSIONS),
        "portal_version": _version(),
        "search": {
            "engine": health.engine,
            "status": health.status,
            **health.complaint,
        },
    }


@action(NoParams, allow=Permission.ANYONE, safe=True)
def site_read(ctx: Context, target: object, params: Params) -> bool:
    """Return true: the portal can be read."""
    return True


@action(NoParams, allow=Permission.SYSADMIN, safe=True)
def get_site_user(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Return the name of the portal itself as it stands in activities and refusals; it
    is no user and has no token.
    """
    return {"name": SYSTEM.name, "apikey": None}


@action(HelpShow, allow=Permission.ANYONE, safe=True)
def help_show(ctx: Context, target: object, params: Params) -> str:
    """Return what the action `name` does."""
    declared = ACTIONS.get(params["name"])
    if declared is None:
        raise NotFound("Not found: Action name not known: " + params["name"])
    return declared.help
