"""Activities, followers and dashboards: what happened, told to those who may know
it.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from portal.access.identity import ANONYMOUS, SYSTEM, Actor
from portal.db import activity as db
from portal.domain.base import now
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.runtime import Portal
from tests.portal.actions.people import call, make_actor, make_org

GUARDS = (
    "portal.actions.followers",
    "portal.db.activity",
    "portal.db.followers",
    "portal.domain.activity",
)
Json = dict[str, Any]


@pytest.fixture
def org(portal: Portal) -> Json:
    return make_org(portal, "org")


@pytest.fixture
def editor(portal: Portal, org: Json) -> Actor:
    return make_actor(portal, "editor", "editor", org)


def types(rows: list[Json]) -> list[str]:
    return [row["activity_type"] for row in rows]


def test_what_happened_to_a_dataset(portal: Portal, org: Json, editor: Actor) -> None:
    made = call(portal, editor, "package_create", name="xx", owner_org="org", title="T")
    call(portal, editor, "package_patch", id="xx", notes="N")
    call(portal, editor, "package_patch", id="xx", notes="N")
    call(portal, editor, "package_delete", id="xx")
    rows = call(portal, editor, "package_activity_list", id="xx")
    assert types(rows) == ["deleted package", "changed package", "new package"], (
        "a patch that changes nothing is none"
    )
    assert {row["user_id"] for row in rows} == {editor.user_id}
    assert rows[1]["data"]["actor"] == "editor"
    assert (
        rows[1]["data"]["package"]["notes"],
        rows[2]["data"]["package"]["notes"],
    ) == ("N", None)
    assert rows[0]["object_id"] == made["id"]
    assert (
        len(call(portal, editor, "package_activity_list", id="xx", limit=1, offset=1))
        == 1
    )
    after = datetime.fromisoformat(rows[1]["timestamp"] + "+00:00").timestamp()
    assert types(
        call(portal, editor, "package_activity_list", id="xx", after=after)
    ) == ["deleted package"]
    assert types(
        call(portal, editor, "package_activity_list", id="xx", before=after)
    ) == ["new package"]
    only = call(
        portal, editor, "package_activity_list", id="xx", activity_types=["new package"]
    )
    assert types(only) == ["new package"]
    rest = call(
        portal,
        editor,
        "package_activity_list",
        id="xx",
        exclude_activity_types='["new package"]',
    )
    assert len(rest) == 2
    with pytest.raises(Invalid):
        call(portal, editor, "package_activity_list", id="xx", limit=-1)


def test_lists_of_people_and_organizations(
    portal: Portal, org: Json, editor: Actor
) -> None:
    call(portal, editor, "package_create", name="xx", owner_org="org")
    assert types(call(portal, ANONYMOUS, "user_activity_list", id="editor")) == [
        "new package",
        "new user",
    ]
    assert types(call(portal, ANONYMOUS, "organization_activity_list", id="org")) == [
        "new package",
        "new organization",
    ]
    assert types(
        call(portal, ANONYMOUS, "recently_changed_packages_activity_list")
    ) == ["new package"]
    call(portal, SYSTEM, "group_create", name="gg")
    assert types(call(portal, ANONYMOUS, "group_activity_list", id="gg")) == [
        "new group"
    ]


def test_nobody_learns_of_private_times(
    portal: Portal, org: Json, editor: Actor
) -> None:
    call(
        portal,
        editor,
        "package_create",
        name="xx",
        owner_org="org",
        notes="public at first",
    )
    call(portal, editor, "package_patch", id="xx", private=True, notes="secret")
    for name in ("recently_changed_packages_activity_list", "dashboard_activity_list"):
        outsider = make_actor(portal, f"outsider-{name[:4]}")
        assert not [
            row
            for row in call(portal, outsider, name)
            if "package" in row["activity_type"]
        ]
    assert len(call(portal, editor, "recently_changed_packages_activity_list")) == 2
    call(portal, editor, "package_patch", id="xx", private=False, notes="public again")
    rows = call(portal, ANONYMOUS, "recently_changed_packages_activity_list")
    assert [row["data"]["package"]["notes"] for row in rows] == [
        "public again",
        "public at first",
    ]
    secret = call(portal, editor, "package_activity_list", id="xx")[1]
    assert secret["data"]["package"]["notes"] == "secret"
    for name in ("activity_show", "activity_data_show", "activity_diff"):
        with pytest.raises(NotFound):
            call(portal, ANONYMOUS, name, id=secret["id"])
    call(portal, editor, "package_delete", id="xx")
    assert call(portal, ANONYMOUS, "recently_changed_packages_activity_list") == []
    call(portal, SYSTEM, "dataset_purge", id="xx")
    assert call(portal, SYSTEM, "recently_changed_packages_activity_list") == []


def test_one_activity_and_what_it_changed(
    portal: Portal, org: Json, editor: Actor
) -> None:
    call(portal, editor, "package_create", name="xx", owner_org="org", notes="before")
    call(portal, editor, "package_patch", id="xx", notes="after <b>")
    changed, new = call(portal, editor, "package_activity_list", id="xx")
    assert call(portal, ANONYMOUS, "activity_show", id=changed["id"]) == changed
    assert (
        call(portal, ANONYMOUS, "activity_show", id=changed["id"], include_data=False)[
            "data"
        ]
        == {}
    )
    assert call(portal, editor, "activity_data_show", id=new["id"])["notes"] == "before"
    for diff_type, sign in (
        ("unified", '+  "notes": "after <b>"'),
        ("context", "! "),
        ("html", "&lt;"),
    ):
        answer = call(
            portal, editor, "activity_diff", id=changed["id"], diff_type=diff_type
        )
        assert sign in answer["diff"]
        assert [each["id"] for each in answer["activities"]] == [
            new["id"],
            changed["id"],
        ]
    with pytest.raises(NotFound):
        call(portal, editor, "activity_diff", id=new["id"])
    with pytest.raises(NotAuthorized):
        call(portal, ANONYMOUS, "activity_diff", id=changed["id"])
    with pytest.raises(NotAuthorized):
        call(portal, ANONYMOUS, "activity_data_show", id=changed["id"])
    told = {
        "user_id": "editor",
        "object_id": new["object_id"],
        "activity_type": "changed package",
    }
    noted = call(
        portal, SYSTEM, "activity_create", **told, data={"package": {"title": "x"}}
    )
    assert noted["data"]["package"] == {"title": "x"}


def test_following_brings_news(portal: Portal, org: Json, editor: Actor) -> None:
    fan = make_actor(portal, "fan")
    package = call(portal, editor, "package_create", name="xx", owner_org="org")
    row = call(portal, fan, "follow_dataset", id="xx")
    assert (row["follower_id"], row["object_id"]) == (fan.user_id, package["id"])
    assert call(portal, fan, "follow_dataset", id="xx") == row
    call(portal, fan, "follow_user", id="editor")
    call(portal, fan, "follow_group", id="org")
    assert call(portal, fan, "am_following_dataset", id="xx") is True
    assert call(portal, fan, "am_following_user", id="editor") is True
    assert call(portal, editor, "am_following_group", id="org") is False
    counts = {"dataset": "xx", "user": "editor", "organization": "org", "group": "org"}
    assert {
        kind: call(portal, ANONYMOUS, f"{kind}_follower_count", id=key)
        for kind, key in counts.items()
    } == (dict.fromkeys(counts, 1))
    assert call(portal, ANONYMOUS, "organization_show", id="org")["num_followers"] == 1
    assert (
        call(portal, SYSTEM, "user_show", id="editor", include_num_followers=True)[
            "num_followers"
        ]
        == 1
    )
    assert [
        u["name"] for u in call(portal, SYSTEM, "dataset_follower_list", id="xx")
    ] == ["fan"]
    assert [
        u["name"] for u in call(portal, SYSTEM, "user_follower_list", id="editor")
    ] == ["fan"]
    assert call(portal, SYSTEM, "group_follower_list", id="org") == call(
        portal, SYSTEM, "organization_follower_list", id="org"
    )
    with pytest.raises(NotAuthorized):
        call(portal, editor, "dataset_follower_list", id="xx")
    assert call(portal, ANONYMOUS, "followee_count", id="fan") == 3
    singles = {
        kind: call(portal, fan, f"{kind}_followee_count", id="fan")
        for kind in ("dataset", "user", "group")
    }
    assert singles == {"dataset": 1, "user": 1, "group": 0}
    assert call(portal, fan, "organization_followee_count", id="fan") == 1
    listed = call(portal, fan, "followee_list", id="fan")
    assert {each["type"] for each in listed} == {"dataset", "user", "organization"}
    assert [
        each["type"] for each in call(portal, fan, "followee_list", id="fan", q="edi")
    ] == ["user"]
    assert call(portal, fan, "group_followee_list", id="fan") == []
    assert [
        g["name"] for g in call(portal, fan, "organization_followee_list", id="fan")
    ] == ["org"]
    assert [u["name"] for u in call(portal, fan, "user_followee_list", id="fan")] == [
        "editor"
    ]
    with pytest.raises(NotAuthorized):
        call(portal, editor, "followee_list", id="fan")
    call(portal, editor, "package_patch", id="xx", notes="news")
    assert call(portal, fan, "dashboard_new_activities_count") > 0
    assert call(portal, fan, "dashboard_activity_list")[0]["is_new"] is True
    call(portal, fan, "dashboard_mark_activities_old")
    assert call(portal, fan, "dashboard_new_activities_count") == 0
    assert not any(
        row["is_new"] for row in call(portal, fan, "dashboard_activity_list")
    )
    call(portal, editor, "package_patch", id="xx", private=True)
    assert call(portal, fan, "dataset_followee_list", id="fan") == []
    for kind, key in (("user", "editor"), ("group", "org")):
        call(portal, fan, f"unfollow_{kind}", id=key)
        with pytest.raises(NotFound):
            call(portal, fan, f"unfollow_{kind}", id=key)
    with pytest.raises(NotAuthorized):
        call(portal, fan, "unfollow_dataset", id="xx")


def test_following_needs_somebody_and_something_else(
    portal: Portal, org: Json, editor: Actor
) -> None:
    with pytest.raises(NotAuthorized, match="logged in"):
        call(portal, ANONYMOUS, "follow_user", id="editor")
    with pytest.raises(Invalid, match="cannot follow yourself"):
        call(portal, editor, "follow_user", id="editor")


def test_old_activities_are_forgotten_where_the_portal_says_so(
    portal: Portal, org: Json
) -> None:
    with portal.work() as uow:
        assert db.forget_before(uow.session, now() - timedelta(days=1)) == 0
        assert db.forget_before(uow.session, now() + timedelta(days=1)) > 0
        uow.commit()
    assert call(portal, ANONYMOUS, "organization_activity_list", id="org") == []
