"""Organizations, groups, members, users, tokens, tags and the portal about itself."""

from typing import Any

import pytest

from portal.access import accounts
from portal.access.identity import ANONYMOUS, SYSTEM, Actor
from portal.domain.base import now
from portal.domain.people import ApiToken
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.runtime import Portal
from tests.portal.actions.people import Json, call, make_actor, make_org

GUARDS = (
    "portal.access.accounts",
    "portal.access.identity",
    "portal.actions._shared.group_dicts",
    "portal.actions._shared.group_writes",
    "portal.actions.groups",
    "portal.actions.members",
    "portal.actions.organizations",
    "portal.actions.tokens",
    "portal.actions.users",
    "portal.domain.people",
    "schemas.people",
)


def errors_of(portal: Portal, actor: Actor, action: str, /, **params: Any) -> Json:
    with pytest.raises(Invalid) as problem:
        call(portal, actor, action, **params)
    return problem.value.errors


@pytest.fixture
def org(portal: Portal) -> Json:
    return make_org(portal, "so-y-te")


KINDS = ("organization", "group")


@pytest.mark.parametrize("kind", KINDS)
def test_one_is_made_shown_listed_changed_and_deleted(
    portal: Portal, kind: str
) -> None:
    made = call(
        portal, SYSTEM, f"{kind}_create",
        name="so-y-te", title="Sở Y tế", extras=[{"key": "a", "value": "1"}], identifier="H56.12", kind="agency",
    )  # fmt: skip
    assert (made["display_name"], made["type"], made["is_organization"]) == (
        "Sở Y tế",
        kind,
        kind == "organization",
    )
    assert (made["identifier"], made["kind"], made["extras"]) == (
        "H56.12",
        "agency",
        [{"key": "a", "value": "1"}],
    )
    assert call(portal, ANONYMOUS, f"{kind}_show", id="so-y-te")["id"] == made["id"]
    assert call(portal, ANONYMOUS, f"{kind}_list") == ["so-y-te"]
    patched = call(portal, SYSTEM, f"{kind}_patch", id="so-y-te", description="D")
    assert (patched["title"], patched["description"], patched["identifier"]) == (
        "Sở Y tế",
        "D",
        "H56.12",
    )
    updated = call(portal, SYSTEM, f"{kind}_update", id="so-y-te", title="T")
    assert (updated["title"], updated["description"], updated["name"]) == (
        "T",
        "",
        "so-y-te",
    )
    call(portal, SYSTEM, f"{kind}_delete", id="so-y-te")
    assert call(portal, ANONYMOUS, f"{kind}_list") == []
    with pytest.raises(NotAuthorized):
        call(portal, ANONYMOUS, f"{kind}_show", id="so-y-te")
    call(portal, SYSTEM, f"{kind}_purge", id="so-y-te")
    with pytest.raises(NotFound):
        call(portal, SYSTEM, f"{kind}_show", id="so-y-te")


def test_an_organization_is_no_group_and_names_are_shared(
    portal: Portal, org: Json
) -> None:
    with pytest.raises(NotFound):
        call(portal, SYSTEM, "group_show", id="so-y-te")
    taken = errors_of(portal, SYSTEM, "group_create", name="so-y-te")
    assert taken == {"name": ["Group name already exists in database"]}
    bad = errors_of(
        portal,
        SYSTEM,
        "organization_create",
        name="Bad Name",
        identifier="X",
        kind="family",
    )
    assert bad["name"] == [
        "Must be purely lowercase alphanumeric (ascii) characters and these symbols: -_"
    ]
    wrong = errors_of(
        portal,
        SYSTEM,
        "organization_create",
        name="good",
        identifier="X",
        kind="family",
    )
    assert set(wrong) == {"identifier", "kind"}
    assert errors_of(
        portal, SYSTEM, "organization_update", id="so-y-te", type="other"
    ) == {"type": ["Type cannot be updated"]}


