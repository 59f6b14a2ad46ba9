"""Pages in a real browser: scripts run, calls are really sent, nothing is asked of
another host.
"""

import re
from html import unescape

import pytest

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.actions.registry import ACTIONS
from portal.runtime import Portal
from portal.web.reference import WORDS
from tests.servers import chromium


@pytest.fixture
def site(portal: Portal, address: str) -> str:
    if portal.engine.dialect.name != "sqlite":
        pytest.skip("what a browser sees does not depend on the database")
    registry.call(
        portal, SYSTEM, "organization_create", {"name": "org", "title": "Sở Y tế"}
    )
    links = [
        {"name": "tốt", "url": "https://example.vn/a.csv", "format": "CSV"},
        {"name": "xấu", "url": "javascript://example.vn/%0aalert(1)"},
    ]
    described = {
        "name": "benh-vien",
        "title": "Bệnh viện <b>",
        "owner_org": "org",
        "resources": links,
    }
    registry.call(portal, SYSTEM, "package_create", described)
    return address


def test_a_call_is_sent_from_the_page_and_its_answer_shown(site: str) -> None:
    page = chromium.visit(f"{site}/vi/api/docs#package_show?id=benh-vien")
    assert page.console == ()
    text = unescape(page.document)
    assert f"{len(ACTIONS)} / {len(ACTIONS)} {WORDS['actions'].vi}" in text
    assert re.search(rf"{WORDS['answer'].vi}: 200 · \d+ ms · [0-9a-f]{{32}}", text)
    assert '"title": "Bệnh viện <b>"' in text
    assert "<b>" not in page.document
    assert re.search(
        r"curl -H 'Content-Type: application/json' -d '\{\"id\":\"benh-vien\"\}' "
        r"http://127",
        text,
    )
    for name in ACTIONS:
        assert f'id="{name}"' in page.document, name


def test_an_error_is_an_answer_and_a_writing_action_does_not_run_by_itself(
    site: str,
) -> None:
    wrong = chromium.visit(f"{site}/en/api/docs#package_show?id=nothing")
    assert "Answer: 404" in unescape(wrong.document)
    assert "Not Found Error" in wrong.document
    writing = chromium.visit(f"{site}/en/api/docs#package_delete?id=benh-vien")
    assert "Answer:" not in writing.document
    assert re.search(r'<details id="package_delete"[^>]* open', writing.document)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?q=benh&organization=org",
        "/dataset/benh-vien",
        "/organization/org",
        "/nope",
    ],
)
def test_pages_load_nothing_that_their_policy_forbids(site: str, path: str) -> None:
    page = chromium.visit(site + path)
    told = [line for line in page.console if "status of 404" not in line]
    assert told == []
    assert "javascript:" not in re.sub(r">[^<]*<", "><", page.document), (
        "an address of a resource became a script"
    )
