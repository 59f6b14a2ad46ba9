"""Versions of rows: listed, compared, kept as long as the rules say, and swept with all
that nothing names.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.domain.base import now
from portal.domain.datasets import TableVersion
from portal.errors import Invalid, NotFound
from portal.pipeline import sweep
from portal.runtime import Portal
from tests.portal.actions.people import call, make_org


def test_versions_are_compared_and_let_go(portal: Portal) -> None:
    make_org(portal, "so-y-te")
    call(portal, SYSTEM, "package_create", name="thuoc", owner_org="so-y-te")
    table = call(
        portal, SYSTEM, "datastore_create", resource={"package_id": "thuoc"}, primary_key=["ma"], aliases=["t"],
        fields=[{"id": "ma"}, {"id": "gia", "type": "numeric"}],
        records=[{"ma": "01", "gia": 1}, {"ma": "02", "gia": 2}, {"ma": "03", "gia": 3}],
    )  # fmt: skip
    key = table["resource_id"]
    call(
        portal,
        SYSTEM,
        "datastore_upsert",
        resource_id=key,
        records=[{"ma": "02", "gia": "2.5"}, {"ma": "04"}],
    )
    call(
        portal,
        SYSTEM,
        "datastore_records_delete",
        resource_id=key,
        filters={"ma": "01"},
    )
    listed = call(portal, ANONYMOUS, "datastore_versions", resource_id="t")["versions"]
    assert [(v["version"], v["rows"], v["current"]) for v in listed] == [
        (3, 3, True),
        (2, 4, False),
        (1, 3, False),
    ]
    last = call(portal, ANONYMOUS, "datastore_diff", resource_id="t")
    assert last["counts"] == {"added": 0, "removed": 1, "changed": 0}
    assert last["rows"] == [
        {"change": "removed", "before": {"_id": 1, "ma": "01", "gia": 1}, "after": None}
    ]
    whole = call(
        portal, ANONYMOUS, "datastore_diff", resource_id=key, **{"from": "1"}, to="3"
    )
    assert whole["counts"] == {"added": 1, "removed": 1, "changed": 1}
    changed = next(row for row in whole["rows"] if row["change"] == "changed")
    assert (changed["before"]["gia"], changed["after"]["gia"]) == (2, 2.5)
    assert (
        len(
            call(
                portal,
                ANONYMOUS,
                "datastore_diff",
                resource_id=key,
                **{"from": "1"},
                limit=1,
                offset=1,
            )["rows"]
        )
        == 1
    )
    for params, error in (
        ({"from": "x"}, Invalid), ({"from": "9"}, NotFound), ({"from": "2000-01-01"}, NotFound),
        ({"key": "zz"}, Invalid), ({"limit": -1}, Invalid),
    ):  # fmt: skip
        with pytest.raises(error):
            call(portal, ANONYMOUS, "datastore_diff", resource_id=key, **params)
    strict = replace(
        portal, settings=replace(portal.settings, versions_keep=1, versions_days=1)
    )
    sweep.sweep(strict, timedelta(0))
    # All of them are young.
    assert (
        len(call(portal, ANONYMOUS, "datastore_versions", resource_id=key)["versions"])
        == 3
    )
    with portal.work() as uow:
        for version in uow.session.query(TableVersion):
            version.created = now() - timedelta(days=3)
        uow.commit()
    assert sweep.sweep(strict, timedelta(0)) > 2
    listed = call(portal, ANONYMOUS, "datastore_versions", resource_id=key)["versions"]
    assert [v["version"] for v in listed] == [3]
    found = call(
        portal, ANONYMOUS, "datastore_search", resource_id=key, records_format="lists"
    )["records"]
    assert found == [[2, "02", 2.5], [3, "03", 3], [4, "04", None]]
    call(portal, SYSTEM, "datastore_delete", resource_id=key)
    assert sweep.sweep(strict, timedelta(0)) > 0 and not list(portal.files.keys())