def test_lists_sort_and_page(portal: Portal, org: Json) -> None:
    make_org(portal, "aa-org")
    call(portal, SYSTEM, "package_create", name="xx", owner_org="so-y-te")
    assert call(portal, ANONYMOUS, "organization_list") == ["aa-org", "so-y-te"]
    assert (
        call(portal, ANONYMOUS, "organization_list", sort="package_count desc")[0]
        == "so-y-te"
    )
    full = call(
        portal, ANONYMOUS, "organization_list", all_fields="true", limit=1, offset=1
    )
    assert [(each["name"], each["package_count"]) for each in full] == [("so-y-te", 1)]
    assert call(portal, ANONYMOUS, "organization_list", organizations='["aa-org"]') == [
        "aa-org"
    ]
    assert call(portal, ANONYMOUS, "organization_list", q="aa") == ["aa-org"]
    assert errors_of(portal, ANONYMOUS, "organization_list", sort="foo") == {
        "message": "Cannot sort by field `foo`"
    }
    many = errors_of(portal, ANONYMOUS, "organization_list", sort="name, title")
    assert many == {"message": "Too many sort criteria"}


def test_an_organization_with_datasets_stays(portal: Portal, org: Json) -> None:
    call(portal, SYSTEM, "package_create", name="xx", owner_org="so-y-te")
    for action in ("organization_delete", "organization_purge"):
        assert (
            "still has datasets"
            in errors_of(portal, SYSTEM, action, id="so-y-te")["message"]
        )


def test_a_new_title_is_in_every_dataset_at_once(portal: Portal, org: Json) -> None:
    made = call(portal, SYSTEM, "package_create", name="xx", owner_org="so-y-te")
    call(portal, SYSTEM, "organization_patch", id="so-y-te", title="Sở Y tế mới")
    shown = call(portal, ANONYMOUS, "package_show", id="xx")
    assert shown["organization"]["title"] == "Sở Y tế mới"
    assert shown["metadata_modified"] == made["metadata_modified"]


def test_roles_are_given_and_taken(portal: Portal, org: Json) -> None:
    admin, outsider = (
        make_actor(portal, "boss", "admin", org),
        make_actor(portal, "outsider"),
    )
    with pytest.raises(NotAuthorized):
        call(
            portal,
            outsider,
            "organization_member_create",
            id="so-y-te",
            username="outsider",
            role="admin",
        )
    given = call(
        portal,
        admin,
        "organization_member_create",
        id="so-y-te",
        username="outsider",
        role="editor",
    )
    assert (given["capacity"], given["table_id"], given["state"]) == (
        "editor",
        outsider.user_id,
        "pending",
    )
    assert (
        call(
            portal,
            ANONYMOUS,
            "member_list",
            id="so-y-te",
            object_type="user",
            capacity="editor",
        )
        == []
    )
    call(portal, outsider, "membership_accept", id="so-y-te")
    wrong = errors_of(
        portal,
        admin,
        "organization_member_create",
        id="so-y-te",
        username="outsider",
        role="king",
    )
    assert wrong == {"role": ["role does not exist."]}
    listed = call(portal, ANONYMOUS, "member_list", id="so-y-te", object_type="user")
    assert [outsider.user_id, "user", "Editor"] in listed
    users = call(portal, ANONYMOUS, "organization_show", id="so-y-te")["users"]
    assert {(user["name"], user["capacity"]) for user in users} == {
        ("boss", "admin"),
        ("outsider", "editor"),
    }
    call(portal, admin, "organization_member_delete", id="so-y-te", username="outsider")
    assert len(call(portal, ANONYMOUS, "organization_show", id="so-y-te")["users"]) == 1
    call(portal, admin, "organization_update", id="so-y-te", users=[])
    assert call(portal, ANONYMOUS, "organization_show", id="so-y-te")["users"] == []
    assert [role["value"] for role in call(portal, ANONYMOUS, "member_roles_list")] == [
        "admin",
        "editor",
        "member",
    ]


