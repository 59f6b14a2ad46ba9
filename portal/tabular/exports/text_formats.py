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
from portal.tabular.reading_rows.rendering import plain

Frames = Iterator[pl.DataFrame]
BOM = b"\xef\xbb\xbf"
WRITERS, AHEAD = 2, 2
"""Threads of a process that turn rows into text, and blocks of one export that are made
before they are asked for.
"""
_WRITERS = ThreadPoolExecutor(max_workers=WRITERS, thread_name_prefix="texts")
_CONTROL = re.compile(r"[\x00-\x1f]")
_NO_XML = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{FFFE}\x{FFFF}]"
_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?\d[\d.,]*$"


def prefetch(frames: Frames, write: Callable[[pl.DataFrame], bytes]) -> Iterator[bytes]:
    """Each frame as text, in order; the next ones are being made while one is sent."""
    waiting: deque[Future[bytes]] = deque()
    for frame in frames:
        waiting.append(_WRITERS.submit(write, frame))
        if len(waiting) > AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def csv_line(names: Sequence[str], delimiter: str = ",") -> bytes:
    """A header that ends as CKAN's does."""
    head = pl.DataFrame({str(index): [name] for index, name in enumerate(names)})
    return (
        head.write_csv(include_header=False, separator=delimiter)
        .removesuffix("\n")
        .encode()
        + b"\r\n"
    )


def escape_formula(text: str) -> str:
    """A text that no spreadsheet runs: an apostrophe goes before what would be a
    formula.
    """
    return (
        f"'{text}"
        if re.search(_FORMULA, text) and not re.search(_NUMBER, text)
        else text
    )


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
    yield (BOM if bom else b"") + csv_line(
        [escape_formula(name) for name in names] if escaped else names, delimiter
    )

    def written(frame: pl.DataFrame) -> bytes:
        pairs = zip(frame.schema.items(), columns, strict=True)
        cells = frame.select(
            _csv_cell(name, kind, column, escaped) for (name, kind), column in pairs
        )
        made = BytesIO()
        cells.write_csv(made, include_header=False, separator=delimiter)
        return made.getvalue()

    yield from prefetch(frames, written)


def _csv_cell(name: str, kind: pl.DataType, column: Column, escaped: bool) -> pl.Expr:
    if isinstance(kind, (pl.Decimal, pl.Date)):
        return pl.col(name)  # written digit by digit, without a text of its own
    cells = plain(name, kind, column, exact=True)
    if not (escaped and isinstance(kind, pl.String)):
        return cells
    return escape_formula_cells(name)


