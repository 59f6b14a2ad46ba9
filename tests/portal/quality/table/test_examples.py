"""The example rows of every table schema: right ones are right, each wrong one is found
by the check that it names.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from portal.quality.findings.report import Report
from portal.quality.table.check import check_table
from portal.reading import ReadOptions, read_table
from schemas import catalog
from schemas.record import Content, ContentPart

GUARDS = ("portal.quality.findings.reading_texts",)
every_table = pytest.mark.parametrize(
    "table", catalog.tables(), ids=lambda table: table.code
)


LISTS = ("noi-vu/don-vi-hanh-chinh", "vp-ubnd/chi-tieu-kinh-te-xa-hoi/chi-tieu")
NEED_A_LIST = ("unit-at-date", "period-kind", "indicator-bounds")
Columns = Mapping[str, list[str]]


def report_of(
    folder: Path,
    table: catalog.TableSchema,
    *rows: Mapping[str, str],
    known: Mapping[str, Columns] = MappingProxyType({}),
) -> Report:
    path = folder / "bang.csv"
    names = [field["name"] for field in table.public["fields"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    read = read_table(
        Content((ContentPart.of(path),)), format="CSV", options=ReadOptions()
    )
    return check_table(
        read, table.public, references=lambda name: known.get(name) or _shipped(name)
    )


def _shipped(name: str) -> dict[str, list[str]] | None:
    rows = catalog.get(name).rows()
    return {label: [row[label] for row in rows] for label in rows[0]} if rows else None


@every_table
def test_right_rows_are_right_and_a_repeated_key_is_not(
    tmp_path: Path, table: catalog.TableSchema
) -> None:
    right = table.examples.right
    assert right
    report = report_of(tmp_path, table, *right)
    assert [
        (f.check, f.field, f.note)
        for f in report.findings
        if f.severity == "error" and f.row
    ] == []
    twice = report_of(tmp_path, table, right[0], right[0])
    assert ("primary-key", 3) in {
        (finding.check, finding.row) for finding in twice.findings
    }


@every_table
def test_wrong_rows_are_found_by_the_check_they_name(
    tmp_path: Path, table: catalog.TableSchema
) -> None:
    wrong = table.examples.wrong
    assert len(wrong) >= 2
    lists = {
        each: {
            name: [cell] for name, cell in catalog.get(each).examples.right[0].items()
        }
        for each in LISTS
    }
    for each in wrong:
        known = lists if each.check in NEED_A_LIST else {}
        report = report_of(
            tmp_path, table, {**table.examples.right[0], **each.change}, known=known
        )
        found = {(finding.check, finding.field) for finding in report.findings}
        assert (each.check, each.field) in found, (each.change, found)
        assert each.why and each.why_en
    assert set().union(*(each.change for each in wrong)) <= {
        field["name"] for field in table.public["fields"]
    }


def test_every_example_belongs_to_a_table() -> None:
    there = {
        str(path.relative_to(catalog.EXAMPLES))[:-5]
        for path in catalog.EXAMPLES.rglob("*.json")
    }
    assert there == {table.name for table in catalog.tables()}
