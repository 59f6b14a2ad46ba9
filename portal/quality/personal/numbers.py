"""Numbers of persons by their structure alone: citizen numbers and telephones, however
their digits are parted.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

_PROVINCES = (
    "01 02 04 06 08 10 11 12 14 15 17 19 20 22 24 25 26 27 30 31 33 34 35 36 37 38 40 "
    "42 44 45 46 48 49 51 52 54 56 58"
    " 60 62 64 66 67 68 70 72 74 75 77 79 80 82 83 84 86 87 89 91 92 93 94 95 96"
)
PROVINCES = _PROVINCES.split()
"""The codes of provinces of birth that citizen numbers begin with, after their zero."""
CITIZEN = r"0(?:0[1-9]|[1-8][0-9]|9[0-6])[0-9]{9}"
"""Province of birth 001-096, century and sex, year, six digits: twelve in all."""
# The digit of century and sex (0 and 1: 19.., 2 and 3: 20..), then the year: 1910 to
# 2029.
_BORN = r"(?:[01][1-9][0-9]|[23](?:[01][0-9]|2[0-9]))"
LOST_ZERO = rf"(?:{'|'.join(p for p in PROVINCES if p[0] != '0')}){_BORN}[0-9]{{6}}"
"""The same without its zero, as spreadsheets leave it: eleven digits, so that the year
of birth has to be plausible.
"""
DAY_FIRST = r"20[0-3][0-9](?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])[0-9]{3}"
"""A day and a number of three digits, as many registers number their entries."""
MOBILE = r"0(?:3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-9])[0-9]{7}"
LANDLINE = r"02[0-9]{8,9}"
_IS_CITIZEN, _IS_LOST, _IS_DAY = (
    re.compile(CITIZEN),
    re.compile(LOST_ZERO),
    re.compile(DAY_FIRST),
)
_IS_MOBILE, _IS_LANDLINE = re.compile(MOBILE), re.compile(LANDLINE)
_ABROAD = re.compile(r"^(?:0084|84)(?=[2-9])")

_RUN = re.compile(r"[0-9](?:[\W_]{0,6}[0-9])*")
_GROUP = re.compile(r"[0-9]+")
_LIST = re.compile(r"[,;|\n\t]|\s[-/–]\s|\s{2,}|\)\s*\(|\.\s")
"""Signs that part numbers of a list, rather than groups of one number."""
_DATE = r"(?:0?[1-9]|[12][0-9]|3[01])([/.-])(?:0?[1-9]|1[0-2])\1(?:19|20)[0-9]{2}"
_ISO_DATE = r"(?:19|20)[0-9]{2}([/.-])(?:0?[1-9]|1[0-2])\2(?:0?[1-9]|[12][0-9]|3[01])"
_TIME = r"[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?"
_MOMENT = re.compile(
    rf"(?<![0-9])(?<![0-9][/.:-])(?:{_DATE}|{_ISO_DATE}|{_TIME})(?![0-9]|[/.:-][0-9])"
)
_DECIMAL = re.compile(
    r"(?<![0-9])(?<![0-9][.,])(?:0|[1-9][0-9]{0,3})[.,][0-9]{4,}(?![0-9]|[.,][0-9])"
)
_HEX = re.compile(
    r"(?<![0-9a-f])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|"
    r"(?=[0-9a-f]{0,62}[a-f])(?=[0-9a-f]{0,62}[0-9])[0-9a-f]{24,64})(?![0-9a-f])"
)
"""Random identifiers and checksums."""
_FLOAT = re.compile(r"(?<![0-9.,])([0-9]{8,12})[.,]0+(?![0-9]|[.,][0-9])")
_POWER = re.compile(r"\s*([0-9](?:[.,][0-9]+)?)[eE]\+?(0?[0-9]|1[0-2])\s*")
_SURE_DIGITS = 6
"""A rounded power of ten may be any number; so many digits are no chance."""


class Number(NamedTuple):
    """A number in a text: its digits, where it stands, and whether nothing parts its
    digits.
    """

    digits: str
    start: int
    end: int
    whole: bool
    money: bool = False


def is_citizen(digits: str) -> bool:
    """Whether twelve digits are built like a citizen number."""
    return bool(_IS_CITIZEN.fullmatch(digits))


def is_lost(digits: str) -> bool:
    """Whether eleven digits are built like a citizen number that lost its zero."""
    return bool(_IS_LOST.fullmatch(digits)) and not _IS_DAY.fullmatch(digits)


def is_mobile(digits: str) -> bool:
    """Whether digits are a mobile telephone number, with its zero or with the code of
    the country.
    """
    return bool(_IS_MOBILE.fullmatch(national(digits)))


def is_landline(digits: str) -> bool:
    """Whether digits are a landline number."""
    return bool(_IS_LANDLINE.fullmatch(national(digits)))


def national(digits: str) -> str:
    """A telephone number with a zero instead of the code of the country."""
    return _ABROAD.sub("0", digits) if len(digits) > 10 else digits


def expand_number(text: str) -> str:
    """A cell as a program may have written its number: "3.8095012345E+10" and
    "38095012345.0" become plain digits.
    """
    power = _POWER.fullmatch(text)
    if not power:
        return _FLOAT.sub(_whole, text)
    mantissa, exponent = power[1].replace(",", "."), int(power[2])
    digits = mantissa.replace(".", "")
    # A mantissa with more digits than that has decimals left: no number of a paper.
    return digits.ljust(exponent + 1, "0") if len(digits) <= exponent + 1 else text


def _whole(match: re.Match[str]) -> str:
    """A number without decimals of zeros, unless all its digits together are built like
    a citizen number.
    """
    return match[0] if is_citizen(re.sub("[.,]", "", match[0])) else match[1]


def is_rounded(text: str) -> bool:
    """Whether a cell is a power of ten with few digits, which was some other number
    before.
    """
    power = _POWER.fullmatch(text)
    return bool(power) and len(power[1].rstrip("0")) <= _SURE_DIGITS if power else False


def without_moments(text: str) -> str:
    """A text without its dates, times, decimals and random identifiers; what is left
    keeps its place.
    """
    for pattern in (_HEX, _MOMENT, _DECIMAL):
        text = pattern.sub(_blank, text)
    return _FRACTION.sub(_reading, text)


def _reading(match: re.Match[str]) -> str:
    """A long number with decimals is none of a person, unless all its digits together
    are built like one.
    """
    return match[0] if is_citizen(re.sub("[.,]", "", match[0])) else _blank(match)


def _blank(match: re.Match[str]) -> str:
    # Letters, not blanks: over blanks the digits on both sides would become one number.
    return "x" * len(match[0])


_FRACTION = re.compile(
    r"(?<![0-9.,])[0-9]{7,}[.,](?!0+(?![0-9]))[0-9]{1,3}(?![0-9]|[.,][0-9])"
)
"""A long number with decimals is a reading."""


def numbers(text: str, *, papers: bool = False) -> Iterator[Number]:
    """The numbers of eight digits or more in a text without moments, however their
    digits are parted.

    Under the label of `papers` twelve digits are one number, even if the first ten
    could be a telephone.
    """
    for run in _RUN.finditer(text):
        if sum(map(str.isdigit, run[0])) >= 8:
            yield from _of_run(text, run, papers=papers)


def _of_run(text: str, run: re.Match[str], *, papers: bool) -> Iterator[Number]:
    """The numbers in one run of digits and the signs between them: one, or those of a
    list.
    """
    groups = [
        (match.start(), match.end())
        for match in _GROUP.finditer(text, run.start(), run.end())
    ]
    if papers and is_citizen("".join(text[a:b] for a, b in groups)):
        yield _joined(text, groups)
        return
    if any(_speaks(text[a:b]) for a, b in groups if b - a >= 9) and len(groups) > 1:
        # One of the groups is a number of its own, so that the others belong to
        # something else.
        yield from _by_lists(text, groups)
        return
    total = sum(b - a for a, b in groups)
    if total <= 13:
        yield _joined(text, groups)
        return
    yield from _by_lists(text, groups)


def _speaks(digits: str) -> bool:
    return is_citizen(digits) or is_mobile(digits)


def _by_lists(text: str, groups: list[tuple[int, int]]) -> Iterator[Number]:
    """The numbers of a list: first parted by its signs, then by groups that speak for
    themselves.
    """
    part: list[tuple[int, int]] = []
    for number, group in enumerate(groups):
        if part and _LIST.search(text[groups[number - 1][1] : group[0]]):
            yield from _of_part(text, part)
            part = []
        part.append(group)
    yield from _of_part(text, part)


def _of_part(text: str, groups: list[tuple[int, int]]) -> Iterator[Number]:
    """The numbers in one part of a list, given as the places of its groups of digits."""
    if sum(b - a for a, b in groups) <= 13 and not any(
        _speaks(text[a:b]) for a, b in groups
    ):
        yield _joined(text, groups)
        return
    taken = -1
    for first in range(len(groups)):
        if first <= taken:
            continue
        last = _window(text, groups, first)
        if last is not None:
            taken = last
            yield _joined(text, groups[first : last + 1])
        elif groups[first][1] - groups[first][0] >= 8:
            yield _joined(text, groups[first : first + 1])


def _window(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """The last of the groups that, with equal signs between, make a citizen or
    telephone number from `first` on.
    """
    digits, sign = "", None
    for last in range(first, len(groups)):
        start, end = groups[last]
        if last > first:
            between = text[groups[last - 1][1] : start]
            sign = between if sign is None else sign
            # Whoever parts one number uses one sign throughout; another one begins
            # another number.
            if between != sign or end - start < 2:
                return None
        digits += text[start:end]
        if len(digits) > 12:
            return None
        if _speaks(digits):
            return last
    return None


def _joined(text: str, groups: list[tuple[int, int]]) -> Number:
    """Groups of digits as one number."""
    start, end = groups[0][0], groups[-1][1]
    parts = [text[a:b] for a, b in groups]
    signs = {text[a[1] : b[0]] for a, b in itertools.pairwise(groups)}
    # Groups of three after a short first one are how amounts are written ("1.250.000");
    # no amount begins with a zero.
    money = (
        len(parts) > 2
        and len(parts[0]) <= 3
        and parts[0][0] != "0"
        and all(len(each) == 3 for each in parts[1:])
    )
    # No citizen number without its zero is written like these; they count as money, so
    # that they are not taken for one.
    glued = text[max(0, start - 1) : start].isalpha()
    mixed = glued or len(signs) > 1 or (len(parts) == 2 and signs <= {".", ","})
    return Number("".join(parts), start, end, len(parts) == 1, money or mixed)
