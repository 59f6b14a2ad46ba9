"""Files of every kind are closed to strangers until they were looked at, and open only
when nothing was found.
"""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest

from portal import scheduler
from portal.pipeline import load, validation_runs
from tests.journeys.conftest import opened
from tests.journeys.world import Answer, World

NUMBER = "038095012345"
WHY = "Đã xem, không có dữ liệu cá nhân."


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def world(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("held"), request.param) as world:
        yield world


def upload(
    world: World, name: str, body: bytes, dataset: str | None = None, **more: str
) -> Any:
    package = dataset or world.dataset()["id"]
    return world.send(
        "resource_create", "edna", (name, body), package_id=package, name=name, **more
    ).result


def download(world: World, resource: dict[str, Any], who: str | None = None) -> Any:
    return world.get(
        f"/dataset/{resource['package_id']}/resource/{resource['id']}/download/x", who
    )


def release(
    world: World, resource: dict[str, Any], who: str = "ada", **more: Any
) -> Answer:
    return world.ask(
        "resource_validation_override",
        who,
        resource_id=resource["id"],
        reason=WHY,
        **more,
    )


@pytest.mark.parametrize("format_", ["TXT", "PDF", "DOCX", "HTML", "XML", "", "Khác"])
def test_a_text_under_any_format_is_looked_at_within_the_request(
    world: World, format_: str
) -> None:
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
    validation_runs.drain(world.portal)
    assert download(world, binary).status_code == 200
    again = world.send(
        "resource_patch", "edna", ("anh.bin", bytes(range(255)) * 4), id=binary["id"]
    ).result
    assert again["check_state"] == "held"
    assert download(world, binary).status_code == 403


def test_a_clean_upload_is_open_at_once_and_a_large_one_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
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


@pytest.mark.parametrize(
    "change",
    [{"format": "TSV"}, {"name": "other"}, {"schema": '{"fields":[{"name":"ma"}]}'}],
)
def test_each_change_closes_until_it_was_judged_anew(
    world: World, change: dict[str, str]
) -> None:
    made = upload(world, "a.csv", b"ma,so\na,1\nb,2\n", format="CSV")
    load.drain(world.portal)
    object.__setattr__(world.portal.settings, "check_inline_mb", 0)
    try:
        assert (
            world.ask("resource_patch", "edna", id=made["id"], **change).result[
                "check_state"
            ]
            == "waiting"
        )
    finally:
        object.__setattr__(world.portal.settings, "check_inline_mb", 10)
    assert download(world, made).status_code == 403
    assert world.ask("datastore_search", None, resource_id=made["id"]).status == 403
    assert world.get(f"/datastore/dump/{made['id']}").status_code == 403
    assert world.ask("datastore_search", "edna", resource_id=made["id"]).status == 200
    assert load.drain(world.portal) == 1
    assert world.ask("datastore_search", None, resource_id=made["id"]).status == 200


