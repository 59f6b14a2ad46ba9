"""Links and redirects begin with the portal's own address, whatever host a client
names.
"""

import pytest
from flask.testing import FlaskClient

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.runtime import Portal

HOSTS = ("other.example", "other.example:80", "127.0.0.1:1", "x/../y", "")
PAGES = (
    "/dataset", "/vi/dataset", "/dataset?q=a%20b", "/catalog", "/", "/dataset/xx", "/organization/org", "/catalog.ttl",
    "/data.json", "/feeds/dataset.atom", "/dataset/xx.jsonld", "/dataset/xx/schemaorg.jsonld",
    "/api/3/action/package_show?id=xx",
    "/api/3/action/help_show?name=package_show", "/api/3/openapi.json", "/no/such/page",
)  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_no_answer_repeats_the_host_that_a_client_names(
    client: FlaskClient, portal: Portal, token: str, host: str
) -> None:
    registry.call(portal, SYSTEM, "package_create", {"name": "xx", "owner_org": "org"})
    for page in PAGES:
        for name in ("Host", "X-Forwarded-Host"):
            answer = client.get(page, headers={"Accept": "text/html", name: host})
            said = str(answer.headers) + answer.get_data(as_text=True)
            assert answer.status_code < 500
            assert "other.example" not in said, page
            if 300 <= answer.status_code < 400:
                assert answer.headers["Location"].startswith(
                    portal.settings.site_url + "/"
                ), page


def test_where_redirects_lead(client: FlaskClient, portal: Portal) -> None:
    site = portal.settings.site_url
    assert (
        client.get("/dataset?q=a%20b").headers["Location"] == f"{site}/dataset/?q=a%20b"
    )
    assert client.get("/vi/dataset").headers["Location"] == f"{site}/vi/dataset/"
    assert (
        client.get("/catalog", headers={"Accept": "text/html"}).headers["Location"]
        == f"{site}/dataset/"
    )
