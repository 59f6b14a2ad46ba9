"""Who may see an old version of a table: it may hold what was dropped before the dataset was opened."""

from __future__ import annotations

from portal.access import policy
from portal.access.identity import Actor
from portal.db import datasets as db
from portal.db.uow import UnitOfWork
from portal.domain.datasets import Dataset, Resource, TableVersion


def may_see(uow: UnitOfWork, actor: Actor, resource: Resource, dataset: Dataset, version: TableVersion) -> bool:
    """Whether somebody who may read the dataset may see this version; one with personal data is for its editors."""
    return policy.may_edit(actor, dataset) or not db.version_holds_persons(uow.session, resource, version)
