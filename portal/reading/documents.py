"""What people can read in files of any kind, for whoever has to look at it: documents,
workbooks, whole archives.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import python_calamine as calamine

from portal.errors import BadFile
from portal.reading import markup, signature, spreadsheet
from portal.reading.archive import check_members
from portal.reading.options import ReadOptions
from portal.reading.pieces import Piece, of_rows
from portal.reading.scratch import Scratch

DEFAULTS = ReadOptions()
BLOCK = 256 * 1024
"""Characters of a text that make one piece."""
OVERLAP = 200
"""Characters that two pieces share, so that nothing stands cut between them."""
FEW = 20
"""A document with pictures and fewer letters than ten times as many is a scan."""
LOOK, REGULAR, SHORT = 50, 0.7, 60
"""A text is a table where so many of its first lines have equally many delimiters, or
all its lines are short.
"""
DELIMITERS = "\t;|,"
SHEET_ROWS = 20_000
"""Rows of a sheet that make one piece."""
ROOT = b"\xd0\xcf\x11\xe0"
PICTURES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".bmp",
    ".emf",
    ".wmf",
    ".svg",
    ".tif",
    ".tiff",
    ".webp",
    ".ico",
    ".jfif",
)
OFFICE_INERT = (".rels", ".vml", ".thmx", ".ttf", ".odttf", ".fntdata", ".manifest")
PACKERS: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)
_RTF_HEX, _RTF_UNICODE = (
    re.compile(r"\\'([0-9a-fA-F]{2})"),
    re.compile(r"\\u(-?[0-9]{1,5})\??"),
)
_RTF_BREAK = re.compile(r"\\(?:par|line|row|page|sect)\b ?")
_RTF_CELL = re.compile(r"\\(?:cell|tab)\b ?")
_RTF_WORD = re.compile(r"\\[a-zA-Z]+-?[0-9]* ?|[{}]|\\[^a-zA-Z]|[\r\n]")


def pieces(
    path: Path, name: str, options: ReadOptions = DEFAULTS, *, depth: int | None = None
) -> Iterator[Piece]:
    """Everything that people can read in a file, piece by piece, members of archives
    and hidden sheets included.

    What cannot be looked into (pictures, scans, passwords, unknown kinds, damage) is a
    piece that is `unread`.
    """
    left = options.max_depth + 1 if depth is None else depth
    try:
        yield from _of_kind(path, name, options, left)
    except (
        BadFile,
        markup.Damaged,
        calamine.CalamineError,
        OSError,
        EOFError,
        zlib.error,
    ) as problem:
        if (
            # An error with a number is this machine's (a full disk) and says nothing of
            # the file.
            isinstance(problem, OSError)
            and not isinstance(problem, gzip.BadGzipFile)
            and problem.errno
        ):
            raise
        yield Piece(name, unread=True)
    except (
        zipfile.BadZipFile,
        lzma.LZMAError,
        tarfile.TarError,
        RuntimeError,
        ValueError,
        LookupError,
        TypeError,
    ):
        # Readers of strange files raise many things; what they cannot read, a person
        # looks at.
        yield Piece(name, unread=True)


def _of_kind(
    path: Path, name: str, options: ReadOptions, depth: int
) -> Iterator[Piece]:
    """The pieces of a file by what its content shows, whatever it is called."""
    kind = signature.actual(path)
    with path.open("rb") as file:
        head = file.read(512)
    if kind == "PDF":
        yield from _pdf(path, name, options, depth)
    elif kind in ("XLSX", "ODS") or (kind == "XLS" and head.startswith(ROOT)):
        yield from _workbook(path, name, kind, options)
        # Comments, properties and text boxes stand in the package, not in the sheets.
        if kind != "XLS":
            yield from _package(path, name, options, depth, sheets=True)
    elif zipfile.is_zipfile(path):
        yield from (
            _package(path, name, options, depth)
            if _is_office(path)
            else _zip(path, name, options, depth)
        )
    elif head.startswith(tuple(mark for mark, _ in PACKERS)):
        yield from _packed(path, name, head, options, depth)
    elif tarfile.is_tarfile(path):
        yield from _tar(path, name, options, depth)
    elif kind == "RTF":
        yield from _text(_rtf(path.read_text(encoding="latin-1")), name)
    elif kind in ("HTML", "XML"):
        yield from _markup(path, name, kind, options)
    elif kind:
        yield Piece(name, unread=True)
    else:
        yield from _plain(path, name, options)


def _markup(path: Path, name: str, kind: str, options: ReadOptions) -> Iterator[Piece]:
    """The pieces of a page or of an XML document."""
    content = _limited(path, options)
    if kind == "HTML":
        yield from markup.html(decoded(content) or "", name)
        return
    try:
        yield from markup.xml(content, name)
    # Pages often call themselves XML and are none.
    except markup.Damaged:
        yield from markup.html(decoded(content) or "", name)


def _limited(path: Path, options: ReadOptions) -> bytes:
    if path.stat().st_size > options.max_bytes:
        raise ValueError("too large to be looked into")
    return path.read_bytes()


def _plain(path: Path, name: str, options: ReadOptions) -> Iterator[Piece]:
    """A text in any encoding; JSON as the value that it is."""
    text = decoded(_limited(path, options))
    if text is None:
        yield Piece(name, unread=True)
        return
    if text.lstrip()[:1] in ("{", "["):
        # What only begins like JSON, or nests too deep, is looked at as a text.
        with suppress(ValueError, RecursionError):
            yield Piece(name, value=json.loads(text))
            return
    rows = _delimited(text)
    if rows:
        yield from _sheet(name, rows)
    else:
        yield from _text(text, name)


def _delimited(text: str) -> list[list[str]]:
    """The rows of a text that is a table, whatever it is called; empty where it is
    none.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    first = lines[:LOOK]
    if len(first) < 2:
        return []
    for sign in DELIMITERS:
        counts = sorted(line.count(sign) for line in first)
        usual = counts[len(counts) // 2]
        if usual and counts.count(usual) >= REGULAR * len(counts):
            return list(csv.reader(lines, delimiter=sign, strict=False))
    short = max(map(len, lines)) <= SHORT
    return [[line] for line in lines] if short else []


def _text(text: str, name: str) -> Iterator[Piece]:
    for start in range(0, max(len(text), 1), BLOCK - OVERLAP):
        yield Piece(name, text=text[start : start + BLOCK])


def decoded(content: bytes) -> str | None:
    """Bytes as text, whatever their encoding; None where they are no text. Digits and
    ASCII words are always right.
    """
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(encoding, errors="replace").lstrip("\ufeff")
    sample = content[:4096]
    if b"\0" in sample:
        # Every second byte of ASCII in UTF-16 is a zero.
        for encoding, zeros in (
            ("utf-16-le", sample[1::2]),
            ("utf-16-be", sample[::2]),
        ):
            if zeros.count(0) > 0.6 * len(zeros):
                return content.decode(encoding, errors="replace")
        return None
    strange = sum(byte < 32 and byte not in (9, 10, 11, 12, 13, 27) for byte in sample)
    if strange > len(sample) * 0.02:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1258", errors="replace")


def _rtf(text: str) -> str:
    """The text of an RTF document, cells parted by bars."""
    # RTF writes letters beyond 32,767 as negative numbers.
    spoken = _RTF_UNICODE.sub(lambda match: chr(int(match[1]) % 65536), text)
    spoken = _RTF_HEX.sub(
        lambda match: bytes([int(match[1], 16)]).decode("cp1258", errors="replace"),
        spoken,
    )
    # Line ends of the file mean nothing in RTF and go with its words, so a sign of its
    # own stands for those that do until then.
    return _RTF_WORD.sub(
        "", _RTF_CELL.sub(" | ", _RTF_BREAK.sub("\x0b", spoken))
    ).replace("\x0b", "\n")


def _pdf(path: Path, name: str, options: ReadOptions, depth: int) -> Iterator[Piece]:
    """The pieces of a PDF and of the files attached to it."""
    from portal.reading import pdf  # noqa: PLC0415 - a heavy reader: loaded only in a child that meets a PDF

    for each in pdf.pieces(path, name):
        if isinstance(each, pdf.Attachment):
            yield from _member(each.content, each.name, options, depth)
        else:
            yield each


def _workbook(
    path: Path, name: str, kind: str, options: ReadOptions
) -> Iterator[Piece]:
    """Every worksheet, hidden ones too, as tables with the labels of their first filled
    row.
    """
    if kind != "XLS":
        check_members(path, name, options)
    with calamine.CalamineWorkbook.from_path(str(path)) as book:
        for sheet_name in book.sheet_names:
            where = f"{name}/{sheet_name}"
            rows = book.get_sheet_by_name(sheet_name).to_python(skip_empty_area=True)
            texts = [[spreadsheet.to_text(cell) for cell in row] for row in rows]
            yield Piece(where, text=sheet_name)
            yield from _sheet(where, [row for row in texts if any(map(str.strip, row))])


def _sheet(where: str, rows: list[list[str]]) -> Iterator[Piece]:
    """A sheet as a table; rows above the widest ones are titles."""
    usual = max((sum(bool(cell.strip()) for cell in row) for row in rows), default=0)
    wide = (
        i
        for i, row in enumerate(rows)
        if 2 * sum(bool(cell.strip()) for cell in row) > usual
    )
    first = next(wide, 0)
    titles, body = rows[:first], rows[first:]
    if titles:
        yield Piece(
            where, text="\n".join(" | ".join(filter(None, row)) for row in titles)
        )
    for start in range(1, max(len(body), 2), SHEET_ROWS):
        yield of_rows(where, [*body[:1], *body[start : start + SHEET_ROWS]])


def _is_office(path: Path) -> bool:
    """Whether a zip is an office document of Microsoft's or of OpenDocument."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()[:2000]
    return "[Content_Types].xml" in names or (
        "mimetype" in names and "content.xml" in names
    )


def _package(
    path: Path, name: str, options: ReadOptions, depth: int, *, sheets: bool = False
) -> Iterator[Piece]:
    """The parts of an office document: text, comments, notes, properties, what is
    embedded; not the cells of sheets.
    """
    members = check_members(path, name, options)
    letters, pictures = 0, False
    with zipfile.ZipFile(path) as archive:
        for member in members:
            inner = member.filename.lower()
            # These cells were read as tables already.
            if sheets and (
                inner.startswith(("xl/worksheets/", "xl/sharedstrings"))
                or inner == "content.xml"
            ):
                continue
            if inner.endswith(".xml"):
                for piece in markup.office(
                    archive.read(member), f"{name}/{member.filename}"
                ):
                    letters += len(piece.text) + len(piece.rows)
                    yield piece
            elif inner.endswith(PICTURES):
                # A thumbnail shows only what stands in the document anyway.
                pictures = pictures or not inner.startswith(
                    ("docprops/", "thumbnails/")
                )
            elif not inner.endswith(OFFICE_INERT) and inner != "mimetype":
                yield from _member(
                    archive.read(member), f"{name}/{member.filename}", options, depth
                )
    if pictures and letters < 10 * FEW and not sheets:
        yield Piece(name, unread=True)


def _zip(path: Path, name: str, options: ReadOptions, depth: int) -> Iterator[Piece]:
    """The pieces of a zip: its comment, the names of its members and what they hold."""
    members = check_members(path, name, options)
    with zipfile.ZipFile(path) as archive:
        if archive.comment:
            yield Piece(name, text=archive.comment.decode("utf-8", errors="replace"))
        for member in members:
            yield Piece(name, text=member.filename)
            yield from _member(
                archive.read(member), f"{name}/{member.filename}", options, depth
            )


def _packed(
    path: Path, name: str, head: bytes, options: ReadOptions, depth: int
) -> Iterator[Piece]:
    """One file in .gz, .bz2 or .xz, read no further than the limits allow."""
    opener = next(opener for mark, opener in PACKERS if head.startswith(mark))
    # Short files may compress better than any ratio allows.
    most = min(options.max_bytes, max(path.stat().st_size, 4096) * options.max_ratio)
    with opener(path, "rb") as source:
        content = source.read(most + 1)
    if len(content) > most:
        raise ValueError("unpacks to too much")
    yield from _member(
        content, str(PurePosixPath(name).with_suffix("")), options, depth
    )


def _tar(path: Path, name: str, options: ReadOptions, depth: int) -> Iterator[Piece]:
    """The pieces of a tar: the names of its members and what they hold."""
    total = 0
    with tarfile.open(path) as archive:
        # Judged while walking: a tar has no directory to be judged before.
        for number, member in enumerate(archive):
            total += member.size
            if number >= options.max_members or total > options.max_bytes:
                raise ValueError("holds too much")
            yield Piece(name, text=member.name)
            source = archive.extractfile(member)
            if source is not None:
                yield from _member(
                    source.read(), f"{name}/{member.name}", options, depth
                )


def _member(
    content: bytes, name: str, options: ReadOptions, depth: int
) -> Iterator[Piece]:
    """What stands in a file inside another one."""
    if depth <= 0:
        yield Piece(name, unread=True)
        return
    if not content:
        return
    # The file is gone with its owner, so the name is held while pieces are read.
    owner = Scratch(options.folder)
    owner.path.write_bytes(content)
    yield from pieces(owner.path, name, options, depth=depth - 1)
