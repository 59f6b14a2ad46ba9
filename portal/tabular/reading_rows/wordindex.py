"""Word indexes: which rows of a hot copy hold a word, found by the first letters of
words without reading texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from portal.tabular.reading_rows.fulltext import holds

KEY_BYTES = 8
"""Bytes of a word that make its key, as one number that sorts as the word does."""
MOST_ROWS = 40_960
"""Rows of a block; places within it are kept in two bytes."""
MOST_BYTES = 16 * 1024 * 1024
"""Text of a block, so that building takes the same memory whatever a row holds."""
SPACE = 32
_SCHEMA = pa.schema(
    [("start", pa.int64()), ("rows", pa.int64())]
    + [
        (f"{part}_{what}", pa.large_binary())
        for part in ("near", "far")
        for what in ("keys", "ends", "places")
    ]
)
"""A block is a row of the file: a list of numbers is one cell, so that it is mapped as
it lies.
"""
Keys = NDArray[np.uint64]
Ends = NDArray[np.uint32]
Rows = NDArray[np.uint16]
"""Places of rows within their block."""
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Postings:
    """Keys in order; the words of `keys[i]` stand in the rows
    `places[ends[i - 1] : ends[i]]`, once for each time.
    """

    keys: Keys
    ends: Ends
    places: Rows

    def of_word(self, word: bytes) -> Rows:
        """The rows of a word shorter than KEY_BYTES, and of no longer one."""
        # Keys are filled up with zeros, and no word holds a zero byte: so the key of
        # "ab" is not the key of any word that goes on.
        key = np.uint64(int.from_bytes(word.ljust(KEY_BYTES, b"\0")))
        position = int(np.searchsorted(self.keys, key))
        if position == self.keys.size or self.keys[position] != key:
            return self.places[:0]
        return self._between(position, position + 1)

    def with_prefix(self, prefix: bytes) -> Rows:
        """The rows of all words that begin with these bytes (at most KEY_BYTES)."""
        # As numbers, the keys of one prefix lie side by side: from the prefix followed
        # by zeros to the prefix followed by ones.
        free_bits = 8 * (KEY_BYTES - len(prefix))
        lowest = int.from_bytes(prefix.ljust(KEY_BYTES, b"\0"))
        highest = lowest + (1 << free_bits) - 1
        first = int(np.searchsorted(self.keys, np.uint64(lowest), side="left"))
        end = int(np.searchsorted(self.keys, np.uint64(highest), side="right"))
        return self._between(first, end)

    def _between(self, first: int, end: int) -> Rows:
        """The rows of the keys from `first` up to `end`, which is not among them."""
        if first == end:
            return self.places[:0]
        start = int(self.ends[first - 1]) if first else 0
        return self.places[start : int(self.ends[end - 1])]


@dataclass(frozen=True, slots=True)
class _Block:
    """Some rows, from `start` on: the first letters of their words, and of long words
    the letters after those.
    """

    start: int
    rows: int
    near: _Postings
    far: _Postings

    def rows_with(self, places: Rows) -> Flags:
        """For each row of the block, whether it is among `places`."""
        flags = np.zeros(self.rows, np.bool_)
        flags[places] = True
        return flags


class WordIndex:
    """The words of a version's folded texts, mapped from a file. Safe for threads."""

    def __init__(self, path: Path) -> None:
        file = pa.ipc.open_file(pa.memory_map(str(path)))
        self._blocks = [
            _read_block(file.get_batch(number))
            for number in range(file.num_record_batches)
        ]

    def find(self, words: Sequence[str], texts: pl.Series) -> tuple[Numbers, Numbers]:
        """Where the rows stand that hold all `words` (each as `fulltext.holds` takes
        it), and how many letters of each row they make where they begin a word. `texts`
        are the folded texts: words longer than their keys are looked up there.
        """
        places, ranks = [], []
        for block in self._blocks:
            matching, rank = _search(block, words, texts)
            places.append(matching)
            ranks.append(rank)
        return np.concatenate(places), np.concatenate(ranks)


