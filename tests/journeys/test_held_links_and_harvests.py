"""Links are held and released as files are; a harvested record whose words hold a
citizen number is on no surface.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from portal import scheduler
from portal.pipeline import load
from tests.journeys.conftest import opened
from tests.journeys.world import World
from tests.portal.pipeline.test_load import Changing
from tests.servers.web import Web

NUMBER, SPACED = "038095012345", "038 095 012 345"
WHY = "Số lô của hợp tác xã, không có dữ liệu cá nhân."
LOTS = b"so_lo,tinh_trang\n" + b"".join(
    b"0380950123%02d,x\n" % number for number in range(20)
)


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def world(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[World]:
    allow = {"PORTAL_HARVEST_ALLOW": "127.0.0.1,localhost,::1"}
    folder = tmp_path_factory.mktemp("links")
    with opened(
        folder, request.param, **allow, PORTAL_HARVEST_ROOTS=str(folder)
    ) as world:
        yield world


def found_by_strangers(world: World, key: str) -> list[str]:
    """Where somebody without a role meets a row of the link."""
    paths = [
        f"/datastore/dump/{key}{more}"
        for more in ("", "?version=1", "?version=2", "?format=json")
    ]
    told = {path: world.get(path).get_data(as_text=True) for path in paths}
    told["search"] = str(world.ask("datastore_search", None, resource_id=key).body)
    return [where for where, text in told.items() if "038095" in text]


def test_a_link_that_was_held_is_released_for_what_it_led_to(world: World) -> None:
    file = Changing()
    file.body = LOTS
    package = world.dataset()["id"]
    with Web({"/lo.csv": file}) as web:
        link = {
            "package_id": package,
            "name": "lo",
            "url": f"{web.url}/lo.csv",
            "format": "CSV",
        }
        key = world.ask("resource_create", "edna", **link).result["id"]
        load.drain(world.portal)
        shown = world.ask("resource_show", None, id=key).result
        assert (shown["check_state"], found_by_strangers(world, key)) == ("held", [])
        for who, columns, status in (
            ("edna", ["so_lo"], 403),
            ("ada", [], 409),
            ("ada", ["so_lo"], 200),
        ):
            asked = {"resource_id": key, "reason": WHY, "columns": columns}
            answer = world.ask("resource_validation_override", who, **asked)
            assert answer.status == status, answer.body
            assert "0380950" not in str(answer.body.get("error"))
        load.drain(world.portal)
        assert (
            world.ask("datastore_search", None, resource_id=key).result["total"] == 20
        )
        assert world.ask("resource_show", None, id=key).result["url"] == link["url"]
        listed = world.ask(
            "package_validation_override_list", "edna", id=package
        ).result
        assert [(each["resource_id"], each["columns"]) for each in listed] == [
            (key, ["so_lo"])
        ]
        file.body, file.etag = LOTS.replace(b"01230", b"01239"), '"2"'
        world.ask("xloader_submit", "edna", resource_id=key)
        load.drain(world.portal)
        assert "038095012399" not in world.get(f"/datastore/dump/{key}").get_data(
            as_text=True
        )
        assert world.ask("resource_show", None, id=key).result["check_state"] == "held"


def test_a_link_to_persons_is_opened_by_nobody(world: World) -> None:
    file = Changing()
    file.body = (
        f"ho_ten,so_cccd\nNguyễn Văn An,{NUMBER}\nLê Thị Bình,{NUMBER}\n".encode()
    )
    with Web({"/a.csv": file}) as web:
        link = {
            "package_id": world.dataset()["id"],
            "name": "a",
            "url": f"{web.url}/a.csv",
            "format": "CSV",
        }
        key = world.ask("resource_create", "edna", **link).result["id"]
        load.drain(world.portal)
        asked = {"resource_id": key, "reason": WHY, "columns": ["ho_ten", "so_cccd"]}
        refused = world.ask("resource_validation_override", "ada", **asked)
        assert refused.status == 409
        assert NUMBER not in str(refused.body)
        assert found_by_strangers(world, key) == []


WORDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("title", {"title": f"Hồ sơ của công dân {NUMBER}"}),
    ("notes", {"notes": f"Liên hệ ông An, CCCD số {SPACED}"}),
    ("author", {"author": f"CCCD:{NUMBER}"}),
    ("tags", {"tags": [f"cccd {NUMBER}"]}),
    ("extras", {"extras": {"ghi chú": f"người gửi {SPACED}"}}),
    ("resources", {"resource": f"Danh sách, CCCD {NUMBER}"}),
)
EVERYWHERE = (
    "/", "/?q=cccd", "/feeds/dataset.atom", "/catalog.ttl", "/catalog.jsonld", "/data.json", "/quality.csv",
    "/api/3/action/package_list", "/api/3/action/package_search?q=*:*&rows=1000", "/api/3/action/tag_list",
    "/api/3/action/current_package_list_with_resources", "/api/3/action/recently_changed_packages_activity_list",
    "/api/3/action/harvest_source_list", "/api/3/action/organization_show?id=alpha&include_datasets=true",
    "/api/3/action/package_autocomplete?q=h", "/api/3/action/resource_search?query=name:cccd", "/sitemap.xml",
)  # fmt: skip


@pytest.mark.parametrize(("place", "said"), WORDS, ids=[place for place, _ in WORDS])
def test_a_harvested_record_that_says_a_citizen_number_is_refused(
    world: World, tmp_path: Path, place: str, said: dict[str, Any]
) -> None:
    said = dict(said)
    (tmp_path / "a.csv").write_text("ma,so\na,1\n", encoding="utf-8")
    object.__setattr__(world.portal.settings, "harvest_roots", (str(tmp_path.parent),))
    name = world.name("harvested")
    resource = {
        "name": "a",
        "pattern": "a.csv",
        "description": said.pop("resource", ""),
    }
    good: dict[str, Any] = {"name": name, "title": "Bảng"}
    source = {
        "name": name,
        "title": "Nguồn",
        "url": str(tmp_path),
        "source_type": "files",
        "frequency": "MANUAL",
    }

    def config(dataset: dict[str, Any], description: str) -> str:
        resources = [{**resource, "description": description}]
        return orjson.dumps(
            {"dataset": dataset, "resources": resources, "settle_seconds": 0}
        ).decode()

    def run() -> tuple[dict[str, Any], str]:
        job = world.ask("harvest_job_create", "ada", source_id=made["id"]).result["id"]
        assert scheduler.work_once(world.portal, scheduler.owner_name())
        shown = world.ask("harvest_job_show", "ada", id=job).result
        report = world.ask("harvest_job_report", "ada", id=job).body
        objects = world.ask("harvest_object_list", "ada", job_id=job).result
        return shown, str(
            [
                report,
                *(
                    world.ask("harvest_object_show", "ada", id=key).body
                    for key in objects
                ),
            ]
        )

    bad = config({**good, **said}, resource["description"])
    made = world.ask(
        "harvest_source_create", "ada", **source, owner_org="alpha", config=bad
    ).result
    shown, report = run()
    told = str(shown) + report
    assert {key: count for key, count in shown["stats"].items() if count} == {
        "errored": 1
    }
    assert f"{place}: " in told
    assert "personal-data" in told
    assert "91/2025/QH15" in told
    assert (NUMBER in told, SPACED in told) == (False, False)
    assert world.ask("package_show", None, id=name).status == 404
    met = [
        path for path in EVERYWHERE if told_of(world.get(path).get_data(as_text=True))
    ]
    assert met == []

    world.ask(  # noqa: B018 - it must succeed
        "harvest_source_patch", "ada", id=made["id"], config=config(good, "")
    ).result
    run()
    assert world.ask("package_show", None, id=name).result["title"] == "Bảng"
    world.ask("harvest_source_patch", "ada", id=made["id"], config=bad).result  # noqa: B018 - it must succeed
    shown, report = run()
    assert (NUMBER in report, SPACED in report) == (False, False)
    # Its last good words stay.
    assert world.ask("package_show", None, id=name).result["title"] == "Bảng"
    assert [
        path
        for path in (*EVERYWHERE, f"/dataset/{name}")
        if told_of(world.get(path).get_data(as_text=True))
    ] == []
    activity = world.ask("package_activity_list", None, id=name, include_data=True)
    assert not told_of(str(activity.body))


def told_of(text: str) -> bool:
    return any(
        each in text
        for each in (
            NUMBER,
            SPACED,
            SPACED.replace(" ", "+"),
            SPACED.replace(" ", "%20"),
        )
    )


def test_a_file_that_is_called_by_a_citizen_number_is_told_of_without_it(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / f"cccd {NUMBER}.csv").write_text("ma,so\na,1\n", encoding="utf-8")
    object.__setattr__(world.portal.settings, "harvest_roots", (str(tmp_path.parent),))
    source = {
        "name": world.name("named"),
        "title": "Nguồn",
        "url": str(tmp_path),
        "source_type": "files",
    }
    config = orjson.dumps(
        {"each": True, "pattern": "*.csv", "settle_seconds": 0}
    ).decode()
    made = world.ask(
        "harvest_source_create", "ada", **source, owner_org="alpha", config=config
    ).result
    job = world.ask("harvest_job_create", "ada", source_id=made["id"]).result["id"]
    assert scheduler.work_once(world.portal, scheduler.owner_name())
    objects = world.ask("harvest_object_list", "ada", job_id=job).result
    told = [world.ask("harvest_object_show", "ada", id=key).result for key in objects]
    assert [(each["report_status"], each["errors"][0]["code"]) for each in told] == [
        ("errored", "personal-data")
    ]
    report = world.ask("harvest_job_report", "ada", id=job)
    assert not told_of(
        str([told, report.body, world.ask("harvest_job_show", "ada", id=job).body])
    )
    assert [
        path for path in EVERYWHERE if told_of(world.get(path).get_data(as_text=True))
    ] == []
