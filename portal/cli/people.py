"""portal user: accounts are made, listed, shown, disabled, enabled and reset."""

from __future__ import annotations

from typing import Any

import click

from portal.access import administration
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.cli.base import portal, show
from portal.cli.opened import opened
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
    given: dict[str, Any] = {
        "name": name,
        "email": email or f"{name}@localhost.localdomain",
        "sysadmin": sysadmin,
    }
    with opened() as running:
        registry.call(
            running,
            SYSTEM,
            "user_create",
            {**given, **({"password": password} if password else {})},
        )
    click.echo(f"The user {name} is created.")


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def user_list(as_json: bool) -> None:
    """List all users, disabled ones included."""
    with opened() as running, running.read() as uow:
        listed = [_described(each) for each in db.list_all(uow.session)]
    if as_json:
        show(listed)
        return
    for each in listed:
        rank = "sysadmin" if each["sysadmin"] else ""
        click.echo(
            f"{each['name']:30} {each['state']:9} {rank:9} last active "
            f"{each['last_active'] or 'never'}"
        )


@user.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def user_show(name: str, as_json: bool) -> None:
    """Show the user NAME: state, roles, number of tokens."""
    with opened() as running, running.read() as uow:
        found = people.get_user(uow.session, name)
        described = _described(found)
        described["roles"] = dict(db.roles(uow.session, found.id))
        described["tokens"] = len(people.list_tokens(uow.session, found.id))
    if as_json:
        show(described)
        return
    for key, value in described.items():
        told = (
            ", ".join(f"{role} in {group}" for group, role in value.items())
            if isinstance(value, dict)
            else value
        )
        click.echo(f"{key:12} {told}")


@user.command("disable")
@click.argument("name")
@click.option("--force", is_flag=True, help="Even the last sysadmin.")
def user_disable(name: str, force: bool) -> None:
    """Close the account of the user NAME at once: tokens are revoked and the password
    opens nothing; the name stays.
    """
    with opened() as running, running.work() as uow:
        administration.disable(uow, name, force=force)
        uow.commit()
    click.echo(f"The user {name} is disabled, and every token is revoked.")


@user.command("enable")
@click.argument("name")
def user_enable(name: str) -> None:
    """Open the account of the user NAME again; new tokens have to be made."""
    with opened() as running, running.work() as uow:
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
    with opened() as running, running.work() as uow:
        key, ends = administration.reset(uow, name, running.settings.invitation_days)
        uow.commit()
        address = f"{running.settings.site_url}/api/3/action/user_patch"
    click.echo("Every token is revoked, and the old password opens nothing.")
    click.echo(
        f"Hand this key over; it cannot be shown again. Until {stamp(ends)} it sets a "
        "password, once:"
    )
    told = f'{{"id": "{name}", "password": "…"}}'
    click.echo(
        "curl -H 'Authorization: KEY' -H 'Content-Type: application/json' -d "
        f"'{told}' {address}"
    )
    click.echo(key)


def _described(found: User) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "email": found.email,
        "state": "disabled" if found.state == administration.DISABLED else found.state,
        "sysadmin": found.sysadmin,
        "created": stamp(found.created),
        "last_active": stamp(found.last_active),
    }
