"""CSV, spreadsheets and JSON as text tables: every cell as written, rows numbered as in
the file.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.errors import BadFile
from portal.reading import ReadOptions, read_table
from portal.reading.opening import open_table
from schemas.record import Content, ContentPart
from schemas.texttable import ROW, TextTable

GUARDS = (
    "portal.reading",
    "portal.reading.blocks",
    "portal.reading.csvtext",
    "portal.reading.dialect",
    "portal.reading.grid",
    "portal.reading.header",
    "portal.reading.jsontext",
    "portal.reading.markup",
    "portal.reading.opening",
    "portal.reading.pieces",
    "portal.reading.spreadsheet",
    "portal.reading.totals",
    "schemas.texttable",
)
SHARED = Path(
    os.environ.get("PORTAL_SHARED_DATA")
    or Path(__file__).parents[4] / "shared" / "data"
)


def numbered(table: TextTable) -> list[tuple[int, tuple[str, ...]]]:
    rows: list[tuple[int, tuple[str, ...]]] = []
    for batch in table.batches():
        for *cells, number in batch.frame.iter_rows():
            rows.append((number, tuple(cells)))
        rows += [(row.number, row.cells) for row in batch.ragged]
    return sorted(rows)


def text_file(folder: Path, text: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def refusal(path: Path, **options: str) -> BadFile:
    with pytest.raises(BadFile) as caught:
        list(read_table(path, **options).batches())
    return caught.value


HAZARDS = st.text(alphabet='ab1,"\n ;ă', max_size=5)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(HAZARDS, min_size=1, max_size=4), max_size=12), st.integers(8, 80)
)
def test_written_tables_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], size: int
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["a", "b", "c"], *rows])
    path = text_file(tmp_path_factory.mktemp("t"), text.getvalue())
    table = open_table(
        Content(
            (ContentPart.of(path),),
            dialect={"delimiter": ",", "skipInitialSpace": False},
        ),
        options=ReadOptions(batch_bytes=size),
    )
    assert numbered(table) == [
        (number, tuple(row)) for number, row in enumerate(rows, 2)
    ]


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet='ab,"\n', max_size=40), st.integers(4, 40))
def test_any_bytes_read_as_the_csv_module_reads_them(
    tmp_path_factory: pytest.TempPathFactory, body: str, size: int
) -> None:
    path = text_file(tmp_path_factory.mktemp("t"), "x,y\n" + body)
    wanted = list(enumerate(map(tuple, csv.reader(body.splitlines(keepends=True))), 2))
    content = Content(
        (ContentPart.of(path),), dialect={"delimiter": ",", "headerRows": [1]}
    )
    assert (
        numbered(open_table(content, options=ReadOptions(batch_bytes=size))) == wanted
    )


def test_ragged_and_blank_rows_keep_their_numbers(tmp_path: Path) -> None:
    table = read_table(text_file(tmp_path, "a,b\n1,2\n\n3\n4,5,6\n7,8\n"))
    assert numbered(table) == [
        (2, ("1", "2")),
        (3, ()),
        (4, ("3",)),
        (5, ("4", "5", "6")),
        (6, ("7", "8")),
    ]
    assert [row.number for batch in table.batches() for row in batch.ragged] == [
        3,
        4,
        5,
    ]


def test_an_unclosed_quote_swallows_the_rest_or_is_refused(tmp_path: Path) -> None:
    path = text_file(tmp_path, 'a,b\n1,2\n3,"x\n5,6\n')
    assert numbered(read_table(path)) == [(2, ("1", "2")), (3, ("3", "x\n5,6\n"))]
    path = text_file(tmp_path, 'a,b\n1,"' + "x,y\n" * 5000)
    with pytest.raises(BadFile, match="quote"):
        list(read_table(path, options=ReadOptions(max_cell=1000)).batches())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    text = (
        delimiter.join(["mã", "tên"])
        + "\n"
        + "".join(f"{i}{delimiter}xã {i}\n" for i in range(5))
    )
    table = read_table(text_file(tmp_path, text))
    assert table.labels == ("mã", "tên")
    assert [note.code for note in table.notes] == (
        [] if delimiter == "," else ["delimiter"]
    )


def test_titles_above_the_header_are_reported(tmp_path: Path) -> None:
    text = (
        "BÁO CÁO GIÁ NÔNG SẢN,,\n,,\nngay,ma,gia\n2026-07-01,LU001,9000\n"
        "2026-07-02,LU001,9100\nTổng cộng,,18100\n"
    )
    table = read_table(text_file(tmp_path, text))
    assert table.labels == ("ngay", "ma", "gia")
    assert [(n.code, n.row) for n in table.notes] == [("title-rows", 3)]
    assert [number for number, _ in numbered(table)] == [4, 5, 6]
    kept = read_table(text_file(tmp_path, text), options=ReadOptions(drop_totals=True))
    assert [number for number, _ in numbered(kept)] == [4, 5]


def test_a_declared_header_over_two_rows_is_joined(tmp_path: Path) -> None:
    path = text_file(tmp_path, "a,x\n,y\n1,2\n")
    table = read_table(
        Content(
            (ContentPart.of(path),), dialect={"headerRows": [1, 2], "headerJoin": "_"}
        )
    )
    assert (table.labels, numbered(table)) == (("a_", "x_y"), [(3, ("1", "2"))])


def test_parts_become_one_table_that_names_its_parts(tmp_path: Path) -> None:
    parts = tuple(
        ContentPart.of(text_file(tmp_path, f"a,b\n{n},x\n", f"{n}.csv")) for n in (1, 2)
    )
    table = read_table(Content(parts))
    assert [
        (b.part, b.frame["0"].to_list(), b.frame[ROW].to_list())
        for b in table.batches()
    ] == [
        ("1.csv", ["1"], [2]),
        ("2.csv", ["2"], [2]),
    ]
    other = ContentPart.of(text_file(tmp_path, "a,c\n1,x\n", "3.csv"))
    with pytest.raises(BadFile, match=r"3\.csv"):
        read_table(Content((*parts, other)))


def workbook(path: Path, rows: list[list[object]], sheets: int = 1) -> Path:
    book = openpyxl.Workbook()
    for number in range(sheets):
        sheet = book.worksheets[0] if not number else book.create_sheet(f"S{number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_spreadsheet_cells_become_plain_texts(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["ma", "ngay", "luc", "so", "co", "trong"],
        ["01234", dt.date(2026, 7, 1), dt.datetime(2026, 7, 1, 8, 30), 2.0, True, None],
        ["x", dt.date(2026, 7, 2), dt.datetime(2026, 7, 1, 8, 30), 2.5, False, 28717],
    ]
    table = read_table(workbook(tmp_path / "a.xlsx", rows))
    assert numbered(table) == [
        (2, ("01234", "2026-07-01", "2026-07-01T08:30:00", "2", "true", "")),
        (3, ("x", "2026-07-02", "2026-07-01T08:30:00", "2.5", "false", "28717")),
    ]


def test_other_worksheets_are_reported_and_can_be_chosen(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["a", "b"], [1, 2]], sheets=2)
    assert [note.code for note in read_table(path).notes] == ["other-sheets"]
    assert read_table(path, options=ReadOptions(sheet="S1")).notes == ()
    with pytest.raises(BadFile, match="S1"):
        read_table(path, options=ReadOptions(sheet="S2"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '[{"a": 1, "b": "x"}, {"a": 2.50, "c": null}]'),
        (
            "a.json",
            '{"success": true, "result": {"records": [{"a": 1, "b": "x"}, {"a": 2.50, '
            '"c": null}]}}',
        ),
        ("a.json", '[["a", "b", "c"], [1, "x", null], [2.50, "", ""]]'),
        ("a.ndjson", '{"a": 1, "b": "x"}\n{"a": 2.50, "c": null}\n'),
    ],
)
def test_json_keeps_numbers_as_written(tmp_path: Path, name: str, text: str) -> None:
    table = read_table(text_file(tmp_path, text, name))
    labels = ("a", "b", "c") if "c" in text else ("a", "b")
    assert (table.labels, numbered(table)) == (
        labels,
        [(2, ("1", "x", "")), (3, ("2.50", "", ""))],
    )


def test_geojson_becomes_properties_and_geometry(tmp_path: Path) -> None:
    feature = {
        "type": "Feature",
        "properties": {"ma": "01"},
        "geometry": {"type": "Point", "coordinates": [105.7, 19.8]},
    }
    table = read_table(
        text_file(
            tmp_path,
            json.dumps({"type": "FeatureCollection", "features": [feature]}),
            "a.geojson",
        )
    )
    ((_, (code, geometry)),) = numbered(table)
    assert (table.labels, code, json.loads(geometry)) == (
        ("ma", "geometry"),
        "01",
        feature["geometry"],
    )


def test_files_that_are_not_what_they_say(tmp_path: Path) -> None:
    sheet = workbook(tmp_path / "a.xlsx", [["a"], [1]]).read_bytes()
    (tmp_path / "b.csv").write_bytes(sheet)
    problem = refusal(tmp_path / "b.csv")
    assert (problem.code, "CSV" in problem.en and "XLSX" in problem.en) == (
        "not-what-it-says",
        True,
    )
    html = refusal(
        text_file(tmp_path, "\n<!DOCTYPE html><html><body>Lỗi 401</body></html>")
    )
    assert (html.code, "HTML" in html.vi) == ("not-what-it-says", True)
    (tmp_path / "c.csv").write_bytes(b"%PDF-1.7\n")
    assert "PDF" in refusal(tmp_path / "c.csv").en
    assert (
        refusal(text_file(tmp_path, "a,b\n1,2\n", "d.xlsx")).code == "not-what-it-says"
    )
    (tmp_path / "e.xlsx").write_bytes(sheet[: len(sheet) // 2])
    assert refusal(tmp_path / "e.xlsx").code in ("damaged", "not-what-it-says")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", ""),
        ("a.csv", "\n\n"),
        ("a.json", "[]"),
        ("a.json", '{"a": 1}'),
        ("a.json", "{"),
    ],
)
def test_nothing_to_read_is_said(tmp_path: Path, name: str, text: str) -> None:
    assert refusal(text_file(tmp_path, text, name)).code in (
        "empty",
        "no-header",
        "no-records",
        "damaged",
    )


def test_limits_of_rows_and_columns(tmp_path: Path) -> None:
    path = text_file(tmp_path, "a,b,c\n" + "1,2,3\n" * 20)
    for limit in (ReadOptions(max_rows=10), ReadOptions(max_columns=2)):
        with pytest.raises(BadFile, match="limit"):
            list(read_table(path, options=limit).batches())


def test_csv_spectrum(tmp_path: Path) -> None:
    folder = SHARED / "dirty" / "csv-spectrum"
    if not folder.is_dir():
        pytest.skip(f"no csv-spectrum in {SHARED.name}")
    for path in sorted((folder / "csvs").glob("*.csv")):
        wanted = json.loads(
            (folder / "json" / f"{path.stem}.json").read_text(encoding="utf-8")
        )
        if not isinstance(wanted, list):
            continue  # location_coordinates.json holds no rows
        table = read_table(Content((ContentPart.of(path),), dialect={"delimiter": ","}))
        found = [
            dict(zip(table.labels, cells, strict=True)) for _, cells in numbered(table)
        ]
        assert found == [
            {k: v.replace("\r\n", "\n") for k, v in row.items()} for row in wanted
        ], path.name


def test_dirty_files_are_read_or_refused_with_a_reason() -> None:
    folder = SHARED / "dirty"
    if not folder.is_dir():
        pytest.skip(f"no dirty files in {SHARED.name}")
    refused = {}
    for path in sorted(
        p for p in folder.rglob("*") if p.suffix in (".csv", ".xlsx", ".ods", ".zip")
    ):
        try:
            assert (
                sum(
                    batch.frame.height + len(batch.ragged)
                    for batch in read_table(path).batches()
                )
                >= 0
            )
        except BadFile as problem:
            refused[path.name] = problem.code
    latin = (
        "characters.csv",
        "health.csv",
        "iso8859.csv",
        "issue-811.csv",
        "table-with-accents.csv",
    )
    assert refused == dict.fromkeys(latin, "unknown-encoding")