def test_what_a_user_may_work_in(portal: Portal, org: Json) -> None:
    editor = make_actor(portal, "editor", "editor", org)
    assert call(portal, ANONYMOUS, "organization_list_for_user") == []
    mine = call(
        portal, editor, "organization_list_for_user", permission="create_dataset"
    )
    assert [(each["name"], each["capacity"]) for each in mine] == [
        ("so-y-te", "editor")
    ]
    assert call(portal, editor, "organization_list_for_user") == []
    call(portal, SYSTEM, "group_create", name="nhom")
    assert [each["name"] for each in call(portal, SYSTEM, "group_list_authz")] == [
        "nhom"
    ]


def test_groups_hold_datasets_and_hide_private_ones(portal: Portal, org: Json) -> None:
    call(portal, SYSTEM, "group_create", name="nhom")
    for name, private in (("open", False), ("hidden", True)):
        call(
            portal,
            SYSTEM,
            "package_create",
            name=name,
            owner_org="so-y-te",
            private=private,
        )
        call(
            portal,
            SYSTEM,
            "member_create",
            id="nhom",
            object=name,
            object_type="package",
            capacity="public",
        )
    assert [
        d["name"] for d in call(portal, ANONYMOUS, "group_package_show", id="nhom")
    ] == ["open"]
    assert (
        len(call(portal, ANONYMOUS, "member_list", id="nhom", object_type="package"))
        == 1
    )
    assert (
        len(call(portal, SYSTEM, "member_list", id="nhom", object_type="package")) == 2
    )
    assert [
        g["name"] for g in call(portal, ANONYMOUS, "package_show", id="open")["groups"]
    ] == ["nhom"]
    call(
        portal, SYSTEM, "member_delete", id="nhom", object="open", object_type="package"
    )
    assert call(portal, ANONYMOUS, "package_show", id="open")["groups"] == []
    member = make_actor(portal, "joiner")
    call(
        portal,
        SYSTEM,
        "group_member_create",
        id="nhom",
        username=member.name,
        role="member",
    )
    call(portal, SYSTEM, "group_member_delete", id="nhom", username=member.name)
    assert call(portal, ANONYMOUS, "group_show", id="nhom")["users"] == []
    assert call(portal, ANONYMOUS, "group_list") == ["nhom"]


def test_users(portal: Portal) -> None:
    an = make_actor(portal, "an")
    wrong = errors_of(
        portal, SYSTEM, "user_create", name="B!", email="nope", password="short"
    )
    assert set(wrong) == {"name", "email", "password"}
    taken = errors_of(
        portal,
        SYSTEM,
        "user_create",
        name="binh",
        email="AN@example.vn",
        password="long enough",
    )
    assert "belongs to a registered user" in taken["email"][0]
    assert "email" not in call(portal, ANONYMOUS, "user_show", id="an")
    assert call(portal, an, "user_show")["email"] == "an@example.vn"
    assert (
        call(portal, an, "user_patch", id="an", fullname="Nguyễn An", sysadmin=True)[
            "sysadmin"
        ]
        is False
    )
    updated = call(portal, an, "user_update", id="an", email="an@example.vn", about="x")
    assert (updated["about"], updated["fullname"]) == ("x", None)
    assert call(portal, ANONYMOUS, "user_list", all_fields=False) == ["an"]
    assert [user["name"] for user in call(portal, an, "user_autocomplete", q="a")] == [
        "an"
    ]
    other = make_actor(portal, "other")
    with pytest.raises(NotAuthorized):
        call(portal, other, "user_patch", id="an", about="mine")
    with pytest.raises(NotAuthorized):
        call(
            portal,
            an,
            "user_create",
            name="cc",
            email="c@example.vn",
            password="long enough",
        )
    with pytest.raises(NotAuthorized):
        call(portal, an, "user_delete", id="other")
    call(portal, SYSTEM, "user_delete", id="other")
    assert call(portal, ANONYMOUS, "user_show", id="other")["state"] == "deleted"


