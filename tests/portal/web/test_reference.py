"""The description of the API, and the page that tries it."""

import re

import jsonschema
from flask.testing import FlaskClient

from portal.actions.registry import ACTIONS
from portal.web.reference import WORDS

GUARDS = (
    "portal.web.descriptions",
    "portal.web.openapi",
    "portal.web.openapi_fields",
)


def test_every_action_is_described(client: FlaskClient) -> None:
    answer = client.get("/api/3/openapi.json")
    described = answer.get_json()
    assert described["openapi"] == "3.1.0"
    assert set(described["paths"]) == {f"/api/3/action/{name}" for name in ACTIONS}
    for name, declared in ACTIONS.items():
        path = described["paths"][f"/api/3/action/{name}"]
        assert set(path) == ({"get", "post"} if declared.safe else {"post"})
        for operation in path.values():
            jsonschema.Draft202012Validator.check_schema(
                operation["responses"]["200"]["content"]["application/json"]["schema"]
            )
        for content in path["post"]["requestBody"]["content"].values():
            jsonschema.Draft202012Validator.check_schema(content["schema"])
    again = client.get(
        "/api/3/openapi.json", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert (again.status_code, again.get_data()) == (304, b"")


def test_parameters_are_those_that_are_checked(client: FlaskClient) -> None:
    paths = client.get("/api/3/openapi.json").get_json()["paths"]
    search = {
        each["name"]: each
        for each in paths["/api/3/action/package_search"]["get"]["parameters"]
    }
    assert search["rows"]["schema"] == {"type": "integer", "default": 10}
    assert {"facet.field", "fq_list", "defType"} <= set(search)
    create = paths["/api/3/action/package_create"]["post"]
    body = create["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["name", "owner_org"]
    assert body["properties"]["resources"]["items"]["properties"]["size"]["type"] == [
        "integer",
        "null",
    ]
    assert create["security"] == [{"token": []}]
    upload = paths["/api/3/action/resource_create"]["post"]["requestBody"]["content"][
        "multipart/form-data"
    ]["schema"]
    assert (
        upload["properties"]["upload"]["contentMediaType"] == "application/octet-stream"
    )
    known = client.get("/api/3/openapi.json").get_json()["components"]["schemas"]
    problem = client.post(
        "/api/3/action/package_show", json={"id": "nothing"}
    ).get_json()
    jsonschema.validate(problem, known["Error"])


def test_the_page_needs_no_other_host_and_runs_no_text(client: FlaskClient) -> None:
    for prefix, lang in (("/vi", "vi"), ("/en", "en")):
        answer = client.get(f"{prefix}/api/docs")
        text = answer.get_data(as_text=True)
        assert f'<html lang="{lang}">' in text
        assert WORDS["token"].in_(lang) in text
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert not re.search(r"(src|href)=\"(https?:)?//", text)
        assert not re.search(r"<script(?! src=)|\son\w+=|style=", text)
    script = client.get("/api/docs/api.js")
    assert (script.status_code, script.mimetype) == (200, "text/javascript")
    assert not re.search(r"\beval\(|innerHTML|https?://", script.get_data(as_text=True))
    assert client.get("/api/docs/api.css").mimetype == "text/css"
    assert client.get("/api/docs/../app.py").status_code == 404
