"""A new release that tags a column of a catalogue schema closes the tables that follow
it until they were judged.
"""

from dataclasses import replace
from typing import Any

import pytest

from portal.access.identity import SYSTEM
from portal.pipeline import load, policies
from portal.runtime import Portal
from schemas import catalog
from tests.portal.actions.people import call, make_org
from tests.portal.pipeline.conftest import Json

SCHEMA = "D11/khach-du-lich"
COLUMN = "ma_khu"


@pytest.fixture
def table(portal: Portal) -> Json:
    """Public rows that follow a schema by its code."""
    make_org(portal, "org")
    call(portal, SYSTEM, "package_create", name="set", owner_org="org")
    fields: dict[str, Any] = {
        "fields": [{"id": "ky", "type": "text"}, {"id": COLUMN, "type": "text"}],
        "records": [{"ky": "202601", COLUMN: "A1"}],
    }
    made = call(
        portal,
        SYSTEM,
        "datastore_create",
        resource={"package_id": "set", "name": "x"},
        **fields,
    )
    call(portal, SYSTEM, "resource_patch", id=made["resource_id"], schema=SCHEMA)
    load.drain(portal)
    return dict(call(portal, SYSTEM, "resource_show", id=made["resource_id"]))


def state(portal: Portal, table: Json) -> str:
    return str(call(portal, SYSTEM, "resource_show", id=table["id"])["check_state"])


def test_tables_are_closed_and_judged_by_the_new_tags(
    portal: Portal, table: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert policies.follow(portal) == 0  # the first look only notes what there is
    assert state(portal, table) == "open"
    assert policies.follow(portal) == 0
    monkeypatch.setattr(catalog, "tables", tagged(catalog.tables()))
    assert policies.follow(portal) == 1
    assert state(portal, table) == "waiting"
    assert policies.follow(portal) == 0
    load.drain(portal)
    assert state(portal, table) == "held"
    monkeypatch.undo()
    assert policies.follow(portal) == 1
    load.drain(portal)
    assert state(portal, table) == "open"


def tagged(tables: tuple[catalog.TableSchema, ...]) -> Any:
    """The catalogue as a release would have it that drops a column of one schema."""
    wanted = catalog.get(SCHEMA)
    descriptor = wanted.descriptor
    for field in descriptor["fields"]:
        if field["name"] == COLUMN:
            field |= {"pd": "basic", "treatment": "drop"}
    new = tuple(
        replace(each, _descriptor=descriptor) if each.name == wanted.name else each
        for each in tables
    )
    return lambda: new
