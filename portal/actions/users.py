"""Users: show, list, create, update, patch, delete, autocomplete."""

from __future__ import annotations

import re
from typing import Any

import orjson

from i18n import Message
from portal.access import accounts
from portal.access.policy import Permission, readable
from portal.actions._shared.roles import give_role
from portal.actions.registry import Check, Params, action
from portal.db import accounts as accounts_db
from portal.db import activity, followers, people
from portal.db import joining as joining_db
from portal.domain.activity import USER
from portal.domain.base import is_uuid, new_id, now, stamp
from portal.domain.people import INVITED, PENDING, Group, User
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.runtime import Context
from schemas import bounds
from schemas.datasets import ById
from schemas.people import (
    InviteParams,
    Query,
    UserList,
    UserParams,
    UserShow,
)
from schemas.values import MISSING
from schemas.vocabularies import GROUP_ROLES, ORGANIZATION_ROLES

ORDERS = (
    "name",
    "display_name",
    "fullname",
    "about",
    "sysadmin",
    "number_created_packages",
)


def shown_by_id(ctx: Context, params: Params) -> User:
    """The user of `id` (its id or name)."""
    if not params.get("id"):
        raise Invalid({"id": [MISSING]})
    return _visible_user(ctx, str(params["id"]))


def _visible_user(ctx: Context, name_or_id: str) -> User:
    """A user; of an account that nobody has opened yet only sysadmins and its
    invitation know.
    """
    user = people.find_user(ctx.uow.session, name_or_id)
    if (
        user is not None
        and user.state == INVITED
        and (ctx.actor.sysadmin or ctx.actor.invitation == user.id)
    ):
        return user
    return people.get_user(ctx.uow.session, name_or_id)


