"""Administrative codes through time: merges, splits, chains, reused codes, and the real
tree of Thanh Hóa.
"""

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.administrative import AdministrativeUnits, UnknownUnit

BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)
ROWS = Path(__file__).parents[2] / "demo" / "data" / "noi-vu" / "don-vi-hanh-chinh.csv"


@pytest.fixture(scope="module")
def units() -> AdministrativeUnits:
    with ROWS.open(encoding="utf-8", newline="") as file:
        return AdministrativeUnits(csv.DictReader(file))


def row(
    code: str, start: str, end: str = "", heirs: str = "", name: str = "Đơn vị"
) -> dict[str, str]:
    return {
        "ma_dvhc": code, "ten": name, "loai": "Xã", "cap": "3", "ma_cha": "38",
        "ngay_hl": start, "ngay_hhl": end, "ma_ke_thua": heirs,
    }  # fmt: skip


def test_a_merged_commune_has_one_successor(units: AdministrativeUnits) -> None:
    assert units.name("14755", BEFORE) == "Phường Hàm Rồng"
    assert "14758" in units.resolve("14755", BEFORE)
    assert units.resolve("14755") == ("14758",)


def test_a_reused_code_means_what_it_meant_that_day(units: AdministrativeUnits) -> None:
    assert units.name("14758", BEFORE) == "Phường Đông Thọ"
    assert units.name("14758", AFTER) == "Phường Hàm Rồng"
    assert units.resolve("14758", BEFORE) == ("14758", "14797")
    assert units.resolve("14758", AFTER) == ("14758",)
    assert units.resolve("14758") == ("14758",)


def test_a_divided_commune_has_them_all(units: AdministrativeUnits) -> None:
    assert units.resolve("15772", BEFORE) == ("15772", "15796", "15835")


def test_a_former_district_becomes_communes_and_ends_with_the_reform(
    units: AdministrativeUnits,
) -> None:
    muong_lat = units.resolve("384", BEFORE)
    assert len(muong_lat) == 8
    assert {units.get(code).parent for code in muong_lat} == {"38"}
    assert units.resolve("384", AFTER) == ()
    assert units.resolve("384") == muong_lat


def test_the_province_lives_on(units: AdministrativeUnits) -> None:
    assert units.resolve("38", BEFORE) == units.resolve("38") == ("38",)


def test_every_old_code_leads_to_communes_of_today(units: AdministrativeUnits) -> None:
    today = {unit.code for unit in units.current()}
    with ROWS.open(encoding="utf-8", newline="") as file:
        ended = [line["ma_dvhc"] for line in csv.DictReader(file) if line["ngay_hhl"]]
    reached = [units.resolve(code, BEFORE) for code in ended]
    assert all(reached)
    assert {code for codes in reached for code in codes} == today


def test_an_unknown_code_resolves_to_nothing_and_has_no_name(
    units: AdministrativeUnits,
) -> None:
    assert units.resolve("99999") == ()
    assert units.resolve("14755", AFTER) == ()
    with pytest.raises(UnknownUnit, match="'14755' on 2025-07-01"):
        units.name("14755", AFTER)


def test_chains_of_reforms_are_followed_to_the_end() -> None:
    units = AdministrativeUnits(
        [
            row("00001", "2000-01-01", "2009-12-31", "00002;00003"),
            row("00002", "2000-01-01", "2019-12-31", "00004"),
            row("00003", "2000-01-01", "2019-12-31", "00004;00003"),
            row("00003", "2020-01-01"),
            row("00004", "2020-01-01"),
        ]
    )
    assert units.resolve("00001", date(2005, 1, 1)) == ("00003", "00004")
    assert units.resolve("00003", date(2015, 1, 1)) == ("00003", "00004")
    assert units.resolve("00003", date(2021, 1, 1)) == ("00003",)


def test_a_successor_that_is_not_listed_is_left_out() -> None:
    units = AdministrativeUnits(
        [
            row("00001", "2000-01-01", "2009-12-31", "00002;09999"),
            row("00002", "2010-01-01"),
        ]
    )
    assert units.resolve("00001") == ("00002",)


codes = st.sampled_from([f"{number:05d}" for number in range(6)])
years = st.integers(2000, 2008)


@given(
    st.lists(
        st.tuples(codes, years, st.integers(0, 5), st.lists(codes, max_size=3)),
        max_size=12,
    ),
    codes,
)
def test_any_rows_circles_too_end_in_units_in_force(spec: list, code: str) -> None:
    rows = [
        row(
            unit,
            f"{year}-01-01",
            f"{year + length}-12-31" if length else "",
            ";".join(heirs),
        )
        for unit, year, length, heirs in spec
    ]
    units = AdministrativeUnits(rows)
    alive = {unit.code for unit in units.current()}
    assert set(units.resolve(code)) <= alive
    assert set(units.resolve(code, date(2004, 6, 1))) <= alive
