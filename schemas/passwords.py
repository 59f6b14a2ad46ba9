"""Passwords: how long one is, and which are too common to be one."""

from __future__ import annotations

from itertools import pairwise

from i18n import Message
from schemas import bounds

SHORTEST, LONGEST = 8, 200
_STEMS = (
    "password", "passw0rd", "p@ssword", "p@ssw0rd", "matkhau", "mat khau", "mật khẩu",
    "qwerty", "qwertyuiop", "asdfgh", "asdfghjkl", "zxcvbnm", "iloveyou", "welcome",
    "letmein", "admin", "administrator", "sysadmin", "superadmin", "root", "user",
    "guest", "test", "demo", "changeme", "change me", "default", "secret", "dragon",
    "monkey", "football", "baseball", "sunshine", "princess", "master", "shadow",
    "superman", "batman", "trustno1", "whatever", "starwars", "computer", "internet",
    "vietnam", "viet nam", "việt nam", "hanoi", "ha noi", "hà nội", "saigon",
    "thanhhoa", "thanh hoa", "thanh hóa", "anhyeuem", "anh yeu em", "emyeuanh", "yeuem",
    "khongbiet", "khong biet", "nopassword", "portal", "ckan", "opendata", "dulieu",
    "dulieumo", "congdulieu",
)  # fmt: skip
_ENDINGS = (
    "", "1", "12", "123", "1234", "12345", "123456", "!", "@", "1!", "123!",
    "@123", "@1234", "@12345", "@123456", "#123",
    "0", "00", "01", "007", "69", "88", "99", "111", "321", "2023", "2024", "2025",
    "2026", "@2023", "@2024", "@2025", "@2026",
)  # fmt: skip
_WHOLE = (
    "1q2w3e4r", "1q2w3e4r5t", "1qaz2wsx", "qazwsxedc", "q1w2e3r4", "zaq12wsx",
    "abcd1234", "abc12345", "abcdefgh", "aa123456", "a1b2c3d4", "12341234", "123123123",
    "11223344", "12344321", "87654321", "147258369", "123qweasd", "qwe123456",
    "correcthorsebatterystaple",
)  # fmt: skip
COMMON = frozenset(
    {stem + ending for stem in _STEMS for ending in _ENDINGS} | set(_WHOLE)
)
"""Words and endings that are tried first by whoever guesses, here and elsewhere."""


def problems(password: str) -> list[str]:
    """What is wrong with a password, in both languages; nothing for a good one. Blanks
    around it do not count.
    """
    trimmed = password.strip()
    if len(trimmed) < SHORTEST:
        too_short = Message("Your password must be {limit} characters or longer")
        return bounds.told(too_short.filled(limit=SHORTEST))
    if len(trimmed) > LONGEST:
        too_long = Message("Your password must be {limit} characters or shorter")
        return bounds.told(too_long.filled(limit=LONGEST))
    if is_common(trimmed):
        return bounds.told(Message("This password is too common"))
    return []


def is_common(password: str) -> bool:
    """Whether it is a word of the list, one sign again and again, or signs that follow
    each other.
    """
    folded = password.casefold()
    steps = {ord(after) - ord(before) for before, after in pairwise(folded)}
    return (
        folded in COMMON
        or len(set(folded)) < 3
        or (len(steps) == 1 and steps <= {-1, 0, 1})
        or _counts(folded)
    )


def _counts(text: str) -> bool:
    """Digits that only count up or down, however far: 12345678901."""
    return text.isdigit() and (text in "0123456789" * 30 or text in "9876543210" * 30)
