"""Bytes in any encoding become a UTF-8, NFC text file with plain line ends, and what
was done is noted.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from portal.reading.bytescan import count_lines, is_utf8, surely_nfc
from portal.reading.options import ReadOptions
from portal.reading.refusals import refuse
from portal.reading.scratch import Scratch
from portal.reading.vietnamese import likeness, tcvn3_table
from schemas.texttable import ReadNote

CHUNK = 4 * 1024 * 1024
SAMPLE = 1024 * 1024
ENOUGH_LIKENESS = 0.8
ENOUGH_SYLLABLES = 3
MOJIBAKE = ("Ã¡", "Ã ", "Ãª", "Ã´", "áº", "á»", "Æ°", "Ä‘", "Ä\u0091", "â€")
"""What UTF-8 Vietnamese looks like after somebody read it as Windows-1252 or
Latin-1.
"""
MARKS: dict[str, tuple[bytes, ...]] = {
    "nul-bytes": (b"\0",),
    "replacement-character": ("\ufffd".encode(),),
    "mojibake": tuple(mark.encode() for mark in MOJIBAKE),
}
GUARDS = {"nul-bytes": b"\0", "replacement-character": b"\xef", "mojibake": b"\xc2"}
"""A byte that such damage always has (mis-decoded Vietnamese, nearly always) and that
good text seldom has.
"""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CELL_ENDS = re.compile(r'[,;\t|\n"]')

Decoder = Callable[[bytes, bool], str]


@dataclass(slots=True)
class Decoded:
    """A text file in UTF-8, NFC, with "\\n" line ends; `owner` keeps a rewritten copy
    alive.
    """

    path: Path
    skip: int = 0
    encoding: str = "utf-8"
    notes: tuple[ReadNote, ...] = ()
    owner: Scratch | None = None


@dataclass(slots=True)
class _Findings:
    """What passing over the text turned up; lines count from 1."""

    line: int = 1
    cells: int = 0
    damage: dict[str, list[int]] = field(default_factory=dict)
    changed: bool = False

    def look(self, raw: bytes) -> bytes:
        """Note what is odd about whole lines of UTF-8, and return them in NFC."""
        for code, marks in MARKS.items():
            if GUARDS[code] in raw and any(mark in raw for mark in marks):
                self._note(code, raw.decode(), tuple(mark.decode() for mark in marks))
        self.line += count_lines(raw)
        return raw if surely_nfc(raw) else self._normal(raw)

    def _normal(self, raw: bytes) -> bytes:
        """Whole lines in NFC; counts the cells that were not."""
        text = raw.decode()
        if unicodedata.is_normalized("NFC", text):
            return raw
        self.cells += sum(
            not unicodedata.is_normalized("NFC", cell)
            for cell in _CELL_ENDS.split(text)
        )
        self.changed = True
        return unicodedata.normalize("NFC", text).encode()

    def _note(self, code: str, text: str, marks: tuple[str, ...]) -> None:
        """Count the lines with some damage, and keep the numbers of the first five."""
        lines = [
            number
            for number, line in enumerate(text.split("\n"), self.line)
            if any(m in line for m in marks)
        ]
        count, *first = self.damage.get(code, [0])
        self.damage[code] = [count + len(lines), *[*first, *lines][:5]]

    def notes(self) -> tuple[ReadNote, ...]:
        """One note for each kind of damage, with how many lines have it and the first
        of them.
        """
        normal = (ReadNote("nfc", {"cells": self.cells}),) if self.cells else ()
        return normal + tuple(
            ReadNote(
                code,
                {"lines": count, "first": ", ".join(map(str, first))},
                row=first[0],
            )
            for code, (count, *first) in self.damage.items()
        )


def to_utf8(
    path: Path, name: str, options: ReadOptions, declared: str | None = None
) -> Decoded:
    """The text of a file as UTF-8 NFC; the file itself where it is that already, else a
    copy.

    Tries BOM, strict UTF-8, UTF-16, the declared encoding, then Windows-1258 and TCVN3
    by how Vietnamese the text reads. Raises BadFile("unknown-encoding" | "not-utf8" |
    "wrong-encoding" | "too-large").
    """
    if path.stat().st_size > options.max_bytes:
        raise refuse("too-large", name=name, what="bytes", limit=options.max_bytes)
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return _decode(path, name, encoding, options, skip=len(bom), how="BOM")
    # Before UTF-8: ASCII in UTF-16 is good UTF-8 as well, every second byte a NUL.
    wide = _utf16_without_bom(head)
    if wide:
        return _decode(path, name, wide, options, how="NUL bytes")
    try:
        return _as_it_is(path, 0) or _rewritten(path, "utf-8", options, 0)
    except UnicodeDecodeError:
        damage = _damage(path)
    if (
        declared
        and _is_known(declared)
        # That it is not UTF-8 is known by now.
        and codecs.lookup(declared).name not in ("utf-8", "ascii")
    ):
        return _decode(path, name, declared, options, how="declared")
    return _decode(
        path, name, _eight_bit(path, name, damage), options, how="Vietnamese text"
    )


def _is_known(encoding: str) -> bool:
    """Whether Python has a codec of this name."""
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def _utf16_without_bom(head: bytes) -> str:
    """ "utf-16-le" or "-be" where nearly half of the bytes are NUL on one side only,
    else "".
    """
    half = len(head) // 2
    if half < 2 or b"\0" not in head:
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    # Letters with tones (U+1E..) have no zero byte, so fewer than half are.
    if odd > 0.3 * half and even < 0.02 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.3 * half and odd < 0.02 * half else ""


@dataclass(frozen=True, slots=True)
class _Damage:
    """Where UTF-8 breaks: the line, the bytes there, and letters that were good and
    bad.
    """

    line: int
    found: bytes
    good: int
    """How many characters beyond ASCII were good UTF-8 in the file."""
    bad: int


def _damage(path: Path) -> _Damage:
    """Where a file that is not UTF-8 stops being it, and how much of that block is."""
    line = 1
    with path.open("rb") as file:
        for block in _whole_lines(file, CHUNK):
            try:
                block.decode("utf-8")
            except UnicodeDecodeError as error:
                line += block.count(b"\n", 0, error.start)
                lossy = block.decode("utf-8", "replace")
                lost = lossy.count("\ufffd")
                beyond = sum(1 for letter in lossy if letter > "\x7f")
                return _Damage(
                    line, block[error.start : error.start + 4], beyond - lost, lost
                )
            line += block.count(b"\n")
    return _Damage(line, b"", 0, 1)


def _eight_bit(path: Path, name: str, damage: _Damage) -> str:
    """Windows-1258 or TCVN3, whichever reads as Vietnamese; refuses when neither
    does.
    """
    # Mostly good UTF-8 is UTF-8 with a damaged byte, no other encoding.
    if damage.good > 4 * damage.bad:
        raise refuse(
            "not-utf8",
            name=name,
            line=damage.line,
            bytes=damage.found[:1].hex().upper(),
        )
    sample = _telling_lines(path)
    scores = {
        encoding: _score(sample, encoding) for encoding in ("windows-1258", "tcvn3")
    }
    best = max(scores, key=lambda encoding: scores[encoding])
    share, syllables = scores[best]
    if share < ENOUGH_LIKENESS or syllables < ENOUGH_SYLLABLES:
        raise refuse("unknown-encoding", name=name)
    return best


def _telling_lines(path: Path) -> bytes:
    """Up to SAMPLE bytes of the lines that hold anything beyond ASCII."""
    kept: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        for block in _whole_lines(file, CHUNK):
            for line in block.splitlines(keepends=True):
                if not line.isascii():
                    kept.append(line)
                    size += len(line)
            if size >= SAMPLE:
                break
    return b"".join(kept)[:SAMPLE]


def _score(sample: bytes, encoding: str) -> tuple[float, int]:
    """How Vietnamese a sample reads in an encoding: share of syllables and how many."""
    try:
        text = _decoder(encoding)(sample, True)
    except UnicodeDecodeError:
        return 0.0, 0
    # No text holds these control characters: the bytes mean something else.
    if any("\x80" <= letter <= "\x9f" for letter in text):
        return 0.0, 0
    return likeness(text)


def _decoder(encoding: str) -> Decoder:
    """What turns blocks of bytes in an encoding into text, one after the other."""
    if encoding != "tcvn3":
        return codecs.getincrementaldecoder(encoding)("strict").decode
    table = tcvn3_table()

    def decode(block: bytes, final: bool = False) -> str:
        return codecs.charmap_decode(block, "strict", table)[0]

    return decode


def _whole_lines(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Blocks of about `size` bytes that end after a newline, where there is one."""
    rest = b""
    while block := file.read(size):
        block = rest + block
        # Without a newline the cut is before a "\r", as its "\n" may come with the next
        # block.
        cut = block.rfind(b"\n") + 1 or max(block.rfind(b"\r"), 0)
        if cut:
            yield block[:cut]
        rest = block[cut:]
    if rest:
        yield rest


