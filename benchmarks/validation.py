"""check_table beside Frictionless on the same files in one run: rows a second, CPU,
peak memory, and equal errors.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from frictionless import Package
from openpyxl import Workbook

from portal.quality.findings.messages import ERRORS
from portal.quality.table.check import check_table
from portal.reading import read_table
from schemas.record import Content, ContentPart

PROVINCES = [str(number) for number in range(1, 35)]
SCHEMA: dict[str, Any] = {
    "fields": [
        {
            "name": "ma",
            "type": "string",
            "constraints": {"required": True, "unique": True, "pattern": "^[0-9]{8}$"},
        },
        {
            "name": "ten",
            "type": "string",
            "constraints": {"required": True, "maxLength": 60},
        },
        {"name": "dia_chi", "type": "string"},
        {"name": "ma_tinh", "type": "integer", "constraints": {"required": True}},
        {"name": "ma_xa", "type": "string", "constraints": {"pattern": "^[0-9]{5}$"}},
        {
            "name": "loai",
            "type": "string",
            "constraints": {"enum": ["A", "B", "C", "D"]},
        },
        {
            "name": "so_luong",
            "type": "integer",
            "constraints": {"minimum": 0, "maximum": 100000},
        },
        {"name": "gia", "type": "number", "constraints": {"minimum": 0}},
        {
            "name": "lat",
            "type": "number",
            "constraints": {"minimum": 19.28, "maximum": 20.68},
        },
        {"name": "co", "type": "boolean"},
        {"name": "ngay", "type": "date"},
        {"name": "thoi_diem", "type": "datetime"},
    ],
    "primaryKey": ["ma"],
    "foreignKeys": [
        {"fields": ["ma_tinh"], "reference": {"resource": "tinh", "fields": ["ma"]}}
    ],
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
    (folder / "tinh.csv").write_text(
        "ma\n" + "\n".join(PROVINCES) + "\n", encoding="utf-8"
    )
    return path


class Case(NamedTuple):
    """One table to check: its file, its schema and the lists that its foreign keys
    point to.
    """

    name: str
    path: Path
    schema: dict[str, Any]
    rows: int


class Spent(NamedTuple):
    """What one check of a table took, and how many errors of each code it found."""

    seconds: float
    cpu: float
    peak: float
    errors: dict[str, int]


def cases(folder: Path, rows: int) -> Iterator[Case]:
    """The tables of the comparison; the wide and the spreadsheet have fewer rows, about
    as many cells.
    """
    plain = {key: value for key, value in SCHEMA.items() if key != "foreignKeys"}
    for name, schema, bad in (
        ("clean", plain, 0.0),
        ("1 % bad", plain, 0.01),
        ("foreign keys", SCHEMA, 0.0),
    ):
        home = folder / name.replace(" ", "-").replace("%", "")
        home.mkdir()
        yield Case(name, write(home, rows, bad), schema, rows)
    wide = max(rows // 5, 1)
    home = folder / "wide"
    home.mkdir()
    schema = {
        "fields": [
            {**field, "name": f"{field['name']}_{n}"}
            for n in range(5)
            for field in plain["fields"]
        ]
    }
    yield Case("60 columns", _wide(home, wide, schema), schema, wide)
    sheet = max(rows // 4, 1)
    home = folder / "sheet"
    home.mkdir()
    yield Case(
        "XLSX",
        _sheet(home, sheet),
        {"fields": [{"name": f["name"], "type": "string"} for f in plain["fields"]]},
        sheet,
    )


def _wide(folder: Path, rows: int, schema: dict[str, Any]) -> Path:
    dice, path = random.Random(7), folder / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field["name"] for field in schema["fields"]])
        writer.writerows(
            [cell for _ in range(5) for cell in row(number, dice, 0.0)]
            for number in range(rows)
        )
    return path


def _sheet(folder: Path, rows: int) -> Path:
    """A workbook whose cells are all texts, as both sides read those alike."""
    dice, path = random.Random(7), folder / "t.xlsx"
    book = Workbook(write_only=True)
    page = book.create_sheet()
    page.append([field["name"] for field in SCHEMA["fields"]])
    for number in range(rows):
        page.append(row(number, dice, 0.0))
    book.save(path)
    return path


def ours(case: Case) -> Counter[str]:
    """Check a table with our engine, our own checks included; the errors of
    Frictionless' codes.
    """
    table = read_table(Content((ContentPart.of(case.path),)))
    report = check_table(table, case.schema, references={"tinh": {"ma": PROVINCES}}.get)
    counts: Counter[str] = Counter()
    for (code, _field), times in report.counts.items():
        counts[code] += times if code in ERRORS else 0
    return +counts


def theirs(case: Case) -> Counter[str]:
    """Check a table with Frictionless, all errors listed."""
    tinh = {
        "name": "tinh",
        "path": "tinh.csv",
        "schema": {"fields": [{"name": "ma", "type": "integer"}]},
    }
    own = {
        "name": "t",
        "path": case.path.name,
        "encoding": "utf-8",
        "schema": case.schema,
    }
    others = [tinh] if "foreignKeys" in case.schema else []
    package = Package.from_descriptor(
        {"name": "p", "resources": [own, *others]}, basepath=str(case.path.parent)
    )
    report = package.get_resource("t").validate(limit_errors=10**9)
    return Counter(error.type for error in report.tasks[0].errors)


def _child(check: Callable[[Case], Counter[str]], case: Case, pipe: Connection) -> None:
    started, cpu = time.perf_counter(), time.process_time()
    errors = check(case)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send(
        Spent(
            time.perf_counter() - started, time.process_time() - cpu, peak, dict(errors)
        )
    )


def measured(check: Callable[[Case], Counter[str]], case: Case) -> Spent:
    """One check in a process of its own, so that its memory is its own; imports are not
    timed.
    """
    there, here = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_child, args=(check, case, here))
    process.start()
    here.close()
    spent: Spent = there.recv()
    process.join()
    return spent


def main() -> None:
    """Print one table: every case, ours beside Frictionless, with equal errors checked
    in the same run.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows",
        type=int,
        default=50_000,
        help="rows of a plain table (wide: a fifth, XLSX: a quarter)",
    )
    rows = parser.parse_args().rows
    print(
        f"{'table':<13}{'rows':>9} "
        f"{'engine':<13}{'rows/s':>10}{'CPU s':>8}{'peak MB':>9}{'errors':>9}{'ratio':>7}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(Path(folder), rows):
            fast, slow = measured(ours, case), measured(theirs, case)
            same = (
                "same errors"
                if fast.errors == slow.errors
                else f"DIFFER: {fast.errors} {slow.errors}"
            )
            for engine, spent in (("ours", fast), ("frictionless", slow)):
                ratio = f"×{slow.seconds / spent.seconds:.0f}" if spent is fast else ""
                print(
                    f"{case.name:<13}{case.rows:>9,} "
                    f"{engine:<13}{case.rows / spent.seconds:>10,.0f}{spent.cpu:>8.2f}"
                    f"{spent.peak:>9.0f}{sum(spent.errors.values()):>9,}{ratio:>7}  "
                    f"{same if spent is fast else ''}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
