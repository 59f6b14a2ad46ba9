"""Words without case and diacritics, so that "benh vien" finds "bệnh viện" in rows
too.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

END, GONE, SPACE, HARD = 0, 1, 32, 255
"""What stands for the end of a row, a mark that vanishes, a break between words, and
what needs the slow way.
"""
TABLED = 0x3000
"""Code points below are folded by a table: Latin with all its additions, marks and
punctuation among them.
"""
BLOCK = 40_960
"""Rows that are folded at once, so that the copies of their texts stay small."""
LEAD = 0xC0
"""From this byte on UTF-8 begins a character of several bytes."""
SIGMA = 0x3A3
"""The only letter whose lower case depends on its neighbours."""


def fold(text: str) -> str:
    """Lower case, no diacritics, đ as d."""
    # Taken apart into letters and marks, a text loses its marks one by one; the stroke
    # of đ is no mark to Unicode.
    decomposed = unicodedata.normalize("NFD", text.lower()).replace("đ", "d")
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    """The folded words of a query."""
    signs = (char if char.isalnum() else " " for char in fold(text))
    return "".join(signs).split()


def fold_rows(cells: list[pl.Expr]) -> pl.Expr:
    """All cells of a row as one folded text: every word with a blank before it, so that
    prefixes can be found.
    """
    joined = pl.concat_str([pl.lit(""), *cells], separator=" ", ignore_nulls=True)
    return joined.map_batches(fold_texts, return_dtype=pl.String)


def fold_texts(texts: pl.Series) -> pl.Series:
    """Every text in lower case, without marks, with one blank for whatever is neither
    letter nor number.

    Says what `fold_slowly` says, many times faster, by a table of code points; rows
    with a character whose folded form is not one ASCII letter or digit (Greek, Chinese,
    …) go the slow way.
    """
    blocks = [
        _fold_block(texts[start : start + BLOCK])
        for start in range(0, len(texts), BLOCK)
    ]
    return pl.concat(blocks) if blocks else texts


def _fold_block(texts: pl.Series) -> pl.Series:
    signs = np.frombuffer(_signs(_bytes(texts)), np.uint8)
    # Of several breaks between two words one is left.
    is_second_blank = (signs[1:] == SPACE) & (signs[:-1] == SPACE)
    signs = np.concatenate((signs[:1], signs[1:][~is_second_blank]))
    ends = np.flatnonzero(signs == END)
    if len(ends) != len(texts):
        return fold_slowly(texts)  # a cell holds the very sign that ends a row
    hard = np.flatnonzero(signs == HARD)
    # Any ASCII letter will do here: rows with a hard sign are made anew below.
    signs[hard] = SPACE
    without_ends = signs.tobytes().translate(None, bytes([END]))
    # Each end that is taken out moves those behind it one byte to the front.
    text_ends = ends - np.arange(len(ends))
    folded = _series(without_ends, text_ends, texts.name)
    if not len(hard):
        return folded
    hard_rows = pl.Series(np.unique(np.searchsorted(ends, hard)))
    return folded.scatter(hard_rows, fold_slowly(texts.gather(hard_rows)))


def _bytes(texts: pl.Series) -> bytes:
    """All texts in UTF-8, each ended by END."""
    array = (texts + chr(END)).rechunk().to_arrow()
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, np.int64)
    # A slice of a column has the buffers of the whole column.
    first, last = bounds[array.offset], bounds[array.offset + len(array)]
    return bytes(memoryview(data)[first:last])


def _signs(raw: bytes) -> bytes:
    """UTF-8 with each character folded to one byte, or to none."""
    table = _table()
    if raw.isascii():
        return raw.translate(table[:256].tobytes())
    encoded = np.frombuffer(raw, np.uint8)
    leads = np.flatnonzero(encoded >= LEAD)
    codes = _code_points(encoded, leads)
    # ASCII by the table; every byte of a longer character goes, and the sign of the
    # whole character then takes the place of its first byte.
    ascii_only = table[:128].tobytes() + bytes([GONE]) * 128
    signs = np.frombuffer(bytearray(raw.translate(ascii_only)), np.uint8)
    signs[leads] = table.take(codes, mode="clip")
    return signs.tobytes().translate(None, bytes([GONE]))


def _code_points(
    encoded: NDArray[np.uint8], leads: NDArray[np.int64]
) -> NDArray[np.int32]:
    """The code points of the characters whose first bytes stand at `leads`; TABLED for
    those of four bytes.
    """
    # UTF-8: 110xxxxx 10xxxxxx is a character of two bytes, 1110xxxx 10xxxxxx 10xxxxxx
    # one of three; only the bits x count. A last character may have no third byte.
    lead, second, third = (
        encoded.take(leads + step, mode="clip").astype(np.int32) for step in range(3)
    )
    of_two = (lead & 0x1F) << 6 | second & 0x3F
    of_three = (lead & 0xF) << 12 | (second & 0x3F) << 6 | third & 0x3F
    of_more = np.where(lead < 0xF0, of_three, TABLED)
    return np.where(lead < 0xE0, of_two, of_more).astype(np.int32)


def _series(signs: bytes, ends: NDArray[np.int64], name: str) -> pl.Series:
    """ASCII bytes as texts that end where `ends` says."""
    offsets = np.concatenate((np.zeros(1, np.int64), ends.astype(np.int64)))
    array = pa.LargeStringArray.from_buffers(
        len(ends), pa.py_buffer(offsets), pa.py_buffer(signs)
    )
    return pl.Series(name, array)


@cache
def _table() -> NDArray[np.uint8]:
    """What each code point below TABLED becomes, as the slow way says; the last entry
    stands for all others.
    """
    table = np.full(TABLED + 1, HARD, np.uint8)
    characters = pl.Series([chr(code) for code in range(TABLED)])
    for code, folded in enumerate(fold_slowly(characters).to_list()):
        is_one_sign = len(folded) <= 1 and folded.isascii()
        if is_one_sign and code != SIGMA:
            table[code] = ord(folded) if folded else GONE
    table[END] = END
    return table


def fold_slowly(texts: pl.Series) -> pl.Series:
    """What `fold_texts` promises, as regular expressions say it."""
    lowered = (
        texts.str.to_lowercase()
        .str.normalize("NFD")
        .str.replace_all(r"\p{M}+", "")
        .str.replace_all("đ", "d")
    )
    return lowered.str.replace_all(r"[^\p{L}\p{N}]+", " ")
