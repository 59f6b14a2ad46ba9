"""All datasets are rendered anew where the portal's address changed, and only then."""

from dataclasses import replace

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.pipeline import index, rendering
from portal.runtime import Portal
from tests.portal.actions.people import call, make_org


def test_a_new_address_reaches_every_dataset(portal: Portal) -> None:
    make_org(portal, "org")
    for number in range(3):
        made = call(portal, SYSTEM, "package_create", name=f"set-{number}", owner_org="org", resources=[{"name": "a"}])
    key = made["resources"][0]["id"]
    call(portal, SYSTEM, "datastore_create", resource_id=key, fields=[{"id": "ma"}], force=True)
    before = call(portal, ANONYMOUS, "package_show", id="set-2")
    assert rendering.render_all(portal) == 0
    made = call(portal, SYSTEM, "datastore_create", resource={"package_id": "set-1"}, fields=[{"id": "ma"}])
    moved = replace(portal, settings=replace(portal.settings, site_url="https://dulieu.thanhhoa.gov.vn"))
    told: list[tuple[int, int]] = []
    assert rendering.render_all(moved, lambda done, changed: told.append((done, changed))) == 1
    assert told == [(3, 1)]
    shown = call(portal, ANONYMOUS, "resource_show", id=made["resource_id"])
    assert shown["url"].startswith("https://dulieu.thanhhoa.gov.vn/datastore/dump/")
    assert call(portal, ANONYMOUS, "package_show", id="set-2") == before
    index.drain(portal)
    assert index.compare(portal).none
    assert rendering.render_all(moved) == 0
