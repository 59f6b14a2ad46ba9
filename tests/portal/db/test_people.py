"""Titles of organizations and groups, however many are asked for."""

from __future__ import annotations

import pytest

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.db import people
from portal.runtime import Portal


@pytest.mark.parametrize("strangers", [0, 1, 3, 700])
def test_titles_are_those_of_one_kind_however_many_are_asked_for(
    portal: Portal, strangers: int
) -> None:
    for name in ("so-y-te", "so-noi-vu", "so-tai-chinh"):
        title = "" if name == "so-tai-chinh" else f"Sở {name}"
        registry.call(
            portal, SYSTEM, "organization_create", {"name": name, "title": title}
        )
    registry.call(
        portal, SYSTEM, "group_create", {"name": "suc-khoe", "title": "Sức khỏe"}
    )
    asked = [
        "so-y-te",
        *(f"la-{n}" for n in range(strangers)),
        "so-noi-vu",
        "suc-khoe",
        "so-tai-chinh",
    ]
    expected = {
        "so-y-te": "Sở so-y-te",
        "so-noi-vu": "Sở so-noi-vu",
        "so-tai-chinh": "so-tai-chinh",
    }
    assert people.titles(portal.engine, asked, organization=True) == expected
    assert people.titles(portal.engine, asked, organization=False) == {
        "suc-khoe": "Sức khỏe"
    }
    assert people.titles(portal.engine, [], organization=True) == {}
