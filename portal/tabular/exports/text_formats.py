"""Rows as text, a block at a time: CSV, TSV, JSON, NDJSON and XML; every cell exact,
nothing rounded.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO

import numpy as np
import orjson
import polars as pl

from portal.tabular.manifest import Column
from portal.tabular.reading_rows.rendering import simple_cells

Frames = Iterator[pl.DataFrame]
BOM = b"\xef\xbb\xbf"
WRITERS, AHEAD = 2, 2
"""Threads of a process that turn rows into text, and blocks of one export that are made
before they are asked for.
"""
_WRITERS = ThreadPoolExecutor(max_workers=WRITERS, thread_name_prefix="texts")
QUOTE, SPACE = 34, 32
"""Bytes; those below SPACE are control signs."""
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')
_NO_XML = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{FFFE}\x{FFFF}]"
_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?\d[\d.,]*$"


def prefetch(frames: Frames, write: Callable[[pl.DataFrame], bytes]) -> Iterator[bytes]:
    """Each frame as text, in order; the next ones are being made while one is sent."""
    in_the_making: deque[Future[bytes]] = deque()
    for frame in frames:
        in_the_making.append(_WRITERS.submit(write, frame))
        # A client that reads slowly must not fill the memory with blocks.
        if len(in_the_making) > AHEAD:
            yield in_the_making.popleft().result()
    while in_the_making:
        yield in_the_making.popleft().result()


def csv_line(names: Sequence[str], delimiter: str = ",") -> bytes:
    """A header that ends as CKAN's does."""
    cells = pl.DataFrame({str(index): [name] for index, name in enumerate(names)})
    line = cells.write_csv(include_header=False, separator=delimiter)
    return line.removesuffix("\n").encode() + b"\r\n"


def escape_formula(text: str) -> str:
    """A text that no spreadsheet runs: an apostrophe goes before what would be a
    formula.
    """
    # A number with a sign is no formula, and must stay one that programs can read.
    is_formula = re.search(_FORMULA, text) and not re.search(_NUMBER, text)
    return f"'{text}" if is_formula else text


def csv_blocks(
    columns: Sequence[Column],
    frames: Frames,
    delimiter: str,
    *,
    bom: bool = False,
    escaped: bool = False,
) -> Iterator[bytes]:
    """A header that ends as CKAN's does, then the rows. `escaped`: cells that a
    spreadsheet would run begin with '.
    """
    names = [column.name for column in columns]
    if escaped:
        names = [escape_formula(name) for name in names]
    mark = BOM if bom else b""
    yield mark + csv_line(names, delimiter)

    def csv_lines(frame: pl.DataFrame) -> bytes:
        pairs = zip(frame.schema.items(), columns, strict=True)
        cells = frame.select(
            _csv_cell(name, kind, column, escaped) for (name, kind), column in pairs
        )
        lines = BytesIO()
        cells.write_csv(lines, include_header=False, separator=delimiter)
        return lines.getvalue()

    yield from prefetch(frames, csv_lines)


def _csv_cell(name: str, kind: pl.DataType, column: Column, escaped: bool) -> pl.Expr:
    """One column as CSV has it."""
    if isinstance(kind, (pl.Decimal, pl.Date)):
        return pl.col(name)  # written digit by digit, without a text of its own
    cells = simple_cells(name, kind, column, exact=True)
    if not (escaped and isinstance(kind, pl.String)):
        return cells
    return escape_formula_cells(name)


def escape_formula_cells(name: str) -> pl.Expr:
    """A column of texts, each as `escape_formula` has it."""
    cells = pl.col(name)
    is_formula = cells.str.contains(_FORMULA) & ~cells.str.contains(_NUMBER)
    escaped = pl.lit("'") + cells
    return pl.when(is_formula).then(escaped).otherwise(cells).alias(name)


def ndjson_blocks(columns: Sequence[Column], frames: Frames) -> Iterator[bytes]:
    """One object a line."""
    yield from prefetch(
        frames, lambda frame: _json_rows(columns, frame, objects=True, end="\n")
    )


