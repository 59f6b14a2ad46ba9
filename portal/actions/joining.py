"""Joining: nobody becomes a member of anything by somebody else's act alone; offers,
and their acceptance.
"""

from __future__ import annotations

from typing import Any

from i18n import Message
from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import joining as db
from portal.domain.people import ACTIVE, PENDING
from portal.domain.relations import Collaborator
from portal.errors import NotFound
from portal.runtime import Context
from schemas.datasets import ById

Json = dict[str, Any]


@action(allow=Permission.LOGGED_IN, safe=True)
def membership_list_pending(ctx: Context, target: object, params: Params) -> list[Json]:
    """Return what the caller is offered: the role `capacity` in an organization, a
    group or a dataset, each by `id`.

    membership_accept takes an offer, membership_decline puts it away.
    """
    return [_described(offer) for offer in _offers(ctx)]


@action(ById, allow=Permission.LOGGED_IN)
def membership_accept(ctx: Context, target: object, params: Params) -> Json:
    """Become a member of the organization, group or dataset `id` (an id or name) that
    the caller was offered.
    """
    offer = _offer(ctx, params["id"])
    offer.membership.state = ACTIVE
    return _described(offer)


@action(ById, allow=Permission.LOGGED_IN)
def membership_decline(ctx: Context, target: object, params: Params) -> None:
    """Put away the offer of the organization, group or dataset `id`, or leave it."""
    offer = _offer(ctx, params["id"], joined=True)
    if isinstance(offer.membership, Collaborator):
        ctx.uow.session.delete(offer.membership)
    else:
        offer.membership.state = "deleted"


def _offers(ctx: Context, *, joined: bool = False) -> list[db.Offer]:
    """What the caller is offered; with `joined` also what he is a member of."""
    states = (PENDING, ACTIVE) if joined else (PENDING,)
    found = db.list_offers(ctx.uow.session, ctx.actor.user_id or "", states)
    allowed = ctx.portal.settings.dataset_collaborators
    return [
        offer
        for offer in found
        if allowed or not isinstance(offer.membership, Collaborator)
    ]


def _offer(ctx: Context, name_or_id: str, *, joined: bool = False) -> db.Offer:
    """The offer of that id or name; raises NotFound."""
    for offer in _offers(ctx, joined=joined):
        if name_or_id in (offer.object_id, offer.name):
            return offer
    refusal = Message("You were not offered to join this.")
    raise NotFound(f"Not found: {refusal.en} / {refusal.vi}")


def _described(offer: db.Offer) -> Json:
    """The offer as the actions answer it."""
    return {
        "id": offer.object_id,
        "name": offer.name,
        "title": offer.title,
        "type": offer.type,
        "capacity": offer.membership.capacity,
        "state": offer.membership.state,
    }
