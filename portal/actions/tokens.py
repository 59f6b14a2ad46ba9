"""API tokens: create, list, revoke; a token is shown once and kept as a hash."""

from __future__ import annotations

from typing import Any

from portal.access import accounts, policy
from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import people
from portal.domain.base import stamp
from portal.domain.people import ApiToken, User
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.people import TokenList, TokenParams, TokenRevoke
from schemas.values import MISSING


def shown_owner(ctx: Context, params: Params) -> User:
    """The user that the token is for."""
    key = params.get("user") or params.get("user_id")
    if not key:
        raise Invalid({"user_id": [MISSING]})
    return people.get_user(ctx.uow.session, key)


@action(TokenParams, allow=Permission.USER_UPDATE, on=shown_owner)
def api_token_create(ctx: Context, user: User, params: Params) -> dict[str, str]:
    """Create a token called `name` for `user` and return it, this once; `expires_in`
    counts days.
    """
    days = params["expires_in"] or ctx.portal.settings.token_days
    raw, token = accounts.issue_token(ctx.uow.session, user, params["name"], days)
    return {"token": raw, "id": token.id}


@action(TokenList, allow=Permission.USER_UPDATE, on=shown_owner, safe=True)
def api_token_list(ctx: Context, user: User, params: Params) -> list[dict[str, Any]]:
    """Return the tokens of `user_id`: names, times, never the tokens themselves."""
    return [
        {
            "id": token.id,
            "name": token.name,
            "user_id": user.id,
            "created_at": stamp(token.created_at),
            "last_access": stamp(token.last_access),
            "expires_at": stamp(token.expires_at),
        }
        for token in people.list_tokens(ctx.uow.session, user.id)
    ]


def shown_owner_of_token(ctx: Context, params: Params) -> User:
    """The user whose token is to be revoked."""
    return people.get_user(ctx.uow.session, _token(ctx, params).user_id)


def _token(ctx: Context, params: Params) -> ApiToken:
    """The token that is named by itself or by its id; raises NotFound."""
    found = (
        people.find_user_by_token(ctx.uow.session, params["token"])
        if params["token"]
        else None
    )
    token = found[0] if found else ctx.uow.session.get(ApiToken, params["jti"] or "")
    if token is None:
        raise NotFound("Not found: API token")
    return token


@action(TokenRevoke, allow=Permission.USER_UPDATE, on=shown_owner_of_token)
def api_token_revoke(ctx: Context, user: User, params: Params) -> None:
    """Revoke a token, named by itself (`token`) or by its id (`jti`); it opens nothing
    from now on.
    """
    policy.authorise(ctx.actor, Permission.USER_UPDATE, user)
    ctx.uow.session.delete(_token(ctx, params))
