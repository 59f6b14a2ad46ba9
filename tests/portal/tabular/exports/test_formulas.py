"""No header and no cell of a CSV or TSV runs in a spreadsheet where that was asked for;
empty cells stay empty.
"""

from pathlib import Path

import pytest

from portal.files import open_files
from portal.quality.findings import report_formats
from portal.tabular.exports.export import Look
from portal.tabular.store import RowQuery, TabularStore
from tests.portal.tabular.test_store import fields, written

GUARDS = (
    "portal.quality.findings.report_formats",
    "portal.tabular.exports.text_formats",
)
RUNNING = ("=cmd()", "+1+1", "-x", "@SUM(A1)")


@pytest.mark.parametrize(("form", "mark"), [("csv", ","), ("tsv", "\t")])
def test_headers_as_well_as_cells(tmp_path: Path, form: str, mark: str) -> None:
    store = TabularStore(open_files(str(tmp_path / "files")), tmp_path / "tables")
    manifest = written(
        store, fields(**dict.fromkeys([*RUNNING, "n"], "string")), [*RUNNING, "-5"]
    )
    looks = (Look(escaped=True), Look(escaped=True, bom=True))
    texts = [
        store.export(manifest, form, look).read_text("utf-8-sig") for look in looks
    ]
    texts.append(
        b"".join(store.stream(manifest, RowQuery(limit=-1), form, looks[0])).decode()
    )
    expected = mark.join([*(f"'{text}" for text in RUNNING), "n"])
    for text in texts:
        header, row = text.splitlines()[:2]
        assert header.removeprefix(f"_id{mark}") == expected
        assert row.removeprefix(f"1{mark}") == mark.join(
            [*(f"'{text}" for text in RUNNING), "-5"]
        )
    plain = store.export(manifest, form, Look()).read_text("utf-8")
    assert plain.splitlines()[0] == mark.join([*RUNNING, "n"])


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        ("", ""),
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("@a", "'@a"),
        ("\ta", "'\ta"),
        (0, "0"),
        ("a=1", "a=1"),
    ],
)
def test_cells_of_reports(value: object, written: str) -> None:
    assert report_formats.plain(value) == written