def who(portal: Portal, raw: str) -> str:
    with portal.read() as uow:
        return accounts.identify(uow.session, raw).actor.name


def test_tokens_open_until_revoked_expired_or_their_user_is_gone(
    portal: Portal,
) -> None:
    an, other = make_actor(portal, "an"), make_actor(portal, "other")
    first = call(portal, an, "api_token_create", user="an", name="one")
    second = call(portal, an, "api_token_create", user="an", name="two", expires_in=1)
    assert (
        who(portal, first["token"]),
        who(portal, second["token"]),
        who(portal, "x"),
    ) == ("an", "an", "")
    listed = call(portal, an, "api_token_list", user_id="an")
    assert {token["name"] for token in listed} == {"one", "two"}
    assert first["token"] not in str(listed)
    for action, params in (
        ("api_token_create", {"user": "an", "name": "mine"}),
        ("api_token_list", {"user_id": "an"}),
        ("api_token_revoke", {"jti": first["id"]}),
    ):
        with pytest.raises(NotAuthorized):
            call(portal, other, action, **params)
    call(portal, an, "api_token_revoke", jti=first["id"])
    assert who(portal, first["token"]) == ""
    with portal.work() as uow:
        uow.session.get_one(ApiToken, second["id"]).expires_at = now()
        uow.commit()
    assert who(portal, second["token"]) == ""
    third = call(portal, an, "api_token_create", user="an", name="three")
    call(portal, SYSTEM, "user_delete", id="an")
    assert who(portal, third["token"]) == ""


def test_tags_of_what_nobody_may_read_do_not_exist(portal: Portal, org: Json) -> None:
    call(
        portal,
        SYSTEM,
        "package_create",
        name="open",
        owner_org="so-y-te",
        tag_string="chung",
    )
    call(
        portal,
        SYSTEM,
        "package_create",
        name="hidden",
        owner_org="so-y-te",
        private=True,
        tag_string="mat",
    )
    member = make_actor(portal, "member", "member", org)
    assert call(portal, ANONYMOUS, "tag_list") == ["chung"]
    assert call(portal, member, "tag_list") == ["chung", "mat"]
    assert call(portal, ANONYMOUS, "tag_search", query="m") == {
        "count": 0,
        "results": [],
    }
    assert call(portal, ANONYMOUS, "tag_autocomplete", q="ch") == ["chung"]
    shown = call(portal, ANONYMOUS, "tag_show", id="chung", include_datasets=True)
    assert [dataset["name"] for dataset in shown["packages"]] == ["open"]
    with pytest.raises(NotFound):
        call(portal, ANONYMOUS, "tag_show", id="mat")


def test_the_portal_about_itself(portal: Portal) -> None:
    status = call(portal, ANONYMOUS, "status_show")
    assert (status["ckan_version"], status["site_url"]) == (
        "2.12.0",
        portal.settings.site_url,
    )
    assert "datastore" in status["extensions"]
    assert call(portal, ANONYMOUS, "site_read") is True
    assert "one dataset" in call(portal, ANONYMOUS, "help_show", name="package_show")
    with pytest.raises(NotFound):
        call(portal, ANONYMOUS, "help_show", name="nothing")
    licences = call(portal, ANONYMOUS, "license_list")
    assert [licence["id"] for licence in licences][:3] == [
        "notspecified",
        "odc-pddl",
        "odc-odbl",
    ]
    assert {licence["is_okd_compliant"] for licence in licences} == {"True", "False"}


