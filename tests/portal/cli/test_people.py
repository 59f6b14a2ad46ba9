"""portal user, token and org, as an administrator types them: each command in a process
of its own.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from portal.access import accounts
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.cli.base import portal as command
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.settings import load
from portal.web import callers

GUARDS = (
    "portal.access.administration",
    "portal.cli.rights",
    "portal.db.accounts",
)
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `portal …` and return what it printed; an error of the portal is raised."""
    for name in [name for name in os.environ if name.startswith("PORTAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PORTAL_DATA_DIR", str(tmp_path / "var"))
    build_portal(load(), upgrade=True).close()

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(command, list(arguments), standalone_mode=False)
        if result.exception:
            raise result.exception
        return result.output

    return call


def actor(token: str) -> Any:
    running = build_portal(load())
    try:
        return callers.actor_of(running, token)
    finally:
        running.close()


def test_a_disabled_user_is_nobody_and_the_last_sysadmin_is_kept(run: Run) -> None:
    run("user", "create", "root", "--sysadmin")
    run("user", "create", "an", "--email", "an@example.vn")
    token = run("token", "create", "an").splitlines()[-1]
    assert actor(token).name == "an"
    assert "disabled" in run("user", "disable", "an")
    assert actor(token).anonymous
    states = {
        each["name"]: each["state"]
        for each in orjson.loads(run("user", "list", "--json"))
    }
    assert states == {"an": "disabled", "root": "active"}
    with pytest.raises(Invalid, match="last sysadmin"):
        run("user", "disable", "root")
    assert orjson.loads(run("user", "show", "root", "--json"))["state"] == "active"
    run("user", "enable", "an")
    assert actor(token).anonymous, "a token that was revoked stays so"
    assert actor(run("token", "create", "an").splitlines()[-1]).name == "an"
    run("user", "disable", "root", "--force")
    assert "disabled" in run("user", "list")
    with pytest.raises(NotFound):
        run("user", "disable", "nobody")


def patched(token: str, **given: str) -> Any:
    """What user_patch answers to who bears a token."""
    running = build_portal(load())
    try:
        who = callers.actor_of(running, token)
        return registry.call(running, who, "user_patch", {"id": "an", **given})
    finally:
        running.close()


def test_a_reset_ends_password_and_tokens_and_its_key_sets_a_password_once(
    run: Run,
) -> None:
    run("user", "create", "an", "--password", "the-old-password")
    token = run("token", "create", "an").splitlines()[-1]
    first = run("user", "reset", "an").splitlines()[-1]
    said = run("user", "reset", "an").splitlines()
    key = said[-1]
    assert any("Until 20" in line for line in said)
    assert actor(token).anonymous
    assert actor(first).anonymous, "the second reset ends the first one's key"
    bearer = actor(key)
    assert (bearer.anonymous, bearer.sysadmin, bearer.user_id) == (True, False, None)
    with pytest.raises(Invalid, match="nothing else"):
        patched(key, fullname="An")
    with pytest.raises(NotAuthorized):
        patched(first, password="a-new-password")
    opened = patched(key, password="a-new-password")
    assert actor(opened["token"]).name == "an"
    assert actor(key).anonymous
    with pytest.raises(NotAuthorized):
        patched(key, password="another-password")
    assert actor(opened["token"]).name == "an"


def test_a_key_of_a_reset_ends_with_its_time_and_its_account(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("user", "create", "an")
    key = run("user", "reset", "an").splitlines()[-1]
    later = accounts.now() + timedelta(days=7, minutes=1)
    with monkeypatch.context() as clock:
        clock.setattr(accounts, "now", lambda: later)
        assert actor(key).invitation is None
    assert actor(key).invitation
    run("user", "disable", "an")
    assert actor(key).invitation is None
    with pytest.raises(Invalid, match="enable the account first"):
        run("user", "reset", "an")


def test_tokens_are_listed_without_themselves_and_revoked(run: Run) -> None:
    run("user", "create", "an")
    tokens = [
        run("token", "create", "an", "--name", name).splitlines()[-1]
        for name in ("one", "two", "three")
    ]
    listed = orjson.loads(run("token", "list", "an", "--json"))
    assert {each["name"] for each in listed} == {"one", "two", "three"}
    assert not any(token in orjson.dumps(listed).decode() for token in tokens)
    one = next(each["id"] for each in listed if each["name"] == "one")
    run("token", "revoke", one)
    assert [actor(token).anonymous for token in tokens] == [True, False, False]
    assert "2 tokens are revoked" in run("token", "revoke", "--user", "an")
    assert all(actor(token).anonymous for token in tokens)
    with pytest.raises(NotFound):
        run("token", "revoke", one)


def test_roles_in_organizations(run: Run) -> None:
    run("org", "create", "so-y-te", "--title", "Sở Y tế")
    run("user", "create", "an")
    assert "an is editor in so-y-te" in run("org", "role", "so-y-te", "an", "editor")
    assert orjson.loads(run("org", "show", "so-y-te", "--json"))["members"] == {
        "an": "editor"
    }
    assert orjson.loads(run("user", "show", "an", "--json"))["roles"] == {
        "so-y-te": "editor"
    }
    assert "editor in so-y-te" in run("user", "show", "an")
    run("org", "role", "so-y-te", "an", "admin")
    assert "an" in run("org", "show", "so-y-te")
    assert orjson.loads(run("org", "list", "--json"))[0]["members"] == 1
    run("org", "role", "so-y-te", "an", "none")
    assert orjson.loads(run("org", "show", "so-y-te", "--json"))["members"] == {}


def test_what_was_done_to_accounts_is_in_the_audit(run: Run) -> None:
    run("user", "create", "an")
    run("user", "disable", "an")
    running = build_portal(load())
    with running.read() as uow:
        actions = [
            row[0]
            for row in uow.connection.exec_driver_sql(
                "SELECT action FROM audit ORDER BY at"
            )
        ]
    running.close()
    assert actions[-1] == "user_disable"
    assert "user_create" in actions