def _decode(
    path: Path,
    name: str,
    encoding: str,
    options: ReadOptions,
    *,
    skip: int = 0,
    how: str = "",
) -> Decoded:
    """The file in a known encoding as UTF-8, with a note of the encoding and how it was
    found.
    """
    try:
        clean = _as_it_is(path, skip) if encoding == "utf-8" else None
        decoded = clean or _rewritten(path, encoding, options, skip)
    except UnicodeDecodeError:
        raise refuse(
            "wrong-encoding", name=name, declared=encoding, line=_damage(path).line
        ) from None
    if encoding != "utf-8":
        decoded.notes = (
            ReadNote("encoding", {"encoding": encoding, "how": how}),
            *decoded.notes,
        )
    return decoded


def _as_it_is(path: Path, skip: int) -> Decoded | None:
    """The file itself, if it is UTF-8 with plain line ends and NFC throughout; None if
    it must be rewritten.
    """
    seen = _Findings()
    with path.open("rb") as file:
        file.seek(skip)
        for block in _whole_lines(file, CHUNK):
            if b"\r" in block:
                return None
            if not is_utf8(block):
                block.decode("utf-8")  # says where
            seen.look(block)
            if seen.changed:
                return None
    return Decoded(path, skip, notes=seen.notes())


def _rewritten(path: Path, encoding: str, options: ReadOptions, skip: int) -> Decoded:
    """A copy in UTF-8 and NFC with plain line ends, made block by block."""
    owner = Scratch(options.folder)
    seen = _Findings()
    decode = _decoder(encoding)
    with path.open("rb") as source, owner.path.open("wb") as target:
        source.seek(skip)
        rest, block = "", b"more"
        while block:
            block = source.read(CHUNK)
            text = rest + decode(block, not block)
            cut = _last_line_end(text) if block else len(text)
            rest, text = text[cut:], text[:cut]
            plain = text.replace("\r\n", "\n").replace("\r", "\n")
            target.write(seen.look(plain.encode("utf-8")))
    return Decoded(owner.path, 0, encoding, seen.notes(), owner)


def _last_line_end(text: str) -> int:
    """Where the last whole line ends; a "\r" at the very end may be half of a line end
    and waits.
    """
    return max(text.rfind("\n"), text.rfind("\r", 0, max(len(text) - 1, 0))) + 1
