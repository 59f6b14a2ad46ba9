"""portal user, token and org, as an administrator types them: each command in a process of its own."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from portal.bootstrap import build_portal
from portal.cli.base import portal as command
from portal.errors import Invalid, NotFound
from portal.settings import load
from portal.web import callers

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
    states = {each["name"]: each["state"] for each in orjson.loads(run("user", "list", "--json"))}
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


def test_a_reset_gives_a_new_password_once_and_ends_every_token(run: Run) -> None:
    run("user", "create", "an")
    token = run("token", "create", "an").splitlines()[-1]
    first = run("user", "reset", "an").splitlines()[-1]
    second = run("user", "reset", "an").splitlines()[-1]
    assert len(first) >= 24
    assert first != second
    assert actor(token).anonymous
    run("user", "disable", "an")
    with pytest.raises(Invalid, match="enable the account first"):
        run("user", "reset", "an")


def test_tokens_are_listed_without_themselves_and_revoked(run: Run) -> None:
    run("user", "create", "an")
    tokens = [run("token", "create", "an", "--name", name).splitlines()[-1] for name in ("one", "two", "three")]
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
    assert orjson.loads(run("org", "show", "so-y-te", "--json"))["members"] == {"an": "editor"}
    assert orjson.loads(run("user", "show", "an", "--json"))["roles"] == {"so-y-te": "editor"}
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
        actions = [row[0] for row in uow.connection.exec_driver_sql("SELECT action FROM audit ORDER BY at")]
    running.close()
    assert actions[-1] == "user_disable"
    assert "user_create" in actions
