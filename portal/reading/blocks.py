"""Blocks of clean CSV bytes to frames: fast, and only where no two CSV parsers could
disagree.
"""

from __future__ import annotations

import csv

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pc
from numpy.typing import NDArray

from portal.reading.bytescan import NEWLINE, positions
from schemas.texttable import ROW, RaggedRow, TextBatch

QUOTE = ord('"')


def clean_piece(block: bytes, delimiter: str, *, last: bool) -> bytes:
    """The longest run of whole rows at the start of `block` that is clean, b"" if it is
    not.

    Clean means: no NUL and every quote opens right after, or closes right before, a
    delimiter or line end, or stands doubled inside a quoted cell. Then all CSV parsers
    agree. `last` says that the file ends here.
    """
    if b"\0" in block:
        return b""
    if b'"' not in block:
        return block if last else block[: block.rfind(b"\n") + 1]
    return _quoted_piece(block, ord(delimiter), last)


def _quoted_piece(block: bytes, delimiter: int, last: bool) -> bytes:
    """The clean run of whole rows at the start of a block with quotes, b"" if it is
    not.
    """
    letters = np.frombuffer(block, dtype=np.uint8)
    quotes = positions(letters, QUOTE)
    end = len(block) if last else _last_row_end(block, quotes)
    quotes_before_end = quotes[: int(np.searchsorted(quotes, end))]
    if not end or not _is_clean(letters[:end], quotes_before_end, delimiter):
        return b""
    return block[:end]


def _last_row_end(block: bytes, quotes: NDArray[np.intp]) -> int:
    """Where the last row ends whose line end stands outside of quotes; 0 if there is
    none.
    """
    end = block.rfind(b"\n")
    # Behind an odd number of quotes a line end belongs to a cell.
    while end >= 0 and np.searchsorted(quotes, end) % 2:
        end = block.rfind(b"\n", 0, end)
    return end + 1


def _is_clean(
    letters: NDArray[np.uint8], quotes: NDArray[np.intp], delimiter: int
) -> bool:
    """Whether the quotes at these places only open cells, close them or stand
    doubled.
    """
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    last = len(letters) - 1
    # At the borders some byte is read for the one that is not there; whether a quote
    # stands at the border is asked beside it.
    before = letters[opening - 1]
    after = letters[np.minimum(closing + 1, last)]
    opens = (before == delimiter) | (before == NEWLINE) | (opening == 0)
    closes = (after == delimiter) | (after == NEWLINE) | (closing == last)
    # A closing quote directly followed by an opening one is a doubled quote inside the
    # cell.
    doubled = closing[:-1] + 1 == opening[1:]
    opens[1:] |= doubled
    closes[:-1] |= doubled
    return bool(opens.all() and closes.all())


def as_frame(
    piece: bytes, delimiter: str, width: int, number: int
) -> tuple[TextBatch, int]:
    """The batch of a clean piece whose first row has the source number `number`, and
    how many rows it had.
    """
    names = [str(index) for index in range(width)]
    odd_rows: list[tuple[int, str]] = []

    def set_aside(row: pc.InvalidRow) -> str:
        odd_rows.append((row.number - 1, row.text))
        return "skip"

    # One block, in this thread: only then does the reader tell the numbers of rows.
    reading = pc.ReadOptions(
        use_threads=False, block_size=len(piece) + 1, column_names=names
    )
    parsing = pc.ParseOptions(
        delimiter=delimiter,
        newlines_in_values=b'"' in piece,
        # Skipped lines would shift the numbers of all rows below.
        ignore_empty_lines=False,
        invalid_row_handler=set_aside,
    )
    # Nothing is guessed: every cell is a text, and the bytes were checked before.
    converting = pc.ConvertOptions(
        column_types={name: pa.large_string() for name in names},
        strings_can_be_null=False,
        check_utf8=False,
    )
    table = pc.read_csv(
        pa.BufferReader(piece),
        read_options=reading,
        parse_options=parsing,
        convert_options=converting,
    )
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("an Arrow table becomes a frame")
    rows = frame.height + len(odd_rows)
    numbers = np.arange(number, number + rows, dtype=np.int64)
    ragged = []
    for position, text in odd_rows:
        # Arrow gives an odd row as its text, not as cells.
        cells = next(csv.reader([text], delimiter=delimiter), [])
        ragged.append(RaggedRow(number + position, tuple(cells)))
    if odd_rows:
        numbers = np.delete(numbers, [position for position, _ in odd_rows])
    numbered = frame.with_columns(pl.Series(ROW, numbers))
    return TextBatch(numbered, tuple(ragged)), rows
