"""The protocol of the Action API, as unmodified clients rely on it."""

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import ckanapi
import pytest
import zstandard
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.access.policy import Permission
from portal.actions.registry import ACTIONS, NoParams, action
from portal.runtime import Portal

GUARDS = (
    "portal.actions.site",
    "portal.db.site",
    "portal.domain.site",
    "portal.runtime",
    "portal.web.app",
    "portal.web.body",
    "portal.web.envelope",
    "portal.web.environ",
    "portal.web.errors",
    "portal.web.operators",
    "portal.web.util",
)
ACTION = "/api/3/action/"


def made(
    client: FlaskClient, token: str, name: str = "xx", **fields: Any
) -> dict[str, Any]:
    """A dataset, created through HTTP."""
    answer = client.post(
        ACTION + "package_create",
        json={"name": name, "owner_org": "org", **fields},
        headers={"Authorization": token},
    )
    assert answer.status_code == 200, answer.get_json()
    return dict(answer.get_json()["result"])


def test_the_envelope(client: FlaskClient, portal: Portal) -> None:
    answer = client.get(ACTION + "status_show")
    assert answer.content_type == "application/json;charset=utf-8"
    body = answer.get_json()
    assert (
        body["help"] == f"{portal.settings.site_url}{ACTION}help_show?name=status_show"
    )
    assert (body["success"], body["result"]["ckan_version"]) == (True, "2.12.0")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer.headers
    assert (
        client.get(ACTION + "status_show", headers={"X-Request-Id": "abc-1"}).headers[
            "X-Request-Id"
        ]
        == "abc-1"
    )


def test_what_no_envelope_holds(client: FlaskClient) -> None:
    for answer, text in (
        (client.get(ACTION + "nope"), "Bad request: Action name not known: nope"),
        (client.get(ACTION + "package_create"), "Please use POST method"),
        (
            client.post(
                ACTION + "package_show", data="{", content_type="application/json"
            ),
            "Error decoding JSON",
        ),
        (
            client.post(ACTION + "package_show", json=[1]),
            "decoded to [1] but it needs to be a dictionary",
        ),
    ):
        assert answer.status_code == 400
        assert isinstance(answer.get_json(), str)
        assert text in answer.get_json()
    assert client.put(ACTION + "package_show").status_code == 405


@pytest.mark.parametrize(
    ("action", "params", "status", "kind"),
    [
        ("package_show", {}, 409, "Validation Error"),
        ("package_show", {"id": "nothing"}, 404, "Not Found Error"),
        ("package_create", {"name": "xx"}, 403, "Authorization Error"),
        ("package_search", {"sort": "zz"}, 400, "Search Query Error"),
        ("package_search", {"q": "{!x}"}, 409, "Search Error"),
    ],
)
def test_errors_have_cktypes(
    client: FlaskClient, action: str, params: Any, status: int, kind: str
) -> None:
    answer = client.post(ACTION + action, json=params)
    assert (answer.status_code, answer.get_json()["success"]) == (status, False)
    assert answer.get_json()["error"]["__type"] == kind


def test_integrity_errors_echo_the_data(client: FlaskClient, token: str) -> None:
    body = {"name": "xx", "owner_org": "org", "tags": ["a"]}
    answer = client.post(
        ACTION + "package_create", json=body, headers={"Authorization": token}
    )
    error = answer.get_json()["error"]
    assert (answer.status_code, error["__type"], error["data"]["tags"]) == (
        400,
        "Integrity Error",
        ["a"],
    )


def test_bodies_in_every_form(client: FlaskClient, token: str) -> None:
    made(client, token)
    ask = ACTION + "package_show"
    answers = (
        client.get(ask, query_string={"id": "xx"}),
        client.post(ask, data={"id": "xx"}),
        client.post(ask, json={"id": "xx"}),
        client.post(
            ask, data='{"id": "xx"}', content_type="application/x-www-form-urlencoded"
        ),
        client.post(ask, data='{"id": "xx"}', content_type="text/plain"),
        client.post(ask + "?id=xx", json={"id": "other"}),
        client.get("/api/action/package_show?id=xx"),
        client.get("/vi/api/3/action/package_show?id=xx"),
    )
    assert [answer.get_json().get("success") for answer in answers] == [True] * len(
        answers
    )
    assert "/vi/api/3/action/help_show" in answers[-1].get_json()["help"]
    many = client.get(
        ACTION + "package_search?facet.field=organization&facet.field=tags&rows=0"
    )
    assert set(many.get_json()["result"]["search_facets"]) == {"organization", "tags"}


def test_tokens_in_their_headers(client: FlaskClient, token: str) -> None:
    made(client, token, private=True)
    for headers in (
        {"Authorization": token},
        {"X-CKAN-API-Key": token},
        {"Authorization": f"Bearer {token}"},
    ):
        assert (
            client.get(ACTION + "package_show?id=xx", headers=headers).status_code
            == 200
        )
    for headers in ({}, {"Authorization": "garbage"}):
        answer = client.get(ACTION + "package_show?id=xx", headers=headers)
        assert answer.status_code == 403
        assert "xx" not in answer.get_json()["error"]["message"]


def test_jsonp_drops_the_token(client: FlaskClient, token: str) -> None:
    made(client, token, private=True)
    answer = client.get(
        ACTION + "package_show?id=xx&callback=f", headers={"Authorization": token}
    )
    assert answer.status_code == 403
    answer = client.get(ACTION + "site_read?callback=f")
    assert answer.mimetype == "application/javascript"
    assert answer.get_data(as_text=True).startswith("/**/f({")


