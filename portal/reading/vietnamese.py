"""How Vietnamese a text is, syllable by syllable; and TCVN3 (ABC), the old eight-bit
font code that Python lacks.
"""

from __future__ import annotations

import re
import unicodedata

_TCVN3 = {
    0xA1: "ĂÂÊÔƠƯĐăâêôơưđ",
    0xB5: "àảãáạ",
    0xBB: "ằẳẵắ",
    0xC6: "ặầẩẫấậè",
    0xCE: "ẻẽéẹềểễếệìỉ",
    0xDC: "ĩ",
    0xDD: "íịò",
    0xE1: "ỏõóọồổỗốộ",
    0xEA: "ờởỡớợù",
    0xF1: "ủũúụừửữứựỳỷỹýỵ",
}
"""First byte of each run of letters of TCVN 5712:1993 VN3; every other upper byte is
undefined.
"""

_INITIAL = "(?:ngh|ng|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdđghklmnpqrstvx])?"
_VOWELS = "[aăâeêioôơuưy]{1,3}"
_FINAL = "(?:ng|nh|ch|[ckmnpt])?"
_SYLLABLE = re.compile(f"{_INITIAL}{_VOWELS}{_FINAL}")
_WORD = re.compile(r"[^\W\d_]+")
_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}


def tcvn3_table() -> str:
    """The 256 characters of TCVN3 in byte order, for `codecs.charmap_decode`; U+FFFE
    marks bytes it does not define.
    """
    letters = ["\ufffe"] * 256
    letters[:128] = [chr(code) for code in range(128)]
    for start, run in _TCVN3.items():
        letters[start : start + len(run)] = run
    return "".join(letters)


def is_syllable(word: str) -> bool:
    """Whether `word` is built like one Vietnamese syllable with at most one tone."""
    spread = unicodedata.normalize("NFD", word.lower())
    tones = sum(letter in _TONES for letter in spread)
    if tones > 1:
        return False
    plain = unicodedata.normalize(
        "NFC", "".join(letter for letter in spread if letter not in _TONES)
    )
    return _SYLLABLE.fullmatch(plain) is not None


def likeness(text: str) -> tuple[float, int]:
    """Share of the words with letters beyond ASCII that are Vietnamese syllables, and
    how many different ones are.
    """
    words = [
        word
        for word in _WORD.findall(unicodedata.normalize("NFC", text))
        if not word.isascii()
    ]
    stray = sum(
        1
        for letter in text
        if not letter.isascii() and not letter.isalpha() and not letter.isspace()
    )
    good = [word for word in words if is_syllable(word)]
    total = len(words) + stray / 4
    return (len(good) / total if total else 0.0), len({word.lower() for word in good})
