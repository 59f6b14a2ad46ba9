"""Short lists for people who type, and resource_search."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.errors import Invalid
from portal.runtime import Portal
from portal.web.app import create_app
from tests.portal.actions.people import Json, call, make_actor, make_org

GUARDS = ("portal.db.finding",)


@pytest.fixture
def filled(portal: Portal) -> Json:
    org = make_org(portal, "so-y-te")
    for name, title, private in (
        ("benh-vien", "Bệnh viện tỉnh", False),
        ("mat", "Bệnh viện mật", True),
    ):
        resources = [
            {
                "url": f"https://example.vn/{name}.csv",
                "format": "CSV",
                "name": f"Bảng {name}",
            }
        ]
        described: Json = {
            "name": name,
            "title": title,
            "private": private,
            "resources": resources,
        }
        call(
            portal,
            SYSTEM,
            "package_create",
            owner_org="so-y-te",
            tag_string=f"the-{name}",
            **described,
        )
    call(portal, SYSTEM, "group_create", name="y-te", title="Y tế")
    return org


def test_what_is_typed_is_completed_and_hides_what_is_private(
    portal: Portal, filled: Json
) -> None:
    (hit,) = call(portal, ANONYMOUS, "package_autocomplete", q="benh vi")
    assert (hit["name"], hit["match_field"], hit["match_displayed"]) == (
        "benh-vien", "title", "Bệnh viện tỉnh (benh-vien)"
    )  # fmt: skip
    assert (
        call(portal, ANONYMOUS, "package_autocomplete", q="nh-vi")[0]["match_field"]
        == "name"
    )
    member = make_actor(portal, "member", "member", filled)
    assert len(call(portal, member, "package_autocomplete", q="benh")) == 2
    assert [
        o["name"]
        for o in call(portal, ANONYMOUS, "organization_autocomplete", q="y-te")
    ] == ["so-y-te"]
    assert [
        g["title"] for g in call(portal, ANONYMOUS, "group_autocomplete", q="y")
    ] == ["Y tế"]
    assert call(portal, ANONYMOUS, "format_autocomplete", q="c") == ["csv"]
    for action in ("package_autocomplete", "format_autocomplete"):
        with pytest.raises(Invalid):
            call(portal, ANONYMOUS, action, q=" ")
        assert isinstance(call(portal, ANONYMOUS, action, q='"*:(\\'), list)


def test_suggestions_complete_and_correct_and_hide_what_is_private(
    portal: Portal, filled: Json
) -> None:
    assert call(portal, ANONYMOUS, "search_suggest", q="benh vi") == {
        "datasets": [{"name": "benh-vien", "title": "Bệnh viện tỉnh"}],
        "did_you_mean": None,
    }
    assert (
        call(portal, ANONYMOUS, "search_suggest", q="benh vein")["did_you_mean"]
        == "benh viện"
    )
    assert call(portal, ANONYMOUS, "search_suggest", q="matt") == {
        "datasets": [],
        "did_you_mean": None,
    }
    assert call(portal, ANONYMOUS, "search_suggest", q="{!x}")["datasets"] == []


def test_resources_are_found_in_public_datasets_only(
    portal: Portal, filled: Json
) -> None:
    found = call(portal, SYSTEM, "resource_search", query="name:bảng")
    assert (found["count"], found["results"][0]["name"]) == (1, "Bảng benh-vien")
    both = call(
        portal,
        ANONYMOUS,
        "resource_search",
        query=["format:csv", "url:benh"],
        order_by="name",
        limit=0,
    )
    assert both == {"count": 1, "results": []}
    for wrong in ("csv", "nope:x", "format:", [], [1], 7):
        with pytest.raises(Invalid):
            call(portal, ANONYMOUS, "resource_search", query=wrong)


@pytest.fixture
def client(portal: Portal) -> FlaskClient:
    return create_app(portal).test_client()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "/api/util/dataset/autocomplete?incomplete=benh",
            lambda body: body["ResultSet"]["Result"][0]["name"],
        ),
        (
            "/api/2/util/tag/autocomplete?incomplete=the",
            lambda body: body["ResultSet"]["Result"][0]["Name"],
        ),
        ("/api/util/group/autocomplete?q=y", lambda body: body[0]["name"]),
        (
            "/api/util/resource/format_autocomplete?incomplete=c",
            lambda body: body["ResultSet"]["Result"][0]["Format"],
        ),
    ],
)
def test_util_routes(
    client: FlaskClient, filled: Json, path: str, expected: Any
) -> None:
    answer = client.get(path)
    assert (answer.status_code, expected(answer.get_json())) in {
        (200, "benh-vien"), (200, "the-benh-vien"), (200, "y-te"), (200, "csv")
    }  # fmt: skip
    assert client.get(path.split("?")[0]).status_code == 200
    assert client.get("/api/util/nothing/autocomplete").status_code == 404
