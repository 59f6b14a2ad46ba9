"""Files of every kind are closed to strangers until they were looked at, and open only when nothing was found."""

from collections.abc import Iterator
from typing import Any

import pytest

from portal.pipeline import load, runs
from tests.journeys.conftest import opened
from tests.journeys.world import Answer, World

NUMBER = "038095012345"
WHY = "Đã xem, không có dữ liệu cá nhân."


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def world(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("held"), request.param) as world:
        yield world


def upload(world: World, name: str, body: bytes, dataset: str | None = None, **more: str) -> Any:
    package = dataset or world.dataset()["id"]
    return world.send("resource_create", "edna", (name, body), package_id=package, name=name, **more).result


def download(world: World, resource: dict[str, Any], who: str | None = None) -> Any:
    return world.get(f"/dataset/{resource['package_id']}/resource/{resource['id']}/download/x", who)


def release(world: World, resource: dict[str, Any], who: str = "ada", **more: Any) -> Answer:
    return world.ask("resource_validation_override", who, resource_id=resource["id"], reason=WHY, **more)


@pytest.mark.parametrize("format_", ["TXT", "PDF", "DOCX", "HTML", "XML", "", "Khác"])
def test_a_text_under_any_format_is_looked_at_within_the_request(world: World, format_: str) -> None:
    bad = upload(world, "a.bin", f"so_cccd\n{NUMBER}\n".encode(), format=format_)
    assert bad["check_state"] == "held"
    refused = download(world, bad)
    assert refused.status_code == 403
    assert "91/2025/QH15" in refused.get_data(as_text=True)
    assert NUMBER not in refused.get_data(as_text=True)
    assert NUMBER in download(world, bad, "edna").get_data(as_text=True)
    load.drain(world.portal)
    assert download(world, bad).status_code == 403
    assert release(world, bad).status == 409


def test_what_cannot_be_read_waits_for_the_admin(world: World) -> None:
    binary = upload(world, "anh.bin", bytes(range(256)) * 4, format="BIN")
    assert binary["check_state"] == "held"
    load.drain(world.portal)
    assert download(world, binary).status_code == 403
    assert release(world, binary, "edna").status == 403
    assert release(world, binary).result["columns"] == []
    runs.drain(world.portal)
    assert download(world, binary).status_code == 200
    again = world.send("resource_patch", "edna", ("anh.bin", bytes(range(255)) * 4), id=binary["id"]).result
    assert again["check_state"] == "held"
    assert download(world, binary).status_code == 403


def test_a_clean_upload_is_open_at_once_and_a_large_one_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"ma,so\na,1\nb,2\n"
    small = upload(world, "a.csv", body, format="CSV")
    assert small["check_state"] == "open"
    assert download(world, small).data == body
    object.__setattr__(world.portal.settings, "check_inline_mb", 0)
    try:
        large = upload(world, "a.csv", body, format="CSV")
    finally:
        object.__setattr__(world.portal.settings, "check_inline_mb", 10)
    assert large["check_state"] == "waiting"
    assert download(world, large).status_code == 403
    load.drain(world.portal)
    assert download(world, large).data == body


@pytest.mark.parametrize("change", [{"format": "TSV"}, {"name": "other"}, {"schema": '{"fields":[{"name":"ma"}]}'}])
def test_each_change_closes_until_it_was_judged_anew(world: World, change: dict[str, str]) -> None:
    made = upload(world, "a.csv", b"ma,so\na,1\nb,2\n", format="CSV")
    load.drain(world.portal)
    object.__setattr__(world.portal.settings, "check_inline_mb", 0)
    try:
        assert world.ask("resource_patch", "edna", id=made["id"], **change).result["check_state"] == "waiting"
    finally:
        object.__setattr__(world.portal.settings, "check_inline_mb", 10)
    assert download(world, made).status_code == 403
    assert world.ask("datastore_search", None, resource_id=made["id"]).status == 403
    assert world.get(f"/datastore/dump/{made['id']}").status_code == 403
    assert world.ask("datastore_search", "edna", resource_id=made["id"]).status == 200
    assert load.drain(world.portal) == 1
    assert world.ask("datastore_search", None, resource_id=made["id"]).status == 200
