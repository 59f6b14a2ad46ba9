"""What the administrator of an installation does to accounts: disable, enable, reset;
each is written to the audit.
"""

from __future__ import annotations

from datetime import datetime

from portal.access import accounts
from portal.db import accounts as db
from portal.db import people
from portal.db.uow import UnitOfWork
from portal.domain.people import User
from portal.errors import Invalid

ACTIVE, DISABLED = "active", "deleted"
"""A disabled user is one whom CKAN calls deleted: the name stays taken, and no token or
password opens anything.
"""


def disable(uow: UnitOfWork, name: str, *, force: bool = False) -> User:
    """Close the account of a user: tokens are revoked, the password opens nothing.

    Raises NotFound, and Invalid for the last sysadmin unless `force` is given.
    """
    user = people.get_user(uow.session, name)
    last = user.sysadmin and not db.count_other_sysadmins(uow.session, user.id)
    if last and not force:
        raise Invalid(
            {
                "user": [
                    f"{user.name} is the last sysadmin; make another one first, or "
                    "say --force"
                ]
            }
        )
    # The state first: the address is unique among active accounts alone, so setting it
    # again now frees it for others.
    user.state = DISABLED
    user.set_email(user.email)
    revoked = db.revoke_all(uow.session, user.id)
    uow.audit(None, "user_disable", "User", user.id, revoked=revoked)
    return user


def enable(uow: UnitOfWork, name: str) -> User:
    """Open a closed account again; revoked tokens stay so. Raises NotFound, Invalid
    where its address is taken.
    """
    user = people.get_user(uow.session, name)
    if user.email and people.email_taken(uow.session, user.email, user.id):
        raise Invalid(
            {"email": [f"another user has the e-mail address of {user.name} by now"]}
        )
    # The state first, so that the address is taken again.
    user.state = ACTIVE
    user.set_email(user.email)
    uow.audit(None, "user_enable", "User", user.id)
    return user


def reset(uow: UnitOfWork, name: str, days: int) -> tuple[str, datetime | None]:
    """Close a user's password and tokens, and return a key that sets a new password,
    once, and when the key ends.

    A key of an earlier reset ends too. Raises NotFound, Invalid.
    """
    user = people.get_user(uow.session, name)
    if user.state != ACTIVE:
        raise Invalid({"user": [f"{user.name} is disabled; enable the account first"]})
    user.password_hash = None
    revoked = db.revoke_all(uow.session, user.id)
    key, row = accounts.issue_token(uow.session, user, db.RESET, days, accounts.RESET)
    uow.audit(None, "user_reset", "User", user.id, revoked=revoked)
    return key, row.expires_at
