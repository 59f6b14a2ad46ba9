"""Labels and texts made comparable: without diacritics, without invisible signs, digits of every script as 0-9."""

from __future__ import annotations

import re
import unicodedata


def folded(label: str) -> str:
    """A label in lower case, without diacritics, its words parted by single spaces."""
    spread = unicodedata.normalize("NFD", label.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(letter for letter in spread if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[a-z0-9]+", plain.lower()))
