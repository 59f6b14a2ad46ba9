"""The demo's data: what is shipped is real and complete, what is made is sound or
faulty as meant.
"""

import csv
import datetime as dt
import json
import os
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from frictionless import Package, Resource

from demo import generate, units
from demo.illustrative import enterprises, indicators, prices, stations
from demo.illustrative.seed import LAST_DAY
from demo.sources import ENTERPRISE_COLUMNS as ENTERPRISE
from demo.sources import PRICE_COLUMNS as PRICE
from portal.quality.checks import documented
from schemas import catalog
from schemas.administrative import AdministrativeUnits

GUARDS = (
    "demo.generate",
    "demo.illustrative.enterprises",
    "demo.illustrative.indicators",
    "demo.illustrative.prices",
    "demo.illustrative.seed",
    "demo.illustrative.stations",
    "demo.units",
)
DATA = generate.DATA
SHARED = Path(
    os.environ.get(
        "PORTAL_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data"
    )
)
QUARTER = dt.date(2026, 10, 1)


@pytest.fixture(scope="module")
def unit_rows() -> list[dict[str, str]]:
    with (DATA / generate.UNITS).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def tree(unit_rows: list[dict[str, str]]) -> AdministrativeUnits:
    return AdministrativeUnits(unit_rows)


def verdict(
    tables: dict[str, list[dict]], *, public: bool = True
) -> Counter[tuple[str, str | None]]:
    """Frictionless's verdict on rows by schema code, foreign keys between the given
    tables and code lists included.
    """
    given = {catalog.get(code).name: rows for code, rows in tables.items()}
    for name in tuple(given):
        for wanted in catalog.get(name).references:
            given.setdefault(wanted, list(catalog.get(wanted).rows()))
    resources = [_resource(name, rows, public) for name, rows in given.items()]
    report = Package(resources=resources).validate(limit_errors=1_000_000)
    return Counter(
        (error[0], error[1]) for error in report.flatten(["type", "fieldName"])
    )


def _resource(name: str, rows: list[dict], public: bool) -> Resource:
    table = catalog.get(name)
    descriptor = table.public if public else table.descriptor
    for key in descriptor.get("foreignKeys", []):
        key["reference"]["resource"] = key["reference"]["resource"].replace("/", "--")
    names = [field["name"] for field in descriptor["fields"]]
    data = [names, *([str(row.get(field, "")) for field in names] for row in rows)]
    return Resource.from_descriptor(
        {"name": name.replace("/", "--"), "data": data, "schema": descriptor}
    )


# D01: the real units


def test_d01_is_valid(unit_rows: list[dict[str, str]]) -> None:
    assert verdict({"D01": unit_rows}) == {}


def test_d01_has_the_166_communes_of_today_and_no_district(
    unit_rows: list[dict[str, str]],
) -> None:
    current = [row for row in unit_rows if not row["ngay_hhl"]]
    assert Counter(row["cap"] for row in current) == {"1": 1, "3": 166}
    communes = [row for row in current if row["cap"] == "3"]
    assert Counter(row["loai"] for row in communes) == {"Xã": 147, "Phường": 19}
    assert {row["ma_cha"] for row in communes} == {"38"}
    assert {row["ngay_hl"] for row in communes} == {"2025-07-01"}
    assert all(
        row["dien_tich_km2"] and row["dan_so"] and row["lat"] and row["lon"]
        for row in communes
    )
    assert len({(row["lat"], row["lon"]) for row in communes}) == 166


def test_d01_has_the_old_tree_and_every_ended_unit_a_successor(
    unit_rows: list[dict[str, str]],
) -> None:
    ended = [row for row in unit_rows if row["ngay_hhl"]]
    assert Counter(row["cap"] for row in ended) == {"2": 26, "3": 547}
    current = {
        row["ma_dvhc"] for row in unit_rows if not row["ngay_hhl"] and row["cap"] == "3"
    }
    districts = {row["ma_dvhc"] for row in ended if row["cap"] == "2"}
    assert {row["ngay_hhl"] for row in ended} == {"2025-06-30"}
    for row in ended:
        assert row["ma_ke_thua"]
        assert set(row["ma_ke_thua"].split(";")) <= current
        assert row["ma_cha"] in (districts if row["cap"] == "3" else {"38"})


def test_d01_keeps_every_split(unit_rows: list[dict[str, str]]) -> None:
    """Ten former communes were divided, among twenty-one rows of the mapping."""
    heirs = {
        row["ma_dvhc"]: row["ma_ke_thua"].split(";")
        for row in unit_rows
        if row["ngay_hhl"] and row["cap"] == "3"
    }
    split = {code: into for code, into in heirs.items() if len(into) > 1}
    assert len(split) == 10
    assert sum(map(len, split.values())) == 21
    assert split["14758"] == ["14758", "14797"]
    assert "14758" in heirs["14755"]


