"""Many datasets of one organization at once: make private, make public, delete, move to another owner."""

from __future__ import annotations

from collections.abc import Callable

from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import datasets as db
from portal.db import people
from portal.domain.datasets import Dataset
from portal.domain.people import Group
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.social import BulkParams, OwnerParams


def organization_of(ctx: Context, params: Params) -> Group:
    """The organization of `org_id`."""
    return people.get_group(ctx.uow.session, params["org_id"], organization=True)


@action(BulkParams, allow=Permission.GROUP_UPDATE, on=organization_of)
def bulk_update_private(ctx: Context, organization: Group, params: Params) -> None:
    """Make the `datasets` (ids) of the organization `org_id` private; all of them, or none."""
    _each(ctx, organization, params, lambda dataset: setattr(dataset, "private", True))


@action(BulkParams, allow=Permission.GROUP_UPDATE, on=organization_of)
def bulk_update_public(ctx: Context, organization: Group, params: Params) -> None:
    """Make the `datasets` (ids) of the organization `org_id` public; all of them, or none."""
    _each(ctx, organization, params, lambda dataset: _publish(ctx, dataset))


@action(BulkParams, allow=Permission.GROUP_UPDATE, on=organization_of)
def bulk_update_delete(ctx: Context, organization: Group, params: Params) -> None:
    """Delete the `datasets` (ids) of the organization `org_id`; all of them, or none."""
    _each(ctx, organization, params, lambda dataset: setattr(dataset, "state", "deleted"))


def _publish(ctx: Context, dataset: Dataset) -> None:
    held = [each.name or each.id for each in dataset.resources if db.holds_persons(ctx.uow.session, each)]
    if dataset.private and held:
        raise Invalid({"datasets": [f"{dataset.name} holds personal data and cannot be made public"]})
    dataset.private = False


def _each(ctx: Context, organization: Group, params: Params, change: Callable[[Dataset], None]) -> None:
    for key in dict.fromkeys(params["datasets"]):
        dataset = db.find_dataset(ctx.uow.session, key)
        if dataset is None or dataset.owner_org != organization.id:
            raise NotFound("Not found: A dataset of the list was not found in this organization.")
        change(dataset)
        db.save(ctx.uow, dataset, ctx.portal.settings.site_url)


def dataset_of(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`."""
    return db.get_dataset(ctx.uow.session, params["id"])


@action(OwnerParams, allow=Permission.SYSADMIN, on=dataset_of)
def package_owner_org_update(ctx: Context, dataset: Dataset, params: Params) -> None:
    """Give the dataset `id` to the organization `organization_id`."""
    if not params["organization_id"]:
        if not ctx.portal.settings.create_unowned_dataset or dataset.private:
            raise Invalid({"owner_org": ["An organization must be provided"]})
        dataset.owner_org = None
    else:
        owner = people.find_group(ctx.uow.session, params["organization_id"], organization=True)
        if owner is None or owner.state != "active":
            raise Invalid({"owner_org": ["Organization does not exist"]})
        dataset.owner_org = owner.id
    db.save(ctx.uow, dataset, ctx.portal.settings.site_url)
