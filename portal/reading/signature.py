"""What a file really is, by its first bytes and its members, beside what its name or
sender says.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePosixPath

from portal.reading.refusals import refuse

FORMATS = {
    "csv": "CSV",
    "txt": "CSV",
    "tsv": "TSV",
    "tab": "TSV",
    "xlsx": "XLSX",
    "xlsm": "XLSX",
    "xlsb": "XLSX",
    "xls": "XLS",
    "ods": "ODS",
    "json": "JSON",
    "ndjson": "NDJSON",
    "jsonl": "NDJSON",
    "geojson": "GEOJSON",
    "parquet": "PARQUET",
    "geoparquet": "PARQUET",
    "zip": "ZIP",
    "gz": "GZ",
}
"""Extension or declared format (lower case) to the format read here."""
SHEETS = ("XLSX", "XLS", "ODS")
COLUMNAR = ("PARQUET",)
ARCHIVES = ("ZIP", "GZ")
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "GZ"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "XLS"),
    (b"PAR1", "PARQUET"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "RAR"),
    (b"SQLite format 3\0", "SQLite"),
    (b"{\\rtf", "RTF"),
)
_HTML = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(rb"\s*<\?xml\b", re.IGNORECASE)
HEAD = 4096


def claimed(name: str, declared: str) -> str:
    """The format that the sender or else the file's name claims; "" where neither says
    anything known.
    """
    known = FORMATS.get(declared.strip().lower().lstrip("."), "")
    by_name = FORMATS.get(PurePosixPath(name.lower()).suffix.lstrip("."), "")
    if by_name in ARCHIVES and known not in SHEETS:
        return by_name
    return known or by_name


def actual(path: Path) -> str:
    """The format that the content shows: one of FORMATS' values, another kind's name,
    or "" for plain text.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(path)
    text = head.removeprefix(b"\xef\xbb\xbf")
    if _HTML.match(text):
        return "HTML"
    if _XML.match(text):
        return "HTML" if b"<html" in text.lower() else "XML"
    return ""


def _zip_kind(path: Path) -> str:
    """What a zip is by its members: a workbook, a document or a plain archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist()[:200])
            kind = archive.read("mimetype")[:80] if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return "ZIP"
    if any(name.startswith("xl/") for name in names):
        return "XLSX"
    if b"opendocument.spreadsheet" in kind:
        return "ODS"
    if any(name.startswith("word/") for name in names):
        return "DOCX"
    return "ZIP"


def resolve(path: Path, name: str, declared: str) -> str:
    """The format to read a file as. Raises BadFile when the content belies the claim or
    is no table at all.
    """
    says, shows = claimed(name, declared), actual(path)
    if not shows:
        return _text(path, name, says)
    if shows not in (*SHEETS, *COLUMNAR, *ARCHIVES):
        if says:
            raise refuse("not-what-it-says", name=name, claimed=says, actual=shows)
        raise refuse("not-a-table", name=name, actual=shows)
    if not says or says == shows or (says in SHEETS and shows in SHEETS):
        return shows
    raise refuse("not-what-it-says", name=name, claimed=says, actual=shows)


def _text(path: Path, name: str, says: str) -> str:
    """The format of a plain text: what it claims, else JSON or CSV by its first
    sign.
    """
    if says in (*SHEETS, *COLUMNAR, *ARCHIVES):
        raise refuse(
            "not-what-it-says",
            name=name,
            claimed=says,
            actual="text" if path.stat().st_size else "empty",
        )
    if says:
        return says
    with path.open("rb") as file:
        first = file.read(HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "JSON" if first in (b"[", b"{") else "CSV"
