"""Nobody becomes a member of anything, and nothing is told of a person, by somebody
else's act alone.
"""

from typing import Any

import pytest

from portal.domain.base import now
from portal.domain.people import ApiToken
from tests.journeys.world import World

GUARDS = (
    "portal.actions._shared.roles",
    "portal.actions.joining",
    "portal.db.joining",
)
PASSWORD = "My-own-password-9"


def invite(
    world: World, who: str = "ada", email: str = "", **more: Any
) -> dict[str, Any]:
    """A person who was invited; their token is kept under their name."""
    given = {
        "email": email or f"{world.name('person')}@example.org",
        "group_id": "alpha",
        "role": "editor",
        **more,
    }
    invited = dict(world.ask("user_invite", who, **given).result)
    world.tokens[invited["name"]] = invited["invitation"]
    return invited


def person(world: World) -> str:
    """Somebody with an account and no role."""
    name = world.name("somebody")
    world.ask(
        "user_create",
        "root",
        name=name,
        email=f"{name}@example.org",
        password=PASSWORD,
        fullname="Full Name",
    )
    world.tokens[name] = world.ask(
        "api_token_create", "root", user=name, name="t"
    ).result["token"]
    return name


def roles(world: World, name: str) -> list[str]:
    return [
        each["name"]
        for each in world.ask(
            "organization_list_for_user", name, permission="read"
        ).result
    ]


def test_an_invitation_sets_a_password_once_and_ends(world: World) -> None:
    invited = invite(world)
    name = invited["name"]
    opened = world.ask("user_patch", name, id=name, password=PASSWORD).result
    assert (opened["state"], opened["id"]) == ("active", invited["id"])
    assert world.ask("user_patch", name, id=name, password=PASSWORD).status == 403
    assert (
        world.ask("package_create", name, name=world.name(), owner_org="alpha").status
        == 403
    )
    world.tokens[name] = opened["token"]
    assert roles(world, name) == ["alpha"]
    assert world.dataset(name)["creator_user_id"] == invited["id"]
    assert world.ask("user_show", name).result["email"].endswith("@example.org")


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("api_token_create", {"user": "NAME", "name": "kept"}), ("api_token_list", {"user_id": "NAME"}),
        ("package_create", {"name": "by-invitation", "owner_org": "alpha"}), ("membership_accept", {"id": "alpha"}),
        ("package_create", {"name": "by-invitation"}), ("follow_user", {"id": "edna"}), ("membership_list_pending", {}),
        ("organization_member_create", {"id": "alpha", "username": "NAME", "role": "admin"}),
        ("dashboard_activity_list", {}),
        ("user_autocomplete", {"q": "ed"}), ("user_update", {"id": "edna", "password": PASSWORD}),
        ("api_token_create", {"user": "edna", "name": "kept"}), ("user_delete", {"id": "NAME"}),
    ],
)  # fmt: skip
def test_an_invitation_does_nothing_else(
    world: World, action: str, params: dict[str, str]
) -> None:
    name = invite(world)["name"]
    given = {key: name if value == "NAME" else value for key, value in params.items()}
    assert world.ask(action, name, **given).status in (403, 404)
    for more in (
        {"email": "other@example.org"},
        {"sysadmin": True},
        {"fullname": "x"},
        {"name": "other"},
    ):
        refused = world.ask("user_patch", name, id=name, password=PASSWORD, **more)
        assert refused.error == {
            next(iter(more)): [
                refused.error[next(iter(more))][0],
                "Lời mời chỉ dùng để đặt mật khẩu",
            ]
        }
    assert world.ask("user_patch", name, id=name).error == {
        "password": ["Missing value"]
    }
    assert world.ask("user_patch", name, id=name, password="password").status == 409
    assert world.ask("user_patch", name, id=name, password=PASSWORD).status == 200


@pytest.fixture(scope="module")
def invited(world: World) -> dict[str, Any]:
    """Somebody who was invited and has not answered."""
    return invite(world)


