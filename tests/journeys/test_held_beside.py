"""What stands beside a table is held on its own: a release of a column opens nothing
beside it of the same kind.
"""

import gzip
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl
import orjson
import pytest

from portal.pipeline import load, validation_runs
from tests.journeys.conftest import opened
from tests.journeys.world import Answer, World

WHY = "Số lô của hợp tác xã, không có dữ liệu cá nhân."
LOT, OTHER = "038095012{:03}", "038097001122"
"""Numbers of the same shape: in the column, and beside the table."""
ROWS = [[LOT.format(number), "tốt"] for number in range(12)]
RECORDS = [{"so_lo": lot, "tinh_trang": state} for lot, state in ROWS]
POINT = {"type": "Point", "coordinates": [105.7, 19.8]}
CSV = "so_lo,tinh_trang\n" + "".join(f"{lot},{state}\n" for lot, state in ROWS)


def workbook(note: str) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["so_lo", "tinh_trang"], *ROWS):
        sheet.append(row)
    if note:
        book.create_sheet("ghi chú").append([note])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zipped(note: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", CSV)
        archive.comment = note.encode()  # with a second member it would be no table
    return out.getvalue()


def geojson(note: str) -> bytes:
    features = [
        {"type": "Feature", "properties": each, "geometry": POINT} for each in RECORDS
    ]
    return orjson.dumps(
        {
            "type": "FeatureCollection",
            "features": features,
            **({"ghi_chu": note} if note else {}),
        }
    )


FILES: dict[str, Any] = {
    "a.xlsx": workbook,
    "a.json": lambda note: orjson.dumps(
        {"records": RECORDS, **({"ghi_chu": note} if note else {})}
    ),
    "a.geojson": geojson,
    "a.zip": zipped,
    "a.csv": lambda note: (f"{note}\n" if note else "").encode() + CSV.encode(),
    "a.csv.gz": lambda note: gzip.compress(
        (f"{note}\n" if note else "").encode() + CSV.encode()
    ),
}
FORMATS = {"a.xlsx": "XLSX", "a.json": "JSON", "a.geojson": "GeoJSON"}


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def world(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("beside"), request.param) as world:
        yield world


def upload(world: World, name: str, note: str) -> str:
    package, file = world.dataset()["id"], (name, FILES[name](note))
    format_ = FORMATS.get(name, "CSV")
    made = world.send(
        "resource_create", "edna", file, package_id=package, name="lô", format=format_
    ).result
    load.drain(world.portal)
    return str(made["id"])


def release(world: World, key: str, *columns: str) -> Answer:
    answer = world.ask(
        "resource_validation_override",
        "ada",
        resource_id=key,
        reason=WHY,
        columns=list(columns),
    )
    validation_runs.drain(world.portal)
    return answer


def state(world: World, key: str) -> str:
    return str(world.ask("resource_show", None, id=key).result["check_state"])


@pytest.mark.parametrize("name", FILES)
def test_a_release_of_the_column_does_not_release_what_stands_beside(
    world: World, name: str
) -> None:
    key = upload(world, name, f"Mã hồ sơ {OTHER}")
    assert state(world, key) == "held"
    refused = release(world, key, "so_lo")
    assert (refused.status, state(world, key)) == (409, "held")
    assert OTHER not in str(refused.body)
    refused = release(world, key, "*")
    assert (refused.status, state(world, key)) == (409, "held")
    assert (release(world, key, "so_lo", "*").status, state(world, key)) == (
        200,
        "open",
    )


@pytest.mark.parametrize("name", FILES)
def test_a_table_with_nothing_beside_it_needs_its_column_alone(
    world: World, name: str
) -> None:
    key = upload(world, name, "")
    assert state(world, key) == "held"
    assert (release(world, key, "so_lo").status, state(world, key)) == (200, "open")
