"""Checks against what is fixed outside a table: limits, targets, bounds, units at their date."""

from pathlib import Path
from typing import Any

from portal.quality.tables import check_table, no_references
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
    schema = {"fields": [{"name": name, "type": "string"} for name in names], "checks": [check]}
    report = check_table(read_table(path), schema, references=references)
    return [(f.check, f.row, f.note) for f in report.findings if f.check in (check["id"], "unchecked")]


def test_a_value_above_its_limit_is_told_once_with_the_limit(tmp_path: Path) -> None:
    check = {"id": "limit", "field": "v", "parameter": "p", "limits": {"PM2.5": 50}}
    assert found(tmp_path, "p,v\nPM2.5,50\nPM2.5,50.5\nSO2,900\n", check) == [("limit", 3, "50.5 > 50.0")]


def test_a_target_is_told_while_it_is_missed(tmp_path: Path) -> None:
    check = {"id": "target", "where": {"k": "1"}, "minimum": 2}
    assert found(tmp_path, "k,x\n1,a\n0,b\n", check) == [("target", None, "k=1: 1 / 2")]
    assert found(tmp_path, "k,x\n1,a\n1,b\n", check) == []


def test_places_outside_the_province_and_exchanged_ones(tmp_path: Path) -> None:
    check = {"id": "inside", "fields": ["lat", "lon"]}
    text = "lat,lon\n19.8,105.78\n105.78,19.8\n21.03,105.85\n,\n"
    assert found(tmp_path, text, check) == [("inside", 3, "lat ↔ lon"), ("inside", 4, "21.03; 105.85")]


def test_units_are_judged_at_the_date_of_the_row(tmp_path: Path) -> None:
    check = {"id": "unit-at-date", "field": "ma", "date": "ngay"}
    text = "ma,ngay\n00001,2025-06-30\n00001,2025-07-01\n00002,2025-06-30\n,2025-01-01\n"
    assert found(tmp_path, text, check) == [("unchecked", None, "unit-at-date")]
    told = found(tmp_path, text, check, {"noi-vu/don-vi-hanh-chinh": UNITS}.get)
    assert told == [("unit-at-date", 3, "00001, 2025-07-01"), ("unit-at-date", 4, "00002, 2025-06-30")]