def test_an_old_name_and_either_identifier_find_the_new_body(portal: Portal) -> None:
    former = {
        "title": "Sở Thông tin và Truyền thông",
        "name": "so-tttt",
        "date": "2025-03-01",
    }
    made = call(
        portal, SYSTEM, "organization_create", name="so-khcn", title="Sở Khoa học và Công nghệ",
        kind="agency", identifiers=["000.00.00.H56", "H56.12"], succeeds=[former],
    )  # fmt: skip
    assert (made["identifier"], made["succeeds"]) == ("000.00.00.H56", [former])
    for key in (
        "so-khcn",
        "000.00.00.H56",
        "h56.12",
        "so-tttt",
        "sở thông tin và truyền thông",
    ):
        assert call(portal, ANONYMOUS, "organization_show", id=key)["id"] == made["id"]
    assert call(portal, ANONYMOUS, "organization_list", q="Thông tin và") == ["so-khcn"]
    assert [
        o["name"]
        for o in call(portal, ANONYMOUS, "organization_autocomplete", q="so-ttt")
    ] == ["so-khcn"]
    call(
        portal,
        SYSTEM,
        "package_create",
        name="xx",
        title="Trạm phát sóng",
        owner_org="so-tttt",
    )
    found = call(portal, ANONYMOUS, "package_search", q="so thong tin va truyen thong")
    assert [package["name"] for package in found["results"]] == ["xx"]
    patched = call(
        portal, SYSTEM, "organization_patch", id="so-khcn", identifier="H56.13"
    )
    assert patched["identifiers"] == ["H56.13", "000.00.00.H56", "H56.12"]
    call(portal, SYSTEM, "package_delete", id="xx")
    call(portal, SYSTEM, "organization_delete", id="so-khcn")
    with pytest.raises(NotFound):
        call(portal, ANONYMOUS, "organization_show", id="so-tttt")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"identifier": "nonsense"}, "identifier"),
        ({"identifiers": ["H56.1", "x"]}, "identifiers"),
        ({"identifier": "H49.12", "kind": "agency"}, "identifier"),
        ({"identifier": "H56.1"}, "identifier"),
        ({"kind": "club"}, "kind"),
        ({"succeeds": [{"title": "Sở cũ"}]}, "succeeds"),
        ({"succeeds": [{"date": "2025-03-01"}]}, "succeeds"),
        ({"succeeds": [{"title": "Sở cũ", "date": "2025-03-01", "x": 1}]}, "succeeds"),
        ({"provider_agreement": {"signed": "2025-01-01"}}, "provider_agreement"),
        (
            {"provider_agreement": {"number": "1", "signed": "tomorrow"}},
            "provider_agreement",
        ),
    ],
)
def test_what_an_organization_cannot_be(
    portal: Portal, fields: Json, field: str
) -> None:
    call(portal, SYSTEM, "organization_create", name="first", identifier="H56.1")
    assert list(
        errors_of(portal, SYSTEM, "organization_create", name="second", **fields)
    ) == [field]


def test_an_enterprise_shares_openly_only_under_an_agreement(portal: Portal) -> None:
    call(
        portal,
        SYSTEM,
        "organization_create",
        name="cty",
        kind="enterprise",
        title="Công ty",
    )
    made = call(portal, SYSTEM, "package_create", name="xx", owner_org="cty")
    assert made["access_kind"] == "restricted"
    refused = errors_of(portal, SYSTEM, "package_patch", id="xx", access_kind="open")
    assert list(refused) == ["access_kind"]
    for until, allowed in (("2020-01-01", False), ("2999-01-01", True)):
        agreement = {"number": "12/TT", "signed": "2019-01-01", "valid_until": until}
        call(
            portal, SYSTEM, "organization_patch", id="cty", provider_agreement=agreement
        )
        if allowed:
            assert (
                call(portal, SYSTEM, "package_patch", id="xx", access_kind="open")[
                    "access_kind"
                ]
                == "open"
            )
        else:
            assert "access_kind" in errors_of(
                portal, SYSTEM, "package_patch", id="xx", access_kind="open"
            )


def test_a_user_may_be_made_together_with_a_token(portal: Portal) -> None:
    made = call(
        portal,
        SYSTEM,
        "user_create",
        name="bot",
        email="bot@example.vn",
        with_apitoken=True,
    )
    with portal.read() as uow:
        assert accounts.identify(uow.session, made["token"]).actor.user_id == made["id"]
