"""Folding by a table says what folding by regular expressions says, whatever the
characters.
"""

import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.tabular import fold

VIETNAMESE = (
    "Bệnh viện Đa khoa tỉnh Thanh Hoá, số 181 đường Hải Thượng Lãn Ông ĐẶC BIỆT ưỡẫỵ"
)
TEXTS = st.one_of(
    st.text(
        st.sampled_from(
            " -.,/\t\nabcXYZ0189"
            + VIETNAMESE
            + unicodedata.normalize("NFD", VIETNAMESE)
        )
    ),
    st.text(st.characters(max_codepoint=fold.TABLED + 50, exclude_categories=["Cs"])),
    st.text(st.sampled_from("\0\x01 ΣσςİıßK한글中文１²½ﬀ𝔸😀ÿ\u0301\u0345đĐ'\u037e")),
    st.text(),
)


@given(st.lists(TEXTS, max_size=12), st.integers(0, 3))
def test_texts_fold_as_regular_expressions_fold_them(
    texts: list[str], start: int
) -> None:
    series = pl.Series("t", texts, dtype=pl.String)[start:]
    assert fold.fold_texts(series).to_list() == fold.fold_slowly(series).to_list()


def test_every_character_folds_the_same() -> None:
    known = pl.Series(
        [
            f"a{chr(code)}b {chr(code)}"
            for code in range(0x30000)
            if not 0xD800 <= code < 0xE000
        ]
    )
    assert fold.fold_texts(known).equals(fold.fold_slowly(known))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_rows_fold_to_words(form: str) -> None:
    frame = pl.DataFrame(
        {
            "a": [unicodedata.normalize(form, VIETNAMESE), None, ""],
            "b": ["00123", "Ω", None],
        }
    )
    assert frame.select(fold.fold_rows([pl.col("a"), pl.col("b")])).to_series().to_list() == [
        " benh vien da khoa tinh thanh hoa so 181 duong hai thuong lan ong dac biet "
        "uoay 00123", " ω", " "
    ]  # fmt: skip