def test_d01_is_plain_utf8_nfc() -> None:
    raw = (DATA / generate.UNITS).read_bytes()
    text = raw.decode("utf-8")
    assert unicodedata.is_normalized("NFC", text)
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert "\r" not in text
    assert all(line == line.strip() for line in text.splitlines())


needs_sources = pytest.mark.skipif(
    not (SHARED / "vn-admin").is_dir(),
    reason=f"the source files of D01 are not in {SHARED.name}/ (PORTAL_SHARED_DATA)",
)


@needs_sources
def test_d01_can_be_made_again_from_its_sources() -> None:
    assert generate.units_csv(SHARED / "vn-admin") == (DATA / generate.UNITS).read_text(
        encoding="utf-8"
    )


@needs_sources
def test_sources_that_disagree_are_refused(tmp_path: Path) -> None:
    for name in (
        units.NEW_UNITS,
        units.OLD_TO_NEW,
        units.POPULATION,
        units.NEW_TREE,
        units.OLD_TREE,
    ):
        (tmp_path / name).symlink_to(SHARED / "vn-admin" / name)
    shorter = (
        (SHARED / "vn-admin" / units.OLD_TO_NEW)
        .read_text(encoding="utf-8-sig")
        .splitlines(keepends=True)
    )
    (tmp_path / units.OLD_TO_NEW).unlink()
    kept = [
        line
        for line in shorter
        if not line.startswith("38,") or ",14755.0," not in line
    ]
    (tmp_path / units.OLD_TO_NEW).write_text("".join(kept), encoding="utf-8")
    with pytest.raises(units.SourceMismatch, match="14755"):
        generate.units_csv(tmp_path)


# Data Packages


@pytest.mark.parametrize("name", ["gdp", "cpi"])
def test_shipped_packages_are_valid_as_they_stand(name: str) -> None:
    report = Package(str(DATA / "packages" / name / "datapackage.json")).validate()
    assert report.flatten(["type", "note"]) == []


def test_shipped_packages_name_an_open_licence_and_are_credited() -> None:
    credits = (DATA / "SOURCES.md").read_text(encoding="utf-8")
    licences = {}
    for path in (DATA / "packages").glob("*/datapackage.json"):
        licences[path.parent.name] = json.loads(path.read_text(encoding="utf-8"))[
            "licenses"
        ][0]["name"]
        assert f"packages/{path.parent.name}/" in credits
    assert licences == {"gdp": "ODC-PDDL-1.0", "cpi": "CC-BY-4.0"}
    assert "The World Bank" in credits


def test_packages_are_cut_by_the_generator_as_they_are_shipped(tmp_path: Path) -> None:
    generate.copy_packages(DATA / "packages", tmp_path)
    for path in (DATA / "packages").rglob("*.*"):
        assert (
            tmp_path / path.relative_to(DATA / "packages")
        ).read_bytes() == path.read_bytes()


def test_everything_shipped_stays_small() -> None:
    assert (
        sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 700_000
    )


# D02: enterprises


def _our_names(
    rows: list[dict[str, str]], columns: dict[str, str]
) -> list[dict[str, str]]:
    """Rows of a source in our field names, dates and numbers written our way where they
    can be.
    """
    return [
        {ours: _ours(row[theirs], ours) for theirs, ours in columns.items()}
        for row in rows
    ]


def _ours(text: str, name: str) -> str:
    if name.startswith("ngay"):
        try:
            return dt.datetime.strptime(text, "%d/%m/%Y").date().isoformat()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            return text
    return (
        text.replace(".", "").replace(",", ".")
        if name.startswith(("gia_", "von_")) or name == "gia"
        else text
    )


def test_the_clean_register_is_valid_without_its_personal_columns(
    tree: AdministrativeUnits, unit_rows: list[dict[str, str]]
) -> None:
    rows = enterprises.enterprises(tree, QUARTER)
    assert len(rows) == 180
    assert set(rows[0]) - set(ENTERPRISE) == {"NguoiDaiDien", "DienThoai"}
    assert list(ENTERPRISE.values()) == [
        field["name"] for field in catalog.get("D02").public["fields"]
    ]
    assert verdict({"D02": _our_names(rows, ENTERPRISE), "D01": unit_rows}) == {}


