"""XLSX written as it streams: real numbers and dates, texts that cannot run, as many
sheets as are needed.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import polars as pl

from portal.tabular.exports.text_formats import join_rows, xml_text
from portal.tabular.manifest import Column
from portal.tabular.reading_rows.rendering import simple_cells

MOST_ROWS = 1_048_576
"""Rows of a sheet, its header included: Excel's own limit."""
LONGEST_TEXT = 32_767
EXACT = 15
"""Digits that a spreadsheet's numbers hold; a longer number is written as text, so that
none is lost.
"""
FIRST_DAY = dt.date(1900, 3, 1)
"""Spreadsheets believe in a 29 February 1900: days before are texts."""
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_STYLES = (
    f'{_HEAD}<styleSheet {_MAIN}><numFmts count="2"><numFmt numFmtId="164" '
    'formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/></font><font><b/><sz '
    'val="11"/></font></fonts>'
    '<fills count="2"><fill><patternFill '
    'patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf/>'
    '<xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="165" '
    'applyNumberFormat="1"/>'
    '<xf fontId="1" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" '
    'builtinId="0"/></cellStyles></styleSheet>'
)


def write_xlsx(
    columns: Sequence[Column], frames: Iterator[pl.DataFrame], target: Path
) -> None:
    """Write all rows into a workbook of one sheet, or more where the rows do not fit
    into one.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        sheets = 0
        pieces = _pieces(frames)
        rest: pl.DataFrame | None = next(pieces, None)
        while rest is not None or sheets == 0:
            sheets += 1
            with book.open(
                f"xl/worksheets/sheet{sheets}.xml", "w", force_zip64=True
            ) as sheet:
                rest = _sheet(sheet, columns, rest, pieces)
        _around(book, sheets)


def _pieces(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The rows in frames that each fit into one sheet."""
    room = MOST_ROWS - 1
    for frame in frames:
        rest = frame
        while rest.height > room:
            yield rest[:room]
            rest, room = rest[room:], MOST_ROWS - 1
        if rest.height:
            yield rest
            room = room - rest.height or MOST_ROWS - 1


def _sheet(
    sheet: IO[bytes],
    columns: Sequence[Column],
    first: pl.DataFrame | None,
    pieces: Iterator[pl.DataFrame],
) -> pl.DataFrame | None:
    """Write one sheet; return the first rows of the next one, if any."""
    pane = (
        '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
        'state="frozen"/></sheetView>'
    )
    sheet.write(
        f"{_HEAD}<worksheet {_MAIN}>{pane}</sheetViews><sheetData><row>".encode()
    )
    names = pl.DataFrame(
        {"n": [column.name for column in columns]}, schema={"n": pl.String}
    )
    cell = [
        pl.lit('<c s="3" t="inlineStr"><is><t xml:space="preserve">'),
        _text(pl.col("n")),
        pl.lit("</t></is></c>"),
    ]
    sheet.write(join_rows(names, iter(cell)) + b"</row>")
    rows, frame = 1, first
    # A frame that belongs to the next sheet is known by what this one holds already.
    while frame is not None and rows + frame.height <= MOST_ROWS:
        sheet.write(join_rows(frame, _row(columns, frame)))
        rows += frame.height
        frame = next(pieces, None)
    sheet.write(b"</sheetData></worksheet>")
    return frame


def _row(columns: Sequence[Column], frame: pl.DataFrame) -> Iterator[pl.Expr]:
    """The texts of a row of the sheet, in order."""
    yield pl.lit("<row>")
    for (name, kind), column in zip(frame.schema.items(), columns, strict=True):
        # Cells carry no address: an empty one keeps the place of those behind it.
        yield _cell(name, kind, column).fill_null("<c/>")
    yield pl.lit("</row>")


