"""From a token to an actor, and passwords and tokens as they are kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from portal.access.identity import ANONYMOUS, Actor
from portal.db import collaborators, people
from portal.db.uow import UnitOfWork
from portal.domain.base import new_id, now
from portal.domain.people import INVITED, ApiToken, User

TOKEN_BYTES = 32
RESET = "reset_"
"""How a key begins that sets a password, once, and does nothing else. Tokens are
random: none is asked for by name.
"""
USE_NOTED = timedelta(minutes=1)
"""How often the last use of a token is written down."""


@dataclass(frozen=True, slots=True)
class Identified:
    """Who a token stands for; `stale` tells that its last use should be noted."""

    actor: Actor
    stale: bool = False


def new_token() -> str:
    """A new token: 256 random bits, in letters that fit a header."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def issue_token(
    session: Session, user: User, name: str, days: int, kind: str = ""
) -> tuple[str, ApiToken]:
    """A new token of a user, as (the token itself, its row); it expires after `days`,
    never when that is 0.

    With the `kind` RESET it sets a password and does nothing else.
    """
    raw = kind + new_token()
    token = ApiToken(
        id=new_id(),
        user_id=user.id,
        name=name,
        # Only the hash is kept, so a copy of the database opens no account.
        token_hash=people.hash_token(raw),
        expires_at=now() + timedelta(days=days) if days else None,
    )
    session.add(token)
    return raw, token


def hash_password(password: str) -> str:
    """What is kept of a password: a salted scrypt hash."""
    return generate_password_hash(password, method="scrypt")


def actor_of(session: Session, user: User) -> Actor:
    """The actor that a user is, with the roles of now."""
    organizations, groups = people.roles_of(session, user.id)
    datasets = collaborators.roles_of(session, user.id)
    return Actor(user.id, user.name, user.sysadmin, organizations, groups, datasets)


def identify(session: Session, raw: str) -> Identified:
    """Who a token stands for; nobody for a wrong, revoked or expired one, or when its
    user is deleted.
    """
    found = people.find_user_by_token(session, raw)
    if found is None:
        return Identified(ANONYMOUS)
    token, user = found
    moment = now()
    if user.state not in ("active", INVITED) or token.expired(moment):
        return Identified(ANONYMOUS)
    # Such a key may open its account and do nothing else, whatever
    # roles the user has.
    if user.state == INVITED or raw.startswith(RESET):
        return Identified(Actor(invitation=user.id))
    return Identified(actor_of(session, user), _is_stale(token.last_access, moment))


def _is_stale(last: datetime | None, moment: datetime) -> bool:
    # Noting every use would make a write of every read.
    return last is None or moment - last > USE_NOTED


def note_use(work: UnitOfWork, raw: str) -> None:
    """Write down that a token was used now."""
    with work as uow:
        # Looked for again: since it was read, in another transaction, it may be
        # revoked.
        found = people.find_user_by_token(uow.session, raw)
        if found is not None:
            found[0].last_access = found[1].last_active = now()
            uow.commit()
