"""CSV and TSV as text tables: clean blocks through a fast parser, everything else
through Python's csv.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import polars as pl

from portal.reading import header
from portal.reading.blocks import as_frame, clean_piece
from portal.reading.bytescan import has_blank_line
from portal.reading.dialect import CsvDialect, resolve
from portal.reading.encoding import Decoded
from portal.reading.options import ReadOptions
from portal.reading.refusals import refuse
from schemas.texttable import ROW, RaggedRow, ReadNote, TextBatch, TextTable

HEAD_BYTES = 256 * 1024
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


@dataclass(frozen=True, slots=True)
class _Body:
    """Where the rows of a file start (byte and row number), and how to read them."""

    decoded: Decoded
    name: str
    dialect: CsvDialect
    width: int
    start: int
    first: int
    options: ReadOptions

    def batches(self) -> Iterator[TextBatch]:
        with self.decoded.path.open("rb") as file:
            file.seek(self.start)
            number = self.first
            # Fast blocks until one is not clean; from there on the csv module reads.
            if self.dialect.is_plain and not self.dialect.filters:
                for batch, rows, offset in self._blocks(file, number):
                    number += rows
                    self._check_rows(number)
                    yield batch
                    # A block is read farther than its last whole row.
                    file.seek(offset)
            yield from self._exact(file, number)

    def _check_rows(self, number: int) -> None:
        """Refuse a table past its limits; `number` is that of its next row."""
        if number - 1 > self.options.max_rows:
            raise refuse(
                "too-large", name=self.name, what="rows", limit=self.options.max_rows
            )
        if (number - 1) * self.width > self.options.max_cells:
            raise refuse(
                "too-large", name=self.name, what="cells", limit=self.options.max_cells
            )

    def _blocks(
        self, file: BinaryIO, number: int
    ) -> Iterator[tuple[TextBatch, int, int]]:
        """Batches as long as blocks are clean, each with its number of rows and the
        offset after it.
        """
        offset = self.start
        while block := file.read(self.options.batch_bytes):
            piece = clean_piece(
                block,
                self.dialect.delimiter,
                last=len(block) < self.options.batch_bytes,
            )
            if not piece:
                file.seek(offset)
                return
            # Parsers differ over blank lines: here, too, the csv module decides.
            if has_blank_line(piece):
                records = list(
                    csv.reader(
                        io.StringIO(piece.decode(), newline="\n"),
                        **self.dialect.reader_options(),
                    )
                )
                batch, rows = (
                    batch_of(list(enumerate(records, number)), self.width),
                    len(records),
                )
            else:
                batch, rows = as_frame(
                    piece, self.dialect.delimiter, self.width, number
                )
            number += rows
            offset += len(piece)
            yield batch, rows, offset

    def _exact(self, file: BinaryIO, number: int) -> Iterator[TextBatch]:
        """The rest of the file through Python's csv module, whose reading is the
        measure of all others.
        """
        lines = _Lines(file, self.name, self.options)
        records = _records(lines, self.dialect)
        numbered = zip(itertools.count(number), records, strict=False)
        while True:
            chunk = list(itertools.islice(numbered, self.options.batch_rows))
            if not chunk:
                return
            self._check_rows(chunk[-1][0] + 1)
            yield batch_of(
                [row for row in chunk if not self.dialect.skips(*row)], self.width
            )


def batch_of(numbered: list[tuple[int, list[str]]], width: int) -> TextBatch:
    """A batch of numbered rows; rows of another width than `width` go to its ragged
    rows.
    """
    good = [(number, cells) for number, cells in numbered if len(cells) == width]
    # Without any row, zip gives no columns at all.
    columns = list(zip(*(cells for _, cells in good), strict=True)) or [()] * width
    frame = pl.DataFrame(
        [
            pl.Series(str(index), column, dtype=pl.String)
            for index, column in enumerate(columns)
        ]
        + [pl.Series(ROW, [number for number, _ in good], dtype=pl.Int64)]
    )
    return TextBatch(
        frame,
        tuple(
            RaggedRow(n, tuple(cells)) for n, cells in numbered if len(cells) != width
        ),
    )


class _Lines:
    """Lines of UTF-8 text, counting bytes; refuses a record that grows past the limit
    (a quote never closed).
    """

    def __init__(self, file: BinaryIO, name: str, options: ReadOptions) -> None:
        self._lines, self._name, self._limit = (
            iter(file.readline, b""),
            name,
            options.max_cell,
        )
        self.most_cells = options.max_columns
        self.read = 0
        self.line = 0
        self._record = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.read += len(line)
            self.line += 1
            if self.read - self._record > 4 * self._limit:
                raise refuse(
                    "cannot-parse",
                    name=self._name,
                    line=self.line,
                    why="a quote is never closed",
                )
            yield line.decode("utf-8")

    def refuse_wide(self, cells: list[str]) -> None:
        """A row of more cells than a table may have columns is the beginning of no
        table.
        """
        if len(cells) > self.most_cells:
            raise refuse(
                "too-large", name=self._name, what="columns", limit=self.most_cells
            )

    def record_done(self) -> None:
        """Called after each record, so that only one record's size is limited."""
        self._record = self.read


