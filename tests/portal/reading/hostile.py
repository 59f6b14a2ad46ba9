"""Files that claim more than they hold, made up in every format: a few kilobytes that
ask for all memory there is.
"""

from __future__ import annotations

import io
import itertools
import json
import struct
import zipfile
from collections.abc import Callable, Mapping

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.portal.reading import binary_workbooks as xls

CELLS = '<c r="{0}" t="inlineStr"><is><t>{1}</t></is></c>'
CONTENT = (
    '<?xml version="1.0"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    "<table:table "
    'table:name="S">{0}</table:table></office:spreadsheet></office:body></office:document-content>'
)
MIME = "application/vnd.oasis.opendocument.spreadsheet"


def xlsx(cells: Mapping[str, str], *, dimension: str = "") -> bytes:
    """A workbook with these cells, each in a row of its own element, and a dimension
    that may lie.
    """
    book = io.BytesIO()
    openpyxl.Workbook().save(book)
    rows: dict[int, str] = {}
    for place, text in cells.items():
        number = int("".join(filter(str.isdigit, place)))
        rows[number] = rows.get(number, "") + (
            CELLS.format(place, text) if text else f'<c r="{place}" s="0"/>'
        )
    body = "".join(
        f'<row r="{number}">{inside}</row>' for number, inside in sorted(rows.items())
    )
    said = f'<dimension ref="{dimension}"/>' if dimension else ""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = (
        '<?xml version="1.0"?><worksheet '
        f'xmlns="{space}">{said}<sheetData>{body}</sheetData></worksheet>'
    )
    out = io.BytesIO()
    with (
        zipfile.ZipFile(book) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(
                name, sheet if name == "xl/worksheets/sheet1.xml" else source.read(name)
            )
    return out.getvalue()


def table_cells(rows: int, columns: int) -> dict[str, str]:
    """The cells of a small table in the corner of a sheet."""
    return {
        f"{chr(65 + column)}{row + 1}": f"r{row}c{column}"
        for row in range(rows)
        for column in range(columns)
    }


def ods(rows: str) -> bytes:
    """A spreadsheet of OpenDocument with these table rows."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", MIME)
        archive.writestr("content.xml", CONTENT.format(rows))
        archive.writestr(
            "META-INF/manifest.xml",
            "<manifest:manifest "
            'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            '<manifest:file-entry manifest:full-path="/" '
            f'manifest:media-type="{MIME}"/></manifest:manifest>',
        )
    return out.getvalue()


def ods_row(*texts: str, repeated: int = 1, cells: int = 1) -> str:
    """A row with these texts; each cell stands `cells` times, the row `repeated`
    times.
    """
    inside = "".join(
        f'<table:table-cell table:number-columns-repeated="{cells}" '
        'office:value-type="string">'
        f"<text:p>{text}</text:p></table:table-cell>"
        if text
        else f'<table:table-cell table:number-columns-repeated="{cells}"/>'
        for text in texts
    )
    return (
        "<table:table-row "
        f'table:number-rows-repeated="{repeated}">{inside}</table:table-row>'
    )


def parquet(rows: int, text: str) -> bytes:
    """One text as often as wanted, which a dictionary packs into nothing."""
    out = io.BytesIO()
    column = pa.DictionaryArray.from_arrays(
        pa.array([0] * rows, pa.int32()), pa.array([text])
    )
    pq.write_table(pa.table({"a": column}), out, compression="zstd")
    return out.getvalue()


def zipped(name: str, body: bytes) -> bytes:
    """An archive of one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    return out.getvalue()


def _in_a_circle(workbook: bytes) -> bytes:
    """The same compound file, its second sector followed by its first."""
    at = len(workbook) - 512
    return workbook[:at] + struct.pack("<II", 1, 0) + workbook[at + 8 :]


FILES: dict[str, Callable[[], bytes]] = {
    "two-cells.xlsx": lambda: xlsx({"A1": "a", "XFD1048576": "b"}),
    "two-cells-nearer.xlsx": lambda: xlsx({"A1": "a", "XFD20000": "b"}),
    "one-row.xlsx": lambda: xlsx({"A1": "a", "XFD1": "b", "A1048576": "c"}),
    "diagonal.xlsx": lambda: xlsx({"A1": "x", "ZZ349001": "x", "BZZ698001": "x", "XFD1047001": "x"}),
    "row-elsewhere.xlsx": lambda: xlsx({"A1": "a", "XFD1048576": "b"}).replace(b'<row r="1048576">', b"<row>"),
    "repeated-text.ods": lambda: ods(ods_row("a", repeated=1048576, cells=16384)),
    "far-cell.ods": lambda: ods(ods_row("a") + ods_row("", repeated=1048574) + ods_row(*[""] * 2, "b", cells=5000)),
    "two-cells.xls": lambda: xls.workbook(xls.sheet(xls.cells({(0, 0): "a", (65535, 255): "b"}))),
    "cells-beyond-any-sheet.xls": lambda: xls.workbook(xls.sheet(xls.cells({(0, 0): "a", (65535, 65535): "b"}))),
    "numbers.xls": lambda: xls.workbook(xls.sheet(xls.numbers(0, 0, [1]) + xls.numbers(65535, 60000, [2, 3]))),
    "formula.xls": lambda: xls.workbook(xls.sheet(xls.label(0, 0, "a") + xls.formula(65535, 65535, "b"))),
    "one-sheet-many-times.xls": lambda: xls.workbook(
        xls.sheet(xls.cells(dict.fromkeys(itertools.product(range(0, 3000, 300), range(0, 90, 30)), "a"))), repeat=200
    ),
    "many-sheets.xls": lambda: xls.workbook(xls.sheet(b""), repeat=5000),
    "circle.xls": lambda: _in_a_circle(xls.workbook(xls.sheet(xls.cells(xls.table(40, 5))))),
    "text.parquet": lambda: parquet(200_000, "x" * 100_000),
    "keys.json": lambda: json.dumps([{f"k{number}": 1} for number in range(60_000)]).encode(),
    "deep.json": lambda: b"[" * 200_000,
    "wide.csv": lambda: b"," * 30_000_000 + b"\n1,2\n",
    "wide-row.csv": lambda: b"a,b\n" + b"x," * 15_000_000 + b"\n",
    "wide-rows.csv": lambda: b"a,b\n" + (b"abc," * 1_000_000 + b"\n") * 20,
    "bomb.zip": lambda: zipped("a.csv", b"a,b\n" + b"0" * 300_000_000),
}  # fmt: skip
"""Name to content, made when it is asked for."""
