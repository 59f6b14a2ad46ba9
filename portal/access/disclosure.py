"""What of a resource who may meet: files and rows that were looked at, and that the
dataset's access kind gives out.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, or_, true

from i18n import Message
from portal.access import policy
from portal.access.identity import Actor
from portal.domain.datasets import (
    CONTROLLED,
    HELD,
    OPEN,
    Dataset,
    Resource,
    ShownTable,
    TableVersion,
)
from portal.errors import NotOpen

LAW = Message("Law 91/2025/QH15, Decree 356/2025/NĐ-CP")
REASONS = {
    HELD: Message(
        "Not published: it has personal data, could not be read, or did not pass its "
        "validation ({law})."
    ).filled(law=LAW),
    "": Message(
        "Not published yet: it waits to be checked for personal data ({law}). Try "
        "again in a few minutes."
    ).filled(law=LAW),
}
"""Why something is closed; without a value, as anybody may read it."""
CONTROLLED_REASON = Message(
    "Shared under control: its files and rows are for members of the owning "
    "organization only; ask that organization."
)


def is_admitted(actor: Actor, dataset: Dataset | ShownTable) -> bool:
    """Whether the access kind gives files and rows to the actor; those of shared and
    restricted ones are for members.

    What the catalogue says of the dataset stays for everybody.
    """
    return dataset.access_kind not in CONTROLLED or policy.works_on(actor, dataset)


def may_see_resource(actor: Actor, resource: Resource, dataset: Dataset) -> bool:
    """Whether somebody who may read the dataset may have what the resource serves: its
    file, its rows, its link.
    """
    if resource.access is None or policy.may_edit(actor, dataset):
        return True  # a link leads to others, who decide themselves
    return resource.access == OPEN and is_admitted(actor, dataset)


def may_see_rows(actor: Actor, table: ShownTable) -> bool:
    """Whether somebody who may read the dataset may ask for the table's current rows
    and columns.
    """
    return (table.rows_access == OPEN and is_admitted(actor, table)) or policy.may_edit(
        actor, table
    )


def may_see_version(actor: Actor, dataset: Dataset, version: TableVersion) -> bool:
    """Whether somebody who may read the dataset may see this version of rows, by the
    verdict on these rows.
    """
    return (version.access == OPEN and is_admitted(actor, dataset)) or policy.may_edit(
        actor, dataset
    )


def with_open_rows(actor: Actor) -> ColumnElement[bool]:
    """The SQL filter of `may_see_rows`, for queries that know Resource and Dataset."""
    if actor.sysadmin:
        return true()
    # As `Dataset.access_kind` has it: who says nothing means open.
    kind = func.coalesce(Dataset.profile["access_kind"].as_string(), "open")
    admitted = or_(kind.not_in(sorted(CONTROLLED)), policy.near(actor))
    return or_(and_(Resource.rows_access == OPEN, admitted), policy.editable(actor))


def demand_rows(actor: Actor, table: ShownTable) -> None:
    """Raise NotOpen when the rows are closed to the actor."""
    if not may_see_rows(actor, table):
        raise closed(actor, table, table.rows_access)


def closed(actor: Actor, dataset: Dataset | ShownTable, state: str | None) -> NotOpen:
    """The refusal that says why something in this state is closed to the actor."""
    # First, since to wait or to ask again would not help whom the access kind refuses.
    if not is_admitted(actor, dataset):
        return NotOpen(CONTROLLED_REASON)
    return NotOpen(REASONS.get(state or "", REASONS[""]))