def workbook(*sheets: tuple[str, list[list[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        if title == "hidden":
            sheet.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in members.items():
            archive.writestr(name.replace("_", "."), body)
    return out.getvalue()


CLEAN: list[list[object]] = [["ma", "so"], ["a", 1], ["b", 2]]
PERSONS: list[list[object]] = [
    ["ho_ten", "so_cccd"],
    ["Nguyễn Văn An", NUMBER],
    ["Lê Thị Bình", NUMBER],
]
TITLE = f"Danh sách của ông Nguyễn Văn An, CCCD {NUMBER}"
BESIDE = {
    "other sheet.xlsx": workbook(("a", CLEAN), ("b", PERSONS)),
    "hidden sheet.xlsx": workbook(("a", CLEAN), ("hidden", PERSONS)),
    "title row.csv": f"{TITLE}\nma,so\na,1\nb,2\nc,3\n".encode(),
    "wide row.csv": f"ma,so\na,1\nb,2,CCCD {NUMBER}\n".encode(),
    "envelope.json": orjson.dumps(
        {"note": TITLE, "records": [{"ma": "a", "so": 1}, {"ma": "b", "so": 2}]}
    ),
    "member.zip": zipped(a_csv=b"ma,so\na,1\nb,2\n", b_txt=TITLE.encode()),
    "nested.json": orjson.dumps([{"ma": "a", "nguoi": {"cccd": [NUMBER]}}]),
    "typed.csv": f"ho_ten,so_cccd\nNguyễn Văn An,{NUMBER}\n".encode(),
}


@pytest.mark.parametrize("name", BESIDE)
def test_nothing_of_a_file_goes_unseen(world: World, name: str) -> None:
    package = world.dataset()["id"]
    world.ask("package_validation_policy_update", "ada", id=package, policy="warn")
    format_ = name.rsplit(".", 1)[1].upper()
    more = (
        {"schema": '{"fields":[{"name":"ho_ten"},{"name":"so_cccd","type":"integer"}]}'}
        if "typed" in name
        else {}
    )
    bad = upload(world, name, BESIDE[name], package, format=format_, **more)
    for _ in range(2):
        assert download(world, bad).status_code == 403
        assert world.ask("datastore_search", None, resource_id=bad["id"]).status in (
            403,
            404,
        )
        load.drain(world.portal)
    assert release(world, bad, columns=["*", "ma", "so_cccd"]).status == 409


LOTS = "so_lo,tinh_trang\n" + "".join(f"0380950123{n:02},tốt\n" for n in range(20))


def held_lots(world: World) -> Any:
    """A table of numbers that look like those of citizens."""
    lots = upload(world, "lo.csv", LOTS.encode(), format="CSV")
    load.drain(world.portal)
    assert download(world, lots).status_code == 403
    return lots


def test_a_release_is_an_admins_and_names_its_columns(world: World) -> None:
    lots = held_lots(world)
    assert release(world, lots, "edna", columns=["so_lo"]).status == 403
    refused = release(world, lots)
    assert refused.status == 409
    assert "so_lo" in str(refused.error)


def test_what_was_released_is_open_and_written_down(world: World) -> None:
    lots = held_lots(world)
    decided = release(world, lots, columns=["so_lo"]).result
    assert (decided["columns"], decided["reason"]) == (["so_lo"], WHY)
    validation_runs.drain(world.portal)
    assert download(world, lots).data == LOTS.encode()
    assert total_rows(world, None, lots["id"]) == 20
    decisions = world.ask(
        "package_validation_override_list", "edna", id=lots["package_id"]
    ).result
    assert [(each["columns"], each["user_id"]) for each in decisions] == [
        (["so_lo"], decided["user_id"])
    ]


def test_a_release_holds_for_that_content_alone(world: World) -> None:
    lots = held_lots(world)
    assert release(world, lots, columns=["so_lo"]).status == 200
    validation_runs.drain(world.portal)
    other = LOTS.replace("tốt", "hỏng").encode()
    world.send("resource_patch", "edna", ("lo.csv", other), id=lots["id"])
    load.drain(world.portal)
    address = f"/dataset/{lots['package_id']}/resource/{lots['id']}/download/lo.csv"
    assert world.get(address).data != LOTS.encode()
    shown = world.ask("resource_show", None, id=lots["id"]).result
    assert shown["check_state"] == "held"


def total_rows(world: World, who: str | None, key: str) -> int:
    answer = world.ask("datastore_search", who, resource_id=key)
    return int(answer.result["total"])


def publish(world: World, package: dict[str, Any]) -> int:
    """Tries to make a dataset public, and answers the status."""
    return world.ask("package_patch", "edna", id=package["id"], private=False).status


def private_table(world: World, package: dict[str, Any]) -> Any:
    """A table with a citizen's number in it."""
    body = f"ho_ten,so_cccd\nNguyễn Văn An,{NUMBER}\n".encode()
    table = upload(world, "b.csv", body, package["id"], format="CSV")
    load.drain(world.portal)
    return table


def test_a_private_dataset_that_was_not_looked_at_stays_private(world: World) -> None:
    package = world.dataset(private=True)
    text = upload(world, "a.txt", TITLE.encode(), package["id"], format="TXT")
    assert download(world, text, "edna").status_code == 200
    assert download(world, text, "mem").status_code == 403
    load.drain(world.portal)
    assert publish(world, package) == 409


def test_held_rows_of_a_private_dataset_are_its_editors(world: World) -> None:
    key = private_table(world, world.dataset(private=True))["id"]
    assert total_rows(world, "edna", key) == 1
    for path in (f"/datastore/dump/{key}", f"/datastore/dump/{key}?version=1"):
        assert NUMBER in world.get(path, "edna").get_data(as_text=True)
        assert world.get(path, "mem").status_code in (403, 404)
    assert world.ask("datastore_search", "mem", resource_id=key).status == 403


def test_a_private_dataset_opens_with_what_took_the_place_of_held_rows(
    world: World,
) -> None:
    package = world.dataset(private=True)
    key = private_table(world, package)["id"]
    assert publish(world, package) == 409
    world.send("resource_patch", "edna", ("b.csv", b"ma\na\n"), id=key)
    load.drain(world.portal)
    assert publish(world, package) == 200
    assert total_rows(world, None, key) == 1
    old = world.ask("datastore_search", None, resource_id=key, version="1")
    assert old.status == 404
    versions = world.ask("datastore_versions", None, id=key).result["versions"]
    assert [each["version"] for each in versions] == [2]
    assert world.get(f"/datastore/diff/{key}").status_code == 404


def test_consent_and_coarser_cells_are_obeyed_in_what_is_published(
    world: World,
) -> None:
    fields = [
        {
            "name": "ten",
            "type": "string",
            "pd": "basic",
            "treatment": "consent",
            "consent_field": "dong_y",
        },
        {"name": "dong_y", "type": "string"},
        {
            "name": "vi_do",
            "type": "string",
            "pd": "sensitive",
            "treatment": "generalise",
        },
    ]
    body = (
        "ten,dong_y,vi_do\nCửa hàng A,Có,19.80612\nCửa hàng B,không,19.80613\nCửa "
        "hàng C,,19.80614\n"
    )
    made = upload(
        world,
        "a.csv",
        body.encode(),
        format="CSV",
        schema=orjson.dumps({"fields": fields}).decode(),
    )
    rows = world.ask("datastore_search", None, resource_id=made["id"]).result["records"]
    assert [(row["ten"], row["vi_do"]) for row in rows] == [("Cửa hàng A", "19.80")]
    given = download(world, made).get_data(as_text=True)
    assert "Cửa hàng A" in given
    assert "Cửa hàng B" not in given
    assert "19.80612" not in given


ROWS: tuple[tuple[list[dict[str, Any]], list[dict[str, Any]]], ...] = (
    ([{"id": "c", "type": "json"}], [{"c": {"cccd": NUMBER}}]),
    ([{"id": "c", "type": "text[]"}], [{"c": ["x", f"CCCD {NUMBER}"]}]),
    (
        [{"id": "c", "type": "int8"}, {"id": "ho_ten", "type": "text"}],
        [{"c": 38095012345, "ho_ten": "Nguyễn Văn An"}],
    ),
    ([{"id": "c", "type": "text"}], [{"c": "038 095 012 345"}]),
    ([{"id": "c", "type": "text"}], [{"c": f"Công dân mang CCCD số {NUMBER} xin cấp"}]),
    ([{"id": f"cccd {NUMBER}", "type": "text"}], []),
    ([{"id": "c", "type": "text", "info": {"notes": f"như CCCD {NUMBER}"}}], []),
)


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_rows_one_by_one_pass_the_same_look(world: World, number: int) -> None:
    fields, records = ROWS[number]
    resource = {"package_id": world.dataset()["id"], "name": "x"}
    refused = world.ask(
        "datastore_create", "edna", resource=resource, fields=fields, records=records
    )
    assert refused.status == 409, refused.body
    assert "095" not in str(refused.error)
    if records:
        made = world.ask(
            "datastore_create", "edna", resource=resource, fields=fields, records=[]
        ).result
        upsert = {
            "resource_id": made["resource_id"],
            "method": "insert",
            "records": records,
        }
        assert world.ask("datastore_upsert", "edna", **upsert).status == 409


def test_a_harvested_file_that_cannot_be_read_is_opened_by_the_admin(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "anh.bin").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "thu.txt").write_text(TITLE, encoding="utf-8")
    config = {"each": True, "pattern": "*", "settle_seconds": 0}
    object.__setattr__(world.portal.settings, "harvest_roots", (str(tmp_path.parent),))
    source = world.ask(
        "harvest_source_create", "ada", name="folder", title="Folder", url=str(tmp_path), source_type="files",
        owner_org="alpha", frequency="MANUAL", config=orjson.dumps(config).decode(),
    ).result  # fmt: skip
    world.ask("harvest_job_create", "ada", source_id=source["id"])
    assert scheduler.work_once(world.portal, scheduler.owner_name())
    listed = world.ask(
        "package_search", "ada", q="*:*", include_drafts=True, rows=1000
    ).result["results"]
    found = {
        each["resources"][0]["name"]: each
        for each in listed
        if each["title"] in ("anh", "thu")
    }
    assert found["thu"]["state"] == "draft"
    picture = found["anh"]["resources"][0]
    assert (found["anh"]["state"], picture["check_state"]) == ("active", "held")
    assert download(world, picture).status_code == 403
    assert (
        world.ask(
            "package_validation_override", "edna", id=found["anh"]["id"], reason=WHY
        ).status
        == 403
    )
    assert (
        world.ask(
            "package_validation_override", "ada", id=found["anh"]["id"], reason=WHY
        ).status
        == 200
    )
    validation_runs.drain(world.portal)
    assert download(world, picture).status_code == 200
