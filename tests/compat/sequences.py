"""What clients that cannot be installed here ask, call by call and with their own
headers and bodies.
"""

import time
from typing import Any

import httpx

from tests.compat.server import Missing, Place, await_check

Json = dict[str, Any]


def _get(place: Place, path: str, **query: Any) -> Json:
    answer = httpx.get(place.url + path, params=query or None, timeout=30)
    assert answer.status_code == 200, answer.text[:300]
    return dict(answer.json())


def harvester(place: Place) -> str:
    """ckanext-harvest: pages of a hundred by id until an empty one, then the
    organization and the groups.
    """
    seen: list[Json] = []
    for start in range(0, 1000, 100):
        page = _get(
            place, "/api/3/action/package_search", rows=100, start=start, sort="id asc",
            fq=(
                "metadata_modified:[2020-01-01T00:00:00.123456Z TO *] "
                "organization:so-y-te OR organization:khac"
            ),
        )["result"]["results"]  # fmt: skip
        if not page:
            break
        seen += page
    assert seen
    assert [each["id"] for each in seen] == sorted({each["id"] for each in seen})
    owner = _get(place, "/api/action/organization_show", id=seen[0]["owner_org"])[
        "result"
    ]
    assert owner["name"] == "so-y-te"
    assert _get(place, "/api/action/group_show", id="y-te")["result"]["name"] == "y-te"
    excluded = _get(
        place,
        "/api/3/action/package_search",
        rows=100,
        fq="-organization:so-y-te",
        sort="id asc",
    )
    assert excluded["result"]["count"] == 0
    return f"{len(seen)} datasets"


def datapusher(place: Place) -> str:
    """datapusher: drop the table, create it in pieces with its types, note the
    resource.
    """

    def post(action: str, body: Json) -> httpx.Response:
        return httpx.post(f"{place.url}/api/3/action/{action}", json=body,
                          headers={"Authorization": place.token}, timeout=60)  # fmt: skip

    dataset = post(
        "package_create", {"name": f"push-{time.time_ns()}", "owner_org": "so-y-te"}
    ).json()["result"]
    resource = post(
        "resource_create",
        {"package_id": dataset["id"], "url": "http://example.vn/a.csv"},
    ).json()["result"]
    key = resource["id"]
    assert post("resource_show", {"id": key}).status_code == 200
    assert post("datastore_search", {"id": key, "limit": 0}).status_code == 404
    gone = post("datastore_delete", {"id": key, "force": True})
    created = post("datastore_create", {
        "resource_id": key, "force": True, "calculate_record_count": True,
        "fields": [{"id": "ma", "type": "text"}, {"id": "so", "type": "numeric"}],
        "records": [{"ma": "00001", "so": 1.5}],
    })  # fmt: skip
    if "Action name not known" in created.text:
        raise Missing("there is no action datastore_create")
    assert gone.status_code in (200, 404), gone.text[:300]
    assert created.status_code == 200, created.text[:300]
    updated = post(
        "resource_update",
        {**resource, "url_type": "datapusher", "datastore_active": True},
    )
    assert updated.status_code == 200, updated.text[:300]
    found = post("datastore_search", {"id": key})
    assert found.status_code == 200, found.text[:300]
    assert found.json()["result"]["records"][0]["ma"] == "00001"
    return "delete, create, update, search"


def ckanr(place: Place) -> str:
    """ckanr: form bodies, both headers, POST with a query string and an empty JSON
    body.
    """
    headers = {"Authorization": place.token, "X-CKAN-API-Key": place.token}
    assert _get(place, "/api/3/action/status_show")["result"][
        "ckan_version"
    ].startswith("2.")
    form = {"name": f"ckanr-{time.time_ns()}", "title": "Từ R", "owner_org": "so-y-te"}
    made = httpx.post(
        f"{place.url}/api/3/action/package_create",
        data=form,
        headers=headers,
        timeout=30,
    )
    assert made.status_code == 200, made.text[:300]
    found = httpx.post(
        f"{place.url}/api/3/action/package_search", params={"q": "title:R", "rows": 3}, content=b"{}",
        headers={**headers, "Content-Type": "application/json"}, timeout=30,
    ).json()["result"]  # fmt: skip
    assert found["count"] >= 1
    assert len(found["results"]) <= 3
    for action, query in (("package_list", {"limit": 5}), ("tag_list", {}), ("license_list", {}), ("user_list", {}),
                          ("group_list", {"all_fields": True}), ("organization_list", {"sort": "name"})):  # fmt: skip
        assert isinstance(
            _get(place, f"/api/3/action/{action}", **query)["result"], list
        ), action
    changed = httpx.post(f"{place.url}/api/3/action/package_patch", headers=headers,
                         data={"id": form["name"], "notes": "từ ckanr"}, timeout=30)  # fmt: skip
    assert changed.json()["result"]["notes"] == "từ ckanr"
    gone = httpx.post(
        f"{place.url}/api/3/action/package_delete",
        data={"id": form["name"]},
        headers=headers,
    )
    assert gone.json()["success"] is True
    failed = httpx.get(
        f"{place.url}/api/3/action/package_show", params={"id": "nothing"}
    )
    assert set(failed.json()["error"]) == {"__type", "message"}
    return "status, create, search, lists, patch, delete, error"


def qgis(place: Place) -> str:
    """QGIS CKAN Browser: the tree of groups, an unescaped filter, HEAD on a file."""
    await_check(place, "benh-vien")
    groups = _get(place, "/api/3/action/group_list", all_fields="true")["result"]
    assert groups[0]["display_name"]
    address = f"{place.url}/api/3/action/package_search?q=benh&fq=(groups:y-te+OR+groups:khac)&sort=name+asc&rows=10"
    found = httpx.get(address).json()["result"]
    assert found["count"] == 1
    link = found["results"][0]["resources"][0]["url"]
    head = httpx.head(link, follow_redirects=True)
    assert (head.status_code, int(head.headers["Content-Length"]) > 0) == (200, True)
    assert httpx.get(link).content.startswith(b"ma,ten")
    error = httpx.get(f"{place.url}/api/3/action/group_show?id=nothing").json()
    assert error["error"]["message"]
    return (
        f"{len(groups)} groups, {found['count']} dataset, "
        f"{head.headers['Content-Length']} bytes"
    )
