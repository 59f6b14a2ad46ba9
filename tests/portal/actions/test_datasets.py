"""Datasets through their actions: shapes, texts and rights as CKAN clients rely on
them.
"""

from typing import Any

import pytest

from portal.access.identity import ANONYMOUS, SYSTEM, Actor
from portal.errors import IntegrityProblem, Invalid, NotAuthorized, NotFound
from portal.runtime import Portal
from tests.portal.actions.people import Json, call, make_actor, make_org

GUARDS = (
    "portal.actions._shared.dataset_writes",
    "portal.actions.registry",
    "portal.db.datasets",
    "portal.db.holding",
    "portal.domain.datasets",
    "portal.domain.rendering",
    "portal.errors",
    "schemas.datasets",
)


@pytest.fixture
def org(portal: Portal) -> Json:
    return make_org(portal, "so-y-te")


@pytest.fixture
def editor(portal: Portal, org: Json) -> Actor:
    return make_actor(portal, "editor", "editor", org)


def errors_of(portal: Portal, actor: Actor, action: str, /, **params: Any) -> Json:
    with pytest.raises(Invalid) as problem:
        call(portal, actor, action, **params)
    return problem.value.errors


def test_create_answers_the_whole_dataset(
    portal: Portal, org: Json, editor: Actor
) -> None:
    made = call(
        portal,
        editor,
        "package_create",
        name="benh-vien",
        owner_org="so-y-te",
        license_id="cc-by",
    )
    assert made["title"] == "benh-vien"
    assert (made["notes"], made["author"], made["url"], made["version"]) == (
        None,
        None,
        None,
        None,
    )
    assert (made["tags"], made["resources"], made["groups"], made["extras"]) == (
        [],
        [],
        [],
        [],
    )
    assert (made["isopen"], made["license_title"]) == (
        True,
        "Creative Commons Attribution",
    )
    assert made["owner_org"] == made["organization"]["id"] == org["id"]
    assert (made["state"], made["private"], made["type"]) == (
        "active",
        False,
        "dataset",
    )
    assert made["creator_user_id"] == editor.user_id
    assert call(portal, ANONYMOUS, "package_show", id="benh-vien") == made
    assert call(portal, ANONYMOUS, "package_show", name_or_id=made["id"]) == made
    assert call(portal, ANONYMOUS, "package_list") == ["benh-vien"]


def test_every_mistake_is_reported_at_once(portal: Portal, org: Json) -> None:
    errors = errors_of(
        portal, SYSTEM, "package_create", author_email="nope", private=True
    )
    assert errors["name"] == ["Missing value"]
    assert errors["owner_org"][0] == "An organization must be provided"
    assert (
        errors["private"]
        == errors["owner_org"][1:]
        == ["Datasets with no organization can't be private."]
    )
    assert errors["author_email"] == ["Email nope is not a valid format"]


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        (
            "Bad Name!",
            [
                "Must be purely lowercase alphanumeric (ascii) characters and these "
                "symbols: -_"
            ],
        ),
        (
            "a",
            [
                "Must be at least 2 characters long",
                'Name "a" length is less than minimum 2',
            ],
        ),
        (
            "a" * 101,
            [
                "Name must be a maximum of 100 characters long",
                f'Name "{"a" * 101}" length is more than maximum 100',
            ],
        ),
        ("search", ["That name cannot be used"]),
    ],
)
def test_names(portal: Portal, org: Json, name: str, messages: list[str]) -> None:
    assert (
        errors_of(portal, SYSTEM, "package_create", name=name, owner_org="so-y-te")[
            "name"
        ]
        == messages
    )


def test_a_name_is_taken_once_and_given_up_by_the_deleted(
    portal: Portal, org: Json, editor: Actor
) -> None:
    first = call(portal, editor, "package_create", name="one", owner_org="so-y-te")
    taken = errors_of(portal, editor, "package_create", name="one", owner_org="so-y-te")
    assert taken == {"name": ["That URL is already in use."]}
    call(portal, editor, "package_delete", id="one")
    call(portal, editor, "package_delete", id=first["id"])
    second = call(portal, editor, "package_create", name="one", owner_org="so-y-te")
    assert second["id"] != first["id"]
    assert call(portal, editor, "package_show", id=first["id"])["state"] == "deleted"


