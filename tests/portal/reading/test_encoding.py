"""Bytes of any encoding become UTF-8 NFC, or are refused with a way to mend them; never
guessed as Latin.
"""

from __future__ import annotations

import codecs
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import BadFile
from portal.reading import ReadOptions, read_table
from portal.reading.vietnamese import is_syllable, likeness, tcvn3_table
from schemas.record import Content, ContentPart
from schemas.texttable import TextTable

GUARDS = (
    "portal.reading.bytescan",
    "portal.reading.vietnamese",
)
TEXT = (
    "mã,tên\n14758,Phường Hàm Rồng\n14797,Xã Đông Tiến\n38,Tỉnh Thanh Hoá – nghĩa "
    "trang\n1,Cộng hòa xã hội chủ nghĩa\n"
)
OLD = TEXT.replace("–", "-")
LETTERS = "àảãáạăằẳẵắặâầẩẫấậèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵđĂÂÊÔƠƯĐ"


def tcvn3(text: str) -> bytes:
    return bytes(tcvn3_table().index(letter) for letter in text)


def cp1258(text: str) -> bytes:
    """As Windows writes it: base letter, then a combining tone."""
    spread = []
    for letter in text:
        try:
            spread.append(letter.encode("cp1258"))
        except UnicodeEncodeError:
            base, tone = (
                unicodedata.normalize("NFD", letter)[:-1],
                unicodedata.normalize("NFD", letter)[-1],
            )
            if (
                unicodedata.normalize("NFD", letter)[-1]
                not in "\u0300\u0301\u0303\u0309\u0323"
            ):
                marks = unicodedata.normalize("NFD", letter)
                tone = next(
                    mark for mark in marks if mark in "\u0300\u0301\u0303\u0309\u0323"
                )
                base = marks.replace(tone, "")
            spread.append(
                unicodedata.normalize("NFC", base).encode("cp1258")
                + tone.encode("cp1258")
            )
    return b"".join(spread)


def read(folder: Path, data: bytes, encoding: str | None = None) -> TextTable:
    path = folder / "a.csv"
    path.write_bytes(data)
    return read_table(Content((ContentPart.of(path),), encoding=encoding))


def cells(table: TextTable) -> list[list[str]]:
    return [
        list(row)
        for batch in table.batches()
        for row in batch.frame.drop("_row").iter_rows()
    ]


WANTED = [line.split(",") for line in OLD.splitlines()]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (OLD.encode(), None),
        (codecs.BOM_UTF8 + OLD.encode(), None),
        (OLD.replace("\n", "\r\n").encode(), None),
        (OLD.replace("\n", "\r").encode(), None),
        (unicodedata.normalize("NFD", OLD).encode(), None),
        (codecs.BOM_UTF16_LE + OLD.encode("utf-16-le"), "utf-16-le"),
        (codecs.BOM_UTF16_BE + OLD.encode("utf-16-be"), "utf-16-be"),
        (cp1258(OLD), "windows-1258"),
        (tcvn3(OLD), "tcvn3"),
    ],
    ids=["utf8", "bom", "crlf", "cr", "nfd", "utf16le", "utf16be", "cp1258", "tcvn3"],
)
def test_every_encoding_gives_the_same_table(
    tmp_path: Path, data: bytes, encoding: str | None
) -> None:
    table = read(tmp_path, data)
    assert [list(table.labels), *cells(table)] == WANTED
    assert [
        note.detail["encoding"] for note in table.notes if note.code == "encoding"
    ] == ([encoding] if encoding else [])


@pytest.mark.parametrize("wide", ["utf-16-le", "utf-16-be"])
def test_utf16_without_bom_is_seen_by_its_nul_bytes(tmp_path: Path, wide: str) -> None:
    assert cells(read(tmp_path, ("a,b\n1,hai\n" * 20).encode(wide)))[0] == ["1", "hai"]


def test_nfc_is_noted_with_its_cells(tmp_path: Path) -> None:
    table = read(
        tmp_path, unicodedata.normalize("NFD", "a,b\nTĩnh Gia,x\nHậu Lộc,y\n").encode()
    )
    assert [(note.code, note.detail) for note in table.notes] == [("nfc", {"cells": 2})]


def test_latin_text_is_refused_and_the_error_says_how_to_mend_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(BadFile, match="Save the file as UTF-8") as caught:
        read(
            tmp_path,
            "id,name\n1,café français\n2,São Paulo\n3,Zürich straße\n".encode(
                "latin-1"
            ),
        )
    assert caught.value.code == "unknown-encoding"
    assert "UTF-8" in caught.value.vi


def test_a_declared_encoding_is_used(tmp_path: Path) -> None:
    table = read(tmp_path, "id,name\n1,café\n".encode("latin-1"), encoding="latin-1")
    assert cells(table) == [["1", "café"]]


def test_one_bad_byte_in_utf8_is_named_by_line(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as caught:
        read(tmp_path, OLD.encode().replace("Hàm".encode(), "Hà".encode() + b"\xff"))
    assert caught.value.code == "not-utf8"
    assert "line 2" in caught.value.en


def test_damage_is_noted_with_its_lines(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n1,T\ufffdnh\n2,ok\n3,Thanh HÃ³a Ã¡\n4,x\0y\n".encode())
    assert {note.code: note.row for note in table.notes} == {
        "replacement-character": 2,
        "mojibake": 4,
        "nul-bytes": 5,
    }


@given(st.text(LETTERS, min_size=1))
def test_tcvn3_goes_both_ways(text: str) -> None:
    assert codecs.charmap_decode(tcvn3(text), "strict", tcvn3_table())[0] == text


def test_tcvn3_of_a_known_line() -> None:
    line = "Céng hoµ x· héi chñ nghÜa ViÖt Nam §éc lËp - Tù do - H¹nh phóc".encode(
        "latin-1"
    )
    decoded = codecs.charmap_decode(line, "strict", tcvn3_table())[0]
    assert decoded == "Cộng hoà xã hội chủ nghĩa Việt Nam Độc lập - Tự do - Hạnh phúc"


def test_syllables_are_told_from_other_words() -> None:
    good = "nghĩa trường quyển giường khuỷu oà ý được Đắk thuở"
    assert [word for word in good.split() if not is_syllable(word)] == []
    assert [
        word
        for word in ("café", "Zürich", "straße", "été", "ồồồồ")
        if is_syllable(word)
    ] == []
    assert likeness("Phường Hàm Rồng")[0] == 1.0


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" * 100)
    with pytest.raises(BadFile, match="limit"):
        read_table(path, options=ReadOptions(max_bytes=100))
