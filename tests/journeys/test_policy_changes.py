"""A schema that asks for consent or coarser cells is obeyed for what is public already,
whatever it was before.
"""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from portal.pipeline import load, validation_runs
from tests.journeys.conftest import opened
from tests.journeys.world import World

NO = "Cửa hàng B"
"""Stands in a row without consent."""
BODY = f"ten,dong_y,vi_do\nCửa hàng A,Có,19.80612\n{NO},không,19.80613\n"
FIELDS = [
    {
        "name": "ten",
        "type": "string",
        "pd": "basic",
        "treatment": "consent",
        "consent_field": "dong_y",
    },
    {"name": "dong_y", "type": "string"},
    {"name": "vi_do", "type": "string", "pd": "sensitive", "treatment": "generalise"},
]
SCHEMA = {"fields": FIELDS}


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def world(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("policy"), request.param) as world:
        yield world


def met(world: World, key: str, package: str) -> list[str]:
    """Where a stranger meets the row without consent, or a cell that is to be
    coarser.
    """
    at = f"/dataset/{package}/resource/{key}/download/x"
    paths = [
        at,
        *(
            f"/datastore/dump/{key}{more}"
            for more in ("", "?version=1", "?version=2", "?format=json")
        ),
    ]
    paths += [
        f"/datastore/diff/{key}?from=1&to=2",
        f"/dataset/{package}/resource/{key}",
    ]
    told = {path: world.get(path).get_data(as_text=True) for path in paths}
    for version in ({}, {"version": "1"}, {"version": "2"}):
        told[f"search {version}"] = str(
            world.ask("datastore_search", None, resource_id=key, **version).body
        )
    return [where for where, text in told.items() if NO in text or "19.80612" in text]


def rows(world: World, key: str) -> list[tuple[str, str]]:
    found = world.ask("datastore_search", None, resource_id=key).result["records"]
    return [(each["ten"], each["vi_do"]) for each in found]


def upload(world: World, package: str, **more: str) -> str:
    file = ("a.csv", BODY.encode())
    made = world.send(
        "resource_create",
        "edna",
        file,
        package_id=package,
        name="a",
        format="CSV",
        **more,
    ).result
    load.drain(world.portal)
    return str(made["id"])


@pytest.mark.parametrize("inline", [True, False])
def test_a_schema_that_comes_later_is_obeyed_in_every_version(
    world: World, inline: bool
) -> None:
    package = world.dataset()["id"]
    key = upload(world, package)
    assert met(world, key, package)
    object.__setattr__(world.portal.settings, "check_inline_mb", 10 if inline else 0)
    world.ask("resource_patch", "edna", id=key, schema=SCHEMA).result  # noqa: B018 - it must succeed
    object.__setattr__(world.portal.settings, "check_inline_mb", 10)
    assert met(world, key, package) == []
    load.drain(world.portal)
    assert met(world, key, package) == []
    assert rows(world, key) == [("Cửa hàng A", "19.80")]
    world.ask("resource_validation_run", "edna", resource_id=key)
    validation_runs.drain(world.portal)
    assert rows(world, key) == [("Cửa hàng A", "19.80")]
    assert NO in world.get(f"/datastore/dump/{key}?version=1", "edna").get_data(
        as_text=True
    )


def test_rows_that_were_written_one_by_one_are_closed_until_they_obey(
    world: World,
) -> None:
    package = world.dataset()["id"]
    records: list[dict[str, Any]] = [
        {"ten": "Cửa hàng A", "dong_y": "Có", "vi_do": "19.80"}, {"ten": NO, "dong_y": "không", "vi_do": "19.80"},
    ]  # fmt: skip
    fields = [{"id": name, "type": "text"} for name in ("ten", "dong_y", "vi_do")]
    resource = {"package_id": package, "name": "x"}
    made = world.ask(
        "datastore_create",
        "edna",
        resource=resource,
        fields=fields,
        records=records,
        primary_key=["ten"],
    )
    key = made.result["resource_id"]
    assert met(world, key, package)
    world.ask("resource_patch", "edna", id=key, schema=SCHEMA).result  # noqa: B018 - it must succeed
    load.drain(world.portal)
    assert met(world, key, package) == []
    assert world.ask("datastore_search", None, resource_id=key).status == 403
    report = world.ask("resource_validation_show", "edna", resource_id=key).result[
        "report"
    ]
    assert report["decision"]["reason"] == "treatment-not-obeyed"
    world.ask(
        "datastore_records_delete",
        "edna",
        resource_id=key,
        force=True,
        filters={"ten": NO},
    )
    load.drain(world.portal)
    assert rows(world, key) == [("Cửa hàng A", "19.80")]
    assert met(world, key, package) == []
    more = [{"ten": NO, "dong_y": "", "vi_do": "19.80"}]
    world.ask(
        "datastore_upsert",
        "edna",
        resource_id=key,
        force=True,
        method="insert",
        records=more,
    )
    assert met(world, key, package) == []
    load.drain(world.portal)
    assert met(world, key, package) == []


@pytest.mark.parametrize("way", ["package_patch", "bulk_update_public"])
def test_a_dataset_that_becomes_public_is_treated_first(world: World, way: str) -> None:
    package = world.dataset(private=True)["id"]
    key = upload(world, package, schema=orjson.dumps(SCHEMA).decode())
    assert world.ask("datastore_search", "edna", resource_id=key).result["total"] == 2
    if way == "package_patch":
        world.ask(way, "edna", id=package, private=False).result  # noqa: B018 - it must succeed
    else:
        world.ask(way, "ada", org_id="alpha", datasets=[package])
    assert met(world, key, package) == []
    load.drain(world.portal)
    assert rows(world, key) == [("Cửa hàng A", "19.80")]
    assert met(world, key, package) == []