def _search(
    block: _Block, words: Sequence[str], texts: pl.Series
) -> tuple[Numbers, Numbers]:
    """What `WordIndex.find` finds, in one block."""
    prefixes = [_letters(word)[:KEY_BYTES] for word in words]
    places = [block.near.with_prefix(prefix) for prefix in prefixes]
    ranks = np.zeros(block.rows, np.int64)
    matches = np.ones(block.rows, np.bool_)
    long_words = []
    # The rarest word first: most blocks end there, as it is not in them at all.
    by_rarity = sorted(zip(words, places, strict=True), key=lambda pair: pair[1].size)
    for word, rows in by_rarity:
        if not rows.size:
            return ranks[:0], ranks[:0]
        counts = np.bincount(rows, minlength=block.rows)
        matches &= counts > 0
        if not _is_told_by_key(word):
            long_words.append(word)
            continue
        ranks += counts * len(word.rstrip())
        if word.endswith(" "):
            matches &= block.rows_with(block.near.of_word(_letters(word)))
    # Texts are read last: by then few rows are left.
    for word in long_words:
        _verify(block, word, texts, matches, ranks)
    matching = np.flatnonzero(matches)
    return matching + block.start, ranks[matching]


def _is_told_by_key(word: str) -> bool:
    """Whether the key alone says if a row holds this word; a whole word of KEY_BYTES
    has the key of longer ones, too.
    """
    length = len(_letters(word))
    return length < KEY_BYTES if word.endswith(" ") else length <= KEY_BYTES


def _verify(
    block: _Block, word: str, texts: pl.Series, matches: Flags, ranks: Numbers
) -> None:
    """Leave only those rows that really hold a word of which the key says no more than
    its first letters.
    """
    letters = _letters(word)
    if len(letters) > KEY_BYTES:
        # A row may have the two halves from two words: this only spares reading.
        second_key = letters[KEY_BYTES : 2 * KEY_BYTES]
        matches &= block.rows_with(block.far.with_prefix(second_key))
    candidates = np.flatnonzero(matches)
    read = texts.gather(candidates + block.start)
    beginning = word.rstrip()
    counts = read.str.count_matches(beginning, literal=True).to_numpy()
    ranks[candidates] += counts.astype(np.int64) * len(beginning)
    without_word = ~holds(read, word).to_numpy()
    matches[candidates[without_word]] = False


def _letters(word: str) -> bytes:
    return word.strip().encode()


def write(texts: Iterable[pl.Series], path: Path) -> None:
    """Index folded texts, given in the order of their rows. Raises ValueError where one
    does not begin with a blank.
    """
    start = 0
    with pa.ipc.new_file(str(path), _SCHEMA) as writer:
        for block in _blocks(texts):
            writer.write_batch(_index_of(block, start))
            start += block.len()


