"""Series in tables without a schema: what is plain is told, what may be by nature is
not.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from portal.quality.table.check import check_table
from portal.reading import read_table

GUARDS = ("portal.quality.checks.indicators",)


def told(
    tmp_path: Path, values: list[str], label: str = "Nhiệt độ", time: str = "Ngày"
) -> list[tuple[str, int | None]]:
    path = tmp_path / "t.csv"
    days = [f"2026-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(len(values))]
    lines = [
        f"{time},Trạm,{label}",
        *(f"{day},T1,{value}" for day, value in zip(days, values, strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = read_table(path)
    report = check_table(
        table, {"fields": [{"name": name, "type": "string"} for name in table.labels]}
    )
    assert report.valid
    return [
        (each.check, each.row)
        for each in report.findings
        if each.check in ("stuck", "outlier", "unit-slip")
    ]


DICE = random.Random(3)
USUAL = [f"{20 + DICE.random() * 8:.1f}" for _ in range(80)]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (USUAL, []),
        ([*USUAL[:40], "25000", *USUAL[41:]], [("unit-slip", 42)]),
        ([*USUAL[:40], "999", *USUAL[41:]], [("outlier", 42)]),
        ([*USUAL[:40], *["25.5"] * 15, *USUAL[55:]], [("stuck", 42)]),
        ([*USUAL[:40], *["0"] * 15, *USUAL[55:]], []),
        ([f"{DICE.paretovariate(0.5):.1f}" for _ in range(80)], []),
        (["25.5"] * 80, []),
        ([*USUAL[:20], "999"], []),
    ],
    ids=["usual", "slip", "outlier", "stuck", "dry", "skewed", "constant", "short"],
)
def test_only_what_is_plain_is_told(
    tmp_path: Path, values: list[str], found: list[tuple[str, int]]
) -> None:
    assert told(tmp_path, values) == found


def test_codes_and_tables_without_a_time_are_left_alone(tmp_path: Path) -> None:
    values = [*USUAL[:40], "25000", *USUAL[41:]]
    assert told(tmp_path, values, label="Mã số") == []
    assert told(tmp_path, values, time="Cột một") == []
