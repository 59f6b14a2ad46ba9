"""Searching for words: which rows of a hot copy hold all of them, and how well each
matches.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
from numpy.typing import NDArray

from portal.tabular.reading_rows.fulltext import holds
from portal.tabular.reading_rows.hot import FOLD, HotTable

Numbers = NDArray[np.int64]
_SCANNERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="words")
"""Look for words in the blocks of a column; its threads start at the first search."""


def rows_with_words(hot: HotTable, words: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Where the rows stand that hold all words, and their ranks."""
    if hot.word_index is not None:
        return hot.word_index.find(words, hot.frame[FOLD])
    positions, texts = _by_reading(hot.frame[FOLD], words)
    return positions, _ranks(texts, words)


def best_first(ranks: Numbers, positions: Numbers, count: int) -> Numbers:
    """Indexes of the first `count` by rank, then by place."""
    # Rank and place in one number, so that one sort does for both and rows of one rank
    # always come in the same order: pages neither miss nor repeat a row.
    ranks_from_best = ranks.max(initial=0) - ranks
    keys = ranks_from_best * np.int64(1 << 40) + positions
    if count >= keys.size:
        return np.argsort(keys)
    # A page is short: finding its rows is cheaper than sorting all.
    first = np.argpartition(keys, count)[:count]
    return first[np.argsort(keys[first])]


def _by_reading(texts: pl.Series, words: Sequence[str]) -> tuple[Numbers, pl.Series]:
    """Where the rows stand that hold all words, and their texts; several blocks are
    looked through at a time.
    """
    blocks = texts.get_chunks()
    lengths = [block.len() for block in blocks]
    starts = np.cumsum([0, *lengths])[:-1].tolist()
    searches = [
        _SCANNERS.submit(_search, block, start, words)
        for block, start in zip(blocks, starts, strict=True)
    ]
    results = [search.result() for search in searches]
    positions = np.concatenate([positions for positions, _ in results])
    return positions, pl.concat([matching for _, matching in results])


def _search(
    texts: pl.Series, start: int, words: Sequence[str]
) -> tuple[Numbers, pl.Series]:
    """What `_by_reading` finds in one block, whose first row stands at `start`."""
    positions = np.arange(start, start + texts.len(), dtype=np.int64)
    # The longest word is likely the rarest, and each further word is looked for only in
    # the rows that are left.
    for word in sorted(set(words), key=len, reverse=True):
        matches = holds(texts, word).fill_null(False)
        positions = positions[matches.to_numpy()]
        texts = texts.filter(matches)
    return positions, texts


def _ranks(texts: pl.Series, words: Sequence[str]) -> Numbers:
    """How many characters of each row are the words asked for: what the statement's
    rank says, too.
    """
    total = np.zeros(texts.len(), dtype=np.int64)
    for word in words:
        beginning = word.rstrip()
        counts = texts.str.count_matches(beginning, literal=True).fill_null(0)
        total += counts.to_numpy().astype(np.int64) * len(beginning)
    return total