def test_the_clean_register_meets_the_target_for_2025(
    tree: AdministrativeUnits,
) -> None:
    rows = enterprises.enterprises(tree, QUARTER)
    assert sum(row["TrangThai"] == "dang_hoat_dong" for row in rows) >= 100
    assert sum(row["TrongDiem"] == "true" for row in rows) >= 10
    assert all("minh họa" in row["TenDN"] for row in rows)


def test_the_source_writes_numbers_and_dates_its_own_way(
    tree: AdministrativeUnits,
) -> None:
    rows = enterprises.enterprises(tree, QUARTER)
    assert any("." in row["VonDieuLe"] and "," in row["VonDieuLe"] for row in rows)
    assert all(len(row["NgayCapNhat"].split("/")) == 3 for row in rows)


def test_the_faulty_register_is_wrong_where_it_is_meant_to_be(
    tree: AdministrativeUnits, unit_rows: list[dict[str, str]]
) -> None:
    rows = _our_names(enterprises.faulty_enterprises(tree, QUARTER), ENTERPRISE)
    found = verdict({"D02": rows, "D01": unit_rows})
    assert found == {
        ("constraint-error", "ma_dn"): 3,
        ("type-error", "ngay_cap_nhat"): 2,
        ("constraint-error", "ma_xa"): 1,
        ("foreign-key", None): 2,
        ("constraint-error", "nhom"): 1,
        ("type-error", "von_dieu_le_trd"): 1,
        ("constraint-error", "ten"): 1,
        ("primary-key", None): 1,
    }


# D09: prices


def test_prices_are_valid_and_complete(unit_rows: list[dict[str, str]]) -> None:
    rows = _our_names(prices.farm_prices(), PRICE)
    assert len(rows) == 21 * 8 * 30
    assert max(row["ngay"] for row in rows) == LAST_DAY.isoformat()
    assert list(PRICE.values()) == [
        field["name"] for field in catalog.get("D09").public["fields"]
    ]
    assert verdict({"D09": rows, "D01": unit_rows}) == {}


def test_prices_keep_their_order_and_jump_only_in_the_storm() -> None:
    rows = _our_names(prices.farm_prices(), PRICE)
    last: dict[tuple[str, str], int] = {}
    jumps = []
    for row in rows:
        low, price, high = int(row["gia_thap"]), int(row["gia"]), int(row["gia_cao"])
        assert low <= price <= high
        key = (row["ma_mat_hang"], row["ma_diem"])
        if key in last and abs(price - last[key]) > 0.4 * last[key]:
            jumps.append((key, row["ngay"]))
        last[key] = price
    assert jumps == [(("RA001", "DK08"), "2026-11-20")]


def test_the_price_source_writes_thousands_with_dots() -> None:
    assert all("," not in row["Gia"] for row in prices.farm_prices(days=1))
    assert any("." in row["Gia"] for row in prices.farm_prices(days=1))


def test_points_stand_in_communes_of_today(tree: AdministrativeUnits) -> None:
    for point in catalog.get("D09/diem-khao-sat").rows():
        commune = tree.get(point["ma_cha"], LAST_DAY)
        assert commune.end is None
        assert point["ten"].endswith(commune.name)


# D13: stations


def _read(path: Path) -> list[dict[str, str]]:
    raw = path.read_bytes()
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return list(csv.DictReader(raw.decode(encoding).splitlines()))


def test_station_files_are_mixed_on_purpose_and_valid_together(
    tmp_path: Path, unit_rows: list[dict[str, str]]
) -> None:
    file, *days = stations.write_stations(tmp_path, unit_rows)
    assert [path.read_bytes()[:3] for path in days[:3]] == [
        b"ma_",
        days[1].read_bytes()[:3],
        b"\xef\xbb\xbf",
    ]
    assert days[1].read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff")
    assert b"\r\n" in days[2].read_bytes()
    with pytest.raises(UnicodeDecodeError):
        file.read_text(encoding="utf-8")
    text = unicodedata.normalize("NFC", file.read_bytes().decode("cp1258"))
    rows = list(csv.DictReader(text.splitlines()))
    assert rows == stations.station_rows(unit_rows)
    values = [row for path in days for row in _read(path)]
    assert (
        len(values)
        == sum(len(station.parameters) for station in stations.STATIONS) * 24 * 3
    )
    assert verdict({"D13/tram": rows, "D13/so-lieu": values, "D01": unit_rows}) == {}


def test_the_late_station_misses_its_day_and_comes_after(
    tmp_path: Path, unit_rows: list[dict[str, str]]
) -> None:
    _, first, _, _, late = stations.write_stations(tmp_path, unit_rows)
    assert stations.LATE_STATION not in {row["ma_tram"] for row in _read(first)}
    assert {row["ma_tram"] for row in _read(late)} == {stations.LATE_STATION}
    assert {row["thoi_diem"][:10] for row in _read(late)} == {first.stem}


