"""Old binary workbooks (BIFF8 in a compound file), written byte by byte, so that any
number in them may be a lie.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

SECTOR = 512
FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
CUTOFF = 4096


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def label(row: int, column: int, text: str) -> bytes:
    """A text in a cell; rows and columns count from 0."""
    return record(
        0x0204,
        struct.pack("<HHHHB", row, column, 0, len(text), 1) + text.encode("utf-16-le"),
    )


def numbers(row: int, column: int, values: Sequence[int]) -> bytes:
    """Whole numbers side by side (MULRK)."""
    cells = b"".join(struct.pack("<HI", 0, value << 2 | 2) for value in values)
    return record(
        0x00BD,
        struct.pack("<HH", row, column)
        + cells
        + struct.pack("<H", column + len(values) - 1),
    )


def formula(row: int, column: int, text: str) -> bytes:
    """A formula whose last result is a text, which follows in a record of its own."""
    result = b"\0\0\0\0\0\0\xff\xff"
    stands = record(
        0x0006,
        struct.pack("<HHH", row, column, 0) + result + struct.pack("<HIH", 0, 0, 0),
    )
    return stands + record(
        0x0207, struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")
    )


def extent(rows: int, columns: int, first_row: int = 0, first_column: int = 0) -> bytes:
    """What a sheet says of its size; as in honest files, rows and columns are one
    beyond the last.
    """
    return record(
        0x0200, struct.pack("<IIHHH", first_row, rows, first_column, columns, 0)
    )


def cells(placed: Mapping[tuple[int, int], str]) -> bytes:
    return b"".join(label(row, column, text) for (row, column), text in placed.items())


def table(rows: int, columns: int) -> dict[tuple[int, int], str]:
    return {
        (row, column): f"r{row}c{column}"
        for row in range(rows)
        for column in range(columns)
    }


def sheet(body: bytes) -> bytes:
    return (
        record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
        + body
        + record(0x000A)
    )


def book(*sheets: bytes, said: bytes = b"", repeat: int = 1) -> bytes:
    """A workbook with these sheets, S1 and so on; each is listed `repeat` times."""
    begin = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)) + said
    names = [f"S{number + 1}" for number in range(len(sheets) * repeat)]
    place = len(begin) + sum(12 + 2 * len(name) for name in names) + 4
    listed, starts = (
        b"",
        [place + sum(map(len, sheets[:number])) for number in range(len(sheets))],
    )
    for number, name in enumerate(names):
        at = starts[number % len(sheets)]
        listed += record(
            0x0085,
            struct.pack("<IBBBB", at, 0, 0, len(name), 1) + name.encode("utf-16-le"),
        )
    return begin + listed + record(0x000A) + b"".join(sheets)


def workbook(*sheets: bytes, said: bytes = b"", repeat: int = 1) -> bytes:
    """The whole file of a workbook."""
    return compound(book(*sheets, said=said, repeat=repeat))


def compound(
    stream: bytes,
    name: str = "Workbook",
    *,
    scattered: bool = False,
    short: bool = False,
) -> bytes:
    """A compound file with one stream, its sectors in order or from the end backwards.

    A `short` stream lies in pieces of 64 bytes in the stream of the root, as writers
    may keep what is short.
    """
    size = len(stream) if short else max(len(stream), CUTOFF)
    content = stream.ljust(-(-size // SECTOR) * SECTOR, b"\0")
    count = len(content) // SECTOR
    order = [*reversed(range(count))] if scattered else [*range(count)]
    following = dict(zip(order, [*order[1:], END], strict=True))
    tables = 1
    while tables * 128 < count + 2 + tables:
        tables += 1
    links = [*(following[each] for each in range(count)), END, END, *[TABLE] * tables]
    links += [FREE] * (tables * 128 - len(links))
    pieces = [*range(1, count * 8), END] if short else []
    root = _entry(
        "Root Entry", 5, 1, order[0] if short else END, len(content) if short else 0
    )
    directory = (
        root
        + _entry(name, 2, FREE, 0 if short else order[0], size)
        + _entry("", 0, FREE, 0, 0) * 2
    )
    header = struct.pack(
        "<8s16sHHHHH6s9I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b"",
        0, tables, count, 0, CUTOFF, count + 1 if short else END, int(short), END, 0,
    )  # fmt: skip
    places = [count + 2 + number for number in range(tables)]
    header += struct.pack("<109I", *places, *[FREE] * (109 - tables))
    body = b"".join(
        content[order.index(each) * SECTOR :][:SECTOR] for each in range(count)
    )
    small = struct.pack(f"<{len(pieces)}I", *pieces).ljust(SECTOR, b"\xff")
    return header + body + directory + small + struct.pack(f"<{len(links)}I", *links)


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    raw = (name + "\0").encode("utf-16-le") if name else b""
    links = struct.pack("<64sHBBIII", raw, len(raw), kind, 1, FREE, FREE, child)
    return links + struct.pack("<16sIQQIQ", b"", 0, 0, 0, start, size)
