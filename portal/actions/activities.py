"""Activity lists, single activities and what changed in them; nothing in them that the
caller may not read.
"""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, or_

from portal.access import policy
from portal.access.policy import Permission
from portal.actions.registry import NoParams, Params, action
from portal.db import activity as db
from portal.db import datasets, followers, people
from portal.domain.activity import DATASET, Activity, Dashboard
from portal.domain.base import new_id, now, stamp
from portal.domain.datasets import Dataset
from portal.domain.people import Group, User
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.runtime import Context
from schemas.lists import words
from schemas.social import MOST_ACTIVITIES, ActivityCreate, ActivityList, ActivityShow
from schemas.values import MISSING

Json = dict[str, Any]
MOST_NEWS = 100
NEVER = datetime(1970, 1, 1)  # noqa: DTZ001 - times are UTC without a zone, as everywhere
DIFFS = ("unified", "context", "html")


def shown_dataset(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`."""
    return datasets.get_dataset(ctx.uow.session, _id(params))


def shown_user(ctx: Context, params: Params) -> User:
    """The user of `id`."""
    return people.get_user(ctx.uow.session, _id(params))


def shown_group(ctx: Context, params: Params) -> Group:
    """The group of `id`."""
    return people.get_group(ctx.uow.session, _id(params), organization=False)


def shown_organization(ctx: Context, params: Params) -> Group:
    """The organization of `id`."""
    return people.get_group(ctx.uow.session, _id(params), organization=True)


def _id(params: Params) -> str:
    if not params["id"]:
        raise Invalid({"id": [MISSING]})
    return str(params["id"])


@action(ActivityList, allow=Permission.DATASET_READ, on=shown_dataset, safe=True)
def package_activity_list(ctx: Context, dataset: Dataset, params: Params) -> list[Json]:
    """Return what happened to the dataset `id`, newest first; `limit`, `offset`,
    `after` and `before` page.
    """
    return _list(ctx, db.of_object(dataset.id), params)


@action(ActivityList, allow=Permission.GROUP_READ, on=shown_group, safe=True)
def group_activity_list(ctx: Context, group: Group, params: Params) -> list[Json]:
    """Return what happened to the group `id` and its datasets, newest first."""
    return _list(ctx, db.of_group(group), params)


@action(ActivityList, allow=Permission.GROUP_READ, on=shown_organization, safe=True)
def organization_activity_list(
    ctx: Context, group: Group, params: Params
) -> list[Json]:
    """Return what happened to the organization `id` and its datasets, newest first."""
    return _list(ctx, db.of_group(group), params)


@action(ActivityList, allow=Permission.ANYONE, on=shown_user, safe=True)
def user_activity_list(ctx: Context, user: User, params: Params) -> list[Json]:
    """Return what the user `id` did, newest first."""
    if ctx.actor.anonymous and not ctx.portal.settings.public_user_details:
        raise NotAuthorized("Access denied: You must be logged in to see users")
    return _list(ctx, db.of_user(user.id), params)


@action(ActivityList, allow=Permission.ANYONE, safe=True)
def recently_changed_packages_activity_list(
    ctx: Context, target: object, params: Params
) -> list[Json]:
    """Return what happened to any dataset, newest first."""
    return _list(ctx, Activity.object_type == DATASET, params)


@action(ActivityList, allow=Permission.LOGGED_IN, safe=True)
def dashboard_activity_list(ctx: Context, target: object, params: Params) -> list[Json]:
    """Return the news of the caller: what he did, and what happened to what he follows;
    `is_new` since he looked.
    """
    seen = _last_viewed(ctx)
    user_id = ctx.actor.user_id
    return [
        {
            **row,
            # Stamps are ISO texts of one form, so they compare as times do.
            "is_new": row["timestamp"] > (stamp(seen) or "")
            and row["user_id"] != user_id,
        }
        for row in _list(ctx, _news(ctx), params)
    ]


@action(NoParams, allow=Permission.LOGGED_IN, safe=True)
def dashboard_new_activities_count(ctx: Context, target: object, params: Params) -> int:
    """Return how many of the caller's news came since he looked, up to a hundred."""
    others = or_(Activity.user_id.is_(None), Activity.user_id != ctx.actor.user_id)
    return db.count_new(
        ctx.uow.session,
        and_(_news(ctx), others),
        visible(ctx),
        _last_viewed(ctx),
        MOST_NEWS,
    )


@action(NoParams, allow=Permission.LOGGED_IN)
def dashboard_mark_activities_old(ctx: Context, target: object, params: Params) -> None:
    """Note that the caller has seen his news."""
    if ctx.actor.user_id is not None:
        ctx.uow.session.merge(Dashboard(user_id=ctx.actor.user_id, last_viewed=now()))


def shown_activity(ctx: Context, params: Params) -> Activity:
    """The activity of `id`, if the caller may know of it."""
    # Found through the list: one rule says which activities a caller may see.
    listed = db.list_activities(
        ctx.uow.session, Activity.id == params["id"], visible(ctx), db.Page(1)
    )
    if not listed:
        raise NotFound("Not found: Activity not found")
    return listed[0]


@action(ActivityShow, allow=Permission.ANYONE, on=shown_activity, safe=True)
def activity_show(ctx: Context, activity: Activity, params: Params) -> Json:
    """Return the activity `id`; without `include_data`, what the object looked like is
    left out.
    """
    answer = _describe(ctx, activity)
    return answer if params["include_data"] else {**answer, "data": {}}


@action(ActivityShow, allow=Permission.ANYONE, on=shown_activity, safe=True)
def activity_data_show(ctx: Context, activity: Activity, params: Params) -> Json:
    """Return what the object of the activity `id` looked like. For those who may edit
    the dataset.
    """
    _refuse_readers(ctx, activity)
    return activity.shown


@action(ActivityShow, allow=Permission.ANYONE, on=shown_activity, safe=True)
def activity_diff(ctx: Context, activity: Activity, params: Params) -> Json:
    """Return what the activity `id` changed: {diff, activities}; `diff_type` is
    unified, context or html.
    """
    _refuse_readers(ctx, activity)
    if params["diff_type"] not in DIFFS:
        raise Invalid({"diff_type": [f"Value must be one of {', '.join(DIFFS)}"]})
    before = db.previous(ctx.uow.session, activity)
    if before is None:
        raise NotFound("Not found: Previous activity for this object not found")
    return {
        "diff": _diff(before.shown, activity.shown, params["diff_type"]),
        "activities": [_describe(ctx, before), _describe(ctx, activity)],
    }


@action(ActivityCreate, allow=Permission.SYSADMIN)
def activity_create(ctx: Context, target: object, params: Params) -> Json:
    """Write down an activity of the user `user_id` about `object_id`, and return it."""
    user = people.get_user(ctx.uow.session, params["user_id"])
    about = ctx.uow.session.get(Dataset, params["object_id"])
    shown = orjson.dumps(params["data"].get("package") or {})
    activity = Activity(
        id=new_id(),
        user_id=user.id,
        object_id=params["object_id"],
        activity_type=params["activity_type"],
        object_type=DATASET if about else "user",
        open=about.is_public if about else True,
        timestamp=now(),
        body=Activity.pack(shown),
    )
    ctx.uow.session.add(activity)
    return _describe(ctx, activity)


def visible(ctx: Context) -> ColumnElement[bool]:
    """True for the activities of datasets that the caller may read now, and could have
    read then.
    """
    return and_(policy.readable(ctx.actor), or_(Activity.open, policy.near(ctx.actor)))


def _refuse_readers(ctx: Context, activity: Activity) -> None:
    """Raise NotAuthorized for those who may not edit the activity's dataset."""
    dataset = ctx.uow.session.get(Dataset, activity.object_id)
    if dataset is None or not policy.may_edit(ctx.actor, dataset):
        raise NotAuthorized(
            "Access denied: only those who may edit a dataset see its former states"
        )


def _news(ctx: Context) -> ColumnElement[bool]:
    me = ctx.actor.user_id or ""
    users, sets, groups = (
        followers.list_followed(ctx.uow.session, me, kind)
        for kind in ("user", "dataset", "group")
    )
    return db.of_followed(me, users, sets, groups)


def _last_viewed(ctx: Context) -> datetime:
    board = db.dashboard(ctx.uow.session, ctx.actor.user_id or "")
    return board.last_viewed if board else NEVER


def _list(ctx: Context, where: ColumnElement[bool], params: Params) -> list[Json]:
    rows = db.list_activities(ctx.uow.session, where, visible(ctx), _page(params))
    return [_describe(ctx, row) for row in rows]


def _page(params: Params) -> db.Page:
    limit = params["limit"] if params["limit"] is not None else MOST_ACTIVITIES
    wrong = {
        name: ["Must be a natural number"]
        for name in ("limit", "offset")
        if (params[name] or 0) < 0
    }
    types, without = (
        _words(params, "activity_types"),
        _words(params, "exclude_activity_types"),
    )
    if types and without:
        wrong["exclude_activity_types"] = [
            "Cannot be used together with `activity_types`"
        ]
    if wrong:
        raise Invalid(wrong)
    return db.Page(
        limit=min(limit, MOST_ACTIVITIES),
        offset=params["offset"] or 0,
        after=_moment(params, "after"),
        before=_moment(params, "before"),
        types=types,
        without=without,
    )


def _words(params: Params, name: str) -> tuple[str, ...]:
    value = params[name]
    listed = words(value)
    return (str(value),) if listed is None else tuple(listed)


def _moment(params: Params, name: str) -> datetime | None:
    seconds = params[name]
    try:
        return (
            datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
            if seconds is not None
            else None
        )
    # Which of them is raised depends on the platform and the number.
    except (ValueError, OverflowError, OSError):
        raise Invalid({name: ["Must be a number of seconds since 1970"]}) from None


def _describe(ctx: Context, activity: Activity) -> Json:
    user = (
        people.find_user(ctx.uow.session, activity.user_id)
        if activity.user_id
        else None
    )
    shown = activity.shown
    noun = "package" if activity.object_type == DATASET else activity.object_type
    return {
        "id": activity.id,
        "timestamp": stamp(activity.timestamp),
        "user_id": activity.user_id,
        "object_id": activity.object_id,
        "activity_type": activity.activity_type,
        "data": {
            "actor": user.name if user else "portal",
            **({noun: shown} if shown else {}),
        },
    }


def _diff(before: Json, after: Json, kind: str) -> str:
    """How two states differ, line by line of their JSON with sorted keys."""
    old, new = (
        orjson.dumps(each, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
        .decode()
        .splitlines()
        for each in (before, after)
    )
    if kind == "html":
        return difflib.HtmlDiff(wrapcolumn=80).make_table(old, new)
    lines = (
        difflib.context_diff(old, new)
        if kind == "context"
        else difflib.unified_diff(old, new)
    )
    return "\n".join(line.rstrip("\n") for line in lines)
