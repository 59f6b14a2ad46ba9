"""PDFs: the text of each page, forms, remarks and attachments, and pages that are
pictures of text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pypdf
from pypdf.errors import PyPdfError

from portal.reading.pieces import Piece

FEW = 20
"""A page with a picture and fewer letters is a scan."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that lies inside a PDF."""

    name: str
    content: bytes


def pieces(path: Path, name: str) -> Iterator[Piece | Attachment]:
    """What people can read in a PDF, then its attachments. Raises ValueError for one
    that is damaged.
    """
    try:
        yield from _pieces(path, name)
    except PyPdfError as problem:
        raise ValueError(type(problem).__name__) from None


def _pieces(path: Path, name: str) -> Iterator[Piece | Attachment]:
    """The pieces of a PDF: properties and forms, each page, then attachments."""
    reader = pypdf.PdfReader(path)
    # Many PDFs have an empty password, only to forbid printing or changes.
    if reader.is_encrypted and not reader.decrypt(""):
        yield Piece(name, unread=True)
        return
    told = [str(said) for said in (reader.metadata or {}).values()]
    fields = reader.get_fields() or {}
    told += [f"{key}: {field.get('/V', '')}" for key, field in fields.items()]
    yield Piece(name, text="\n".join(told))
    for number, page in enumerate(reader.pages, 1):
        where, text = f"{name}, {number}", page.extract_text()
        yield Piece(where, text=text + "\n" + "\n".join(_annotated(page)))
        if len(text.strip()) < FEW and "/XObject" in (page.get("/Resources") or {}):
            yield Piece(where, unread=True)
    for inner, contents in reader.attachments.items():
        for content in contents:
            yield Attachment(f"{name}/{inner}", content)


def _annotated(page: pypdf.PageObject) -> Iterator[str]:
    """The words of the remarks on a page."""
    for each in page.get("/Annots") or ():
        told = each.get_object().get("/Contents")
        if told:
            yield str(told)
