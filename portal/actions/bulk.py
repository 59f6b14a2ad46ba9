"""Many datasets of one organization at once: make private, make public, delete, move to
another owner.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from portal.access.policy import Permission
from portal.actions.registry import Params, Steps, action, in_steps
from portal.db import datasets as db
from portal.db import people
from portal.db.holding import HeldDataset, find_dataset, held_dataset, steady_groups
from portal.domain.datasets import Dataset
from portal.domain.people import Group
from portal.errors import Invalid, NotFound, PortalError, Unfinished
from portal.runtime import Context
from schemas.social import BulkParams, OwnerParams

Change = Callable[[HeldDataset], None]


def shown_organization(ctx: Context, params: Params) -> Group:
    """The organization of `org_id`."""
    return people.get_group(ctx.uow.session, params["org_id"], organization=True)


@action(BulkParams, allow=Permission.GROUP_UPDATE, on=shown_organization)
def bulk_update_private(
    ctx: Context, organization: Group, params: Params
) -> Steps[None]:
    """Make the `datasets` (ids) of the organization `org_id` private, after a look at
    all of them, a few at a time.
    """
    return _Bulk(
        ctx, organization.id, lambda dataset: setattr(dataset, "private", True)
    ).steps(params["datasets"])


@action(BulkParams, allow=Permission.GROUP_UPDATE, on=shown_organization)
def bulk_update_public(
    ctx: Context, organization: Group, params: Params
) -> Steps[None]:
    """Make the `datasets` (ids) of the organization `org_id` public, after a look at
    all of them, a few at a time.
    """
    bulk = _Bulk(
        ctx,
        organization.id,
        lambda dataset: setattr(dataset, "private", False),
        opens=True,
    )
    return bulk.steps(params["datasets"])


@action(BulkParams, allow=Permission.GROUP_UPDATE, on=shown_organization)
def bulk_update_delete(
    ctx: Context, organization: Group, params: Params
) -> Steps[None]:
    """Delete the `datasets` (ids) of the organization `org_id`, after a look at all of
    them, a few at a time.
    """
    return _Bulk(
        ctx, organization.id, lambda dataset: setattr(dataset, "state", "deleted")
    ).steps(params["datasets"])


class _Bulk:
    """One change of many datasets of an organization.

    First each is looked at: if one may not be changed, none is. Then they are changed a
    few at a time, each few whole. What stops that in between says which are done; the
    same call once more does the others.
    """

    def __init__(
        self, ctx: Context, organization_id: str, change: Change, *, opens: bool = False
    ) -> None:
        self._ctx, self._organization_id, self._change, self._opens = (
            ctx,
            organization_id,
            change,
            opens,
        )

    def steps(self, keys: list[str]) -> Steps[None]:
        """Look at all of them, then change them."""
        ids: list[str] = []
        for _ in in_steps(
            dict.fromkeys(keys), lambda key: ids.append(self._id_of(key))
        ):
            yield
        yield  # nobody waits for a lock that only looking has taken
        # Sorted, so that two such calls take their locks in one order.
        yield from self._changed(sorted(ids))

    def _changed(self, ids: list[str]) -> Steps[None]:
        """Change the datasets in steps; raises Unfinished if some are done and some are
        not.
        """
        changed: list[str] = []
        kept = 0
        try:
            for _ in in_steps(ids, lambda key: changed.append(self._change_one(key))):
                yield
                # The step before is committed once the next one begins: only that
                # counts as done.
                kept = len(changed)
        except (PortalError, SQLAlchemyError) as problem:
            # Nothing is committed yet: it failed whole, as a call of one step does.
            if not kept:
                raise
            raise Unfinished(problem, ids[:kept], ids[kept:]) from problem

    def _id_of(self, key: str) -> str:
        return self._checked(db.find_dataset(self._ctx.uow.session, key)).id

    def _change_one(self, dataset_id: str) -> str:
        """Lock a dataset, look at it again and change it; returns its id."""
        dataset = find_dataset(self._ctx.uow, dataset_id)
        # Somebody else may have changed it since the first look.
        self._checked(dataset)
        if dataset is not None:
            self._change(dataset)
            db.save(self._ctx.uow, dataset, self._ctx.portal.settings.site_url)
        return dataset_id

    def _checked(self, dataset: Dataset | None) -> Dataset:
        """The dataset, if it may be changed so. Raises NotFound or Invalid."""
        if dataset is None or dataset.owner_org != self._organization_id:
            raise NotFound(
                "Not found: A dataset of the list was not found in this organization."
            )
        # A public one is not opened by this.
        if self._opens and dataset.private:
            self._refuse_persons(dataset)
        return dataset

    def _refuse_persons(self, dataset: Dataset) -> None:
        """Raise Invalid if a file or table of the dataset holds personal data."""
        if any(
            db.holds_persons(self._ctx.uow.session, each) for each in dataset.resources
        ):
            raise Invalid(
                {
                    "datasets": [
                        f"{dataset.name} holds personal data and cannot be made public"
                    ]
                }
            )


def held_by_id(ctx: Context, params: Params) -> HeldDataset:
    """The dataset of `id`, held."""
    return held_dataset(ctx.uow, params["id"])


@action(OwnerParams, allow=Permission.SYSADMIN, on=held_by_id)
def package_owner_org_update(
    ctx: Context, dataset: HeldDataset, params: Params
) -> None:
    """Give the dataset `id` to the organization `organization_id`."""
    if not params["organization_id"]:
        if not ctx.portal.settings.create_unowned_dataset or dataset.private:
            raise Invalid({"owner_org": ["An organization must be provided"]})
        dataset.owner_org = None
    else:
        owner = people.find_group(
            ctx.uow.session, params["organization_id"], organization=True
        )
        steady = steady_groups(ctx.uow.session, [owner.id]) if owner else []
        if not steady or steady[0].state != "active":
            raise Invalid({"owner_org": ["Organization does not exist"]})
        dataset.owner_org = steady[0].id
    db.save(ctx.uow, dataset, ctx.portal.settings.site_url)