@action(UserShow, allow=Permission.ANYONE, safe=True)
def user_show(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Return the user `id`, or the caller. The e-mail address is shown to oneself and
    to sysadmins alone.
    """
    _refuse_strangers(ctx)
    key = params["id"] or ctx.actor.user_id
    if not key:
        raise NotFound("Not found: User not found")
    user = _visible_user(ctx, key)
    answer = _describe(ctx, user)
    if params["include_num_followers"]:
        answer["num_followers"] = followers.count(ctx.uow.session, "user", user.id)
    if params["include_datasets"]:
        bodies = people.list_created(ctx.uow.session, user.id, readable(ctx.actor))
        answer["datasets"] = [orjson.Fragment(body) for body in bodies]
    return answer


@action(UserList, allow=Permission.ANYONE, safe=True)
def user_list(ctx: Context, target: object, params: Params) -> list[Any]:
    """Return the users, as dicts or, without `all_fields`, as names; `q` is part of a
    name.
    """
    _refuse_strangers(ctx)
    users = people.list_users(ctx.uow.session, q=params["q"])
    if params["email"] and ctx.actor.sysadmin:
        # Others get the whole list: whom an address belongs to is for sysadmins alone.
        users = [
            user
            for user in users
            if (user.email or "").lower() == params["email"].lower()
        ]
    order = params["order_by"] or "display_name"
    if order not in ORDERS or (order == "sysadmin" and not ctx.actor.sysadmin):
        raise Invalid({"order_by": [f"Value must be one of {', '.join(ORDERS)}"]})
    described = (
        [_describe(ctx, user) for user in users]
        if params["all_fields"] or order == ORDERS[-1]
        else None
    )
    if described is None:
        return sorted((user.name for user in users), key=str.lower)
    described.sort(
        key=lambda user: (user[order] is None, _folded(user[order])),
        reverse=order == ORDERS[-1],
    )
    return described if params["all_fields"] else [user["name"] for user in described]


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value or 0


@action(Query, allow=Permission.LOGGED_IN, safe=True)
def user_autocomplete(
    ctx: Context, target: object, params: Params
) -> list[dict[str, Any]]:
    """Return a few users whose name begins like or contains `q`."""
    users = people.list_users(
        ctx.uow.session, q=params["q"], limit=max(0, min(params["limit"], 100))
    )
    return [
        {"id": user.id, "name": user.name, "fullname": user.fullname} for user in users
    ]


@action(UserParams, allow=Permission.USER_CREATE)
def user_create(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Create a user and return it: `name`, `email`, `password` (8 characters or more;
    without one, tokens only).
    """
    if params.get("id") and not is_uuid(params["id"]):
        raise Invalid({"id": ["Invalid id provided"]})
    if people.find_user(ctx.uow.session, params["name"]):
        raise Invalid({"name": ["That login name is not available."]})
    user = User(
        id=params.get("id") or new_id(),
        name=params["name"],
        state="active",
        sysadmin=params["sysadmin"],
    )
    _describe_anew(ctx, user, params)
    ctx.uow.session.add(user)
    ctx.uow.session.flush()
    activity.note(ctx.uow, USER, user.id, "new")
    answer = _describe(ctx, user)
    if params["with_apitoken"] and ctx.actor.sysadmin:
        answer["token"] = accounts.issue_token(
            ctx.uow.session, user, "default", ctx.portal.settings.token_days
        )[0]
    return answer


def shown_inviting_group(ctx: Context, params: Params) -> Group:
    """The organization or group of `group_id`."""
    group = people.find_group(ctx.uow.session, params["group_id"])
    if group is None:
        raise NotFound("Not found: Group was not found.")
    return group


@action(InviteParams, allow=Permission.GROUP_UPDATE, on=shown_inviting_group)
def user_invite(ctx: Context, group: Group, params: Params) -> dict[str, Any]:
    """Invite the person with the address `email` to the `role` in the organization or
    group `group_id`.

    The answer is a new account that can do nothing, and `invitation`: a token to hand
    over, which does one thing, once: user_patch with `id` and `password` makes the
    account the person's own, with the role, and answers a `token`. Who has an account
    with that address is offered the role there (membership_accept); the answer does not
    tell. The portal sends no mail; an invitation is good for PORTAL_INVITATION_DAYS
    days.
    """
    if params["role"] not in (
        ORGANIZATION_ROLES if group.is_organization else GROUP_ROLES
    ):
        raise Invalid({"role": ["role does not exist."]})
    joining_db.drop_expired_invitations(ctx.uow.session, now())
    known = people.find_user_by_email(ctx.uow.session, params["email"])
    if known is not None:
        # The answer is the same for every address: it must not tell who has an account.
        give_role(ctx, group, known.id, params["role"])
        if ctx.actor.sysadmin:
            return _describe(ctx, known)
    user = User(
        id=new_id(),
        name=_name_for(ctx, params["email"]),
        state=INVITED,
        password_hash=None,
        sysadmin=False,
    )
    user.set_email(params["email"])
    ctx.uow.session.add(user)
    ctx.uow.session.flush()
    people.set_member(
        ctx.uow.session, group.id, "user", user.id, params["role"], state=PENDING
    )
    days = ctx.portal.settings.invitation_days
    return {
        **_describe(ctx, user),
        "invitation": accounts.issue_token(ctx.uow.session, user, "invitation", days)[
            0
        ],
    }


def _name_for(ctx: Context, email: str) -> str:
    """A free name from the part of an address before its @."""
    stem = (
        re.sub(r"[^a-z0-9_-]+", "-", email.split("@")[0].lower()).strip("-")[:80]
        or "user"
    )
    stem = stem if len(stem) > 1 else f"user-{stem}"
    names = (
        stem if number == 1 else f"{stem}-{number}" for number in range(1, 1_000_000)
    )
    return next(
        name for name in names if people.find_user(ctx.uow.session, name) is None
    )


def _over_name(ctx: Context, user: User, given: Params) -> Params:
    """What user_update takes over from the account: its name, and whether it is a
    sysadmin's.
    """
    if ctx.actor.invitation:
        return _for_invitation(user, given)
    named = {key: value for key, value in given.items() if value is not None}
    # A client that does not name `sysadmin` takes nobody's rights away.
    if "sysadmin" not in given:
        named["sysadmin"] = user.sysadmin
    return {"name": user.name, **named}


def _over_account(ctx: Context, user: User, given: Params) -> Params:
    """What user_patch takes over from the account: everything but the password."""
    current = {
        "email": user.email,
        "fullname": user.fullname,
        "about": user.about,
        "image_url": user.image_url,
    }
    return _over_name(ctx, user, given if ctx.actor.invitation else current | given)


def _for_invitation(user: User, given: Params) -> Params:
    """The account as it is, with the password: an invitation, or the key of a reset,
    sets nothing else.
    """
    others = sorted(set(given) - {"id", "password"})
    if others:
        refusal = Message("An invitation sets a password and nothing else")
        raise Invalid({others[0]: bounds.told(refusal)})
    if given.get("password") is None:
        raise Invalid({"password": [MISSING]})
    return {"name": user.name, "email": user.email or "", **given}


@action(
    UserParams,
    allow=Permission.USER_OPEN,
    on=shown_by_id,
    check=Check.AUTHORISED,
    over=_over_name,
    needs=("id", "email"),
)
def user_update(ctx: Context, user: User, params: Params) -> dict[str, Any]:
    """Replace the description of the user `id` and return it."""
    return _change(ctx, user, params)


@action(
    UserParams,
    allow=Permission.USER_OPEN,
    on=shown_by_id,
    check=Check.AUTHORISED,
    over=_over_account,
    needs=("id",),
)
def user_patch(ctx: Context, user: User, params: Params) -> dict[str, Any]:
    """Change only the given fields of the user `id` and return it."""
    return _change(ctx, user, params)


def _change(ctx: Context, user: User, params: Params) -> dict[str, Any]:
    """Change the account; an invitation only opens it."""
    if ctx.actor.invitation:
        return _open(ctx, user, params["password"])
    if params["name"] != user.name:
        raise Invalid({"name": ["That login name can not be modified."]})
    if ctx.actor.sysadmin:
        user.sysadmin = params["sysadmin"]
    _describe_anew(ctx, user, params)
    activity.note(ctx.uow, USER, user.id, "changed")
    return _describe(ctx, user)


def _open(ctx: Context, user: User, new_password: str) -> dict[str, Any]:
    """Make an account its person's own, by a password and nothing else: with an
    invitation, or the key of a reset.
    """
    invited = user.state == INVITED
    password = accounts.hash_password(new_password)
    keep = joining_db.open_account if invited else accounts_db.reset_password
    # Whether it was used is asked of the database in one step with the change: an
    # invitation works once, also for two requests at a time.
    if not keep(ctx.uow.session, user, password):
        refusal = Message("This invitation was used.")
        raise NotAuthorized(f"Access denied: {refusal.en} / {refusal.vi}")
    taken = (
        invited
        and user.email is not None
        and people.email_taken(ctx.uow.session, user.email, user.id)
    )
    # Two people may be invited by one address: who opens the account first has it.
    user.set_email(None if taken else user.email)
    activity.note(ctx.uow, USER, user.id, "new" if invited else "changed")
    token = accounts.issue_token(
        ctx.uow.session, user, "first", ctx.portal.settings.token_days
    )[0]
    return {**_describe(ctx, user), "token": token}


@action(ById, allow=Permission.SYSADMIN, on=shown_by_id)
def user_delete(ctx: Context, user: User, params: Params) -> None:
    """Delete the user `id`: the tokens open nothing any more, the name stays taken."""
    user.state = "deleted"
    user.set_email(user.email)


def _refuse_strangers(ctx: Context) -> None:
    """Raise NotAuthorized for nobody where users are not shown in public."""
    if (
        ctx.actor.anonymous
        and not ctx.actor.sysadmin
        and not ctx.portal.settings.public_user_details
    ):
        raise NotAuthorized("Access denied: You must be logged in to see users")


def _describe_anew(ctx: Context, user: User, params: Params) -> None:
    """Take over address, texts and password; raises Invalid for a taken address."""
    if params.get("email") and people.email_taken(
        ctx.uow.session, params["email"], user.id
    ):
        raise Invalid(
            {
                "email": [
                    f"The email address '{params['email']}' belongs to a registered "
                    "user."
                ]
            }
        )
    user.set_email(params.get("email"))
    user.fullname, user.about, user.image_url = (
        params["fullname"],
        params["about"],
        params["image_url"],
    )
    if params["password"]:
        user.password_hash = accounts.hash_password(params["password"])


def _describe(ctx: Context, user: User) -> dict[str, Any]:
    """The user as CKAN shows it; address and rights to oneself and sysadmins alone."""
    own = ctx.actor.sysadmin or (
        ctx.actor.user_id is not None and ctx.actor.user_id == user.id
    )
    return {
        "id": user.id,
        "name": user.name,
        "fullname": user.fullname,
        "display_name": user.fullname or user.name,
        "about": user.about,
        "image_url": user.image_url,
        "image_display_url": user.image_url,
        "created": stamp(user.created),
        "state": user.state,
        **({"sysadmin": user.sysadmin} if own else {}),
        "activity_streams_email_notifications": False,
        "number_created_packages": people.count_created(
            ctx.uow.session, user.id, readable(ctx.actor)
        ),
        **(
            {
                "email": user.email,
                "apikey": None,
                "last_active": stamp(user.last_active),
            }
            if own
            else {}
        ),
    }
