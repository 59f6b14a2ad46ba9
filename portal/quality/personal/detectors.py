"""Kinds of personal data: what their cells look like, and what the labels of their columns say."""

from __future__ import annotations

import re
from typing import NamedTuple

from portal.quality.personal.findings import Level, Verdict


class Detector(NamedTuple):
    """One kind of personal data: cells that match `cell`, in columns whose folded label matches `label`."""

    kind: str
    level: Level
    cell: str
    label: str = ""


NAME_LABEL = r"\b(ho ten|ho va ten|ho dem|chu ho|chu so huu|nguoi|full name|fullname)\b"
OWNER_LABEL = r"\b(ho ten|ho va ten|ho dem|chu ho|chu so huu|chu nha|full name|fullname)\b"
LATITUDE_LABEL, LONGITUDE_LABEL = r"\b(lat|latitude|vi do)\b", r"\b(lon|lng|long|longitude|kinh do)\b"
PHONE_LABEL = r"\b(dien thoai|sdt|so dt|di dong|zalo|lien he|lien lac|hotline|phone|mobile|tel)\b"
BIRTH_LABEL = r"\b(ngay sinh|nam sinh|ngay thang nam sinh|birth|dob)\b"
DETECTORS: tuple[Detector, ...] = (
    # A citizen number is province of birth 001-096, century and sex, year, six digits.
    Detector("citizen-id", "basic", r"^0(?:0[1-9]|[1-8][0-9]|9[0-6])[0-9]{9}$"),
    Detector("old-citizen-id", "basic", r"^[0-9]{9}$", r"\b(cmnd|cmt|cccd|so dinh danh|giay to)\b"),
    Detector("person-tax-code", "basic", r"^8[0-9]{9}$", r"\b(mst|thue|tax)\b"),
    Detector("mobile-phone", "basic", r"^(?:\+84|0)[ .-]?[35789](?:[ .-]?[0-9]){8}$"),
    # Without a plus it is also a plain number of eleven digits: only the label tells.
    Detector("mobile-phone", "basic", r"^84[ .-]?[35789](?:[ .-]?[0-9]){8}$", PHONE_LABEL),
    Detector("email", "basic", r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
    Detector("plate", "basic", r"^[1-9][0-9][A-Z][A-Z0-9]?[- ]?[0-9]{3}\.?[0-9]{1,2}$"),
    Detector("bank-account", "sensitive", r"^[0-9]{6,19}$", r"\b(tai khoan|stk|so tk|account)\b"),
    Detector("home-address", "basic", r"\S", r"\b(dia chi nha|noi o|thuong tru|tam tru|ho khau|home address)\b"),
)
MARKED = rf"^(?:{'|'.join(each.cell[1:-1] for each in DETECTORS if not each.label and each.cell[0] == '^')})$"
"""Cells that one of the detectors without a label finds, but for those with an "@"."""


class Beside(NamedTuple):
    """Personal beside a person's name only: cells under `label`, where one under `name` (and one under `also`) is."""

    kind: str
    level: Level
    label: str
    name: str
    also: str = ""


BESIDE: tuple[Beside, ...] = (
    Beside("birth-date-with-name", "basic", BIRTH_LABEL, NAME_LABEL),
    # Where somebody lives: the place of an office or a station stands beside no owner.
    Beside("home-coordinates", "sensitive", LATITUDE_LABEL, OWNER_LABEL, LONGITUDE_LABEL),
    Beside("home-coordinates", "sensitive", LONGITUDE_LABEL, OWNER_LABEL, LATITUDE_LABEL),
)
_VALUE = re.compile(r"[0-9]{6,}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{1,3}[.,][0-9]{3,}")


def is_value(text: str) -> bool:
    """Whether the name of a column is no name but a value: personal data, a long number, a day, a coordinate."""
    bare = text.strip()
    return bool(_VALUE.fullmatch(bare)) or any(not each.label and re.search(each.cell, bare) for each in DETECTORS)


def verdict_of(kind: str) -> Verdict:
    """What follows from one kind of personal data, where nothing more is known of its column."""
    return "error" if kind == "citizen-id" else "warn"
