"""D01 from its sources: re-expresses two MIT-licensed tables of Vietnamese units as
rows of our own schema.
"""

from __future__ import annotations

import csv
import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROVINCE = "38"
LAST_OLD_DAY = "2025-06-30"
FIRST_NEW_DAY = "2025-07-01"
OLD_LIST_DAY = "2004-07-08"
"""Date of the decision that gave the former tree its codes. The sources do not date
each unit's own foundation.
"""
OLD_LIST = "QĐ 124/2004/QĐ-TTg (danh mục mã; ngày hiệu lực là ngày của danh mục)"
NEW_LIST = "NQ 1686/NQ-UBTVQH15; QĐ 19/2025/QĐ-TTg"

NEW_UNITS = "2025_34-province-3221-ward_with_location.csv"
OLD_TO_NEW = "convert_legacy_2025_simple.csv"
POPULATION = "sapnhap.bando.com.vn_ward_2025-07-17.csv"
NEW_TREE = "post2025_full_vn_units_2026-07-25.json"
OLD_TREE = "pre2025_vn_units_63_provinces.json"

FIELDS = (
    "ma_dvhc",
    "ten",
    "loai",
    "cap",
    "ma_cha",
    "phan_loai",
    "vung",
    "dien_tich_km2",
    "dan_so",
    "lat",
    "lon",
    "ngay_hl",
    "ngay_hhl",
    "ma_ke_thua",
    "can_cu",
)
TYPES = ("Thành phố", "Thị xã", "Thị trấn", "Huyện", "Phường", "Tỉnh", "Xã")


class SourceMismatch(ValueError):
    """The source files disagree with each other about which units exist."""


def unit_rows(folder: Path) -> list[dict[str, str]]:
    """Every row of D01 (province, current communes, former districts, former communes),
    by level and code.

    `folder` holds the five source files under their own names. Raises SourceMismatch
    where the national tree and the mapping name different codes.
    """
    heirs = _heirs(folder)
    return [_province(), *_communes(folder), *_old_units(folder, heirs)]


def _row(code: str, full_name: str, level: int, **rest: str) -> dict[str, str]:
    """A row of D01 by the full name of its unit, with what else is known of it."""
    kind = next(kind for kind in TYPES if full_name.startswith(kind + " "))
    row = dict.fromkeys(FIELDS, "") | rest
    row |= {
        "ma_dvhc": code,
        "ten": full_name[len(kind) + 1 :],
        "loai": kind,
        "cap": str(level),
    }
    # The sources write the same letters composed and decomposed.
    return {
        name: unicodedata.normalize("NFC", text.strip()) for name, text in row.items()
    }


def _province() -> dict[str, str]:
    return _row(PROVINCE, "Tỉnh Thanh Hóa", 1, ngay_hl=OLD_LIST_DAY, can_cu=OLD_LIST)


def _communes(folder: Path) -> Iterator[dict[str, str]]:
    """The communes of today, by code, with area, people and place."""
    tree = next(unit for unit in _json(folder / NEW_TREE) if unit["Code"] == PROVINCE)
    # The national list says which units there are, the other tables only what is known
    # of each.
    official = {ward["Code"] for ward in tree["Wards"]}
    located = {
        _code(row["wardCode"]): row
        for row in _csv(folder / NEW_UNITS)
        if row["provinceCode"] == PROVINCE
    }
    _same_codes("current communes", official, set(located))
    people = _population(folder)
    for code in sorted(official):
        row = located[code]
        yield _row(
            code,
            row["ward"],
            3,
            ma_cha=PROVINCE,
            dien_tich_km2=row["wardAreaKm2"],
            # By name, as the table of people has no codes; a commune that it does not
            # name stays without a number.
            dan_so=people.get(row["ward"].casefold(), ""),
            lat=row["wardLat"],
            lon=row["wardLon"],
            ngay_hl=FIRST_NEW_DAY,
            can_cu=NEW_LIST,
        )


def _population(folder: Path) -> dict[str, str]:
    """Persons by "phường hạc thành"; the file writes some numbers with a thousands
    comma ("28,717").
    """
    people: dict[str, str] = {}
    for row in _csv(folder / POPULATION):
        if row["tentinh"].casefold().endswith("thanh hóa"):
            name = f"{row['loai']} {row['tenhc']}".casefold()
            people[name] = row["dansonguoi"].replace(",", "")
    return people


def _heirs(folder: Path) -> dict[str, set[str]]:
    """Successor codes by old commune code; the mapping writes old codes as floats
    ("14755.0").
    """
    heirs: dict[str, set[str]] = defaultdict(set)
    for row in _csv(folder / OLD_TO_NEW):
        if row["provinceCode"] == PROVINCE:
            heirs[_code(row["wardCode"])].add(row["newWardCode"])
    return heirs


def _old_units(folder: Path, heirs: dict[str, set[str]]) -> Iterator[dict[str, str]]:
    """Former districts, then former communes, each by code, with what they became."""
    tree = next(unit for unit in _json(folder / OLD_TREE) if unit["Code"] == PROVINCE)
    districts = sorted(tree["District"], key=lambda unit: unit["Code"])
    wards = [ward for district in districts for ward in district["Ward"]]
    wards.sort(key=lambda unit: unit["Code"])
    # Before anything is written: a commune that only one source knows would have no
    # parent, or no heir.
    _same_codes("former communes", {ward["Code"] for ward in wards}, set(heirs))
    for district in districts:
        # A district has no heir of its own: its communes' heirs are.
        into = set().union(*(heirs[ward["Code"]] for ward in district["Ward"]))
        yield _former_unit(district["Code"], district["FullName"], 2, PROVINCE, into)
    for ward in wards:
        code, parent = ward["Code"], ward["DistrictCode"]
        yield _former_unit(code, ward["FullName"], 3, parent, heirs[code])


def _former_unit(
    code: str, name: str, level: int, parent: str, into: set[str]
) -> dict[str, str]:
    """A unit of the former tree, with the codes of those that followed it."""
    return _row(
        code,
        name,
        level,
        ma_cha=parent,
        ngay_hl=OLD_LIST_DAY,
        ngay_hhl=LAST_OLD_DAY,
        ma_ke_thua=";".join(sorted(into)),
        can_cu=OLD_LIST,
    )


def _same_codes(what: str, one: set[str], other: set[str]) -> None:
    """Raise SourceMismatch where two sources name different units."""
    if one != other:
        raise SourceMismatch(
            f"The sources disagree about the {what}: {sorted(one ^ other)[:10]}"
        )


def _code(text: str) -> str:
    """A commune code that lost its zeros or gained ".0" on the way, as five digits
    again.
    """
    return text.removesuffix(".0").zfill(5)


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _json(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]  # the shape is the source's
