"""Who may see an old version of a table: it may hold what was dropped before the
dataset was opened.
"""

from __future__ import annotations

from portal.access import disclosure, policy
from portal.access.identity import Actor
from portal.db import datasets as db
from portal.db.uow import UnitOfWork
from portal.domain.datasets import OPEN, Dataset, Resource, TableVersion


def may_see(
    uow: UnitOfWork,
    actor: Actor,
    resource: Resource,
    dataset: Dataset,
    version: TableVersion,
) -> bool:
    """Whether somebody who may read the dataset may see this version; one with personal
    data is for its editors.
    """
    if policy.may_edit(actor, dataset):
        return True
    # The state of the current rows falls back when schema or format change, while the
    # verdict of their version still stands (decision 14).
    now = version.id == resource.version_id
    open_rows = disclosure.may_see_version(actor, dataset, version) and (
        not now or resource.rows_access == OPEN
    )
    # An old version was judged by the schema of its time; the schema of now may tag
    # columns that it still holds.
    return open_rows and not db.version_holds_persons(uow.session, resource, version)
