"""portal token and org: tokens are made, listed and revoked; organizations are made,
listed, shown, and roles given.
"""

from __future__ import annotations

from typing import Any

import click

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.cli.base import portal, show
from portal.cli.opening import open_portal
from portal.db import accounts as db
from portal.db import people
from portal.domain.base import stamp
from schemas.vocabularies import ORGANIZATION_ROLES

LOG_SIGNS = 12
"""How much of a token's hash the access log holds."""


@portal.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.argument("user_name", metavar="USER")
@click.option("--name", default="cli", show_default=True, help="What the token is for.")
def token_create(user_name: str, name: str) -> None:
    """Create an API token for USER. The token is the last line printed, and is never
    shown again.
    """
    with open_portal() as running:
        params = {"user": user_name, "name": name}
        made = registry.call(running, SYSTEM, "api_token_create", params)
    click.echo("Keep this token: it cannot be shown again.")
    # Only its hash is stored; alone on the last line, so that a script can take it.
    click.echo(made["token"])


@token.command("list")
@click.argument("user_name", metavar="USER")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def token_list(user_name: str, as_json: bool) -> None:
    """List the tokens of USER: id, name, times, and the sign by which the access log
    names each; never the token.
    """
    with open_portal() as running, running.read() as uow:
        owner = people.get_user(uow.session, user_name)
        tokens = [
            {
                "id": each.id,
                "name": each.name,
                # Enough to find a token in the access log, and nothing that opens
                # anything.
                "sign": each.token_hash[:LOG_SIGNS],
                "created": stamp(each.created_at),
                "last_access": stamp(each.last_access),
                "expires": stamp(each.expires_at),
            }
            for each in people.list_tokens(uow.session, owner.id)
        ]
    if as_json:
        show(tokens)
        return
    for each in tokens:
        used = each["last_access"] or "never"
        ends = each["expires"] or "never"
        name = f"{each['id']}  {each['sign']}  {each['name']:20}"
        click.echo(f"{name} used {used}  expires {ends}")


@token.command("revoke")
@click.argument("token_id", metavar="ID", required=False)
@click.option("--user", "user_name", help="All tokens of this user, instead of one ID.")
def token_revoke(token_id: str | None, user_name: str | None) -> None:
    """Revoke the token with this ID (see portal token list), or every token of a user;
    it opens nothing from now on.
    """
    # Neither says nothing; with both it would be a guess which one is meant.
    if (token_id is None) == (user_name is None):
        raise click.UsageError(
            "Give either the ID of one token, or --user NAME for all of a user."
        )
    with open_portal() as running:
        if token_id is not None:
            registry.call(running, SYSTEM, "api_token_revoke", {"jti": token_id})
            click.echo("The token is revoked.")
            return
        # Not through the action, which revokes one token: here all go in one
        # transaction, with one entry in the audit.
        with running.work() as uow:
            owner = people.get_user(uow.session, str(user_name))
            revoked = db.revoke_all(uow.session, owner.id)
            uow.audit(None, "api_token_revoke", "User", owner.id, revoked=revoked)
            uow.commit()
    click.echo(f"{revoked} tokens are revoked.")


@portal.group()
def org() -> None:
    """Organizations."""


@org.command("create")
@click.argument("name")
@click.option("--title", default="", help="What people call it.")
def org_create(name: str, title: str) -> None:
    """Create the organization NAME."""
    with open_portal() as running:
        params = {"name": name, "title": title or name}
        made = registry.call(running, SYSTEM, "organization_create", params)
    click.echo(f"The organization {made['name']} is created ({made['id']}).")


@org.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def org_list(as_json: bool) -> None:
    """List the organizations, with the number of their members."""
    with open_portal() as running, running.read() as uow:
        groups = people.list_groups(uow.session, organization=True, q=None)
        organizations = [
            {
                "id": group.id,
                "name": group.name,
                "title": group.title,
                "members": len(people.list_members(uow.session, group.id)),
            }
            for group in groups
        ]
    if as_json:
        show(organizations)
        return
    for each in organizations:
        click.echo(f"{each['name']:30} {each['members']:4} members  {each['title']}")


@org.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def org_show(name: str, as_json: bool) -> None:
    """Show the organization NAME and who has which role in it."""
    with open_portal() as running, running.read() as uow:
        group = people.get_group(uow.session, name, organization=True)
        pairs = people.list_members(uow.session, group.id)
        members = {member.name: role for member, role in pairs}
        described: dict[str, Any] = {
            "id": group.id,
            "name": group.name,
            "title": group.title,
            "state": group.state,
        }
    if as_json:
        show({**described, "members": members})
        return
    click.echo(f"{described['name']} ({described['state']}): {described['title']}")
    for member, role in members.items():
        click.echo(f"  {member:30} {role}")


@org.command("role")
@click.argument("name")
@click.argument("user_name", metavar="USER")
@click.argument("role", type=click.Choice([*ORGANIZATION_ROLES, "none"]))
def org_role(name: str, user_name: str, role: str) -> None:
    """Give USER a role in the organization NAME, change it, or (none) take it away."""
    action, outcome = "organization_member_create", f"is {role} in {name}."
    if role == "none":
        action, outcome = (
            "organization_member_delete",
            f"has no role in {name} any more.",
        )
    params = {"id": name, "username": user_name, "role": role}
    with open_portal() as running:
        registry.call(running, SYSTEM, action, params)
    click.echo(f"{user_name} {outcome}")
