"""Files of every kind are looked into: a planted citizen number is found wherever
people would read it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest
from openpyxl import Workbook
from openpyxl.comments import Comment
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from portal.errors import BadFile
from portal.quality import documents
from portal.quality.personal import strictest
from portal.quality.personal.files import (
    FileScan,
    scan_file,
    scan_from_plain,
    scan_to_plain,
)
from portal.reading import ReadOptions, read_table
from schemas.record import Content, ContentPart
from schemas.vocabularies import BESIDE_TABLE, UNREAD_FILE

GUARDS = (
    "portal.quality.documents",
    "portal.reading.compound",
    "portal.reading.documents",
    "portal.reading.pdf",
)
NUMBER = "038095012345"
SAID = f"Danh sách của Nguyễn Văn A, CCCD {NUMBER}"
QUIET = (
    "Đường dây nóng: 0237 3852 123, thư: sotc@thanhhoa.gov.vn. Mã số thuế 2800123456."
)
WORDS = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
TABLE = "<w:tbl>{}</w:tbl>"


def zipped(**members: str | bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def paragraph(text: str) -> str:
    """A paragraph whose text is cut in runs, as word processors cut it."""
    half = len(text) // 2
    return f"<w:p><w:r><w:t>{text[:half]}</w:t></w:r><w:r><w:t>{text[half:]}</w:t></w:r></w:p>"


def docx(said: str = SAID, comment: str = "") -> bytes:
    parts = {
        "[Content_Types].xml": "<Types/>",
        "word__document.xml": f"<w:document {WORDS}><w:body>{paragraph(said)}</w:body></w:document>",
    }
    if comment:
        parts["word__comments.xml"] = (
            "<w:comments "
            f"{WORDS}><w:comment>{paragraph(comment)}</w:comment></w:comments>"
        )
    return zipped(**parts)


def docx_table() -> bytes:
    rows = (("Họ tên", "Số CCCD"), ("Trần B", NUMBER.lstrip("0")))
    cells = ["".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows]
    table = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"
    parts = {
        "[Content_Types].xml": "<Types/>",
        "word__document.xml": f"<w:document {WORDS}>{table}</w:document>",
    }
    return zipped(**parts)


def odt() -> bytes:
    head = (
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:text="urn:t"'
    )
    body = (
        "<office:document-content "
        f"{head}><text:p>{SAID}</text:p></office:document-content>"
    )
    return zipped(
        mimetype="application/vnd.oasis.opendocument.text", **{"content.xml": body}
    )


def workbook(
    *, hidden: bool = False, title: str = "", comment: str = "", author: str = ""
) -> bytes:
    book = Workbook()
    first = book.active
    first.append(["xa", "so_ho"])
    first.append(["A", 1])
    second = book.create_sheet("khac")
    if title:
        second.append([title])
    second.append(["ten", "so_cccd" if not (title or comment or author) else "so_ho"])
    second.append(["A", NUMBER if not (title or comment or author) else "1"])
    if hidden:
        second.sheet_state = "veryHidden"
    if comment:
        first["A1"].comment = Comment(comment, "x")
    book.properties.title = author
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def pdf(text: str = "", *, author: str = "") -> bytes:
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(300, 300)
    if text:
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
        font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
                                 NameObject("/BaseFont"): NameObject("/Helvetica")})  # fmt: skip
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        page[NameObject("/Contents")] = writer._add_object(stream)
    if author:
        writer.add_metadata({"/Author": author})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def tarred(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


PLANTED: dict[str, Callable[[], bytes]] = {
    "utf8.txt": SAID.encode,
    "utf16.txt": lambda: SAID.encode("utf-16"),
    "utf16-bare.txt": lambda: SAID.encode("utf-16-le"),
    "eight-bit.txt": lambda: b"C\xf4ng d\xe2n CCCD: " + NUMBER.encode(),
    "table.txt": lambda: f"ma;so_cccd\n1;{NUMBER.lstrip('0')}\n".encode(),
    "column": lambda: f"so_cccd\n{NUMBER}\n".encode(),
    "title.csv": lambda: f"{SAID}\n\nxa,so_ho\nA,1\nB,2\n".encode(),
    "page.html": lambda: f"<html><body><p title='{SAID}'>x</p></body></html>".encode(),
    "cells.html": lambda: (
        f"<html><table><tr><th>ten</th><th>cccd</th></tr><tr><td>A</td><td>{NUMBER}</td></tr></table>".encode()
    ),
    "comment.html": lambda: f"<html><!-- {SAID} --></html>".encode(),
    "data.xml": lambda: (
        f"<?xml version='1.0'?><a><b><ten>x</ten><cccd>{NUMBER}</cccd></b></a>".encode()
    ),
    "places.kml": lambda: (
        '<?xml version="1.0"?><kml><Data '
        f'name="cccd"><value>{NUMBER}</value></Data></kml>'
    ).encode(),
    "beside.json": lambda: (
        f'{{"ghi_chu": "{SAID}", "data": [{{"a": 1}}, {{"a": 2}}]}}'.encode()
    ),
    "word.rtf": lambda: (
        rb"{\rtf1\ansi {\b CCCD} s\u7889? " + NUMBER.encode() + rb"\par}"
    ),
    "word.docx": docx,
    "comment.docx": lambda: docx("x", SAID),
    "table.docx": docx_table,
    "word.odt": odt,
    "second.xlsx": workbook,
    "hidden.xlsx": lambda: workbook(hidden=True),
    "title.xlsx": lambda: workbook(title=SAID),
    "comment.xlsx": lambda: workbook(comment=SAID),
    "properties.xlsx": lambda: workbook(author=SAID),
    "page.pdf": lambda: pdf(f"Cong dan CCCD {NUMBER}"),
    "author.pdf": lambda: pdf(author=f"CCCD {NUMBER}"),
    "all.zip": lambda: zipped(**{"a__b.docx": docx(), "c.csv": "a,b\n1,2\n"}),
    "one.gz": lambda: gzip.compress(SAID.encode()),
    "one.bz2": lambda: bz2.compress(SAID.encode()),
    "all.tar.xz": lambda: tarred("a.txt", SAID.encode()),
    "nested.zip": lambda: zipped(**{"a.zip": zipped(**{"b.txt": SAID})}),
    f"ds {NUMBER} cccd.txt": lambda: b"x",
}
UNREAD: dict[str, Callable[[], bytes]] = {
    "a.png": lambda: b"\x89PNG\r\n\x1a\n" + bytes(60),
    "a.jpg": lambda: b"\xff\xd8\xff" + bytes(60),
    "a.bin": lambda: bytes(range(256)) * 8,
    "damaged.pdf": lambda: b"%PDF-1.4 nothing",
    "damaged.zip": lambda: b"PK\x03\x04" + b"x" * 90,
    "a.7z": lambda: b"7z\xbc\xaf\x27\x1c" + bytes(60),
    "picture.zip": lambda: zipped(**{"a.png": b"\x89PNG\r\n\x1a\n" + bytes(60)}),
    "old.doc": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000),
}
INNOCENT: dict[str, Callable[[], bytes]] = {
    "a.txt": QUIET.encode,
    "a.docx": lambda: docx(QUIET),
    "a.html": lambda: f"<html><p>{QUIET}</p></html>".encode(),
    "a.xlsx": lambda: workbook(title="Số hộ theo xã"),
    "empty.txt": lambda: b"",
}


def seen(folder: Path, name: str, content: bytes) -> FileScan:
    path = folder / "file"
    path.write_bytes(content)
    return scan_file(path, name)


@pytest.mark.parametrize("name", PLANTED)
def test_a_number_is_found_wherever_people_would_read_it(
    tmp_path: Path, name: str
) -> None:
    found = seen(tmp_path, name, PLANTED[name]())
    assert strictest(found.mentions) == "error"
    assert NUMBER not in repr(found)


@pytest.mark.parametrize("name", UNREAD)
def test_what_cannot_be_looked_into_is_told(tmp_path: Path, name: str) -> None:
    found = seen(tmp_path, name, UNREAD[name]())
    assert (found.unread, found.mentions) == (True, ())


@pytest.mark.parametrize("name", INNOCENT)
def test_innocent_files_pass(tmp_path: Path, name: str) -> None:
    found = seen(tmp_path, name, INNOCENT[name]())
    assert not found.unread
    assert strictest(found.mentions) in (None, "warn")


def test_what_a_child_process_tells_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text(SAID, encoding="utf-8")
    assert scan_from_plain(scan_to_plain(str(path), "a"), "a") == scan_file(path, "a")


def test_a_look_beside_the_table_that_does_not_end_holds_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"ghi": "x", "rows": [{"a": "1"}]}', encoding="utf-8")
    part = ContentPart.of(path)
    table = read_table(Content((part,)), format="JSON")
    assert documents.check_beside((part,), "JSON", table, ReadOptions()) == ()

    def ended(*_: object, **__: object) -> None:
        raise BadFile("reader-died", "vi", "en")

    monkeypatch.setattr("portal.quality.documents.child.run", ended)
    (finding,) = documents.check_beside((part,), "JSON", table, ReadOptions())
    assert (finding.check, finding.verdict, finding.field) == (
        UNREAD_FILE,
        "hold",
        BESIDE_TABLE,
    )
