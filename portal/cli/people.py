"""portal user, token and org: the first accounts of a new portal."""

from __future__ import annotations

from typing import Any

import click

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.cli.base import opened, portal


@portal.group()
def user() -> None:
    """Users."""


@user.command("create")
@click.argument("name")
@click.option("--email", default=None, help="Default: NAME@localhost.localdomain.")
@click.option("--sysadmin", is_flag=True, help="May do everything.")
@click.password_option("--password", default="", prompt=False, help="Without one the user can only use tokens.")
def user_create(name: str, email: str | None, sysadmin: bool, password: str) -> None:
    """Create the user NAME."""
    given: dict[str, Any] = {"name": name, "email": email or f"{name}@localhost.localdomain", "sysadmin": sysadmin}
    with opened() as running:
        registry.call(running, SYSTEM, "user_create", {**given, **({"password": password} if password else {})})
    click.echo(f"The user {name} is created.")


@portal.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.argument("user_name", metavar="USER")
@click.option("--name", default="cli", show_default=True, help="What the token is for.")
def token_create(user_name: str, name: str) -> None:
    """Create an API token for USER. The token is the last line printed, and is never shown again."""
    with opened() as running:
        made = registry.call(running, SYSTEM, "api_token_create", {"user": user_name, "name": name})
    click.echo("Keep this token: it cannot be shown again.")
    click.echo(made["token"])


@portal.group()
def org() -> None:
    """Organizations."""


@org.command("create")
@click.argument("name")
@click.option("--title", default="", help="What people call it.")
def org_create(name: str, title: str) -> None:
    """Create the organization NAME."""
    with opened() as running:
        made = registry.call(running, SYSTEM, "organization_create", {"name": name, "title": title or name})
    click.echo(f"The organization {made['name']} is created ({made['id']}).")
