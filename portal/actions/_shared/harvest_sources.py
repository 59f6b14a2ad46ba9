"""Harvest sources: whose they are, who may see them, and how a description is taken
over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import select

from harvesters import ConfigError, check_config
from portal.access import policy
from portal.access.policy import Permission
from portal.actions._shared.harvest_dicts import source_dict
from portal.actions.registry import Params
from portal.db import harvest as db
from portal.db import people
from portal.domain.base import now
from portal.domain.harvest import HarvestJob, HarvestSource
from portal.domain.people import Group
from portal.errors import Invalid
from portal.runtime import Context
from schemas.harvest import config_text

LONGEST_SLUG = 90


def shown_owner(ctx: Context, params: Params) -> Group | None:
    """The organization that the datasets of a new source will belong to."""
    name = params.get("owner_org")
    if not name:
        return None
    group = people.find_group(ctx.uow.session, str(name), organization=True)
    if group is None:
        raise Invalid({"owner_org": ["Organization does not exist"]})
    return group


def shown_owner_of_source(ctx: Context, params: Params) -> Group | None:
    """The organization of the source `id` (its id, name or url)."""
    source = db.get_source(
        ctx.uow.session,
        str(params.get("id") or params.get("source_id") or params.get("url") or ""),
    )
    return ctx.uow.session.get(Group, source.owner_org) if source.owner_org else None


def shown_owner_of_job(ctx: Context, params: Params) -> Group | None:
    """The organization of the job `id`."""
    job = db.get_job(ctx.uow.session, str(params.get("id") or ""))
    return shown_owner_of_source(ctx, {"id": job.source_id})


def seen_source_ids(ctx: Context, wanted: str | None) -> list[str]:
    """Ids of the sources that the caller may see, or of the one among them that is
    asked for.
    """
    seen = seen_sources(ctx, db.list_sources(ctx.uow.session))
    return [
        source.id
        for source in seen
        if not wanted or wanted in (source.id, source.name, source.url)
    ]


def seen_sources(ctx: Context, sources: Sequence[HarvestSource]) -> list[HarvestSource]:
    """Those of the sources that the caller may see; their organizations are read at
    once.
    """
    owners = {source.owner_org for source in sources if source.owner_org}
    groups = people.groups_by_id(ctx.uow.session, owners)
    allows = policy.RULES[Permission.SOURCE_READ]
    return [
        source
        for source in sources
        if allows(ctx.actor, groups.get(source.owner_org or ""))
    ]


def may_see_job(ctx: Context, job: HarvestJob) -> bool:
    """Whether the caller may see the source of a job."""
    source = ctx.uow.session.get_one(HarvestSource, job.source_id)
    return policy.RULES[Permission.SOURCE_READ](ctx.actor, _group(ctx, source))


def _group(ctx: Context, source: HarvestSource) -> Group | None:
    return ctx.uow.session.get(Group, source.owner_org) if source.owner_org else None


def owner_after(
    ctx: Context, organization: Group | None, params: Params
) -> Group | None:
    """The organization after a change; moving a source needs the right in both."""
    if "owner_org" not in params:
        return organization
    moved = shown_owner(ctx, params)
    policy.authorise(ctx.actor, Permission.SOURCE_MANAGE, moved)
    return moved


def save_source(
    ctx: Context, source: HarvestSource, organization: Group | None, params: Params
) -> dict[str, Any]:
    """Take over the description of a source and return it. Raises Invalid for what its
    kind does not understand.
    """
    config = config_text(params["config"])
    url, source_type = params["url"], params["source_type"]
    try:
        check_config(source_type, url, orjson.loads(config or "{}"))
    except ConfigError as error:
        raise Invalid(dict(error.errors)) from None
    source.name = _free_name(ctx, source, params)
    # Elsewhere, or read otherwise, an unchanged answer means something else.
    if (url, source_type, config) != (source.url, source.source_type, source.config):
        db.forget_fingerprints(ctx.uow.session, source.id)
    source.url = url
    source.source_type = source_type
    source.config = config
    source.title = params["title"] or source.name
    source.description = params["notes"] or ""
    source.frequency = params["frequency"] or "MANUAL"
    source.active = params["active"]
    source.owner_org = organization.id if organization else None
    if source.frequency == "MANUAL" or not source.active:
        source.next_run = None
    else:
        # A change does not put off a trip that is due already.
        source.next_run = source.next_run or now()
    ctx.uow.session.add(source)
    ctx.uow.session.flush()
    return source_dict(ctx.uow.session, source)


def _free_name(ctx: Context, source: HarvestSource, params: Params) -> str:
    """The name that is given, kept or made of the title; raises Invalid for a taken
    one.
    """
    wanted = params["name"] or source.name or _slug(params["title"] or params["url"])
    clash = select(HarvestSource).where(
        HarvestSource.name == wanted, HarvestSource.id != source.id
    )
    if ctx.uow.session.scalars(clash).first() is None:
        return wanted
    # Only a name that somebody chose is refused; one made up here gets a suffix.
    if params["name"]:
        raise Invalid({"name": ["That name is already in use."]})
    return f"{wanted[:LONGEST_SLUG]}-{source.id[:8]}"


def _slug(text: str) -> str:
    """ASCII letters, digits and hyphens of a text, at most LONGEST_SLUG of them."""
    plain = (
        # Unicode has đ as a letter of its own: NFKD does not take it apart.
        unicodedata.normalize("NFKD", text.lower().replace("đ", "d"))
        .encode("ascii", "ignore")
        .decode()
    )
    return (re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "source")[:LONGEST_SLUG]
