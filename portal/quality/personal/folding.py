"""Labels and texts made comparable: without diacritics, without invisible signs, digits
of every script as 0-9.
"""

from __future__ import annotations

import re
import unicodedata

# In Unicode capitals and small letters of Vietnamese take turns: a range such as à-ỹ
# would hold both, and "ĐIỆN" would fall apart.
_LATIN = [chr(code) for code in range(ord("A"), ord("ỹ") + 1)]
_SMALL = "".join(sign for sign in _LATIN if sign.islower())
_CAPITALS = "".join(sign for sign in _LATIN if sign.isupper())
_HUMP = re.compile(
    f"(?<=[{_SMALL}0-9])(?=[{_CAPITALS}])|(?<=[{_CAPITALS}])(?=[{_CAPITALS}][{_SMALL}])"
)
"""Where camelCase parts its words."""
_INVISIBLE = ("Cf", "Mn", "Me", "Cc")
_KEPT_CONTROLS = "\n\t\r"
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－"), "-")


def fold(label: str) -> str:
    """A label in lower case, without diacritics, its words parted by single spaces."""
    # NFD leaves "đ" whole: its stroke is no combining sign.
    spread = unicodedata.normalize("NFD", label.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(letter for letter in spread if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[a-z0-9]+", plain.lower()))


def label_words(label: str) -> str:
    """The words of a label however it is written: snake_case, kebab-case, camelCase,
    with or without diacritics.
    """
    clean = bare(label)
    # Capitals alone have no humps: "H2O" is one word.
    parted = clean if clean.isupper() else _HUMP.sub(" ", clean)
    return fold(parted)


def bare(text: str) -> str:
    """A text without invisible signs, in NFKC: full-width letters and digits of every
    script become plain ones.
    """
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFKC", text).translate(_DASHES)
    return "".join(map(_plain, composed))


def _plain(sign: str) -> str:
    """One sign of a text in NFKC as ASCII digit or blank, empty if it is invisible."""
    if sign.isascii():
        return sign
    if sign.isdigit():
        return str(unicodedata.digit(sign))
    if sign.isspace():
        return " "
    invisible = unicodedata.category(sign) in _INVISIBLE
    return "" if invisible else sign


def letters(text: str) -> str:
    """A text in lower case without diacritics that keeps its length, so that places in
    both are the same.
    """
    return text.lower() if text.isascii() else "".join(map(_letter, text))


def _letter(sign: str) -> str:
    """One sign in lower case without its marks, always of length one."""
    if sign in "đĐ":
        return "d"
    first = unicodedata.normalize("NFD", sign)[0].lower()
    return first if len(first) == 1 else sign
