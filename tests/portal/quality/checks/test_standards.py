"""Checks against what is fixed outside a table: limits, targets, bounds, units at their
date.
"""

from pathlib import Path
from typing import Any

from portal.quality.table.check import check_table, no_references
from portal.reading import read_table

UNITS = {
    "ma_dvhc": ["00001", "00002"],
    "ten": ["Cũ", "Mới"],
    "loai": ["Xã", "Xã"],
    "cap": ["3", "3"],
    "ngay_hl": ["2000-01-01", "2025-07-01"],
    "ngay_hhl": ["2025-06-30", None],
}


def found(
    tmp_path: Path, text: str, check: dict[str, Any], references: Any = no_references
) -> list[tuple[str, int | None, str]]:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    names = text.split("\n", 1)[0].split(",")
    schema = {
        "fields": [{"name": name, "type": "string"} for name in names],
        "checks": [check],
    }
    report = check_table(read_table(path), schema, references=references)
    return [
        (f.check, f.row, f.note)
        for f in report.findings
        if f.check in (check["id"], "unchecked")
    ]


def test_a_value_above_its_limit_is_told_once_with_the_limit(tmp_path: Path) -> None:
    check = {"id": "limit", "field": "v", "parameter": "p", "limits": {"PM2.5": 50}}
    assert found(tmp_path, "p,v\nPM2.5,50\nPM2.5,50.5\nSO2,900\n", check) == [
        ("limit", 3, "50.5 > 50.0")
    ]


def test_a_target_is_told_while_it_is_missed(tmp_path: Path) -> None:
    check = {"id": "target", "where": {"k": "1"}, "minimum": 2}
    assert found(tmp_path, "k,x\n1,a\n0,b\n", check) == [("target", None, "k=1: 1 / 2")]
    assert found(tmp_path, "k,x\n1,a\n1,b\n", check) == []


def test_places_outside_the_province_and_exchanged_ones(tmp_path: Path) -> None:
    check = {"id": "inside", "fields": ["lat", "lon"]}
    text = "lat,lon\n19.8,105.78\n105.78,19.8\n21.03,105.85\n,\n"
    assert found(tmp_path, text, check) == [
        ("inside", 3, "lat ↔ lon"),
        ("inside", 4, "21.03; 105.85"),
    ]


def test_units_are_judged_at_the_date_of_the_row(tmp_path: Path) -> None:
    check = {"id": "unit-at-date", "field": "ma", "date": "ngay"}
    text = (
        "ma,ngay\n00001,2025-06-30\n00001,2025-07-01\n00002,2025-06-30\n,2025-01-01\n"
    )
    assert found(tmp_path, text, check) == [("unchecked", None, "unit-at-date")]
    told = found(tmp_path, text, check, {"noi-vu/don-vi-hanh-chinh": UNITS}.get)
    assert told == [
        ("unit-at-date", 3, "00001, 2025-07-01"),
        ("unit-at-date", 4, "00002, 2025-06-30"),
    ]


def test_a_term_of_so_many_months(tmp_path: Path) -> None:
    check = {"id": "months-after", "fields": ["a", "b"], "months": 36}
    text = (
        "a,b\n2026-01-15,2029-01-15\n2026-01-15,2029-01-14\n2026-01-15,2028-01-15\n"
        "2026-01-15,\n"
    )
    assert found(tmp_path, text, check) == [
        ("months-after", 4, "2028-01-15 ≠ 2029-01-15")
    ]


def test_parts_of_a_code_agree_with_each_other_and_with_a_day(tmp_path: Path) -> None:
    check = {
        "id": "code-parts",
        "field": "m",
        "pattern": "-(?P<nam>[0-9]{4})$",
        "formula": "nam - ngay",
        "equals": 0,
    }
    text = "m,ngay\nx-1-2026,2026-05-01\nx-1-2025,2026-05-01\nx,2026-05-01\n"
    assert found(tmp_path, text, check) == [
        ("code-parts", 3, "x-1-2025: nam - ngay = 0")
    ]


def test_places_of_households_are_coarse(tmp_path: Path) -> None:
    check = {
        "id": "coarse",
        "where": {"k": ["ho", "nguoi"]},
        "fields": ["lat", "lon"],
        "decimals": 2,
    }
    text = "k,lat,lon\nho,19.80,105.7800\nho,19.8067,105.78\nhtx,19.8067,105.7852\n"
    assert found(tmp_path, text, check) == [("coarse", 3, "> 2")]


def test_the_whole_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    check = {
        "id": "sum-of-parts",
        "field": "v",
        "part": "d",
        "whole": "38",
        "by": ["ky"],
        "parts": 2,
    }
    text = (
        "ky,d,v\n1,38,10\n1,a,4\n1,b,6\n2,38,10\n2,a,4\n3,38,3\n3,a,4\n4,38,9\n4,a,4\n"
        "4,b,4\n"
    )
    told = found(tmp_path, text, check)
    assert told == [
        ("sum-of-parts", 7, "3.0 ≠ Σ 4.0 (1)"),
        ("sum-of-parts", 9, "9.0 ≠ Σ 8.0 (2)"),
    ]


INDICATORS = {
    "ma": ["T01", "T02", "T03", "T04"],
    "ky_loai": ["thang", "thang", "thang", "nam"],
    "cong_thuc": ["", "", "T02 / T01 × 100", "nhiều chữ"],
    "rang_buoc": ["gia_tri ≥ 0", "", "0 <= gia_tri <= 100", "gia_tri < khac"],
}


def test_values_obey_the_list_of_their_indicators(tmp_path: Path) -> None:
    text = (
        "ma,ky,gia_tri\nT01,202601,10\nT02,202601,5\nT03,202601,60\nT01,2026,-1\n"
        "T03,202602,101\nT04,20261,1\n"
    )
    lists = {"chi-tieu": INDICATORS}.get
    formulas = {
        "id": "row-formula",
        "indicator": "ma",
        "value": "gia_tri",
        "by": ["ky"],
        "formulas": {"T02": "T01"},
    }
    bounds = {
        "id": "indicator-bounds",
        "field": "gia_tri",
        "indicator": "ma",
        "list": "chi-tieu",
    }
    kinds = {"id": "period-kind", "field": "ky", "indicator": "ma", "list": "chi-tieu"}
    assert found(tmp_path, text, {**formulas, "list": "chi-tieu"}, lists) == [
        ("row-formula", 3, "5.0 ≠ 10.0"),
        ("row-formula", 4, "60.0 ≠ 50.0"),
    ]
    assert found(tmp_path, text, formulas, lists) == [("row-formula", 3, "5.0 ≠ 10.0")]
    assert [row for _, row, _ in found(tmp_path, text, bounds, lists)] == [5, 6]
    assert found(tmp_path, text, kinds, lists) == [
        ("period-kind", 5, "T01: thang"),
        ("period-kind", 7, "T04: nam"),
    ]
    assert found(tmp_path, text, kinds) == [("unchecked", None, "period-kind")]


def test_formulas_are_readable(tmp_path: Path) -> None:
    text = (
        "f,x\nDTC02 / DTC01 · 100,1\nA01 + (B01 − 2),1\nlấy hai chia ba,1\n"
        "__import__('os'),1\n"
    )
    told = found(tmp_path, text, {"id": "formula", "field": "f"})
    assert [row for _, row, _ in told] == [4, 5]
