"""portal user: accounts are made, listed, shown, disabled, enabled and reset."""

from __future__ import annotations

from typing import Any

import click

from portal.access import administration
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.cli.base import portal, show
from portal.cli.opening import open_portal
from portal.db import accounts as db
from portal.db import people
from portal.domain.base import stamp
from portal.domain.people import User


@portal.group()
def user() -> None:
    """Users."""


@user.command("create")
@click.argument("name")
@click.option("--email", default=None, help="Default: NAME@localhost.localdomain.")
@click.option("--sysadmin", is_flag=True, help="May do everything.")
@click.password_option(
    "--password",
    default="",
    prompt=False,
    help="Without one the user can only use tokens.",
)
def user_create(name: str, email: str | None, sysadmin: bool, password: str) -> None:
    """Create the user NAME."""
    params: dict[str, Any] = {
        "name": name,
        # An account needs an address; this domain leads to no mailbox outside the
        # machine.
        "email": email or f"{name}@localhost.localdomain",
        "sysadmin": sysadmin,
    }
    # Without one nobody can log in by a password: tokens alone open the account.
    if password:
        params["password"] = password
    with open_portal() as running:
        registry.call(running, SYSTEM, "user_create", params)
    click.echo(f"The user {name} is created.")


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def user_list(as_json: bool) -> None:
    """List all users, disabled ones included."""
    with open_portal() as running, running.read() as uow:
        users = [_user_dict(each) for each in db.list_all(uow.session)]
    if as_json:
        show(users)
        return
    for each in users:
        rank = "sysadmin" if each["sysadmin"] else ""
        active = each["last_active"] or "never"
        name, state = each["name"], each["state"]
        click.echo(f"{name:30} {state:9} {rank:9} last active {active}")


@user.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def user_show(name: str, as_json: bool) -> None:
    """Show the user NAME: state, roles, number of tokens."""
    with open_portal() as running, running.read() as uow:
        account = people.get_user(uow.session, name)
        described = _user_dict(account)
        roles = dict(db.roles(uow.session, account.id))
        described["roles"] = roles
        described["tokens"] = len(people.list_tokens(uow.session, account.id))
    if as_json:
        show(described)
        return
    described["roles"] = ", ".join(
        f"{role} in {group}" for group, role in roles.items()
    )
    for key, value in described.items():
        click.echo(f"{key:12} {value}")


@user.command("disable")
@click.argument("name")
@click.option("--force", is_flag=True, help="Even the last sysadmin.")
def user_disable(name: str, force: bool) -> None:
    """Close the account of the user NAME at once: tokens are revoked and the password
    opens nothing; the name stays.
    """
    with open_portal() as running, running.work() as uow:
        administration.disable(uow, name, force=force)
        uow.commit()
    click.echo(f"The user {name} is disabled, and every token is revoked.")


@user.command("enable")
@click.argument("name")
def user_enable(name: str) -> None:
    """Open the account of the user NAME again; new tokens have to be made."""
    with open_portal() as running, running.work() as uow:
        administration.enable(uow, name)
        uow.commit()
    click.echo(
        f"The user {name} is enabled. Tokens have to be made anew: portal token "
        f"create {name}"
    )


@user.command("reset")
@click.argument("name")
def user_reset(name: str) -> None:
    """Revoke the password and every token of the user NAME. A key that sets a password,
    once, is the last line.
    """
    with open_portal() as running, running.work() as uow:
        key, ends = administration.reset(uow, name, running.settings.invitation_days)
        uow.commit()
        # The portal sends no mail: whoever runs this hands over the key, with the
        # command that uses it.
        address = f"{running.settings.site_url}/api/3/action/user_patch"
    click.echo("Every token is revoked, and the old password opens nothing.")
    click.echo(
        f"Hand this key over; it cannot be shown again. Until {stamp(ends)} it sets a "
        "password, once:"
    )
    body = f'{{"id": "{name}", "password": "…"}}'
    headers = "-H 'Authorization: KEY' -H 'Content-Type: application/json'"
    click.echo(f"curl {headers} -d '{body}' {address}")
    # By itself on the last line, so that a script can take it by `tail -1`.
    click.echo(key)


def _user_dict(account: User) -> dict[str, Any]:
    """An account as these commands show it, with moments as stamps."""
    is_disabled = account.state == administration.DISABLED
    return {
        "id": account.id,
        "name": account.name,
        "email": account.email,
        "state": "disabled" if is_disabled else account.state,
        "sysadmin": account.sysadmin,
        "created": stamp(account.created),
        "last_active": stamp(account.last_active),
    }
