"""XLSX, XLS and ODS worksheets as text: dates in ISO form, whole numbers without a
decimal point, true and false.
"""

from __future__ import annotations

import datetime as dt
import itertools
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import python_calamine as calamine
from defusedxml import ElementTree
from numpy.typing import NDArray

from portal.reading import grid, stray, stray_binary
from portal.reading.archive import DAMAGES, check_members
from portal.reading.fork_server import OURS
from portal.reading.options import ReadOptions
from portal.reading.refusals import refuse
from portal.reading.scratch import Scratch
from schemas.texttable import ReadNote, TextTable

BLOCK_ROWS = 20_000
EXACT_WHOLE = 2**53
"""Beyond this a float no longer tells whole numbers apart."""


def open_sheet(path: Path, name: str, kind: str, options: ReadOptions) -> TextTable:
    """The table of one worksheet. Raises BadFile("damaged" | "encrypted" | "no-sheet" |
    "zip-bomb" | "empty" …).
    """
    if path.stat().st_size > options.max_bytes:
        raise refuse("too-large", name=name, what="bytes", limit=options.max_bytes)
    try:
        if kind != "XLS":
            check_members(path, name, options)
        # Before the native reader sees it: it takes memory for the whole used range,
        # however few cells are in it.
        near, far = _without_far_cells(path, name, kind, options)
        readable = near.path if near else path
        with calamine.CalamineWorkbook.from_path(str(readable)) as book:
            sheet, notes = _sheet(book, name, options)
            columns = _columns(sheet, name, options)
            merged = len(sheet.merged_cell_ranges or ()) if kind != "ODS" else 0
            left_out = _left_out(path, kind, book.sheet_names, sheet.name, far)
    except calamine.PasswordError:
        raise refuse("encrypted", name=name) from None
    except (calamine.CalamineError, *DAMAGES, OSError) as error:
        # A full disk is no fault of the file.
        if getattr(error, "errno", None) in OURS:
            raise
        why = type(error).__name__
        raise refuse("damaged", name=name, claimed=kind, why=why) from None
    if left_out:
        notes += (ReadNote("far-cells", {"cells": left_out}),)
    if merged:
        notes += (ReadNote("merged-cells", {"ranges": merged}),)
    return grid.table(columns, name, options, notes)


def _sheet(
    book: calamine.CalamineWorkbook, name: str, options: ReadOptions
) -> tuple[calamine.CalamineSheet, tuple[ReadNote, ...]]:
    """The worksheet that is asked for, else the first visible one with cells, noted
    where there are others.
    """
    if options.sheet:
        if options.sheet not in book.sheet_names:
            titles = ", ".join(book.sheet_names)
            raise refuse("no-sheet", name=name, sheet=options.sheet, sheets=titles)
        return book.get_sheet_by_name(options.sheet), ()
    visible = [
        meta.name
        for meta in book.sheets_metadata
        if meta.typ == calamine.SheetTypeEnum.WorkSheet
        and meta.visible == calamine.SheetVisibleEnum.Visible
    ]
    sheets = [book.get_sheet_by_name(title) for title in visible]
    filled = [sheet for sheet in sheets if sheet.height and sheet.width]
    if not filled:
        raise refuse("empty", name=name)
    first, *others = filled
    if not others:
        return first, ()
    names = ", ".join(sheet.name for sheet in others)
    return first, (ReadNote("other-sheets", {"sheet": first.name, "others": names}),)


def _columns(
    sheet: calamine.CalamineSheet, name: str, options: ReadOptions
) -> list[pl.Series]:
    """The columns of a sheet as texts, a block of rows at a time: all of its cells as
    objects would fill the memory.
    """
    if sheet.start is None or sheet.end is None:
        return []
    height, width = sheet.end[0] + 1, sheet.end[1] + 1
    limit = stray.most_cells(options)
    if height * width > limit:
        raise refuse("too-large", name=name, what="cells", limit=limit)
    rows = sheet.iter_rows()
    blocks: list[list[pl.Series]] = []
    while block := list(itertools.islice(rows, BLOCK_ROWS)):
        blocks.append([_texts(cells) for cells in zip(*block, strict=True)])
    columns = [pl.concat(parts) for parts in zip(*blocks, strict=True)]
    # The reader leaves out blank columns on the left; with them, columns stand where
    # people see them.
    blank = pl.repeat("", height, dtype=pl.String, eager=True)
    return [blank] * sheet.start[1] + columns


def _without_far_cells(
    path: Path, name: str, kind: str, options: ReadOptions
) -> tuple[Scratch | None, Mapping[str, int]]:
    """A copy whose sheets reach no farther than their tables, where that is needed, and
    what each sheet lost.
    """
    if kind == "XLSX":
        return stray.without_far_cells(path, name, options)
    if kind == "XLS":
        return stray_binary.without_far_cells(path, name, options)
    return None, {}


def _left_out(
    path: Path, kind: str, names: list[str], sheet: str, far: Mapping[str, int]
) -> int:
    """How many far cells were left out of the sheet with this name."""
    if not far:
        return 0
    if kind == "XLS":
        return far.get(str(names.index(sheet)), 0)
    with zipfile.ZipFile(path) as archive:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {each.get("Id"): str(each.get("Target")) for each in relations}
    # A sheet's name stands in the book, its member under a relation that it names.
    for element in book.iter():
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            ids = [value for key, value in element.items() if key.endswith("}id")]
            target = targets.get(ids[0], "") if ids else ""
            file_name = _file_name(target)
            return sum(
                count
                for member, count in far.items()
                if _file_name(member) == file_name
            )
    return 0


def _file_name(member: str) -> str:
    return member.rsplit("/", 1)[-1]


def _texts(cells: Sequence[object]) -> pl.Series:
    """A column as text, each cell as `to_text` has it."""
    kinds = set(map(type, cells))
    # Columns of one kind are most of a sheet, and go without a Python text a cell.
    if kinds == {float}:
        values = np.array(cells)
        if _are_whole(values):
            return pl.Series(values.astype(np.int64)).cast(pl.String)
    if kinds != {str}:
        return pl.Series([to_text(cell) for cell in cells], dtype=pl.String)
    texts = pl.Series(cells, dtype=pl.String)
    if texts.str.contains("\r", literal=True).any():
        texts = texts.str.replace_all("\r\n?", "\n")
    return texts if grid.is_ascii(texts) else texts.str.normalize("NFC")


def _are_whole(values: NDArray[np.float64]) -> bool:
    is_whole = (values == np.floor(values)) & (np.abs(values) < EXACT_WHOLE)
    return bool(is_whole.all())


def to_text(cell: object) -> str:
    """A cell as text: ISO dates, "2" for 2.0, "true"/"false", NFC strings with plain
    line ends, "" for nothing.
    """
    match cell:
        case None:
            return ""
        case str():
            with_line_ends = cell.replace("\r\n", "\n").replace("\r", "\n")
            return unicodedata.normalize("NFC", with_line_ends)
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer() and abs(cell) < EXACT_WHOLE:
            return str(int(cell))
        case dt.datetime() if cell.time() == dt.time():
            return cell.date().isoformat()
        case dt.datetime() | dt.date() | dt.time():
            return cell.isoformat()
        case float():
            return repr(cell)
    return str(cell)
