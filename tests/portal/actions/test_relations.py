"""Relationships, collaborators, bulk updates, vocabularies, views: what ties datasets
to others.
"""

from dataclasses import replace
from typing import Any

import pytest

from portal.access.identity import ANONYMOUS, SYSTEM, Actor
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.runtime import Portal
from tests.portal.actions.people import call, make_actor, make_org

GUARDS = (
    "portal.actions.collaborators",
    "portal.actions.relationships",
    "portal.actions.tags",
    "portal.actions.views",
    "portal.actions.vocabularies",
    "portal.db.collaborators",
    "portal.db.relationships",
    "portal.db.views",
    "portal.db.vocabularies",
    "portal.domain.relations",
    "schemas.social",
)
Json = dict[str, Any]


@pytest.fixture
def org(portal: Portal) -> Json:
    return make_org(portal, "org")


@pytest.fixture
def editor(portal: Portal, org: Json) -> Actor:
    return make_actor(portal, "editor", "editor", org)


@pytest.fixture
def admin(portal: Portal, org: Json) -> Actor:
    return make_actor(portal, "admin", "admin", org)


def dataset(portal: Portal, name: str, **fields: Any) -> Json:
    return dict(
        call(portal, SYSTEM, "package_create", name=name, owner_org="org", **fields)
    )


def error(portal: Portal, actor: Actor, name: str, /, **params: Any) -> Any:
    with pytest.raises(Invalid) as problem:
        call(portal, actor, name, **params)
    return problem.value.errors


def shown(portal: Portal, actor: Actor, name: str) -> tuple[list[Json], list[Json]]:
    package = call(portal, actor, "package_show", id=name)
    return package["relationships_as_subject"], package["relationships_as_object"]


def test_a_relationship_is_told_from_both_sides(
    portal: Portal, org: Json, editor: Actor
) -> None:
    child, parent = dataset(portal, "child"), dataset(portal, "parent")
    told = {"subject": "parent", "object": "child", "type": "parent_of", "comment": "c"}
    made = call(portal, editor, "package_relationship_create", **told)
    assert {key: made[key] for key in told} == told
    assert [
        (r["type"], r["object_package_id"]) for r in shown(portal, editor, "child")[0]
    ] == [("child_of", parent["id"])]
    assert [r["subject_package_id"] for r in shown(portal, editor, "parent")[1]] == [
        child["id"]
    ]
    assert [
        r["type"]
        for r in call(portal, editor, "package_relationships_list", id="parent")
    ] == ["parent_of"]
    assert (
        call(portal, editor, "package_relationships_list", id="parent", rel="child_of")
        == []
    )
    call(
        portal,
        SYSTEM,
        "package_patch",
        id="child",
        notes="a change keeps the relationship",
    )
    assert len(shown(portal, editor, "child")[0]) == 1
    call(
        portal,
        editor,
        "package_relationship_update",
        subject="child",
        object="parent",
        type="child_of",
        comment="d",
    )
    assert shown(portal, editor, "parent")[1][0]["comment"] == "d"
    call(
        portal,
        editor,
        "package_relationship_delete",
        subject="child",
        object="parent",
        type="child_of",
    )
    assert shown(portal, editor, "child") == shown(portal, editor, "parent") == ([], [])
    with pytest.raises(NotFound):
        call(
            portal,
            editor,
            "package_relationship_delete",
            subject="child",
            object="parent",
            type="child_of",
        )


def test_relationships_that_cannot_be(portal: Portal, org: Json, editor: Actor) -> None:
    dataset(portal, "aa"), dataset(portal, "bb")
    same = {"subject": "aa", "object": "aa", "type": "links_to"}
    assert error(portal, editor, "package_relationship_create", **same) == {
        "object": ["A dataset cannot be related to itself"]
    }
    assert "type" in error(
        portal, editor, "package_relationship_create", subject="aa", object="bb", type="married_to"
    )  # fmt: skip
    call(
        portal,
        editor,
        "package_relationship_create",
        subject="aa",
        object="bb",
        type="depends_on",
    )
    again = {"subject": "bb", "object": "aa", "type": "dependency_of"}
    assert "type" in error(portal, editor, "package_relationship_create", **again)


def test_a_relationship_never_tells_of_a_private_dataset(
    portal: Portal, org: Json, editor: Actor
) -> None:
    dataset(portal, "open"), dataset(portal, "secret", private=True)
    call(
        portal,
        editor,
        "package_relationship_create",
        subject="open",
        object="secret",
        type="depends_on",
    )
    assert shown(portal, ANONYMOUS, "open") == ([], [])
    assert call(portal, ANONYMOUS, "package_relationships_list", id="open") == []
    assert len(call(portal, editor, "package_relationships_list", id="open")) == 1
    call(portal, editor, "package_patch", id="secret", private=False)
    assert len(shown(portal, ANONYMOUS, "open")[0]) == 1
    call(portal, editor, "package_delete", id="secret")
    assert shown(portal, ANONYMOUS, "open") == ([], [])
    call(portal, SYSTEM, "dataset_purge", id="secret")
    assert call(portal, editor, "package_relationships_list", id="open") == []


