"""Rows per second of check_table beside Frictionless on the same file, with equal verdicts checked in the same run."""

from __future__ import annotations

import argparse
import csv
import random
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from frictionless import Package

from portal.quality.report import Report
from portal.quality.tables import check_table
from portal.reading import read_table
from schemas.record import Content, ContentPart

PROVINCES = [str(number) for number in range(1, 35)]
SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "ma", "type": "string", "constraints": {"required": True, "unique": True, "pattern": "^[0-9]{8}$"}},
        {"name": "ten", "type": "string", "constraints": {"required": True, "maxLength": 60}},
        {"name": "dia_chi", "type": "string"},
        {"name": "ma_tinh", "type": "integer", "constraints": {"required": True}},
        {"name": "ma_xa", "type": "string", "constraints": {"pattern": "^[0-9]{5}$"}},
        {"name": "loai", "type": "string", "constraints": {"enum": ["A", "B", "C", "D"]}},
        {"name": "so_luong", "type": "integer", "constraints": {"minimum": 0, "maximum": 100000}},
        {"name": "gia", "type": "number", "constraints": {"minimum": 0}},
        {"name": "lat", "type": "number", "constraints": {"minimum": 19.28, "maximum": 20.68}},
        {"name": "co", "type": "boolean"},
        {"name": "ngay", "type": "date"},
        {"name": "thoi_diem", "type": "datetime"},
    ],
    "primaryKey": ["ma"],
    "foreignKeys": [{"fields": ["ma_tinh"], "reference": {"resource": "tinh", "fields": ["ma"]}}],
}


def row(number: int, dice: random.Random, bad: float) -> list[str]:
    """One row; each cell is broken with the probability `bad`."""
    day = f"2026-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}"
    cells = [
        f"{number:08d}",
        f"Cơ sở số {number} Thanh Hóa",
        f"Số {number % 300}, đường Lê Lợi",
        str(dice.randint(1, 34)),
        f"{dice.randint(14000, 16999)}",
        dice.choice("ABCD"),
        str(dice.randint(0, 99999)),
        f"{dice.random() * 1000:.2f}",
        f"{19.3 + dice.random():.5f}",
        dice.choice(["true", "false"]),
        day,
        f"{day}T{dice.randint(0, 23):02d}:15:00+07:00",
    ]
    return [f"?{cell[:3]}" if bad and dice.random() < bad else cell for cell in cells]


def write(folder: Path, rows: int, bad: float) -> Path:
    """A CSV file of that many rows in a folder of its own."""
    dice = random.Random(7)
    path = folder / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field["name"] for field in SCHEMA["fields"]])
        writer.writerows(row(number, dice, bad) for number in range(rows))
    (folder / "tinh.csv").write_text("ma\n" + "\n".join(PROVINCES) + "\n", encoding="utf-8")
    return path


def ours(path: Path, *, checks: bool) -> tuple[float, Report]:
    """Seconds of reading and checking, and the report."""
    started = time.perf_counter()
    table = read_table(Content((ContentPart.of(path),)))
    references = {"tinh": {"ma": PROVINCES}}
    report = check_table(table, SCHEMA, references=references.get, checks=checks)
    return time.perf_counter() - started, report


def theirs(path: Path) -> tuple[float, Counter[str]]:
    """Seconds that Frictionless takes to find all errors, and how many it finds of each code."""
    tinh = {"name": "tinh", "path": "tinh.csv", "schema": {"fields": [{"name": "ma", "type": "integer"}]}}
    own = {"name": "t", "path": "t.csv", "encoding": "utf-8", "schema": SCHEMA}
    package = Package.from_descriptor({"name": "p", "resources": [own, tinh]}, basepath=str(path.parent))
    started = time.perf_counter()
    report = package.get_resource("t").validate(limit_errors=10**9)
    return time.perf_counter() - started, Counter(error.type for error in report.tasks[0].errors)


def main() -> None:
    """Print one line for each table: clean, and with 1 % of its cells broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--alone", action="store_true", help="do not run Frictionless beside it")
    arguments = parser.parse_args()
    for name, bad in (("clean", 0.0), ("1% bad", 0.01)):
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder), arguments.rows, bad)
            full, _ = ours(path, checks=True)
            fast, report = ours(path, checks=False)
            line = (
                f"{name:7} {arguments.rows / fast:>12,.0f} rows/s  ({arguments.rows / full:,.0f} with our own checks)"
            )
            if not arguments.alone:
                slow, counts = theirs(path)
                mine: Counter[str] = Counter()
                for (code, _field), times in report.counts.items():
                    mine[code] += times
                line += (
                    f"  frictionless {arguments.rows / slow:,.0f}  ×{slow / fast:.0f}  same counts: {mine == counts}"
                )
            print(line, f" errors {sum(report.counts.values()):,}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