def test_owner_private_and_ids(portal: Portal, org: Json, editor: Actor) -> None:
    assert errors_of(
        portal, SYSTEM, "package_create", name="xx", owner_org="nobody"
    ) == {"owner_org": ["Organization does not exist"]}
    assert errors_of(
        portal, editor, "package_create", name="xx", owner_org="so-y-te", id="1"
    ) == {"id": ["The input field id was not expected."]}
    wrong = errors_of(
        portal, SYSTEM, "package_create", name="xx", owner_org="so-y-te", id="1"
    )
    assert wrong == {"id": ["Invalid id provided"]}
    given = "2f6e1c36-9a0e-4b43-8f2f-9d8a34a8f7c1"
    assert (
        call(
            portal, SYSTEM, "package_create", name="xx", owner_org="so-y-te", id=given
        )["id"]
        == given
    )


def test_extras_and_tags(portal: Portal, org: Json, editor: Actor) -> None:
    extras = [
        {"key": "a", "value": 5},
        {"key": "b", "value": [1, 2]},
        {"key": "c", "value": None},
    ]
    made = call(
        portal,
        editor,
        "package_create",
        name="xx",
        owner_org="so-y-te",
        extras=extras,
        tag_string="zeta, Ánh sáng,zeta",
    )
    assert {extra["key"]: extra["value"] for extra in made["extras"]} == {
        "a": "5",
        "b": "[1, 2]",
        "c": "",
    }
    assert [tag["name"] for tag in made["tags"]] == ["zeta", "Ánh sáng"]
    doubled = errors_of(
        portal,
        editor,
        "package_create",
        name="yy",
        owner_org="so-y-te",
        extras=[*extras, extras[0]],
    )
    assert doubled == {"extras_validation": ['Duplicate key "a"']}
    bad = errors_of(
        portal,
        editor,
        "package_create",
        name="yy",
        owner_org="so-y-te",
        tags=[{"name": "x"}, {"name": "a/b"}],
    )
    assert [message[:7] for message in bad["tags"]] == ['Tag "a/', 'Tag "x"']
    with pytest.raises(IntegrityProblem) as problem:
        call(
            portal, editor, "package_create", name="yy", owner_org="so-y-te", tags=["a"]
        )
    assert problem.value.data["tags"] == ["a"]


def test_the_provinces_own_fields_are_at_the_top_level(
    portal: Portal, org: Json, editor: Actor
) -> None:
    profile = {
        "access_kind": "open",
        "frequency": "daily",
        "title_translated": {"vi": "Bệnh viện", "en": "Hospitals"},
    }
    made = call(
        portal, editor, "package_create", name="xx", owner_org="so-y-te", **profile
    )
    assert {key: made[key] for key in profile} == profile
    shown = {extra["key"]: extra["value"] for extra in made["extras"]}
    assert shown.pop("title_translated") == '{"vi":"Bệnh viện","en":"Hospitals"}'
    assert shown == {"access_kind": "open", "frequency": "daily"}, (
        "for clients that read extras alone"
    )
    wrong = errors_of(
        portal,
        editor,
        "package_create",
        name="yy",
        owner_org="so-y-te",
        access_kind="secret",
    )
    assert wrong == {"access_kind": ["Value must be one of open, shared, restricted"]}


def test_update_resets_and_patch_keeps(
    portal: Portal, org: Json, editor: Actor
) -> None:
    call(
        portal, editor, "package_create",
        name="xx", owner_org="so-y-te", title="T", notes="N", author="A", tags=[{"name": "tag"}],
        resources=[{"url": "http://example.vn/a.csv", "name": "a"}],
    )  # fmt: skip
    patched = call(portal, editor, "package_patch", id="xx", notes="new")
    assert (patched["notes"], patched["author"], len(patched["tags"])) == (
        "new",
        "A",
        1,
    )
    updated = call(portal, editor, "package_update", id="xx", version="2")
    assert (
        updated["title"],
        updated["version"],
        updated["notes"],
        updated["author"],
    ) == ("T", "2", None, None)
    assert (updated["tags"], len(updated["resources"])) == ([], 1)
    assert updated["resources"][0]["id"] == patched["resources"][0]["id"]
    emptied = call(portal, editor, "package_update", id="xx", resources=[])
    assert emptied["resources"] == []
    with pytest.raises(NotFound, match="Resource was not found"):
        call(portal, ANONYMOUS, "resource_show", id=updated["resources"][0]["id"])
    assert errors_of(portal, editor, "package_update") == {"id": "Missing value"}