def _cell(name: str, kind: pl.DataType, column: Column) -> pl.Expr:
    """A column as cells of the kind that a spreadsheet has for its type."""
    cells = pl.col(name)
    if isinstance(kind, pl.Boolean):
        digit = cells.cast(pl.Int8).cast(pl.String)
        return pl.concat_str([pl.lit('<c t="b"><v>'), digit, pl.lit("</v></c>")])
    if isinstance(kind, pl.Date):
        return _moment(cells, cells, "1", column)
    if isinstance(kind, pl.Datetime):
        return _moment(cells, cells.dt.date(), "2", column)
    if kind.is_numeric() or isinstance(kind, pl.Decimal):
        return _number(cells, kind)
    texts = simple_cells(name, kind, column, exact=True).cast(pl.String)
    return _inline(_text(texts))


def _number(cells: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """A column of numbers; as text what a spreadsheet cannot hold as a number."""
    text = cells.cast(pl.String)
    number = pl.concat_str([pl.lit("<c><v>"), text, pl.lit("</v></c>")])
    if kind.is_float():
        return pl.when(cells.is_finite()).then(number).otherwise(_inline(text))
    # Leading zeros are no digits that count; the point is one sign more.
    digits = text.str.strip_chars_start("-0.").str.len_chars()
    return pl.when(digits <= EXACT + 1).then(number).otherwise(_inline(text))


def _moment(cells: pl.Expr, day: pl.Expr, style: str, column: Column) -> pl.Expr:
    """A day as its number since 1900, with the time as its fraction; times with an
    offset keep it as text.
    """
    text = cells.dt.to_string("iso")
    if column.zone:
        return _inline(text + pl.lit(column.zone))
    # 1 January 1900 is day 1, and the leap day that never was is one more.
    days = (day - pl.lit(dt.date(1899, 12, 30))).dt.total_days()
    value = days.cast(pl.String)
    if style == "2":
        seconds = (cells - cells.dt.truncate("1d")).dt.total_milliseconds() / 86_400_000
        value = (days.cast(pl.Float64) + seconds).cast(pl.String)
    number = pl.concat_str([pl.lit(f'<c s="{style}"><v>'), value, pl.lit("</v></c>")])
    return pl.when(day >= pl.lit(FIRST_DAY)).then(number).otherwise(_inline(text))


def _text(cells: pl.Expr) -> pl.Expr:
    """A text that a sheet can hold; _x0041_ would be read as A, so its first sign is
    said in that very way.
    """
    short = cells.str.slice(0, LONGEST_TEXT)
    escaped = short.str.replace_all(r"_(x[0-9A-Fa-f]{4}_)", "_x005F_${1}")
    return xml_text(escaped)


def _inline(cells: pl.Expr) -> pl.Expr:
    """An inline text: never a formula, whatever it begins with."""
    opening = pl.lit('<c t="inlineStr"><is><t xml:space="preserve">')
    return pl.concat_str([opening, cells, pl.lit("</t></is></c>")])


def _around(book: zipfile.ZipFile, sheets: int) -> None:
    """The parts of the package beside its sheets: written last, when their number is
    known.
    """
    numbers = range(1, sheets + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" '
        f'ContentType="{_TYPES}worksheet+xml"/>'
        for n in numbers
    )
    listed = "".join(
        f'<sheet name="Data{n if n > 1 else ""}" sheetId="{n}" r:id="rId{n}"/>'
        for n in numbers
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_REL}/worksheet" '
        f'Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": (
            f'<Types xmlns="{package}/content-types">'
            '<Default Extension="rels" ContentType="application/'
            'vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            '<Override PartName="/xl/workbook.xml" '
            f'ContentType="{_TYPES}sheet.main+xml"/>'
            '<Override PartName="/xl/styles.xml" '
            f'ContentType="{_TYPES}styles+xml"/>{overrides}</Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="rId1" Type="{_REL}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook {_MAIN} xmlns:r="{_REL}"><sheets>{listed}</sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{package}/relationships">{links}'
            f'<Relationship Id="rIdS" Type="{_REL}/styles" Target="styles.xml"/>'
            "</Relationships>"
        ),
    }
    for name, body in parts.items():
        book.writestr(name, _HEAD + re.sub(r">\s+<", "><", body))
    book.writestr("xl/styles.xml", _STYLES)
