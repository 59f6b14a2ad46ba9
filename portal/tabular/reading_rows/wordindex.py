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

LETTERS = 8
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
Keys = NDArray[np.uint64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Postings:
    """Keys in order; those of `keys[i]` stand in `places[ends[i - 1] : ends[i]]`, a
    place for each time.
    """

    keys: Keys
    ends: NDArray[np.uint32]
    places: NDArray[np.uint16]

    def of(self, word: bytes) -> NDArray[np.uint16]:
        """The places of a word shorter than LETTERS, and of no longer one."""
        key = np.uint64(int.from_bytes(word.ljust(LETTERS, b"\0")))
        at = int(np.searchsorted(self.keys, key))
        if at == self.keys.size or self.keys[at] != key:
            return self.places[:0]
        return self.places[int(self.ends[at - 1]) if at else 0 : int(self.ends[at])]

    def under(self, letters: bytes) -> NDArray[np.uint16]:
        """The places of all keys that begin with these bytes (at most LETTERS of
        them).
        """
        low = int.from_bytes(letters.ljust(LETTERS, b"\0"))
        high = low + (1 << 8 * (LETTERS - len(letters))) - 1
        first = int(np.searchsorted(self.keys, np.uint64(low), side="left"))
        last = int(np.searchsorted(self.keys, np.uint64(high), side="right"))
        if first == last:
            return self.places[:0]
        return self.places[
            int(self.ends[first - 1]) if first else 0 : int(self.ends[last - 1])
        ]


@dataclass(frozen=True, slots=True)
class _Block:
    """Some rows, from `start` on: the first letters of their words, and of long words
    the letters after those.
    """

    start: int
    rows: int
    near: _Postings
    far: _Postings


class WordIndex:
    """The words of a version's folded texts, mapped from a file. Safe for threads."""

    def __init__(self, path: Path) -> None:
        file = pa.ipc.open_file(pa.memory_map(str(path)))
        self._blocks = [
            _read(file.get_batch(index)) for index in range(file.num_record_batches)
        ]

    def find(self, words: Sequence[str], texts: pl.Series) -> tuple[Places, Places]:
        """Where the rows stand that hold all `words` (each as `fulltext.holds` takes
        it), and how many letters of each row they make where they begin a word. `texts`
        are the folded texts: words longer than their keys are looked up there.
        """
        found = [self._in_block(block, words, texts) for block in self._blocks]
        return np.concatenate([places for places, _ in found]), np.concatenate(
            [ranks for _, ranks in found]
        )

    def _in_block(
        self, block: _Block, words: Sequence[str], texts: pl.Series
    ) -> tuple[Places, Places]:
        near = [block.near.under(_letters(word)[:LETTERS]) for word in words]
        ranks = np.zeros(block.rows, np.int64)
        held = np.ones(block.rows, np.bool_)
        long = []
        for word, places in sorted(
            zip(words, near, strict=True), key=lambda each: each[1].size
        ):
            if not places.size:
                return ranks[:0], ranks[:0]
            counts = np.bincount(places, minlength=block.rows)
            held &= counts > 0
            whole, length = word.endswith(" "), len(_letters(word))
            if length > LETTERS or (whole and length == LETTERS):
                long.append(word)
                continue
            ranks += counts * len(word.rstrip())
            if whole:
                held &= (
                    np.bincount(block.near.of(_letters(word)), minlength=block.rows) > 0
                )
        for word in long:
            _verify(block, word, texts, held, ranks)
        at = np.flatnonzero(held)
        return at + block.start, ranks[at]


def _verify(
    block: _Block, word: str, texts: pl.Series, held: NDArray[np.bool_], ranks: Places
) -> None:
    """Leave only those rows that really hold a word of which the key says no more than
    its first letters.
    """
    letters = _letters(word)
    if len(letters) > LETTERS:
        further = np.zeros(block.rows, np.bool_)
        further[block.far.under(letters[LETTERS : 2 * LETTERS])] = True
        held &= further
    at = np.flatnonzero(held)
    read = texts.gather(at + block.start)
    counts = (
        read.str.count_matches(word.rstrip(), literal=True).to_numpy().astype(np.int64)
    )
    ranks[at] += counts * len(word.rstrip())
    held[at[~holds(read, word).to_numpy()]] = False


def _letters(word: str) -> bytes:
    return word.strip().encode()


def write(texts: Iterable[pl.Series], path: Path) -> None:
    """Index folded texts, given in the order of their rows. Raises ValueError where one
    does not begin with a blank.
    """
    start = 0
    with pa.ipc.new_file(str(path), _SCHEMA) as writer:
        for block in _blocks(texts):
            writer.write_batch(_indexed(block, start))
            start += block.len()


def _blocks(texts: Iterable[pl.Series]) -> Iterator[pl.Series]:
    for chunk in texts:
        size = int(chunk.str.len_bytes().sum()) or 1
        rows = min(MOST_ROWS, max(1, chunk.len() * MOST_BYTES // size))
        yield from (chunk.slice(start, rows) for start in range(0, chunk.len(), rows))


def _indexed(texts: pl.Series, start: int) -> pa.RecordBatch:
    raw, bounds = _bytes(texts)
    blanks = np.flatnonzero(raw == SPACE)
    lengths = np.diff(blanks) - 1
    words = lengths > 0
    begins, lengths = blanks[:-1][words] + 1, lengths[words]
    places = np.repeat(
        np.arange(texts.len(), dtype=np.uint16),
        np.diff(np.searchsorted(begins, bounds)),
    )
    near = _posted(_keys(raw, begins, lengths), places)
    long = lengths > LETTERS
    far = _posted(
        _keys(raw, begins[long] + LETTERS, lengths[long] - LETTERS), places[long]
    )
    cells: list[pa.Array] = [
        pa.array([start], pa.int64()),
        pa.array([texts.len()], pa.int64()),
    ]
    cells += [pa.array([each.tobytes()], pa.large_binary()) for each in (*near, *far)]
    return pa.RecordBatch.from_arrays(cells, schema=_SCHEMA)


def _bytes(texts: pl.Series) -> tuple[NDArray[np.uint8], Places]:
    """All texts one after the other, with room behind them, and where each begins."""
    array = texts.fill_null("").rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    bounds = np.frombuffer(array.buffers()[1], np.int64)[
        array.offset : array.offset + len(array) + 1
    ]
    data = memoryview(array.buffers()[2] or b"")[int(bounds[0]) : int(bounds[-1])]
    bounds = bounds - bounds[0]
    raw = np.frombuffer(bytes(data) + b" " + bytes(2 * LETTERS), np.uint8)
    if (raw[bounds[:-1][np.diff(bounds) > 0]] != SPACE).any():
        raise ValueError("a folded text does not begin with a blank")
    return raw, bounds


def _keys(raw: NDArray[np.uint8], begins: Places, lengths: Places) -> Keys:
    """The first letters of the words that begin there, as numbers."""
    whole: NDArray[np.uint64] = np.ndarray(
        (raw.size - LETTERS + 1,), dtype=">u8", buffer=raw.data, strides=(1,)
    )
    spare = (8 * (LETTERS - np.minimum(lengths, LETTERS))).astype(np.uint64)
    return (whole[begins].astype(np.uint64) >> spare) << spare


def _posted(
    keys: Keys, places: NDArray[np.uint16]
) -> tuple[Keys, NDArray[np.uint32], NDArray[np.uint16]]:
    order = np.argsort(keys)
    keys = keys[order]
    last = (
        np.flatnonzero(np.append(keys[1:] != keys[:-1], np.True_))
        if keys.size
        else np.zeros(0, np.int64)
    )
    return keys[last], (last + 1).astype(np.uint32), places[order]


def _read(batch: pa.RecordBatch) -> _Block:
    def cell(name: str, kind: type[Any]) -> Any:
        return np.frombuffer(batch.column(name)[0].as_buffer(), kind)

    def postings(part: str) -> _Postings:
        places = cell(f"{part}_places", np.uint16)
        return _Postings(
            cell(f"{part}_keys", np.uint64), cell(f"{part}_ends", np.uint32), places
        )

    return _Block(
        batch.column("start")[0].as_py(),
        batch.column("rows")[0].as_py(),
        postings("near"),
        postings("far"),
    )