def test_only_those_who_may_edit_both_relate_datasets(
    portal: Portal, org: Json, editor: Actor
) -> None:
    make_org(portal, "other")
    dataset(portal, "mine")
    call(portal, SYSTEM, "package_create", name="theirs", owner_org="other")
    with pytest.raises(NotAuthorized):
        call(
            portal,
            editor,
            "package_relationship_create",
            subject="mine",
            object="theirs",
            type="links_to",
        )


def test_collaborators_are_off_unless_the_portal_allows_them(
    portal: Portal, org: Json
) -> None:
    dataset(portal, "xx")
    message = {"message": "Dataset collaborators not enabled"}
    assert error(portal, SYSTEM, "package_collaborator_list", id="xx") == message
    assert (
        error(portal, SYSTEM, "package_collaborator_list_for_user", id="nobody")
        == message
    )


def test_a_collaborator_reads_and_edits_one_dataset(
    portal: Portal, org: Json, admin: Actor, editor: Actor
) -> None:
    portal = replace(
        portal, settings=replace(portal.settings, dataset_collaborators=True)
    )
    private = dataset(portal, "secret", private=True)
    friend = make_actor(portal, "friend")
    with pytest.raises(NotAuthorized):
        call(portal, friend, "package_show", id="secret")
    with pytest.raises(NotAuthorized):
        call(
            portal,
            editor,
            "package_collaborator_create",
            id="secret",
            user_id="friend",
            capacity="member",
        )
    assert "capacity" in error(
        portal, admin, "package_collaborator_create", id="secret", user_id="friend", capacity="x"
    )  # fmt: skip
    made = call(
        portal,
        admin,
        "package_collaborator_create",
        id="secret",
        user_id="friend",
        capacity="member",
    )
    assert made["state"] == "pending"
    call(portal, friend, "membership_accept", id="secret")
    assert (made["user_id"], made["capacity"]) == (friend.user_id, "member")
    reader = replace(friend, datasets={private["id"]: "member"})
    assert call(portal, reader, "package_show", id="secret")["name"] == "secret"
    found = call(portal, reader, "package_search", q="secret", include_private=True)
    assert [package["name"] for package in found["results"]] == ["secret"]
    with pytest.raises(NotAuthorized):
        call(portal, reader, "package_patch", id="secret", notes="x")
    call(
        portal,
        admin,
        "package_collaborator_create",
        id="secret",
        user_id="friend",
        capacity="editor",
    )
    writer = replace(friend, datasets={private["id"]: "editor"})
    assert call(portal, writer, "package_patch", id="secret", notes="x")["notes"] == "x"
    assert (
        len(
            call(
                portal,
                admin,
                "package_collaborator_list",
                id="secret",
                capacity="editor",
            )
        )
        == 1
    )
    listed = call(portal, writer, "package_collaborator_list_for_user", id="friend")
    assert [each["package_id"] for each in listed] == [private["id"]]
    call(portal, admin, "package_collaborator_delete", id="secret", user_id="friend")
    with pytest.raises(NotFound):
        call(
            portal, admin, "package_collaborator_delete", id="secret", user_id="friend"
        )


def test_bulk_updates_are_for_admins_and_change_all_or_none(
    portal: Portal, org: Json, admin: Actor, editor: Actor
) -> None:
    ids = [dataset(portal, name)["id"] for name in ("aa", "bb")]
    make_org(portal, "other")
    foreign = call(portal, SYSTEM, "package_create", name="cc", owner_org="other")["id"]
    with pytest.raises(NotAuthorized):
        call(portal, editor, "bulk_update_private", datasets=ids, org_id="org")
    with pytest.raises(NotFound):
        call(
            portal, admin, "bulk_update_private", datasets=[*ids, foreign], org_id="org"
        )
    assert call(portal, ANONYMOUS, "package_search")["count"] == 3
    assert (
        call(portal, admin, "bulk_update_private", datasets=ids, org_id="org") is None
    )
    assert call(portal, ANONYMOUS, "package_list") == ["cc"]
    call(portal, admin, "bulk_update_public", datasets=ids, org_id="org")
    assert call(portal, ANONYMOUS, "package_list") == ["aa", "bb", "cc"]
    call(portal, admin, "bulk_update_delete", datasets=ids, org_id="org")
    assert call(portal, ANONYMOUS, "package_search")["count"] == 1


def test_a_dataset_moves_to_another_organization_and_stays_there(
    portal: Portal, org: Json, editor: Actor
) -> None:
    other = make_org(portal, "other")
    dataset(portal, "xx")
    with pytest.raises(NotAuthorized):
        call(
            portal, editor, "package_owner_org_update", id="xx", organization_id="other"
        )
    assert (
        call(
            portal, SYSTEM, "package_owner_org_update", id="xx", organization_id="other"
        )
        is None
    )
    patched = call(portal, SYSTEM, "package_patch", id="xx", notes="n")
    assert (patched["owner_org"], patched["organization"]["name"]) == (
        other["id"],
        "other",
    )
    assert (
        call(portal, ANONYMOUS, "package_search", fq="organization:other")["count"] == 1
    )
    wrong = error(
        portal, SYSTEM, "package_owner_org_update", id="xx", organization_id="nowhere"
    )
    assert wrong == {"owner_org": ["Organization does not exist"]}


