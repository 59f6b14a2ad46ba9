"""The index of words finds what reading every text finds: the same rows, with the same
ranks.
"""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.tabular.fold import fold_texts, words
from portal.tabular.reading_rows import wordindex
from portal.tabular.reading_rows.wordindex import WordIndex

GUARDS = (
    "portal.tabular.reading_rows.fulltext",
    "portal.tabular.reading_rows.wordsearch",
)
SOME = (
    "benh",
    "benhvien",
    "benhvienda",
    "benhviendakhoatinh",
    "benhviendakhoatinhthanhhoa",
    "b",
    "00001234567",
    "ἄλφα",
)
cells = st.lists(
    st.one_of(st.sampled_from(SOME), st.text(max_size=12)), max_size=6
).map(" ".join)


def by_reading(texts: list[str], asked: list[str]) -> list[tuple[int, int]]:
    """Each row that holds all the words (a blank behind: whole ones), and how many
    letters they make as beginnings.
    """
    made = [
        sum(text.count(f" {word.strip()}") * (len(word.strip()) + 1) for word in asked)
        for text in texts
    ]
    return [
        (row, made[row])
        for row, text in enumerate(texts)
        if all(f" {word}" in f"{text} " for word in asked)
    ]


def found(
    index: WordIndex, texts: pl.Series, asked: list[str]
) -> list[tuple[int, int]]:
    """The same by the index."""
    places, ranks = index.find([f" {word}" for word in asked], texts)
    return list(zip(places.tolist(), ranks.tolist(), strict=True))


@given(
    rows=st.lists(cells, min_size=1, max_size=12),
    asked=st.lists(cells, min_size=1, max_size=2),
)
def test_it_finds_what_reading_finds(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], asked: list[str]
) -> None:
    folded = fold_texts(pl.Series([f" {text}" if text else "" for text in rows]))
    path = tmp_path_factory.mktemp("words") / "words.arrow"
    wordindex.write([folded[:5], folded[5:]], path)
    index = WordIndex(path)
    for each in [
        words(" ".join(asked)),
        [f"{word} " for word in words(" ".join(asked))],
        ["benh "],
        ["benhvien "],
        ["benhvienda ", "b "],
        ["benh"],
        ["benhvienda"],
        ["benhviendakhoatinht"],
        ["b", "benh"],
        ["0000123456"],
    ]:
        if each:
            assert found(index, folded, each) == by_reading(folded.to_list(), each)


def test_blocks_are_bounded_by_rows_and_by_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordindex, "MOST_ROWS", 3)
    monkeypatch.setattr(wordindex, "MOST_BYTES", 40)
    texts = pl.Series([" mot hai", " hai" * 30, "", " ba", None, " hai ba", " mot"])
    wordindex.write([texts], tmp_path / "words.arrow")
    index = WordIndex(tmp_path / "words.arrow")
    assert found(index, texts, ["hai"]) == [(0, 4), (1, 120), (5, 4)]
    assert found(index, texts, ["ba", "hai"]) == [(5, 7)]
    assert found(index, texts, ["bon"]) == []


def test_texts_that_are_not_folded_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="begin with a blank"):
        wordindex.write([pl.Series([" mot", "hai"])], tmp_path / "words.arrow")