def test_a_write_that_changes_nothing_leaves_the_time(
    portal: Portal, org: Json, editor: Actor
) -> None:
    made = call(
        portal, editor, "package_create", name="xx", owner_org="so-y-te", notes="N"
    )
    assert call(portal, editor, "package_patch", id="xx", notes="N") == made
    assert (
        call(portal, editor, "package_patch", id="xx", notes="M")["metadata_modified"]
        > made["metadata_modified"]
    )


def test_rights_of_roles(portal: Portal, org: Json, editor: Actor) -> None:
    member = make_actor(portal, "member", "member", org)
    outsider = make_actor(portal, "outsider")
    call(
        portal,
        editor,
        "package_create",
        name="hidden",
        owner_org="so-y-te",
        private="True",
    )
    for actor in (ANONYMOUS, outsider):
        with pytest.raises(NotAuthorized, match="Access denied"):
            call(portal, actor, "package_show", id="hidden")
    assert call(portal, member, "package_show", id="hidden")["private"] is True
    assert call(portal, SYSTEM, "package_list") == []
    for actor in (ANONYMOUS, outsider, member):
        with pytest.raises(NotAuthorized):
            call(portal, actor, "package_create", name="mine", owner_org="so-y-te")
        with pytest.raises(NotAuthorized):
            call(portal, actor, "package_patch", id="hidden", notes="x")
        with pytest.raises(NotAuthorized):
            call(portal, actor, "package_delete", id="hidden")
    with pytest.raises(NotAuthorized):
        call(portal, editor, "dataset_purge", id="hidden")
    call(portal, SYSTEM, "dataset_purge", id="hidden")
    with pytest.raises(NotFound):
        call(portal, SYSTEM, "package_show", id="hidden")


def test_a_dataset_moves_only_where_its_editor_may_write(
    portal: Portal, org: Json, editor: Actor
) -> None:
    make_org(portal, "so-khac")
    call(portal, editor, "package_create", name="xx", owner_org="so-y-te")
    moved = errors_of(portal, editor, "package_patch", id="xx", owner_org="so-khac")
    assert moved == {"owner_org": ["You cannot add a dataset to this organization"]}


def test_drafts_and_restoring(portal: Portal, org: Json, editor: Actor) -> None:
    made = call(
        portal, editor, "package_create", name="xx", owner_org="so-y-te", state="draft"
    )
    assert made["state"] == "active"
    call(portal, editor, "package_patch", id="xx", state="draft")
    assert call(portal, ANONYMOUS, "package_list") == []
    with pytest.raises(NotAuthorized):
        call(portal, ANONYMOUS, "package_show", id="xx")
    assert (
        call(portal, editor, "package_patch", id="xx", state="active")["state"]
        == "active"
    )
    assert call(portal, ANONYMOUS, "package_list") == ["xx"]


def test_groups_need_membership(portal: Portal, org: Json, editor: Actor) -> None:
    call(portal, SYSTEM, "group_create", name="y-te", title="Y tế")
    with pytest.raises(NotAuthorized, match="not authorized to edit these groups"):
        call(
            portal,
            editor,
            "package_create",
            name="xx",
            owner_org="so-y-te",
            groups=[{"name": "y-te"}],
        )
    made = call(
        portal,
        SYSTEM,
        "package_create",
        name="xx",
        owner_org="so-y-te",
        groups=[{"name": "y-te"}],
    )
    assert [(group["name"], group["display_name"]) for group in made["groups"]] == [
        ("y-te", "Y tế")
    ]
    assert (
        call(portal, editor, "package_patch", id="xx", notes="still in")["groups"]
        == made["groups"]
    )


