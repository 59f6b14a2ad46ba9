"""Following users, datasets, groups and organizations: who follows what, and how
many.
"""

from __future__ import annotations

from typing import Any

import orjson

from portal.access import policy
from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import datasets, people
from portal.db import followers as db
from portal.domain.base import stamp
from portal.domain.datasets import Dataset
from portal.domain.people import Group, User
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.runtime import Context
from schemas.datasets import ById
from schemas.social import FollowList

Json = dict[str, Any]
USER, DATASET, GROUP = "user", "dataset", "group"


def shown_user(ctx: Context, params: Params) -> User:
    """The user of `id`."""
    return people.get_user(ctx.uow.session, params["id"])


def shown_dataset(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`."""
    return datasets.get_dataset(ctx.uow.session, params["id"])


def shown_group(ctx: Context, params: Params) -> Group:
    """The group or organization of `id`."""
    group = people.find_group(ctx.uow.session, params["id"])
    if group is None:
        raise NotFound("Not found: Group was not found.")
    return group


def _follow(ctx: Context, kind: str, object_id: str) -> Json:
    user_id = _me(ctx, f"follow a {kind}")
    if object_id == user_id:
        raise Invalid("You cannot follow yourself")
    row = db.follow(ctx.uow.session, user_id, kind, object_id)
    return {
        "follower_id": user_id,
        "object_id": object_id,
        "datetime": stamp(row.datetime),
    }


def _unfollow(ctx: Context, kind: str, object_id: str) -> None:
    row = db.find(ctx.uow.session, _me(ctx, f"unfollow a {kind}"), kind, object_id)
    if row is None:
        raise NotFound("Not found: You are not following this.")
    ctx.uow.session.delete(row)


def _me(ctx: Context, deed: str) -> str:
    if ctx.actor.user_id is None:
        raise NotAuthorized(f"Access denied: You must be logged in to {deed}.")
    return ctx.actor.user_id


def _am_following(ctx: Context, kind: str, object_id: str) -> bool:
    return (
        db.find(
            ctx.uow.session,
            _me(ctx, f"ask whether you follow a {kind}"),
            kind,
            object_id,
        )
        is not None
    )


def _people(ctx: Context, kind: str, object_id: str) -> list[Json]:
    users = db.list_followers(ctx.uow.session, kind, object_id)
    return [
        {
            "id": u.id,
            "name": u.name,
            "fullname": u.fullname,
            "display_name": u.fullname or u.name,
        }
        for u in users
    ]


@action(ById, allow=Permission.LOGGED_IN, on=shown_user)
def follow_user(ctx: Context, user: User, params: Params) -> Json:
    """Follow the user `id`. Following twice is the same."""
    return _follow(ctx, USER, user.id)


@action(ById, allow=Permission.DATASET_READ, on=shown_dataset)
def follow_dataset(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Follow the dataset `id`. Following twice is the same."""
    return _follow(ctx, DATASET, dataset.id)


@action(ById, allow=Permission.GROUP_READ, on=shown_group)
def follow_group(ctx: Context, group: Group, params: Params) -> Json:
    """Follow the group or organization `id`. Following twice is the same."""
    return _follow(ctx, GROUP, group.id)


@action(ById, allow=Permission.LOGGED_IN, on=shown_user)
def unfollow_user(ctx: Context, user: User, params: Params) -> None:
    """Follow the user `id` no longer."""
    _unfollow(ctx, USER, user.id)


@action(ById, allow=Permission.DATASET_READ, on=shown_dataset)
def unfollow_dataset(ctx: Context, dataset: Dataset, params: Params) -> None:
    """Follow the dataset `id` no longer."""
    _unfollow(ctx, DATASET, dataset.id)


@action(ById, allow=Permission.GROUP_READ, on=shown_group)
def unfollow_group(ctx: Context, group: Group, params: Params) -> None:
    """Follow the group or organization `id` no longer."""
    _unfollow(ctx, GROUP, group.id)


@action(ById, allow=Permission.LOGGED_IN, on=shown_user, safe=True)
def am_following_user(ctx: Context, user: User, params: Params) -> bool:
    """Return whether the caller follows the user `id`."""
    return _am_following(ctx, USER, user.id)


@action(ById, allow=Permission.DATASET_READ, on=shown_dataset, safe=True)
def am_following_dataset(ctx: Context, dataset: Dataset, params: Params) -> bool:
    """Return whether the caller follows the dataset `id`."""
    return _am_following(ctx, DATASET, dataset.id)


@action(ById, allow=Permission.GROUP_READ, on=shown_group, safe=True)
def am_following_group(ctx: Context, group: Group, params: Params) -> bool:
    """Return whether the caller follows the group or organization `id`."""
    return _am_following(ctx, GROUP, group.id)


@action(ById, allow=Permission.ANYONE, on=shown_user, safe=True)
def user_follower_count(ctx: Context, user: User, params: Params) -> int:
    """Return how many users follow the user `id`."""
    return db.count(ctx.uow.session, USER, user.id)


@action(ById, allow=Permission.DATASET_READ, on=shown_dataset, safe=True)
def dataset_follower_count(ctx: Context, dataset: Dataset, params: Params) -> int:
    """Return how many users follow the dataset `id`."""
    return db.count(ctx.uow.session, DATASET, dataset.id)


@action(ById, allow=Permission.GROUP_READ, on=shown_group, safe=True)
def group_follower_count(ctx: Context, group: Group, params: Params) -> int:
    """Return how many users follow the group `id`."""
    return db.count(ctx.uow.session, GROUP, group.id)


@action(ById, allow=Permission.GROUP_READ, on=shown_group, safe=True)
def organization_follower_count(ctx: Context, group: Group, params: Params) -> int:
    """Return how many users follow the organization `id`."""
    return db.count(ctx.uow.session, GROUP, group.id)


@action(ById, allow=Permission.SYSADMIN, on=shown_user, safe=True)
def user_follower_list(ctx: Context, user: User, params: Params) -> list[Json]:
    """Return the users who follow the user `id`."""
    return _people(ctx, USER, user.id)


@action(ById, allow=Permission.SYSADMIN, on=shown_dataset, safe=True)
def dataset_follower_list(ctx: Context, dataset: Dataset, params: Params) -> list[Json]:
    """Return the users who follow the dataset `id`."""
    return _people(ctx, DATASET, dataset.id)


@action(ById, allow=Permission.SYSADMIN, on=shown_group, safe=True)
def group_follower_list(ctx: Context, group: Group, params: Params) -> list[Json]:
    """Return the users who follow the group `id`."""
    return _people(ctx, GROUP, group.id)


@action(ById, allow=Permission.SYSADMIN, on=shown_group, safe=True)
def organization_follower_list(
    ctx: Context, group: Group, params: Params
) -> list[Json]:
    """Return the users who follow the organization `id`."""
    return _people(ctx, GROUP, group.id)


def _users(ctx: Context, user: User) -> list[Json]:
    keys = db.list_followed(ctx.uow.session, user.id, USER)
    found = (people.find_user(ctx.uow.session, key) for key in keys)
    return [
        {
            "id": u.id,
            "name": u.name,
            "fullname": u.fullname,
            "display_name": u.fullname or u.name,
        }
        for u in found
        if u is not None and u.state == "active"
    ]


def _datasets(ctx: Context, user: User) -> list[Json]:
    keys = db.list_followed(ctx.uow.session, user.id, DATASET)
    found = (ctx.uow.session.get(Dataset, key) for key in keys)
    return [
        orjson.loads(d.rendered)
        for d in found
        if d is not None and policy.may_read(ctx.actor, d)
    ]


def _groups(ctx: Context, user: User, *, organization: bool) -> list[Json]:
    keys = db.list_followed(ctx.uow.session, user.id, GROUP)
    found = people.list_by_id(ctx.uow.session, keys)
    return [
        {
            "id": g.id,
            "name": g.name,
            "title": g.title,
            "display_name": g.display_name,
            "type": g.type,
        }
        for g in (found[key] for key in keys if key in found)
        if g.state == "active" and g.is_organization == organization
    ]


@action(FollowList, allow=Permission.USER_UPDATE, on=shown_user, safe=True)
def user_followee_list(ctx: Context, user: User, params: Params) -> list[Json]:
    """Return the users whom the user `id` follows."""
    return _users(ctx, user)


@action(FollowList, allow=Permission.USER_UPDATE, on=shown_user, safe=True)
def dataset_followee_list(ctx: Context, user: User, params: Params) -> list[Json]:
    """Return the datasets that the user `id` follows, as far as the caller may read
    them.
    """
    return _datasets(ctx, user)


@action(FollowList, allow=Permission.USER_UPDATE, on=shown_user, safe=True)
def group_followee_list(ctx: Context, user: User, params: Params) -> list[Json]:
    """Return the groups that the user `id` follows."""
    return _groups(ctx, user, organization=False)


@action(FollowList, allow=Permission.USER_UPDATE, on=shown_user, safe=True)
def organization_followee_list(ctx: Context, user: User, params: Params) -> list[Json]:
    """Return the organizations that the user `id` follows."""
    return _groups(ctx, user, organization=True)


@action(FollowList, allow=Permission.USER_UPDATE, on=shown_user, safe=True)
def followee_list(ctx: Context, user: User, params: Params) -> list[Json]:
    """Return everything that the user `id` follows: [{type, display_name, dict}]; `q`
    begins a display name.
    """
    kinds = {
        "user": _users(ctx, user),
        "dataset": _datasets(ctx, user),
        "group": _groups(ctx, user, organization=False),
        "organization": _groups(ctx, user, organization=True),
    }
    rows = [
        {
            "type": kind,
            "display_name": str(
                each.get("display_name") or each.get("title") or each["name"]
            ),
            "dict": each,
        }
        for kind, listed in kinds.items()
        for each in listed
    ]
    begins = (params["q"] or "").lower()
    return sorted(
        (row for row in rows if str(row["display_name"]).lower().startswith(begins)),
        key=lambda row: str(row["display_name"]).lower(),
    )


@action(ById, allow=Permission.ANYONE, on=shown_user, safe=True)
def user_followee_count(ctx: Context, user: User, params: Params) -> int:
    """Return how many users the user `id` follows."""
    return len(_users(ctx, user))


@action(ById, allow=Permission.ANYONE, on=shown_user, safe=True)
def dataset_followee_count(ctx: Context, user: User, params: Params) -> int:
    """Return how many datasets the user `id` follows, of those that the caller may
    read.
    """
    return len(_datasets(ctx, user))


@action(ById, allow=Permission.ANYONE, on=shown_user, safe=True)
def group_followee_count(ctx: Context, user: User, params: Params) -> int:
    """Return how many groups the user `id` follows."""
    return len(_groups(ctx, user, organization=False))


@action(ById, allow=Permission.ANYONE, on=shown_user, safe=True)
def organization_followee_count(ctx: Context, user: User, params: Params) -> int:
    """Return how many organizations the user `id` follows."""
    return len(_groups(ctx, user, organization=True))


@action(ById, allow=Permission.ANYONE, on=shown_user, safe=True)
def followee_count(ctx: Context, user: User, params: Params) -> int:
    """Return how much the user `id` follows in all."""
    groups = len(_groups(ctx, user, organization=False)) + len(
        _groups(ctx, user, organization=True)
    )
    return len(_users(ctx, user)) + len(_datasets(ctx, user)) + groups