def test_stations_stand_apart_in_the_middle_of_their_communes(
    unit_rows: list[dict[str, str]],
) -> None:
    rows = stations.station_rows(unit_rows)
    centres = {
        row["ma_dvhc"]: (row["lat"], row["lon"])
        for row in unit_rows
        if not row["ngay_hhl"]
    }
    assert len({(row["lat"], row["lon"]) for row in rows}) == len(rows) == 8
    assert all(centres[row["ma_xa"]] == (row["lat"], row["lon"]) for row in rows)


def test_units_are_fixed_no_sensor_is_stuck_and_one_limit_is_passed() -> None:
    days = [LAST_DAY - dt.timedelta(days=back) for back in (2, 1, 0)]
    rows = [row for day in days for row in stations.measurements(day)]
    check = next(
        check for check in catalog.get("D13/so-lieu").checks if check["id"] == "units"
    )
    assert all(row["don_vi"] == check["units"][row["thong_so"]] for row in rows)
    assert [
        (r["ma_tram"], r["thong_so"], r["thoi_diem"])
        for r in rows
        if r["vuot_nguong"] == "true"
    ] == [("NM001", "COD", "2026-11-22T14:00:00+07:00")]
    runs: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        runs.setdefault((row["ma_tram"], row["thong_so"]), []).append(row["gia_tri"])
    for values in runs.values():
        assert all(
            len(set(values[start : start + 6])) > 1 for start in range(len(values) - 5)
        )


# D18: the cube


def test_the_cube_is_valid_and_its_formulas_hold(
    tmp_path: Path, unit_rows: list[dict[str, str]]
) -> None:
    engine = sa.create_engine(
        f"sqlite:///{indicators.write_cube(tmp_path / 'ioc' / 'chi-tieu.sqlite')}"
    )
    try:
        with engine.connect() as connection:
            listed = [
                _texts(row)
                for row in connection.execute(
                    sa.text("SELECT * FROM chi_tieu")
                ).mappings()
            ]
            values = [
                _texts(row)
                for row in connection.execute(
                    sa.text("SELECT * FROM gia_tri")
                ).mappings()
            ]
    finally:
        engine.dispose()
    assert (
        verdict({"D18/chi-tieu": listed, "D18/gia-tri": values, "D01": unit_rows}) == {}
    )
    by_key = {
        (row["ma_chi_tieu"], row["ma_don_vi"], row["ky"]): float(row["gia_tri"])
        for row in values
    }
    for code, place, period in by_key:
        if code == "DTC03":
            share = (
                by_key["DTC02", place, period] / by_key["DTC01", place, period] * 100
            )
            assert abs(by_key[code, place, period] - share) <= 0.005
    assert {row["ma"] for row in listed if row["muc_chia_se"] == "mo"} >= {
        "DTC03",
        "TTHC04",
        "TTHC06",
        "AS05",
    }


def _texts(row: sa.RowMapping) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}


def test_formulas_of_the_schema_are_those_of_the_list() -> None:
    check = next(
        check
        for check in catalog.get("D18/gia-tri").checks
        if check["id"] == "row-formula"
    )
    assert check["formulas"] == {
        row["ma"]: row["cong_thuc"]
        for row in indicators.indicator_rows()
        if row["cong_thuc"]
    }


# the same again


def test_everything_made_is_the_same_each_time(
    tmp_path: Path, tree: AdministrativeUnits, unit_rows: list
) -> None:
    assert enterprises.enterprises(tree, QUARTER) == enterprises.enterprises(
        tree, QUARTER
    )
    assert prices.farm_prices(days=3) == prices.farm_prices(days=3)
    assert indicators.indicator_values() == indicators.indicator_values()
    once, twice = (
        stations.write_stations(tmp_path / name, unit_rows) for name in ("a", "b")
    )
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in twice]


def test_a_second_preparation_touches_nothing(tmp_path: Path, unit_rows: list) -> None:
    def prepare() -> list[int]:
        cube = indicators.write_cube(tmp_path / "cube.sqlite")
        return [
            path.stat().st_mtime_ns
            for path in (cube, *stations.write_stations(tmp_path, unit_rows))
        ]

    assert prepare() == prepare()


def test_the_generator_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(generate.main, ["--page"]).exit_code == 0
    page = (tmp_path / generate.PAGE).read_text(encoding="utf-8")
    assert page == catalog.markdown(documented.markdown())