def _blocks(texts: Iterable[pl.Series]) -> Iterator[pl.Series]:
    """The texts in blocks of at most MOST_ROWS, fewer where rows are long."""
    for chunk in texts:
        size = int(chunk.str.len_bytes().sum()) or 1
        affordable = max(1, chunk.len() * MOST_BYTES // size)
        rows = min(MOST_ROWS, affordable)
        for start in range(0, chunk.len(), rows):
            yield chunk.slice(start, rows)


def _index_of(texts: pl.Series, start: int) -> pa.RecordBatch:
    """The index of one block, as a batch of one row."""
    raw, bounds = _joined(texts)
    begins, lengths = _words(raw)
    # A text begins with a blank, so each word lies within the bounds of one text.
    words_before = np.searchsorted(begins, bounds)
    rows = np.arange(texts.len(), dtype=np.uint16)
    places = np.repeat(rows, np.diff(words_before))
    near = _sorted_postings(_keys(raw, begins, lengths), places)
    is_long = lengths > KEY_BYTES
    second_keys = _keys(raw, begins[is_long] + KEY_BYTES, lengths[is_long] - KEY_BYTES)
    far = _sorted_postings(second_keys, places[is_long])
    cells: list[pa.Array] = [pa.array([start], pa.int64())]
    cells.append(pa.array([texts.len()], pa.int64()))
    for numbers in (near.keys, near.ends, near.places, far.keys, far.ends, far.places):
        cells.append(pa.array([numbers.tobytes()], pa.large_binary()))
    return pa.RecordBatch.from_arrays(cells, schema=_SCHEMA)


def _joined(texts: pl.Series) -> tuple[NDArray[np.uint8], Numbers]:
    """All texts one after the other, with room behind them, and where each begins."""
    oldest = pl.CompatLevel.oldest()
    array = texts.fill_null("").rechunk().to_arrow(compat_level=oldest)
    _, offsets, data = array.buffers()
    all_bounds = np.frombuffer(offsets, np.int64)
    # A slice of a column has the buffers of the whole column.
    bounds = all_bounds[array.offset : array.offset + len(array) + 1]
    own = memoryview(data or b"")[int(bounds[0]) : int(bounds[-1])]
    bounds = bounds - bounds[0]
    # A blank ends the last word; a key is read as KEY_BYTES from wherever a word
    # begins, even where it ends sooner.
    raw = np.frombuffer(bytes(own) + b" " + bytes(2 * KEY_BYTES), np.uint8)
    is_filled = np.diff(bounds) > 0
    first_signs = raw[bounds[:-1][is_filled]]
    if (first_signs != SPACE).any():
        raise ValueError("a folded text does not begin with a blank")
    return raw, bounds


def _words(raw: NDArray[np.uint8]) -> tuple[Numbers, Numbers]:
    """Where words begin, and how many bytes each has."""
    blanks = np.flatnonzero(raw == SPACE)
    lengths = np.diff(blanks) - 1
    is_word = lengths > 0
    return blanks[:-1][is_word] + 1, lengths[is_word]


def _keys(raw: NDArray[np.uint8], begins: Numbers, lengths: Numbers) -> Keys:
    """The first letters of the words that begin there, as numbers."""
    # One view of the bytes as big-endian numbers, a number from every byte on: no word
    # is cut out. Big-endian, as only then numbers sort as the words do.
    numbers: NDArray[np.uint64] = np.ndarray(
        (raw.size - KEY_BYTES + 1,), dtype=">u8", buffer=raw.data, strides=(1,)
    )
    # Shifting there and back makes zeros of what follows the word.
    bits_behind = 8 * (KEY_BYTES - np.minimum(lengths, KEY_BYTES))
    shift = bits_behind.astype(np.uint64)
    return (numbers[begins].astype(np.uint64) >> shift) << shift


def _sorted_postings(keys: Keys, places: Rows) -> _Postings:
    """The keys in order, each once, with the rows of its words."""
    order = np.argsort(keys)
    in_order = keys[order]
    if not in_order.size:
        return _Postings(in_order, np.zeros(0, np.uint32), places)
    is_last_of_key = np.append(in_order[1:] != in_order[:-1], np.True_)
    last = np.flatnonzero(is_last_of_key)
    return _Postings(in_order[last], (last + 1).astype(np.uint32), places[order])


def _read_block(batch: pa.RecordBatch) -> _Block:
    """A block as it lies in the file: nothing is copied."""

    def numbers(name: str, kind: type[Any]) -> Any:
        return np.frombuffer(batch.column(name)[0].as_buffer(), kind)

    def postings(part: str) -> _Postings:
        keys = numbers(f"{part}_keys", np.uint64)
        ends = numbers(f"{part}_ends", np.uint32)
        return _Postings(keys, ends, numbers(f"{part}_places", np.uint16))

    start = batch.column("start")[0].as_py()
    rows = batch.column("rows")[0].as_py()
    return _Block(start, rows, postings("near"), postings("far"))
