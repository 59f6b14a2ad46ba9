"""How many calls into the portal's own code a kept page of package_search takes: counted,
not timed, so that they cannot creep back unseen.
"""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest
from flask.testing import FlaskClient

import portal as package
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.pipeline.background import Background
from portal.runtime import Portal
from portal.web.app import create_app

ROOT = Path(package.__file__).parent.parent
OWN = tuple(f"{ROOT / name}/" for name in ("portal", "search", "schemas"))
SEARCH = "/api/3/action/package_search"
FACETED = SEARCH + '?q=benh+vien&rows=20&facet.field=["organization","tags","groups"]'


def calls_of(client: FlaskClient, address: str) -> Counter[str]:
    """The calls into own functions of one request, by function."""
    counts: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(OWN):
            counts[code.co_qualname] += 1

    sys.setprofile(count)
    try:
        answer = client.get(address)
    finally:
        sys.setprofile(None)
    assert answer.status_code == 200
    return counts


@pytest.fixture
def served(portal: Portal, token: str) -> FlaskClient:
    """A portal with some datasets, which waits for its index as a server does."""
    for number in range(3):
        described = {
            "name": f"benh-vien-{number}",
            "title": f"Bệnh viện {number}",
            "owner_org": "org",
            "tags": [{"name": "y-te"}],
        }
        registry.call(portal, SYSTEM, "package_create", described)
    return create_app(
        replace(portal, before_search=Background().catch_up)
    ).test_client()


@pytest.mark.parametrize(
    ("address", "most"),
    [
        (SEARCH + "?q=benh+vien&rows=20", 80),
        (SEARCH + "?rows=20&start=0", 80),
        (FACETED, 100),  # and the titles of organizations and groups, asked anew
    ],
)
def test_a_kept_page_takes_few_calls(
    served: FlaskClient, address: str, most: int
) -> None:
    first = served.get(address)
    for _ in range(2):
        assert served.get(address).get_data() == first.get_data()
    counts = calls_of(served, address)
    assert counts.total() <= most, counts.most_common(20)