def test_a_vocabulary_and_its_tags(portal: Portal, org: Json, editor: Actor) -> None:
    made = call(
        portal,
        SYSTEM,
        "vocabulary_create",
        name="mien",
        tags=[{"name": "biển"}, {"name": "núi"}],
    )
    assert [tag["name"] for tag in made["tags"]] == ["biển", "núi"]
    tags = [{"name": "núi", "vocabulary_id": made["id"]}, {"name": "free"}]
    package = dataset(portal, "xx", tags=tags)
    assert {tag["name"]: tag["vocabulary_id"] for tag in package["tags"]} == {
        "free": None,
        "núi": made["id"],
    }
    assert call(portal, ANONYMOUS, "package_search", fq="vocab_mien:núi")["count"] == 1
    assert call(portal, ANONYMOUS, "tag_list") == ["free"]
    wrong = [{"name": "đồi", "vocabulary_id": made["id"]}]
    assert error(portal, SYSTEM, "package_patch", id="xx", tags=wrong) == {
        "tags": ["Tag đồi does not belong to vocabulary mien"]
    }
    added = call(portal, SYSTEM, "tag_create", name="đồi", vocabulary_id="mien")
    assert added["vocabulary_id"] == made["id"]
    assert len(call(portal, ANONYMOUS, "vocabulary_show", id="mien")["tags"]) == 3
    assert "tags" in error(
        portal,
        SYSTEM,
        "vocabulary_update",
        id="mien",
        name="mien",
        tags=[{"name": "biển"}],
    )
    call(portal, SYSTEM, "tag_delete", id="núi", vocabulary_id="mien")
    assert [
        tag["name"] for tag in call(portal, ANONYMOUS, "package_show", id="xx")["tags"]
    ] == ["free"]
    renamed = call(
        portal,
        SYSTEM,
        "vocabulary_update",
        id="mien",
        name="vung",
        tags=[{"name": "biển"}],
    )
    assert ([tag["name"] for tag in renamed["tags"]], renamed["name"]) == (
        ["biển"],
        "vung",
    )
    assert "message" in error(portal, SYSTEM, "vocabulary_delete", id="vung")
    call(portal, SYSTEM, "tag_delete", id="biển", vocabulary_id="vung")
    call(portal, SYSTEM, "vocabulary_delete", id="vung")
    assert call(portal, ANONYMOUS, "vocabulary_list") == []
    with pytest.raises(NotAuthorized):
        call(portal, editor, "vocabulary_create", name="zz", tags=[])


def test_views_of_a_resource(portal: Portal, org: Json, editor: Actor) -> None:
    package = dataset(
        portal,
        "xx",
        resources=[{"url": "http://example.vn/a.pdf"}, {"url": "http://example.vn/b"}],
    )
    resource = package["resources"][0]["id"]
    assert call(portal, ANONYMOUS, "resource_view_list", id=resource) == []
    made = call(portal, editor, "package_create_default_resource_views", id="xx")
    assert [view["view_type"] for view in made] == ["pdf_view"]
    assert (
        call(
            portal,
            editor,
            "resource_create_default_resource_views",
            resource_id=resource,
        )
        == []
    )
    view = call(
        portal, editor, "resource_view_create",
        resource_id=resource, title="Web", view_type="webpage_view", page_url="http://example.vn",
    )  # fmt: skip
    assert view["page_url"] == "http://example.vn"
    assert "view_type" in error(
        portal, editor, "resource_view_create", resource_id=resource, title="t", view_type="x"
    )  # fmt: skip
    order = [view["id"], made[0]["id"]]
    call(portal, editor, "resource_view_reorder", id=resource, order=order)
    assert [
        each["id"]
        for each in call(portal, ANONYMOUS, "resource_view_list", id=resource)
    ] == order
    changed = call(portal, editor, "resource_view_update", id=view["id"], title="Web 2")
    assert (changed["title"], "page_url" in changed) == ("Web 2", False)
    with pytest.raises(NotAuthorized):
        call(portal, ANONYMOUS, "resource_view_delete", id=view["id"])
    call(portal, editor, "resource_view_delete", id=view["id"])
    with pytest.raises(NotFound):
        call(portal, ANONYMOUS, "resource_view_show", id=view["id"])
    call(portal, SYSTEM, "resource_view_clear", view_types=["pdf_view"])
    assert call(portal, ANONYMOUS, "resource_view_list", id=resource) == []
    call(portal, editor, "package_patch", id="xx", private=True)
    with pytest.raises(NotAuthorized):
        call(portal, ANONYMOUS, "resource_view_list", id=resource)