def json_blocks(
    columns: Sequence[Column], frames: Frames, *, objects: bool
) -> Iterator[bytes]:
    """An array of objects; or, as CKAN dumps them, {"fields", "records"} with an array
    for each row.
    """
    if not objects:
        fields = [{"id": column.name, "type": column.ckan_type} for column in columns]
        yield b'{"fields":' + orjson.dumps(fields) + b',"records":'
    glue = b"[\n"
    for rows in prefetch(
        frames, lambda frame: _json_rows(columns, frame, objects=objects, end=",\n")
    ):
        if rows:
            yield glue + memoryview(rows)[:-2]
            glue = b",\n"
    yield (b"[]" if glue == b"[\n" else b"\n]") + (b"" if objects else b"}")


def _json_rows(
    columns: Sequence[Column], frame: pl.DataFrame, *, objects: bool, end: str
) -> bytes:
    # Escaping goes cell by cell in Python, and hardly any block needs it: so a block is
    # written without, looked at, and written again where that was wrong.
    body = join_rows(frame, _json_parts(columns, frame, objects, end, careful=False))
    if _is_clean(columns, frame, body, objects):
        return body
    return join_rows(frame, _json_parts(columns, frame, objects, end, careful=True))


def _is_clean(
    columns: Sequence[Column], frame: pl.DataFrame, body: bytes, objects: bool
) -> bool:
    """Whether no text holds a sign that JSON escapes: found out from the finished
    block, which is rarely made again.
    """
    if any(column.ckan_type == "json" for column in columns):
        return False  # such cells have quotes of their own, so counting says nothing
    names = "".join(column.name for column in columns)
    if _ESCAPED.search(names):
        return False
    # Two quotes around every text and every name of a property, one line end behind
    # every row: what is more than that stands inside a cell.
    quotes = 2 * frame.height * len(columns) if objects else 0
    for name, kind in frame.schema.items():
        if _is_quoted(kind):
            quotes += 2 * (frame.height - frame[name].null_count())
    signs = np.frombuffer(body, dtype=np.uint8)
    if np.count_nonzero(signs == QUOTE) != quotes or b"\\" in body:
        return False
    return int(np.count_nonzero(signs < SPACE)) == frame.height


def _is_quoted(kind: pl.DataType) -> bool:
    return not (kind.is_numeric() or isinstance(kind, (pl.Boolean, pl.Decimal)))


def _json_parts(
    columns: Sequence[Column],
    frame: pl.DataFrame,
    objects: bool,
    end: str,
    *,
    careful: bool,
) -> Iterator[pl.Expr]:
    """What stands in a row, one after the other: the signs between cells are joined to
    as few texts as can be, as each costs a pass over the block.
    """
    opening, closing = ("{", "}") if objects else ("[", "]")
    between = opening
    for (name, kind), column in zip(frame.schema.items(), columns, strict=True):
        if objects:
            between += orjson.dumps(column.name).decode() + ":"
        is_full = not frame[name].null_count()
        if _is_quoted(kind) and is_full and not careful:
            # The quotes of a full column stand in the texts between the cells.
            yield pl.lit(between + '"')
            yield simple_cells(name, kind, column, exact=True)
            between = '",'
        else:
            yield pl.lit(between)
            yield json_cell(name, kind, column, careful=careful)
            between = ","
    without_comma = between[:-1]
    yield pl.lit(without_comma + closing + end)


def json_cell(
    name: str, kind: pl.DataType, column: Column, *, careful: bool = True
) -> pl.Expr:
    """A cell as JSON; `careful` escapes what JSON must escape."""
    if column.ckan_type == "json":
        return pl.col(name).map_batches(_json_values, return_dtype=pl.String)
    if not _is_quoted(kind):
        numbers = pl.col(name)
        if kind.is_float():
            # JSON has no infinity and no NaN.
            numbers = pl.when(numbers.is_finite()).then(numbers)
        return numbers.cast(pl.String).fill_null("null")
    if careful and isinstance(kind, pl.String):
        return pl.col(name).map_batches(_json_texts, return_dtype=pl.String)
    cells = simple_cells(name, kind, column, exact=True)
    return pl.concat_str([pl.lit('"'), cells, pl.lit('"')]).fill_null("null")