def test_until_then_the_account_is_shown_to_sysadmins_alone(
    world: World, invited: dict[str, Any]
) -> None:
    name = invited["name"]
    assert "email" not in invited
    for who in (None, "ada", "edna"):
        assert world.ask("user_show", who, id=name).status == 404
        assert name not in [user["name"] for user in world.ask("user_list", who).result]
    assert world.ask("user_show", "root", id=name).result["state"] == "invited"


def test_until_then_the_account_stands_on_no_list_of_members(
    world: World, invited: dict[str, Any]
) -> None:
    alpha = world.ask("organization_show", id="alpha").result
    assert invited["name"] not in [user["name"] for user in alpha["users"]]
    members = world.ask("member_list", "ada", id="alpha").result
    assert invited["id"] not in [row[0] for row in members]


def test_until_then_nothing_is_done_in_its_name(
    world: World, invited: dict[str, Any]
) -> None:
    name = invited["name"]
    token = world.ask("api_token_create", "root", user=name, name="kept")
    offer = world.ask(
        "organization_member_create", "root", id="beta", username=name, role="admin"
    )
    member = world.ask(
        "member_create", "root", id="beta", object=name, object_type="user"
    )
    assert [answer.status for answer in (token, offer, member)] == [404, 409, 404]


def test_an_invitation_expires_and_is_forgotten(world: World) -> None:
    invited = invite(world)
    name = invited["name"]
    with world.portal.work() as uow:
        for token in uow.session.query(ApiToken).filter(
            ApiToken.user_id == invited["id"]
        ):
            token.expires_at = now()
        uow.commit()
    assert world.ask("user_patch", name, id=name, password=PASSWORD).status in (
        403,
        404,
    )
    invite(world)
    assert world.ask("user_show", "root", id=name).status == 404


def test_an_invitation_does_not_tell_who_has_an_account(world: World) -> None:
    known = person(world)
    email = f"{known}@example.org"
    told, of_nobody = invite(world, email=email), invite(world)
    assert set(told) == set(of_nobody)
    assert told["name"] != known
    assert "Full Name" not in str(told)
    assert roles(world, known) == []
    offers = world.ask("membership_list_pending", known).result
    assert [(offer["name"], offer["capacity"], offer["state"]) for offer in offers] == [
        ("alpha", "editor", "pending")
    ]
    assert world.ask("membership_accept", known, id="alpha").result["state"] == "active"
    assert roles(world, known) == ["alpha"]
    other = world.ask(
        "user_patch", told["name"], id=told["name"], password=PASSWORD
    ).result
    world.tokens[told["name"]] = other["token"]
    assert world.ask("user_show", told["name"]).result["email"] is None


WAYS: dict[str, dict[str, Any]] = {
    "organization_member_create": {"id": "alpha", "username": "NAME", "role": "admin"},
    "member_create": {"id": "alpha", "object": "NAME", "object_type": "user", "capacity": "admin"},
    "organization_patch": {"id": "alpha", "users": [{"name": "ada", "capacity": "admin"},
                                                 {"name": "NAME", "capacity": "admin"}]},
    "user_invite": {"email": "NAME@example.org", "group_id": "alpha", "role": "admin"},
}  # fmt: skip


def _filled(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, name) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, name) for inner in value]
    return value.replace("NAME", name)


@pytest.mark.parametrize("way", WAYS)
def test_who_is_added_joins_by_accepting(world: World, way: str) -> None:
    name = person(world)
    before = world.ask("organization_show", "root", id="alpha").result["users"]
    assert world.ask(way, "ada", **_filled(WAYS[way], name)).status == 200
    assert roles(world, name) == []
    assert (
        world.ask("package_create", name, name=world.name(), owner_org="alpha").status
        == 403
    )
    assert name not in [
        user["name"]
        for user in world.ask("organization_show", id="alpha").result["users"]
    ]
    assert world.ask("membership_accept", "otto", id="alpha").status == 404
    assert (
        world.ask("membership_accept", name, id="alpha").result["capacity"] == "admin"
    )
    assert roles(world, name) == ["alpha"]
    assert world.ask("membership_list_pending", name).result == []
    world.ask("organization_patch", "root", id="alpha", users=before)


