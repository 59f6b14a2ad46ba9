"""Highlights: what was looked for is marked in the texts of a page, the same for every
engine.
"""

from __future__ import annotations

import html
import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.backend import SearchBackend, Wanted
from search.planning.highlight import (
    FIELDS,
    Style,
    finds,
    highlight,
    snippets,
    whole_words,
)
from search.text.folding import fold, nfc, words
from tests.search.datasets import ask, entry

ENTRIES = (
    entry(
        "a", "Danh sách bệnh viện & trạm y tế phường Hạc Thành", tags=("bệnh viện", "y tế"),
        title_translated={"en": "List of hospitals"}, notes="Số giường <b>bệnh</b>. " + "Cập nhật hằng quý. " * 40
        + "Bệnh viện đa khoa tỉnh. " + "Nguồn: Sở Y tế. " * 30,
        resources=[{"name": "Bệnh viện tư", "schema": {"fields": [
            {"name": "ma_bv", "title": "Mã bệnh viện"},
            {"name": "cccd", "title": "Căn cước bệnh nhân", "treatment": "drop"},
        ]}}],
    ),
    entry("b", "Benh vien huyen", notes="không dấu"),
    entry("c", "Ủy ban nhân dân xã", notes="hồ sơ một cửa"),
)  # fmt: skip
MARKS = re.compile(r"\[([^\]]*)\]")


@pytest.fixture
def hospitals(index: SearchBackend) -> SearchBackend:
    index.apply(ENTRIES)
    return index


def shown(
    index: SearchBackend, q: str, **fields: Any
) -> dict[str, dict[str, list[str]]]:
    result = ask(index, q, tell_wanted=True, relax_below=1, **fields)
    assert result.wanted is not None
    style = Style("[", "]", 80)
    return {
        hit.id: highlight(orjson.loads(hit.payload), result.wanted, FIELDS, style)
        for hit in result.hits
    }


def marked(found: dict[str, list[str]]) -> set[str]:
    return {
        each.lower()
        for pieces in found.values()
        for piece in pieces
        for each in MARKS.findall(piece)
    }


def test_finds_are_marked_where_they_stand(hospitals: SearchBackend) -> None:
    found = shown(hospitals, "benh vien")
    assert found["b"] == {"title": ["[Benh vien] huyen"]}
    first = found["a"]
    assert first["title"] == ["Danh sách [bệnh viện] &amp; trạm y tế phường Hạc Thành"]
    assert first["tags"] == ["[bệnh viện]"]
    assert first["notes"][0].startswith("Số giường &lt;b&gt;[bệnh]&lt;/b&gt;.")
    assert any(
        "[Bệnh viện] đa khoa" in piece and piece[0] == piece[-1] == "…"
        for piece in first["notes"]
    )
    assert first["resources"] == ["[Bệnh viện] tư"]
    # What is dropped before a table is stored is on no surface.
    assert first["columns"] == ["ma [bv]", "Mã [bệnh viện]"]


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ('"bệnh viện"', {"bệnh viện", "benh vien"}),  # a phrase, not the word alone
        ("UBND", {"ủy ban nhân dân"}),  # another way of saying it
        ("hospital", {"bệnh viện", "benh vien"}),
        # Words to spare are not marked.
        ("danh sách các bệnh viện ở đâu", {"bệnh viện", "benh vien", "bệnh", "bv"}),
        ("benh vein", {"bệnh viện", "bệnh", "benh vien"}),  # one letter wrong
        ("title:việ*", {"viện", "vien"}),
        ("bệnh -huyen", {"bệnh"}),  # what is refused is not marked
        ("organization:so-y-te", set()),
        ("*:*", set()),
    ],
)
def test_what_is_marked_is_what_was_looked_for(
    hospitals: SearchBackend, q: str, wanted: set[str]
) -> None:
    found = shown(hospitals, q)
    assert found
    assert {each for fields in found.values() for each in marked(fields)} == wanted


@given(
    st.text(
        st.one_of(
            st.characters(exclude_characters="\0…"),
            st.sampled_from("aàảạăâđòa \u0301\u0323<>&'\""),
        )
    ),
    st.integers(0, 60),
    st.integers(1, 3),
)
def test_a_text_shown_whole_is_the_text_and_pieces_come_from_it(
    text: str, length: int, most: int
) -> None:
    wanted = Wanted(words=frozenset(words(fold(text))[::2]))
    whole = snippets(text, wanted, Style("\0", "\0", 0))
    assert [html.unescape(piece.replace("\0", "")) for piece in whole] in (
        [],
        [html.unescape(html.escape(nfc(text)))],
    )
    pieces = snippets(text, wanted, Style("\0", "\0", length, most))
    assert len(pieces) <= most
    assert bool(pieces) == bool(wanted.words)
    for piece in pieces:
        plain = html.unescape(piece.replace("\0", "")).strip("…")
        assert plain in html.unescape(html.escape(nfc(text)))
        assert "\0" in piece


@given(
    st.text(st.sampled_from("abcđ1 _-.,/\n²ªﬁ"), max_size=60),
    st.frozensets(
        st.text(st.sampled_from("abcd12"), min_size=1, max_size=3),
        min_size=1,
        max_size=4,
    ),
)
def test_the_short_way_to_whole_words_finds_what_the_long_one_finds(
    text: str, sought: frozenset[str]
) -> None:
    wanted = Wanted(words=sought)
    assert whole_words(fold(text), wanted) == finds(fold(text), wanted)