def test_lists_page(portal: Portal, org: Json, editor: Actor) -> None:
    for name in ("aa", "bb", "cc"):
        call(portal, editor, "package_create", name=name, owner_org="so-y-te")
    assert call(portal, ANONYMOUS, "package_list", limit="1", offset="1") == ["bb"]
    newest = call(portal, ANONYMOUS, "current_package_list_with_resources", limit=2)
    assert [dataset["name"] for dataset in newest] == ["cc", "bb"]
    third = call(
        portal, ANONYMOUS, "current_package_list_with_resources", limit=2, page=2
    )
    assert [dataset["name"] for dataset in third] == ["aa"]
    assert "limit" in errors_of(portal, ANONYMOUS, "package_list", limit="-1")
    assert call(portal, ANONYMOUS, "package_list", unknown="x") == ["aa", "bb", "cc"]


def test_show_wants_to_know_which(portal: Portal) -> None:
    assert errors_of(portal, ANONYMOUS, "package_show") == {
        "name_or_id": ["Missing value"]
    }
    with pytest.raises(NotFound, match=r"^Not found$"):
        call(portal, ANONYMOUS, "package_show", id="nothing")


def test_a_province_field_is_changed_where_a_client_knows_it(
    portal: Portal, org: Json, editor: Actor
) -> None:
    made = call(
        portal,
        editor,
        "package_create",
        name="xx",
        owner_org="so-y-te",
        access_kind="open",
        period="2025",
    )
    for extra in made["extras"]:
        if extra["key"] == "access_kind":
            extra["value"] = "shared"
    changed = call(portal, editor, "package_update", **made)
    assert changed["access_kind"] == "shared", (
        "an old client changes the extra and sends the field back as it was"
    )
    changed = call(
        portal, editor, "package_update", **{**changed, "access_kind": "open"}
    )
    assert changed["access_kind"] == "open", (
        "a new client changes the field and sends the extra back as it was"
    )
    cleared = call(portal, editor, "package_patch", id="xx", access_kind="")
    assert ("access_kind" in cleared, cleared["period"]) == (False, "2025")
    assert [extra["key"] for extra in cleared["extras"]] == ["period"]
    bare = [
        {"key": "source_database", "value": "CSDL ngành"},
        {"key": "free", "value": "1"},
    ]
    updated = call(portal, editor, "package_update", id="xx", extras=bare)
    assert (updated["source_database"], "period" in updated) == ("CSDL ngành", False)


def test_a_sysadmin_says_when_a_dataset_was_modified(
    portal: Portal, org: Json, editor: Actor
) -> None:
    made = call(portal, SYSTEM, "package_create", name="xx", owner_org="so-y-te",
                metadata_modified="2020-01-02T03:04:05+07:00")  # fmt: skip
    assert made["metadata_modified"] == "2020-01-01T20:04:05.000000"
    assert (
        call(
            portal,
            ANONYMOUS,
            "package_search",
            fq="metadata_modified:[* TO 2020-12-31T00:00:00Z]",
        )["count"]
        == 1
    )
    again = call(portal, SYSTEM, "package_update", **{**made, "notes": "new"})
    assert again["metadata_modified"] > "2026", (
        "a date that is sent back as it was is not meant"
    )
    ignored = call(
        portal,
        editor,
        "package_patch",
        id="xx",
        notes="mine",
        metadata_modified="2020-01-01T00:00:00",
    )
    assert ignored["metadata_modified"] > "2026"


def test_a_resource_that_comes_back_is_alive(
    portal: Portal, org: Json, editor: Actor
) -> None:
    made = call(
        portal,
        editor,
        "package_create",
        name="xx",
        owner_org="so-y-te",
        resources=[{"name": "a"}],
    )
    call(portal, editor, "package_patch", id="xx", resources=[])
    back = call(portal, editor, "package_patch", id="xx", resources=made["resources"])
    assert [(r["id"], r["state"]) for r in back["resources"]] == [
        (made["resources"][0]["id"], "active")
    ]
