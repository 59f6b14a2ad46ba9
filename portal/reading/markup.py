"""The text of HTML and XML: lines, tables with their labels, attributes and comments;
entities are never followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml import ElementTree as SafeTree
from defusedxml.common import DefusedXmlException

from portal.reading.pieces import Piece, of_rows

PARAGRAPHS = frozenset(
    {"p", "h", "si", "text", "t", "title", "div", "li", "comment", "para"}
)
TABLES, ROWS = frozenset({"tbl", "table"}), frozenset({"tr", "table-row"})
TELLING = (
    "alt",
    "title",
    "content",
    "value",
    "href",
    "placeholder",
    "name",
    "data",
    "descr",
    "target",
    "author",
)
"""Attributes that hold words for people."""
DEPTH = 200


class Damaged(ValueError):
    """Markup that is none, or that asks for what is never done (entities, documents
    elsewhere).
    """


class _Page(HTMLParser):
    """Collects the lines, the rows of tables and the attributes of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self.tables: list[list[list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a row or a cell; keep what attributes say."""
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables and self.tables[-1]:
            self.tables[-1][-1].append("")
        if tag not in ("b", "i", "span", "a", "u", "em", "strong", "font"):
            self.lines.append("")
        self.lines += [
            said
            for name, said in attrs
            if said and (name in TELLING or name.startswith("data-"))
        ]
        if attrs:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        """Text, of a line and of a cell."""
        self.lines[-1] += data
        if self.tables and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += data

    def handle_comment(self, data: str) -> None:
        """Comments are public too."""
        self.lines += [data, ""]


def html(text: str, where: str) -> Iterator[Piece]:
    """The pieces of a page."""
    page = _Page()
    page.feed(text)
    page.close()
    yield Piece(where, text="\n".join(line for line in page.lines if line.strip()))
    for rows in page.tables:
        yield of_rows(where, rows)


def tree(content: bytes) -> Element:
    """The tree of an XML document. Raises Damaged."""
    try:
        root: Element = SafeTree.fromstring(content)
    except (
        SafeTree.ParseError,
        DefusedXmlException,
        ValueError,
        LookupError,
    ) as problem:
        raise Damaged(type(problem).__name__) from None
    return root


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2].lower()


def xml(content: bytes, where: str) -> Iterator[Piece]:
    """The pieces of an XML document: one nested value for each element below its root.
    Raises Damaged.
    """
    root = tree(content)
    yield Piece(where, value=dict(root.attrib) or None, text=(root.text or "").strip())
    for child in root:
        yield Piece(where, value={local(child): _value(child, DEPTH)})


def _value(element: Element, depth: int) -> Any:
    """An element as JSON has it: its text, or its attributes and elements by name."""
    # Elements that nest deeper count with their whole text.
    inner = [child for child in element if isinstance(child.tag, str)] if depth else []
    text = (
        " ".join("".join(element.itertext()).split())
        if not inner
        else (element.text or "").strip()
    )
    if not inner and not element.attrib:
        return text
    told: dict[str, Any] = {
        str(name).rpartition("}")[2]: said for name, said in element.attrib.items()
    }
    told |= {"text": text} if text else {}
    for child in inner:
        told.setdefault(local(child), []).append(_value(child, depth - 1))
    # A name that stands in an attribute (Data name="cccd") labels what the element
    # holds.
    label = told.get("name") or told.get("key")
    return {label: told} if isinstance(label, str) else told


def office(content: bytes, where: str) -> Iterator[Piece]:
    """The pieces of one part of an office document: its paragraphs as lines, its tables
    with labels. Raises Damaged.
    """
    root = tree(content)
    lines: list[str] = []
    for element in root.iter():
        name = local(element)
        if name in TABLES:
            yield of_rows(where, _rows(element))
        elif name in PARAGRAPHS:
            lines.append("".join(element.itertext()))
        elif not len(element) and element.text:
            lines.append(element.text)
        lines += [
            said
            for key, said in element.attrib.items()
            if key.rpartition("}")[2].lower() in TELLING
        ]
    yield Piece(
        where,
        # A paragraph comes again with each element of its own that is one too.
        text="\n".join(dict.fromkeys(line.strip() for line in lines if line.strip())),
    )


def _rows(table: Element) -> list[list[str]]:
    found = [row for row in table.iter() if local(row) in ROWS]
    return [["".join(cell.itertext()).strip() for cell in row] for row in found]
