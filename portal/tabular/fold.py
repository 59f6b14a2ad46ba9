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
    plain = unicodedata.normalize("NFD", text.lower()).replace("đ", "d")
    return "".join(char for char in plain if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    """The folded words of a query."""
    return "".join(char if char.isalnum() else " " for char in fold(text)).split()


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
    made = [
        _fold_block(texts[start : start + BLOCK])
        for start in range(0, len(texts), BLOCK)
    ]
    return pl.concat(made) if made else texts


def _fold_block(texts: pl.Series) -> pl.Series:
    signs = np.frombuffer(_signs(_bytes(texts)), np.uint8)
    again = (signs[1:] == SPACE) & (signs[:-1] == SPACE)
    signs = np.concatenate((signs[:1], signs[1:][~again]))
    ends = np.flatnonzero(signs == END)
    if len(ends) != len(texts):
        return fold_slowly(texts)  # a cell holds the very sign that ends a row
    hard = np.flatnonzero(signs == HARD)
    signs[hard] = SPACE
    made = _series(
        signs.tobytes().translate(None, bytes([END])),
        ends - np.arange(len(ends)),
        texts.name,
    )
    if not len(hard):
        return made
    rows = pl.Series(np.unique(np.searchsorted(ends, hard)))
    return made.scatter(rows, fold_slowly(texts.gather(rows)))


def _bytes(texts: pl.Series) -> bytes:
    """All texts in UTF-8, each ended by END."""
    array = (texts + chr(END)).rechunk().to_arrow()
    bounds, data = np.frombuffer(array.buffers()[1], np.int64), array.buffers()[2]
    first, last = bounds[array.offset], bounds[array.offset + len(array)]
    return bytes(memoryview(data)[first:last])


def _signs(raw: bytes) -> bytes:
    """UTF-8 with each character folded to one byte, or to none."""
    table = _table()
    if raw.isascii():
        return raw.translate(table[:256].tobytes())
    read = np.frombuffer(raw, np.uint8)
    leads = np.flatnonzero(read >= LEAD)
    lead, second, third = (
        read.take(leads + step, mode="clip").astype(np.int32) for step in range(3)
    )
    two, three = (
        (lead & 0x1F) << 6 | second & 0x3F,
        (lead & 0xF) << 12 | (second & 0x3F) << 6 | third & 0x3F,
    )
    codes = np.where(lead < 0xE0, two, np.where(lead < 0xF0, three, TABLED))
    inner = table[:128].tobytes() + bytes([GONE]) * 128
    signs = np.frombuffer(bytearray(raw.translate(inner)), np.uint8)
    signs[leads] = table.take(codes, mode="clip")
    return signs.tobytes().translate(None, bytes([GONE]))


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
    alone = fold_slowly(pl.Series([chr(code) for code in range(TABLED)])).to_list()
    for code, made in enumerate(alone):
        if len(made) <= 1 and made.isascii() and code != SIGMA:
            table[code] = ord(made) if made else GONE
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
