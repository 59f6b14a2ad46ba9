"""Files and rows of shared and restricted datasets are for members of the owner; their
entry is for everybody.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from portal.actions.registry import ACTIONS
from portal.pipeline import load, publish
from tests.journeys.conftest import opened
from tests.journeys.world import ACTION, World

VALUE, COLUMN = "vonkvalue", "vonkcolumn"
CSV = f"ma,{COLUMN}\n1,{VALUE} a\n2,{VALUE} b\n".encode()
STRANGERS = (None, "otto", "fora")
MEMBERS = ("mem", "edna", "ada", "root")
DUMPS = ("csv", "tsv", "json", "xml", "ndjson", "xlsx", "parquet")


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def world(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[World]:
    with opened(
        tmp_path_factory.mktemp("kinds"), request.param, PORTAL_SQL_SEARCH="on"
    ) as world:
        yield world


def made(world: World, kind: str | None) -> tuple[dict[str, Any], str, str, str]:
    """A dataset of a kind, its uploaded table of two versions, its pushed table, and
    another name of that.
    """
    alias = world.name("alias").replace("-", "_")
    package = world.dataset(
        "edna", license_id="cc-by", **({"access_kind": kind} if kind else {})
    )
    uploaded = world.send(
        "resource_create",
        "edna",
        ("bang.csv", CSV),
        package_id=package["id"],
        format="CSV",
        name="bang",
    ).result["id"]
    load.drain(world.portal)
    world.send(
        "resource_patch",
        "edna",
        ("bang.csv", CSV + f"3,{VALUE} c\n".encode()),
        id=uploaded,
    )
    pushed = world.ask(
        "datastore_create", "edna", resource={"package_id": package["id"], "name": "dong"},
        fields=[{"id": "ma", "type": "int"}, {"id": COLUMN, "type": "text"}], records=[{"ma": 1, COLUMN: VALUE}],
        aliases=[alias],
    ).result["resource_id"]  # fmt: skip
    for stage in (load.drain, publish.drain):
        stage(world.portal)
    return package, uploaded, pushed, alias


def addresses(package: dict[str, Any], keys: list[str]) -> list[str]:
    """Every address that gives a file or rows."""
    paths = []
    for table in keys:
        paths += [f"/datastore/dump/{table}?format={form}" for form in DUMPS]
        paths += [
            f"/datastore/dump/{table}?version={said}"
            for said in ("1", "%20", "2099-01-01")
        ]
        paths += [
            f"/datastore/diff/{table}?from=1&to={said}" for said in ("", "%20", "2")
        ]
        at = f"/dataset/{package['name']}/resource/{table}/download"
        paths += [at, f"{at}/x.csv", f"{at}/x.json", f"{at}/x.csv?version=1"]
    return paths


@pytest.mark.parametrize("kind", ["shared", "restricted"])
def test_no_stranger_meets_a_file_or_a_row(world: World, kind: str) -> None:
    package, *keys = made(world, kind)
    for who in STRANGERS:
        assert (
            world.ask("package_show", who, id=package["id"]).result["access_kind"]
            == kind
        )
        for path in addresses(package, keys):
            answer = world.get(path, who)
            assert answer.status_code in (403, 404), (who, path)
            assert VALUE not in answer.get_data(as_text=True)
        for key in keys:
            assert world.ask("datastore_search", who, resource_id=key).status == 403
            assert world.ask("datastore_info", who, id=key).status == 403
            assert (
                world.ask(
                    "datastore_search_sql", who, sql=f'SELECT * FROM "{key}"'
                ).status
                == 403
            )
        listed = world.ask(
            "datastore_search", who, resource_id="_table_metadata", limit=1000
        ).result["records"]
        assert not {row["name"] for row in listed} & set(keys)


def test_no_reading_action_tells_a_stranger_a_value(world: World) -> None:
    _, uploaded, *_ = made(world, "restricted")
    for name in sorted(name for name, declared in ACTIONS.items() if declared.safe):
        for params in (
            {"resource_id": uploaded},
            {"id": uploaded},
            {"resource_id": uploaded, "version": "1"},
        ):
            answer = world.client.post(ACTION + name, json=params)
            assert VALUE not in answer.get_data(as_text=True), (name, params)


@pytest.mark.parametrize("kind", ["shared", "restricted"])
def test_members_of_the_owner_meet_both(world: World, kind: str) -> None:
    package, uploaded, pushed, _ = made(world, kind)
    for who in MEMBERS:
        assert (
            world.ask("datastore_search", who, resource_id=uploaded).result["total"]
            == 3
        )
        assert (
            world.ask("datastore_search", who, resource_id=pushed).result["total"] == 1
        )
        assert world.ask(
            "datastore_search_sql", who, sql=f'SELECT * FROM "{pushed}"'
        ).result["records"]
        assert VALUE in world.get(f"/datastore/dump/{uploaded}", who).get_data(
            as_text=True
        )
        at = f"/dataset/{package['name']}/resource/{uploaded}/download/bang.csv"
        assert VALUE in world.get(at, who).get_data(as_text=True)
        listed = world.ask(
            "datastore_search", who, resource_id="_table_metadata", limit=1000
        ).result["records"]
        assert {uploaded, pushed} <= {row["name"] for row in listed}


def test_an_open_dataset_closes_and_opens_with_its_kind(world: World) -> None:
    package, uploaded, *_ = made(world, None)
    for kind, status in (
        ("open", 200),
        ("restricted", 403),
        ("shared", 403),
        ("open", 200),
    ):
        world.ask("package_patch", "edna", id=package["id"], access_kind=kind).result  # noqa: B018 - it must succeed
        load.drain(world.portal)
        assert (
            world.ask("datastore_search", None, resource_id=uploaded).status == status
        )
        assert world.get(f"/datastore/dump/{uploaded}").status_code == status
        answer = world.ask("datastore_search", None, resource_id=uploaded).body
        assert (
            status == 200
            or "owning organization" in str(answer)
            or "cơ quan sở hữu" in str(answer)
        )