def escape_formula_cells(name: str) -> pl.Expr:
    """A column of texts, each as `escape_formula` has it."""
    runs = pl.col(name).str.contains(_FORMULA) & ~pl.col(name).str.contains(_NUMBER)
    return (
        pl.when(runs)
        .then(pl.lit("'") + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
    )


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
    signs = np.frombuffer(body, dtype=np.uint8)
    quotes = 2 * frame.height * len(columns) if objects else 0
    names = "".join(column.name for column in columns)
    if (
        '"' in names
        or "\\" in names
        or _CONTROL.search(names)
        or any(c.ckan_type == "json" for c in columns)
    ):
        return False
    quotes += 2 * sum(
        frame.height - frame[name].null_count()
        for name, kind in frame.schema.items()
        if _quoted(kind)
    )
    controls, quoting = np.count_nonzero(signs < 32), np.count_nonzero(signs == 34)
    return controls == frame.height and quoting == quotes and b"\\" not in body


def _quoted(kind: pl.DataType) -> bool:
    return not (kind.is_numeric() or isinstance(kind, (pl.Boolean, pl.Decimal)))


def _json_parts(
    columns: Sequence[Column],
    frame: pl.DataFrame,
    objects: bool,
    end: str,
    *,
    careful: bool,
) -> Iterator[pl.Expr]:
    glue = "{" if objects else "["
    for (name, kind), column in zip(frame.schema.items(), columns, strict=True):
        glue += orjson.dumps(column.name).decode() + ":" if objects else ""
        if _quoted(kind) and not careful and not frame[name].null_count():
            # The quotes of a full column stand in the texts between the cells.
            yield pl.lit(glue + '"')
            yield plain(name, kind, column, exact=True)
            glue = '",'
        else:
            yield pl.lit(glue)
            yield json_cell(name, kind, column, careful=careful)
            glue = ","
    yield pl.lit(glue[:-1] + ("}" if objects else "]") + end)


def json_cell(
    name: str, kind: pl.DataType, column: Column, *, careful: bool = True
) -> pl.Expr:
    """A cell as JSON; `careful` escapes what JSON must escape."""
    if column.ckan_type == "json":
        return pl.col(name).map_batches(_json_values, return_dtype=pl.String)
    if not _quoted(kind):
        cells = pl.col(name)
        finite = pl.when(cells.is_finite()).then(cells) if kind.is_float() else cells
        return finite.cast(pl.String).fill_null("null")
    cells = plain(name, kind, column, exact=True)
    if careful and isinstance(kind, pl.String):
        return pl.col(name).map_batches(_json_texts, return_dtype=pl.String)
    return pl.concat_str([pl.lit('"'), cells, pl.lit('"')]).fill_null("null")


def _json_texts(cells: pl.Series) -> pl.Series:
    return pl.Series(
        cells.name,
        [orjson.dumps(text).decode() for text in cells.to_list()],
        dtype=pl.String,
    )


def _json_values(cells: pl.Series) -> pl.Series:
    return pl.Series(
        cells.name, [_json_value(text) for text in cells.to_list()], dtype=pl.String
    )


def _json_value(text: str | None) -> str:
    if text is None:
        return "null"
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return orjson.dumps(text).decode()
    return text.replace("\n", " ").replace("\r", " ")


def join_rows(frame: pl.DataFrame, parts: Iterator[pl.Expr]) -> bytes:
    """All rows' texts, one after the other: the values of the column as Arrow lays them
    out.
    """
    text = frame.select(pl.concat_str(list(parts)).alias("text"))["text"]
    arrow = text.to_arrow(compat_level=pl.CompatLevel.oldest())
    offsets = np.frombuffer(arrow.buffers()[1], dtype=np.int64)[
        arrow.offset : arrow.offset + len(arrow) + 1
    ]
    return (
        bytes(memoryview(arrow.buffers()[2])[int(offsets[0]) : int(offsets[-1])])
        if len(arrow)
        else b""
    )


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
        text = plain(name, kind, column, exact=True).cast(pl.String)
        cell = xml_text(text) if isinstance(kind, pl.String) else text
        if not frame[name].null_count():
            yield from (pl.lit(f"<{tag}>"), cell, pl.lit(f"</{tag}>"))
            continue
        yield pl.concat_str([pl.lit(f"<{tag}>"), cell, pl.lit(f"</{tag}>")]).fill_null(
            f'<{tag} xsi:nil="true"/>'
        )
    yield pl.lit("</row>\n")


def xml_text(cells: pl.Expr) -> pl.Expr:
    """Text that XML can hold: its three signs escaped, what it has no way to say left
    out.
    """
    escaped: Callable[[pl.Expr, str, str], pl.Expr] = lambda each, sign, said: (  # noqa: E731
        each.str.replace_all(sign, said, literal=True)
    )
    named = escaped(escaped(escaped(cells, "&", "&amp;"), "<", "&lt;"), ">", "&gt;")
    return named.str.replace_all(_NO_XML, "")


def _tags(columns: Sequence[Column]) -> list[str]:
    made: list[str] = []
    for column in columns:
        tag = re.sub(r"[^\w.-]", "_", column.name)
        tag = (
            tag
            if re.match(r"[^\W\d]", tag) and not tag.lower().startswith("xml")
            else f"_{tag}"
        )
        while tag in made:
            tag += "_"
        made.append(tag)
    return made
