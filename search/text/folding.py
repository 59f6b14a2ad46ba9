"""Vietnamese text made comparable: folded for recall, exact for precision, and keys
that sort as people do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_STROKES = {"đ": "d", "ø": "o", "ł": "l", "ı": "i", "ß": "s", "ħ": "h", "ŧ": "t"}
_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile(r"[\u0300-\u036f]+")
_PLACED = re.compile(r"[^\W_](?:[\u0300-\u036f]*[^\W_])*")
_ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
# In the order of Vietnamese dictionaries: huyền, hỏi, ngã, sắc, nặng; no tone comes
# first.
_TONES = "\u0300\u0309\u0303\u0301\u0323"
# The same syllable is written with its tone on either vowel: hòa or hoà, thủy or thuỷ,
# khỏe or khoẻ. One of the
# two is chosen; after q, u belongs to the consonant, so that quý is the right form and
# qúy the odd one.
_OLD_TONE = re.compile(r"(?:o[àáảãạèéẻẽẹ]|(?<!q)u[ỳýỷỹỵ])(?!\w)|(?<=q)[ùúủũụ]y(?!\w)")


class _FoldTable(dict[int, str]):
    """A `str.translate` table that learns each character when it first meets it."""

    def __missing__(self, code: int) -> str:
        letter = _lower(chr(code))
        base = unicodedata.normalize("NFKD", letter)
        bare = "".join(mark for mark in base if not unicodedata.combining(mark))
        # A ligature would become two letters, and places in the folded text would no
        # longer be places in the shown one. Strokes are no marks to Unicode.
        self[code] = _STROKES.get(letter) or (bare if len(bare) == 1 else letter)
        return self[code]


class _LowerTable(dict[int, str]):
    """Lower case that never changes the length of a text (`"İ".lower()` would)."""

    def __missing__(self, code: int) -> str:
        self[code] = _lower(chr(code))
        return self[code]


class _SplitTable(dict[int, str]):
    """Letters as the Vietnamese alphabet ranks them (`part` 0), or their tones (`part`
    1).
    """

    def __init__(self, part: int) -> None:
        super().__init__()
        self._part = part

    def __missing__(self, code: int) -> str:
        self[code] = _split_tone(chr(code))[self._part]
        return self[code]


_FOLDS, _LOWERS, _RANKS, _HEIGHTS = (
    _FoldTable(),
    _LowerTable(),
    _SplitTable(0),
    _SplitTable(1),
)


def nfc(text: str) -> str:
    """The text in Unicode's composed form."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Lower case without diacritics; every character of `nfc(text)` becomes exactly one
    character.
    """
    return text.lower() if text.isascii() else nfc(text).translate(_FOLDS)


def exact(text: str) -> str:
    """Lower case with diacritics, tone marks where the new spelling puts them; as long
    as `nfc(text)`.
    """
    if text.isascii():
        return text.lower()
    return _OLD_TONE.sub(_move_tone, nfc(text).translate(_LOWERS))


def words(text: str) -> list[str]:
    """The words of a folded or exact text: runs of letters and digits, stray combining
    marks dropped.
    """
    return _WORD.findall(text if text.isascii() else _MARKS.sub("", text))


def sounds(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Where each of the `words` of a folded or exact text stands in it, and the
    word.
    """
    for found in _PLACED.finditer(text):
        yield found, _MARKS.sub("", found.group())


def sort_key(text: str, longest: int = 120) -> str:
    """A text that sorts by the Vietnamese alphabet (a ă â b … d đ e ê …), then by tone,
    then by its own letters.

    Only the first `longest` characters decide.
    """
    shown = nfc(text.strip())[:longest]
    lowered = shown.translate(_LOWERS)
    # A sign below all letters, so that tones decide only between texts of equal
    # letters.
    return "\x01".join((lowered.translate(_RANKS), lowered.translate(_HEIGHTS), shown))


def _lower(letter: str) -> str:
    lowered = letter.lower()
    return lowered if len(lowered) == 1 else letter


def _move_tone(found: re.Match[str]) -> str:
    """Two vowels with the tone on the other one."""
    first, second = (unicodedata.normalize("NFD", letter) for letter in found.group())
    # One of the two carries the tone; it changes place, whatever else the letter
    # carries stays.
    return unicodedata.normalize("NFC", first[0] + second[1:] + second[0] + first[1:])


def _split_tone(letter: str) -> tuple[str, str]:
    """A letter as its rank in the alphabet and its tone ("0" for none)."""
    parts = unicodedata.normalize("NFD", letter)
    tone = next((str(_TONES.index(mark) + 1) for mark in parts if mark in _TONES), "0")
    bare = unicodedata.normalize(
        "NFC", "".join(mark for mark in parts if mark not in _TONES)
    )
    place = _ALPHABET.find(bare) if len(bare) == 1 else -1
    # One code point for each letter, in order, so that plain comparison sorts them.
    if place >= 0:
        return chr(0x61 + place), tone
    return letter if tone == "0" else fold(letter), tone