def _records(lines: _Lines, dialect: CsvDialect) -> Iterator[list[str]]:
    """The records of lines, each as its cells, refused where they cannot be parsed."""
    # One limit for the whole process, so it is only ever raised.
    if csv.field_size_limit() < lines._limit:
        csv.field_size_limit(lines._limit)
    reader = csv.reader(lines, **dialect.reader_options())
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise refuse(
                "cannot-parse", name=lines._name, line=lines.line, why=str(error)
            ) from None
        if cells is None:
            return
        lines.refuse_wide(cells)
        lines.record_done()
        yield cells


def open_csv(
    decoded: Decoded,
    name: str,
    kind: str,
    declared: Mapping[str, Any] | None,
    options: ReadOptions,
) -> TextTable:
    """The table of a CSV or TSV file. Raises BadFile("empty" | "no-header" |
    "bad-dialect" | "too-large").
    """
    with decoded.path.open("rb") as file:
        file.seek(decoded.skip)
        head = file.read(HEAD_BYTES).decode("utf-8", "ignore")
    if not head.strip():
        raise refuse("empty", name=name)
    dialect = resolve(declared, head.split("\n"), name, kind)
    rows, ends = _first_rows(decoded, name, dialect, options)
    labels, used, notes = _labels(rows, dialect, name)
    if len(labels) > options.max_columns:
        raise refuse("too-large", name=name, what="columns", limit=options.max_columns)
    if dialect.guessed and dialect.delimiter != ",":
        notes = (ReadNote("delimiter", {"delimiter": NAMES[dialect.delimiter]}), *notes)
    start = ends[used - 1] if used else decoded.skip
    body = _Body(decoded, name, dialect, len(labels), start, used + 1, options)
    return TextTable(labels, body.batches, name, decoded.notes + notes)


def _first_rows(
    decoded: Decoded, name: str, dialect: CsvDialect, options: ReadOptions
) -> tuple[list[list[str]], list[int]]:
    """The first rows and the byte offset after each of them."""
    wanted = max((header.LOOK, *dialect.header_rows))
    rows: list[list[str]] = []
    ends: list[int] = []
    with decoded.path.open("rb") as file:
        file.seek(decoded.skip)
        lines = _Lines(file, name, options)
        for cells in itertools.islice(_records(lines, dialect), wanted):
            rows.append(cells)
            ends.append(decoded.skip + lines.read)
    return rows, ends


def _labels(
    rows: list[list[str]], dialect: CsvDialect, name: str
) -> tuple[tuple[str, ...], int, tuple[ReadNote, ...]]:
    """The labels, how many rows they and all above them use, and what is odd about
    them.
    """
    if not dialect.header:
        labels = tuple(f"field{number}" for number in range(1, len(rows[0]) + 1))
        return labels, 0, (ReadNote("no-header"),)
    if dialect.header_rows:
        last = dialect.header_rows[-1]
        chosen = [
            rows[number - 1]
            for number in dialect.header_rows
            if 0 < number <= len(rows)
        ]
        if not chosen or last > len(rows):
            raise refuse("no-header", name=name)
        return tuple(header.join(chosen, dialect.header_join)), last, ()
    skipped = {i for i, cells in enumerate(rows) if dialect.skips(i + 1, cells)}
    kept = [i for i in range(len(rows)) if i not in skipped]
    found, notes = header.find([rows[i] for i in kept])
    if found < 0:
        raise refuse("no-header", name=name)
    return tuple(rows[kept[found]]), kept[found] + 1, notes
