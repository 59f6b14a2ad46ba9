"""What the flat document holds of a text: the same words whether they are met for the
first or the thousandth time.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search.planning.document import LONGEST_WORD, exact_words, flatten, folded_words
from search.text.folding import exact, fold, words
from tests.search.datasets import entry

TEXTS = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("aàảãạăằâấđĐqúyòaỦ \u0301\u0323\u0306\u0302\ufe76\u00a8_-."),
    )
)


@given(TEXTS)
def test_words_remembered_are_the_words_of_the_whole_text(text: str) -> None:
    assert folded_words(text) == [word[:LONGEST_WORD] for word in words(fold(text))]
    assert exact_words(text) == [word[:LONGEST_WORD] for word in words(exact(text))]


def test_texts_stand_apart_and_a_long_one_is_cut() -> None:
    said = flatten(entry("a", "Giá đất", tags=("đất đai",), notes="bảng " * 60_000))
    assert said["title_f"] == "gia dat"
    assert str(said["text_f"]).startswith(
        "a \u241f gia dat \u241f dat dai \u241f bang bang"
    )
    assert len(str(said["notes_f"]).split()) == 50_000
