"""Who may do what: one rule for each permission, rendered as a check, as an SQL filter
and as index labels.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true

from portal.access.identity import ANONYMOUS, Actor
from portal.domain.datasets import Dataset, ShownDataset, ShownTable
from portal.domain.people import Group, User
from portal.errors import NotAuthorized
from portal.settings import Settings

PUBLIC = "public"
ANONYMOUS_LABELS = frozenset({PUBLIC})


class Permission(Enum):
    """Everything that can be allowed; the value is what a refusal says of it."""

    ANYONE = "see this page"
    LOGGED_IN = "do this without being logged in"
    SYSADMIN = "do this"
    DATASET_READ = "read this dataset"
    DATASET_CREATE = "add a dataset to this organization"
    DATASET_UPDATE = "edit this dataset"
    DATASET_SHARE = "name the collaborators of this dataset"
    DATASET_GATE = "decide about the validation of this dataset"
    GROUP_READ = "see this group"
    GROUP_UPDATE = "edit this group"
    ORGANIZATION_CREATE = "create organizations"
    GROUP_CREATE = "create groups"
    USER_CREATE = "create users"
    USER_UPDATE = "edit this user"
    USER_OPEN = "open this user's account"
    SOURCE_READ = "see the harvest sources of this organization"
    SOURCE_MANAGE = "manage the harvest sources of this organization"


def labels_of(dataset: Dataset | ShownDataset | ShownTable) -> frozenset[str]:
    """The labels that open a dataset: "public", or those of the people who work on
    it.
    """
    return frozenset({PUBLIC}) if dataset.is_public else _near_labels(dataset)


def _near_labels(dataset: Dataset | ShownDataset | ShownTable) -> frozenset[str]:
    """The labels of the people who work on a dataset, whether it is public or not."""
    # A creator counts only where no organization owns the dataset: who leaves an
    # organization must not keep a way to its drafts.
    near = (
        f"member-{dataset.owner_org}"
        if dataset.owner_org
        else f"creator-{dataset.creator_user_id}"
    )
    return frozenset({near, f"collaborator-{dataset.id}"})


def labels_for(actor: Actor) -> frozenset[str] | None:
    """The labels that an actor holds; None holds every label."""
    if actor.sysadmin:
        return None
    if actor is ANONYMOUS:  # who asks most
        return ANONYMOUS_LABELS
    labels = {
        PUBLIC,
        *(f"member-{organization}" for organization in actor.organizations),
    }
    labels |= {f"collaborator-{dataset}" for dataset in actor.datasets}
    return frozenset(
        # The bearer of an invitation has no id: the label creator-None would open what
        # has neither an owner nor a creator.
        labels if actor.anonymous else labels | {f"creator-{actor.user_id}"}
    )


def may_read(actor: Actor, dataset: Dataset | ShownDataset | ShownTable) -> bool:
    """The row check of reading."""
    held = labels_for(actor)
    return held is None or not held.isdisjoint(labels_of(dataset))


def works_on(actor: Actor, dataset: Dataset | ShownDataset | ShownTable) -> bool:
    """The row check of `near`: members of the owning organization, collaborators, the
    creator of what nobody owns.
    """
    held = labels_for(actor)
    return held is None or not held.isdisjoint(_near_labels(dataset))


def readable(actor: Actor) -> ColumnElement[bool]:
    """The SQL filter of reading: true for exactly the datasets that `may_read`
    allows.
    """
    if actor.sysadmin:
        return true()
    public = and_(Dataset.state == "active", Dataset.private == false())
    return public if actor.anonymous else or_(public, near(actor))


def near(actor: Actor) -> ColumnElement[bool]:
    """The SQL filter of those who work on a dataset: true where `may_read` holds even
    for what is not public.
    """
    if actor.sysadmin:
        return true()
    if actor.anonymous:
        return false()
    member = Dataset.owner_org.in_(list(actor.organizations))
    creator = and_(
        Dataset.owner_org.is_(None), Dataset.creator_user_id == actor.user_id
    )
    return or_(member, creator, Dataset.id.in_(list(actor.datasets)))


def may_edit(actor: Actor, dataset: Dataset | ShownDataset | ShownTable) -> bool:
    """Editors and admins of the owning organization or of the dataset; the creator
    where nobody owns the dataset.
    """
    if actor.sysadmin or actor.datasets.get(dataset.id) in ("admin", "editor"):
        return True
    if dataset.owner_org:
        return actor.organizations.get(dataset.owner_org) in ("admin", "editor")
    return not actor.anonymous and dataset.creator_user_id == actor.user_id


def editable(actor: Actor) -> ColumnElement[bool]:
    """The SQL filter of `may_edit`."""
    if actor.sysadmin:
        return true()
    if actor.anonymous:
        return false()
    edited = [
        key for key, role in actor.organizations.items() if role in ("admin", "editor")
    ]
    shared = [
        key for key, role in actor.datasets.items() if role in ("admin", "editor")
    ]
    creator = and_(
        Dataset.owner_org.is_(None), Dataset.creator_user_id == actor.user_id
    )
    return or_(Dataset.owner_org.in_(edited), creator, Dataset.id.in_(shared))


def may_share(actor: Actor, dataset: Dataset) -> bool:
    """Admins of the owning organization or of the dataset; the creator where nobody
    owns the dataset.
    """
    if actor.sysadmin or actor.datasets.get(dataset.id) == "admin":
        return True
    if dataset.owner_org:
        return actor.organizations.get(dataset.owner_org) == "admin"
    return not actor.anonymous and dataset.creator_user_id == actor.user_id


def _sysadmin(actor: Actor, _target: Any) -> bool:
    return actor.sysadmin


def _dataset_create(actor: Actor, organization: Group | None) -> bool:
    """Whether the actor may add to this organization; None asks for any at all."""
    if actor.sysadmin:
        return True
    if organization is None:
        return any(role in ("admin", "editor") for role in actor.organizations.values())
    return actor.organizations.get(organization.id) in ("admin", "editor")


def _group_read(actor: Actor, group: Group) -> bool:
    return (
        group.state == "active" or actor.sysadmin or actor.role_in(group.id) is not None
    )


def _group_update(actor: Actor, group: Group) -> bool:
    return actor.sysadmin or actor.role_in(group.id) == "admin"


def _user_update(actor: Actor, user: User) -> bool:
    return actor.sysadmin or (actor.user_id is not None and actor.user_id == user.id)


def _user_open(actor: Actor, user: User) -> bool:
    return _user_update(actor, user) or (
        actor.invitation is not None and actor.invitation == user.id
    )


def _organization_create(actor: Actor, settings: Settings) -> bool:
    return actor.sysadmin or (
        settings.user_create_organizations and not actor.anonymous
    )


def _group_create(actor: Actor, settings: Settings) -> bool:
    return actor.sysadmin or (settings.user_create_groups and not actor.anonymous)


def _source_manage(actor: Actor, organization: Group | None) -> bool:
    if organization is None:
        return actor.sysadmin
    return actor.sysadmin or actor.organizations.get(organization.id) == "admin"


def _source_read(actor: Actor, organization: Group | None) -> bool:
    return actor.sysadmin or (
        organization is not None and organization.id in actor.organizations
    )


RULES: dict[Permission, Callable[[Actor, Any], bool]] = {
    Permission.ANYONE: lambda _actor, _target: True,
    # The portal itself has no user id, but may do what a user may.
    Permission.LOGGED_IN: lambda actor, _target: not actor.anonymous or actor.sysadmin,
    Permission.SYSADMIN: _sysadmin,
    Permission.DATASET_READ: may_read,
    Permission.DATASET_CREATE: _dataset_create,
    Permission.DATASET_UPDATE: may_edit,
    Permission.DATASET_SHARE: may_share,
    Permission.DATASET_GATE: may_share,
    Permission.GROUP_READ: _group_read,
    Permission.GROUP_UPDATE: _group_update,
    Permission.ORGANIZATION_CREATE: _organization_create,
    Permission.GROUP_CREATE: _group_create,
    Permission.USER_CREATE: _sysadmin,
    Permission.USER_UPDATE: _user_update,
    Permission.USER_OPEN: _user_open,
    Permission.SOURCE_READ: _source_read,
    Permission.SOURCE_MANAGE: _source_manage,
}


def authorise(actor: Actor, permission: Permission, target: Any = None) -> None:
    """Let pass or raise NotAuthorized; the message names the actor and the deed, never
    the target.
    """
    if RULES[permission](actor, target):
        return
    # Naming the target would tell that it exists to somebody who may not see it.
    who = f"User {actor.name}" if actor.name else "User"
    raise NotAuthorized(f"Access denied: {who} not authorized to {permission.value}")