def offer(world: World, name: str, role: str) -> str:
    """Offers somebody a role in alpha, and answers the state that this has then."""
    answer = world.ask(
        "organization_member_create", "ada", id="alpha", username=name, role=role
    )
    return str(answer.result["state"])


def test_an_offer_that_was_declined_cannot_be_accepted(world: World) -> None:
    name = person(world)
    assert offer(world, name, "member") == "pending"
    assert world.ask("membership_decline", name, id="alpha").status == 200
    assert world.ask("membership_accept", name, id="alpha").status == 404


def test_a_member_gets_another_role_without_being_asked_again(world: World) -> None:
    name = person(world)
    offer(world, name, "member")
    world.ask("membership_accept", name, id="alpha")
    assert offer(world, name, "editor") == "active"


def test_who_left_has_no_role_and_is_asked_anew(world: World) -> None:
    name = person(world)
    offer(world, name, "member")
    world.ask("membership_accept", name, id="alpha")
    assert world.ask("membership_decline", name, id="alpha").status == 200
    assert roles(world, name) == []
    assert offer(world, name, "member") == "pending"


def test_an_offer_that_was_taken_back_waits_no_more(world: World) -> None:
    name = person(world)
    offer(world, name, "member")
    taken_back = world.ask(
        "organization_member_delete", "ada", id="alpha", username=name
    )
    assert taken_back.status == 200
    assert world.ask("membership_list_pending", name).result == []


def test_a_sysadmin_adds_at_once(world: World) -> None:
    name = person(world)
    given = {"id": "alpha", "username": name, "role": "member"}
    assert (
        world.ask("organization_member_create", "root", **given).result["state"]
        == "active"
    )
    assert roles(world, name) == ["alpha"]


def test_collaborators_consent_as_well(world: World) -> None:
    name, dataset = person(world), world.dataset("ada", private=True)
    given = {"id": dataset["id"], "user_id": name, "capacity": "editor"}
    assert (
        world.ask("package_collaborator_create", "ada", **given).result["state"]
        == "pending"
    )
    assert world.ask("package_show", name, id=dataset["id"]).status == 403
    assert world.ask("package_collaborator_list", "ada", id=dataset["id"]).result == []
    assert (
        world.ask("membership_accept", name, id=dataset["id"]).result["type"]
        == "dataset"
    )
    assert (
        world.ask("package_patch", name, id=dataset["id"], notes="changed").status
        == 200
    )
    assert world.ask("membership_decline", name, id=dataset["name"]).status == 200
    assert world.ask("package_show", name, id=dataset["id"]).status == 403


def test_who_is_a_sysadmin_is_told_to_sysadmins_and_oneself(world: World) -> None:
    for who in (None, "edna", "ada"):
        for user in world.ask("user_list", who).result:
            assert "sysadmin" not in user or user["name"] == who
        assert "sysadmin" not in world.ask("user_show", who, id="root").result
        assert world.ask("user_list", who, order_by="sysadmin").status == 409
        for user in world.ask("organization_show", who, id="alpha").result["users"]:
            assert "sysadmin" not in user or user["name"] == who
    assert world.ask("user_show", "edna").result["sysadmin"] is False
    assert world.ask("user_show", "root", id="edna").result["sysadmin"] is False


def test_tokens_are_good_for_days_that_there_are(world: World) -> None:
    for days in (-1, 0, 36_501, 10**9, 2**70, "x"):
        refused = world.ask(
            "api_token_create", "edna", user="edna", name="t", expires_in=days
        )
        assert list(refused.error) == ["expires_in"]
    assert (
        world.ask(
            "api_token_create", "edna", user="edna", name="t", expires_in=1
        ).status
        == 200
    )
