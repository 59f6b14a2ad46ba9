"""What is personal because a person's name stands in the same row: birth, family,
health, home, money.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from portal.quality.personal import kinds


class About(NamedTuple):
    """A meaning of a label, the kind that its cells are beside a name, and what such a
    cell looks like.
    """

    role: str
    kind: str
    cell: str


_PLACE = r"^\s*-?\d{1,3}[.,]\d{2,}|^\s*\d{6,}|POINT|POLYGON|coordinates|°|\d[.,]\d{3,}"
ABOUT: tuple[About, ...] = (
    About(
        "birth",
        kinds.BIRTH,
        r"\d{1,2}[/. -]\d{1,2}[/. "
        r"-]\d{2,4}|(?:19|20)\d{2}|^\s*\d{1,3}\s*$|^\s*\d{5,8}(?:\.0)?\s*$",
    ),
    About(
        "sex",
        kinds.SEX,
        r"(?i)^\s*(?:nam|nữ|nu|male|female|m|f|g|b|0|1|2|x|khác|trai|gái|boy|girl|other)\s*$",
    ),
    About("birthplace", kinds.BIRTHPLACE, r"\pL{2}"),
    About("origin", kinds.ORIGIN, r"\pL{2}"),
    About("family", kinds.FAMILY, r"\pL|\d"),
    About("health", kinds.HEALTH, r"\pL|\d|\+"),
    About("home", kinds.HOME, r"\pL{2}|\d"),
    About("address", kinds.HOME, r"\pL{2}"),
    About("place", kinds.HOME_PLACE, _PLACE),
    About("finance", kinds.FINANCE, r"\pL|\d"),
)
BY_ROLE = {each.role: each for each in ABOUT}
OF_OWNERS = frozenset({"address", "place"})
"""What an office has as well: personal only beside somebody who is no officer of it."""

# What cells are where the label tells nothing, in a table of persons.
VALUES: tuple[About, ...] = (
    About(
        "",
        kinds.PLATE,
        r"^\s*[1-9]\d[ -]?[A-Z][A-Z0-9]?[ .-]{0,2}(?:\d{3}\.?\d{2}|\d{4})\s*$",
    ),
    About("", kinds.PASSPORT, r"^\s*[A-Z]\d{7,8}\s*$"),
    About("", kinds.OLD_CITIZEN, r"^\s*\d{3}[ .]?\d{3}[ .]?\d{3}\s*$"),
    About(
        "",
        kinds.HEALTH,
        r"(?i)\bhiv\b|\baids\b|ung thư|tâm thần|khuyết tật|tiểu đường|đái tháo "
        r"đường|viêm gan|lao phổi|dương tính|"
        r"suy thận|tim mạch|động kinh|tự kỷ|huyết áp|đột quỵ|bạch cầu|trầm cảm|ung "
        r"thu|tam than|khuyet tat|tieu duong|"
        r"viem gan|lao phoi|duong tinh|cancer|diabetes|hepatitis|tuberculosis",
    ),
    About(
        "",
        kinds.HOME,
        r"(?i)^\s*(?:số|so|sn|ngõ|ngo|ngách|hẻm|nhà số|tổ|thôn|xóm|bản|ấp|lô|căn "
        r"hộ|p\.|phòng)\s*\d+|"
        r"^\s*\d+[A-Za-z]?(?:[/-]\d+)*[, "
        r"]+(?:đường|phố|ngõ|ngách|hẻm|đ\.|duong|pho|ngo|street|st\.)|"
        r"(?:thôn|xóm|bản|tdp|tổ dân phố|khu phố|ngõ|đường|phố) [^,]+, "
        r"?(?:xã|phường|p\.|x\.|thị trấn|tt)",
    ),
    About(
        "",
        kinds.BIRTH,
        r"^\s*(?:(?:0?[1-9]|[12]\d|3[01])[/.-](?:0?[1-9]|1[0-2])[/.-])?(?:19[2-9]\d|200\d|201[0-8])\s*$|"
        r"^\s*(?:19[2-9]\d|200\d|201[0-8])-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T "
        r"]00:00(?::00)?)?\s*$",
    ),
    About("", kinds.SEX, r"(?i)^\s*(?:nam|nữ|male|female)\s*$"),
    About(
        "",
        kinds.HOME_PLACE,
        # Degrees of Thanh Hóa and around it: 18 to 20 north, 104 to 106 east.
        r"^\s*(?:1[89]|20)[.,]\d{4,}\s*$|^\s*10[4-6][.,]\d{4,}\s*$|"
        r"^\s*\(?\s*(?:1[89]|20)[.,]\d{3,}\s*[,; ]\s*10[4-6][.,]\d{3,}",
    ),
)
"""In columns whose label tells nothing; most cells must look so."""
SHARE = 0.6
SHARE_OF_ILL = 0.3
"""Fewer cells tell of illness: not everybody of a list is ill."""


def expression(index: int, cell: str) -> pl.Expr:
    """Which cells of the column at `index` look so."""
    return pl.col(str(index)).str.contains(cell)