def _json_texts(cells: pl.Series) -> pl.Series:
    texts = [orjson.dumps(text).decode() for text in cells.to_list()]
    return pl.Series(cells.name, texts, dtype=pl.String)


def _json_values(cells: pl.Series) -> pl.Series:
    texts = [_json_value(text) for text in cells.to_list()]
    return pl.Series(cells.name, texts, dtype=pl.String)


def _json_value(text: str | None) -> str:
    """The text of a cell that holds JSON: itself, or a string where it is none."""
    if text is None:
        return "null"
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return orjson.dumps(text).decode()
    # A record of NDJSON is one line; within a JSON text a blank says the same.
    return text.replace("\n", " ").replace("\r", " ")


def join_rows(frame: pl.DataFrame, parts: Iterator[pl.Expr]) -> bytes:
    """All rows' texts, one after the other: the values of the column as Arrow lays them
    out.
    """
    rows = frame.select(pl.concat_str(list(parts)).alias("row"))["row"]
    arrow = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    if not len(arrow):
        return b""
    # The texts lie side by side already: one copy, and no Python text for each row.
    _, bounds, data = arrow.buffers()
    offsets = np.frombuffer(bounds, dtype=np.int64)
    first, last = offsets[arrow.offset], offsets[arrow.offset + len(arrow)]
    return bytes(memoryview(data)[int(first) : int(last)])


def xml_blocks(columns: Sequence[Column], frames: Frames) -> Iterator[bytes]:
    """CKAN's XML: <data><row _id="1"><column>…; what is no name in XML is made one,
    null is xsi:nil.
    """
    yield b'<data xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
    tags = _tags(columns)
    yield from prefetch(
        frames, lambda frame: join_rows(frame, _xml_parts(columns, frame, tags))
    )
    yield b"</data>\n"


def _xml_parts(
    columns: Sequence[Column], frame: pl.DataFrame, tags: Sequence[str]
) -> Iterator[pl.Expr]:
    """The texts of a row, in order: its tag, its columns and its end."""
    numbered = "_id" in frame.columns
    yield pl.lit('<row _id="' if numbered else "<row>")
    if numbered:
        yield pl.col("_id").cast(pl.String)
        yield pl.lit('">')
    for (name, kind), column, tag in zip(
        frame.schema.items(), columns, tags, strict=True
    ):
        if name == "_id":
            continue
        cells = simple_cells(name, kind, column, exact=True).cast(pl.String)
        # Numbers and times hold no sign that XML escapes.
        if isinstance(kind, pl.String):
            cells = xml_text(cells)
        element = [pl.lit(f"<{tag}>"), cells, pl.lit(f"</{tag}>")]
        if frame[name].null_count():
            # A null part would make the row null: the element is joined first.
            yield pl.concat_str(element).fill_null(f'<{tag} xsi:nil="true"/>')
        else:
            yield from element
    yield pl.lit("</row>\n")


def xml_text(cells: pl.Expr) -> pl.Expr:
    """Text that XML can hold: its three signs escaped, what it has no way to say left
    out.
    """
    # The ampersand first: the others bring their own.
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        cells = cells.str.replace_all(sign, entity, literal=True)
    return cells.str.replace_all(_NO_XML, "")


def _tags(columns: Sequence[Column]) -> list[str]:
    """A name of an element for each column, no two alike."""
    tags: list[str] = []
    for column in columns:
        tag = re.sub(r"[^\w.-]", "_", column.name)
        begins_well = re.match(r"[^\W\d]", tag)
        # Names that begin with xml are the standard's own.
        if not begins_well or tag.lower().startswith("xml"):
            tag = f"_{tag}"
        while tag in tags:
            tag += "_"
        tags.append(tag)
    return tags
