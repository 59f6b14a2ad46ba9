"""What a shared cache may keep is the same for everybody: on every surface, whoever
asks.
"""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from portal.actions.registry import ACTIONS
from portal.pipeline import load
from tests.journeys.conftest import opened
from tests.journeys.world import ACTION, World

VALUES = {
    "version": "3", "noun": "dataset", "lang": "vi", "suffix": "ttl", "by": "organizations", "path": "x",
}  # fmt: skip
PARTS = {
    "/api/docs/<name>": "reference.css",
    "/organization/<name>": "alpha",
    "/feeds/organization/<name>.atom": "alpha",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("private"), "sqlite") as world:
        yield world


@pytest.fixture(scope="module")
def secret(world: World) -> dict[str, Any]:
    """A private dataset with rows, which its editor sees and nobody else."""
    made = world.dataset(private=True, title="Only for editors")
    file = ("rows.csv", b"ma,ten\n1,An\n2,Binh\n")
    world.send(
        "resource_create",
        "edna",
        file,
        package_id=made["id"],
        name="rows",
        format="CSV",
    )
    load.drain(world.portal)
    return dict(world.ask("package_show", "edna", id=made["id"]).result)


def addresses(world: World, dataset: dict[str, Any]) -> Iterator[str]:
    """Every address that answers GET, asked for the private dataset where it names
    one.
    """
    resource = dataset["resources"][0]["id"]
    names = {
        "dataset": dataset["name"],
        "dataset_id": dataset["id"],
        "resource_id": resource,
        "name": dataset["name"],
    }
    for rule in world.client.application.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or "/action/" in rule.rule:
            continue
        values = {**VALUES, **names}
        if rule.rule in PARTS:
            values["name"] = PARTS[rule.rule]
        _, address = rule.build({name: values[name] for name in rule.arguments}) or (
            "",
            "",
        )
        yield address.removeprefix("http:")
    for name, declared in ACTIONS.items():
        if declared.safe:
            yield f"{ACTION}{name}?id={dataset['id']}"
            yield f"{ACTION}{name}?resource_id={resource}&limit=1"


def test_what_may_be_kept_for_everybody_is_what_nobody_gets_as_well(
    world: World, secret: dict[str, Any]
) -> None:
    own, wrong = 0, []
    for address in addresses(world, secret):
        nobodys = world.get(address)
        assert nobodys.status_code != 200 or secret["title"] not in nobodys.get_data(
            as_text=True
        ), address
        for who in ("edna", "root"):
            answer = world.get(address, who)
            kept = answer.headers.get("Cache-Control", "")
            own += answer.status_code == 200 and kept.startswith("private")
            alike = (answer.status_code, answer.data) == (
                nobodys.status_code,
                nobodys.data,
            )
            if not alike and "private" not in kept and "no-store" not in kept:
                wrong.append(
                    f"{address} for {who}: {answer.status_code}, Cache-Control '{kept}'"
                )
    assert not wrong, "\n".join(wrong)
    assert own > 40


def test_the_private_dataset_itself_is_answered_and_only_to_its_editor(
    world: World, secret: dict[str, Any]
) -> None:
    """The walk above would prove little if it met nothing that is private."""
    shown = world.get(f"{ACTION}package_show", "edna", id=secret["id"])
    assert orjson.loads(shown.data)["result"]["title"] == secret["title"]
    assert shown.headers["Cache-Control"].startswith("private")
    for address in (
        f"/dataset/{secret['name']}",
        f"/datastore/dump/{secret['resources'][0]['id']}",
    ):
        assert world.get(address, "edna").status_code == 200
        assert world.get(address, "edna").headers["Cache-Control"].startswith("private")
        assert world.get(address).status_code in (403, 404)
