"""Relationships of datasets: create, update, delete, list; kept in one direction, told
from both.
"""

from __future__ import annotations

from typing import Any

from portal.access import policy
from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import datasets
from portal.db import relationships as db
from portal.db.holding import HeldDataset, held_dataset, held_datasets
from portal.domain.datasets import Dataset
from portal.domain.relations import FORWARD, REVERSE, Relationship
from portal.domain.rendering import relationship_dict
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.package_dict import RelationshipDict
from schemas.social import RelationshipList, RelationshipParams


def held_subject(ctx: Context, params: Params) -> HeldDataset:
    """The dataset `subject`, held together with the dataset `object`: both of them say
    what is changed.
    """
    named = (
        datasets.find_dataset(ctx.uow.session, params[side])
        for side in ("subject", "object")
    )
    # Both at once, in the one order that all writers take: two calls that name them the
    # other way round would wait for each other.
    held_datasets(ctx.uow, [dataset.id for dataset in named if dataset is not None])
    return held_dataset(ctx.uow, params["subject"])


def shown_by_id(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`."""
    return datasets.get_dataset(ctx.uow.session, params["id"])


@action(RelationshipParams, allow=Permission.DATASET_UPDATE, on=held_subject)
def package_relationship_create(
    ctx: Context, dataset: HeldDataset, params: Params
) -> RelationshipDict:
    """Say what the dataset `subject` is to the dataset `object`: `type` is depends_on,
    derives_from, links_to or child_of, or the reverse of one. The caller must be
    allowed to edit both.
    """
    first, second, forward = _sides(ctx, dataset, params)
    if db.find(ctx.uow.session, first.id, second.id, forward):
        raise Invalid({"type": ["This relationship exists already"]})
    relation = Relationship(
        subject_id=first.id,
        object_id=second.id,
        type=forward,
        comment=params["comment"] or "",
    )
    ctx.uow.session.add(relation)
    _save(ctx, first, second)
    return _told(relation, first, second, params["type"])


@action(RelationshipParams, allow=Permission.DATASET_UPDATE, on=held_subject)
def package_relationship_update(
    ctx: Context, dataset: HeldDataset, params: Params
) -> RelationshipDict:
    """Change the `comment` of the relationship `type` between `subject` and
    `object`.
    """
    first, second, relation = _existing(ctx, dataset, params)
    relation.comment = (
        relation.comment if params["comment"] is None else params["comment"]
    )
    _save(ctx, first, second)
    return _told(relation, first, second, params["type"])


@action(RelationshipParams, allow=Permission.DATASET_UPDATE, on=held_subject)
def package_relationship_delete(
    ctx: Context, dataset: HeldDataset, params: Params
) -> None:
    """Take back the relationship `type` between `subject` and `object`."""
    first, second, relation = _existing(ctx, dataset, params)
    ctx.uow.session.delete(relation)
    _save(ctx, first, second)


@action(RelationshipList, allow=Permission.DATASET_READ, on=shown_by_id, safe=True)
def package_relationships_list(
    ctx: Context, dataset: Dataset, params: Params
) -> list[dict[str, Any]]:
    """Return what the dataset `id` is to others (or to `id2` alone), as far as the
    caller may read those.
    """
    found = []
    for relation, other in db.related_where(
        ctx.uow.session, dataset.id, policy.readable(ctx.actor)
    ):
        mine = relation.subject_id == dataset.id
        type_ = relation.type if mine else REVERSE[relation.type]
        if params["id2"] in (None, other.id, other.name) and params["rel"] in (
            None,
            type_,
        ):
            row = {
                "subject": dataset.name,
                "type": type_,
                "object": other.name,
                "comment": relation.comment,
            }
            found.append({"id": relation.id, **row})
    return found


def _sides(
    ctx: Context, dataset: HeldDataset, params: Params
) -> tuple[HeldDataset, HeldDataset, str]:
    """(subject, object, type) in the forward direction; both may be edited by the
    actor.
    """
    other = held_dataset(ctx.uow, params["object"])
    policy.authorise(ctx.actor, Permission.DATASET_UPDATE, other)
    if other.id == dataset.id:
        raise Invalid({"object": ["A dataset cannot be related to itself"]})
    type_ = params["type"]
    if type_ in REVERSE:
        return dataset, other, type_
    if type_ in FORWARD:
        return other, dataset, FORWARD[type_]
    known = sorted({*REVERSE, *FORWARD})
    raise Invalid({"type": [f"Value must be one of {', '.join(known)}"]})


def _existing(
    ctx: Context, dataset: HeldDataset, params: Params
) -> tuple[HeldDataset, HeldDataset, Relationship]:
    """The datasets in the forward direction and their relation; raises NotFound."""
    first, second, forward = _sides(ctx, dataset, params)
    relation = db.find(ctx.uow.session, first.id, second.id, forward)
    if relation is None:
        raise NotFound("Not found: This relationship was not found.")
    return first, second, relation


def _save(ctx: Context, *both: HeldDataset) -> None:
    for dataset in both:
        datasets.save(ctx.uow, dataset, ctx.portal.settings.site_url)


def _told(
    relation: Relationship, first: Dataset, second: Dataset, asked: str
) -> RelationshipDict:
    """The relationship as it was told: from the side and with the type that the caller
    used.
    """
    forward = relationship_dict(relation, first, second)
    if asked == relation.type:
        return forward
    return {
        **forward,
        "subject": second.name,
        "object": first.name,
        "type": asked,
        "subject_package_id": second.id,
        "object_package_id": first.id,
    }
