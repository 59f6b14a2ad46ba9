"""Atom feeds: well formed, paged, conditional, and only of what everybody may read."""

from typing import Any

import defusedxml.ElementTree as Xml
import pytest
from flask.testing import FlaskClient

from portal.access.identity import SYSTEM
from portal.runtime import Portal
from tests.portal.actions.people import call

GUARDS = ("portal.web.paging",)
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def catalogue(portal: Portal, token: str) -> None:
    call(portal, SYSTEM, "group_create", name="y-te", title="Y tế")
    for number in range(25):
        fields: dict[str, Any] = (
            {"tags": [{"name": "hai từ"}], "groups": [{"name": "y-te"}]}
            if number % 2
            else {}
        )
        call(
            portal,
            SYSTEM,
            "package_create",
            name=f"d{number:02}",
            title=f"Bộ <{number}>",
            owner_org="org",
            **fields,
        )
    call(
        portal,
        SYSTEM,
        "package_create",
        name="secret",
        owner_org="org",
        private=True,
        notes="\x01 hidden",
    )
    call(portal, SYSTEM, "package_patch", id="d00", notes="ký tự \x01 lạ & <thẻ>")


def read(client: FlaskClient, path: str, token: str = "") -> Any:
    answer = client.get(path, headers={"Authorization": token} if token else {})
    assert (answer.status_code, answer.mimetype) == (200, "application/atom+xml")
    return Xml.fromstring(answer.get_data())


def titles(feed: Any) -> list[str]:
    return [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")]


def links(feed: Any) -> dict[str, str]:
    return {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}


def test_all_datasets_page_by_page(
    client: FlaskClient, token: str, catalogue: None
) -> None:
    first = read(client, "/feeds/dataset.atom", token)
    assert titles(first)[0] == "Bộ <0>", "the last changed comes first"
    assert next(first.iter(f"{ATOM}summary")).text == "ký tự  lạ & <thẻ>"
    following = links(first)["next"].split("5000", 1)[1]
    second = read(client, following)
    assert (len(titles(first)), len(titles(second))) == (20, 5)
    assert len({*titles(first), *titles(second)}) == 25
    assert "next" not in links(second)
    assert first.findtext(f"{ATOM}updated").endswith("Z")


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("/feeds/organization/org.atom", 20),
        ("/feeds/group/y-te.atom", 12),
        ("/feeds/tag/hai%20t%E1%BB%AB.atom", 12),
        ("/feeds/custom.atom?q=&tags=hai+t%E1%BB%AB", 12),
        ("/feeds/custom.atom?q=bo", 20),
        ("/feeds/custom.atom?fq=groups:y-te&_track=1&organization=", 12),
        ("/feeds/custom.atom?name=d03&sort=name+asc", 1),
        ("/vi/feeds/tag/none.atom", 0),
    ],
)
def test_feeds_of_parts(
    client: FlaskClient, token: str, catalogue: None, path: str, count: int
) -> None:
    feed = read(client, path, token)
    assert len(titles(feed)) == count
    assert "secret" not in "".join(titles(feed))


def test_a_feed_is_asked_for_again(client: FlaskClient, catalogue: None) -> None:
    first = client.get("/feeds/dataset.atom")
    again = client.get(
        "/feeds/dataset.atom", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304


def test_mistakes_are_told(
    client: FlaskClient, portal: Portal, catalogue: None
) -> None:
    assert client.get("/feeds/organization/nobody.atom").status_code == 404
    assert client.get("/feeds/dataset.atom?page=x").status_code == 400
    for page in ("999999", "²", "٣", "1" * 5000):
        assert client.get(f"/feeds/dataset.atom?page={page}").status_code == 400
    assert client.get("/feeds/custom.atom?q={!x}").status_code == 409