def test_head_conditional_and_packed(client: FlaskClient, token: str) -> None:
    made(client, token, notes="dài " * 2000)
    head = client.head(ACTION + "package_show?id=xx")
    assert (head.status_code, head.get_data()) == (200, b"")
    first = client.get(ACTION + "package_show?id=xx")
    again = client.get(
        ACTION + "package_show?id=xx", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.get_data()) == (304, b"")
    for coding, unpack in {
        "gzip": gzip.decompress,
        "zstd": zstandard.decompress,
    }.items():
        packed = client.get(
            ACTION + "package_show?id=xx", headers={"Accept-Encoding": coding}
        )
        assert packed.headers["Content-Encoding"] == coding
        assert len(packed.get_data()) < len(first.get_data()) / 5
        assert unpack(packed.get_data()) == first.get_data()


def test_versions_of_the_api(client: FlaskClient) -> None:
    assert client.get("/api").get_json() == {"version": 1}
    assert client.get("/api/3").get_json() == {"version": 3}
    assert client.get("/api/4").status_code == 404


def test_a_body_over_the_limit(client: FlaskClient, portal: Portal) -> None:
    size = portal.settings.max_request_size * 1024 * 1024 + 1
    answer = client.post(
        ACTION + "package_search",
        data=b"{" + b" " * size,
        content_type="application/json",
    )
    assert answer.status_code == 413


@pytest.fixture
def broken() -> Iterator[str]:
    """An action that fails as only a fault of our own can."""

    def broken_action(ctx: object, target: object, params: object) -> None:
        """Fail, with a text that nobody outside may read."""
        raise RuntimeError("SELECT secret FROM /var/lib")

    action(NoParams, allow=Permission.ANYONE, safe=True)(broken_action)
    yield "broken_action"
    del ACTIONS["broken_action"]


def test_what_is_unexpected_shows_nothing_of_itself(
    client: FlaskClient, broken: str
) -> None:
    answer = client.get(ACTION + broken)
    assert (answer.status_code, answer.get_json()["error"]["__type"]) == (
        500,
        "Internal Server Error",
    )
    assert "secret" not in answer.get_data(as_text=True)
    assert answer.headers["X-Request-Id"] in answer.get_json()["error"]["message"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=10,
)
FIELDS = (
    "id",
    "name",
    "q",
    "fq",
    "rows",
    "sort",
    "tags",
    "extras",
    "resources",
    "groups",
    "owner_org",
    "filters",
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    action=st.sampled_from(
        ("package_show", "package_search", "package_create", "package_patch", "datastore_search", "organization_list",
         "user_show", "tag_list", "resource_create", "harvest_source_create", "group_list", "member_list",
         "organization_create", "user_create", "resource_search", "package_autocomplete")
    ),
    body=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5) | JSON,
)  # fmt: skip
def test_no_body_is_a_server_error(
    client: FlaskClient, token: str, action: str, body: Any
) -> None:
    headers = {"Authorization": token}
    answer = client.post(
        ACTION + action,
        data=json.dumps(body),
        content_type="application/json",
        headers=headers,
    )
    assert answer.status_code < 500, (action, body, answer.get_data(as_text=True))


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    body=st.binary(max_size=200),
    kind=st.sampled_from(("application/json", "multipart/form-data; boundary=x", "")),
)
def test_no_bytes_are_a_server_error(
    client: FlaskClient, body: bytes, kind: str
) -> None:
    assert (
        client.post(ACTION + "package_show", data=body, content_type=kind).status_code
        < 500
    )


def test_ckanapi_over_a_real_socket(address: str, token: str) -> None:
    with ckanapi.RemoteCKAN(address, apikey=token) as ckan:
        dataset = ckan.action.package_create(
            name="from-ckanapi", owner_org="org", tags=[{"name": "y te"}]
        )
        resource = ckan.action.resource_create(
            package_id=dataset["id"], upload=("a.csv", io.BytesIO(b"ma\n00001\n"))
        )
        assert resource["url_type"] == "upload"
        assert ckan.action.package_search(q="from-ckanapi")["count"] == 1
        with pytest.raises(ckanapi.NotFound):
            ckan.action.package_show(id="nothing")
        with pytest.raises(ckanapi.ValidationError) as problem:
            ckan.action.package_create(name="Bad Name")
        assert "name" in problem.value.error_dict
    with ckanapi.RemoteCKAN(address) as nobody, pytest.raises(ckanapi.NotAuthorized):
        nobody.action.package_create(name="nope", owner_org="org")


def test_an_update_that_changes_something_names_it(
    client: FlaskClient, token: str
) -> None:
    package = made(client, token)
    headers = {"Authorization": token}
    changed = client.post(
        ACTION + "package_update", json={**package, "notes": "new"}, headers=headers
    ).get_json()
    assert changed["changed_entities"] == {"packages": [package["id"]]}
    again = client.post(
        ACTION + "package_update", json=changed["result"], headers=headers
    ).get_json()
    patched = client.post(
        ACTION + "package_patch", json={"id": "xx", "notes": "x"}, headers=headers
    ).get_json()
    assert "changed_entities" not in {**again, **patched}


def test_scripts_ask_for_translations(client: FlaskClient) -> None:
    assert client.get("/api/i18n/vi").get_json()[""]["lang"] == "vi"
