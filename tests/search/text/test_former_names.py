"""Old and new names of communes and agencies: each finds the datasets of the other, by
whole names only.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from schemas.administrative import AdministrativeUnits
from search.backend import SearchBackend
from search.text.former_names import agency_lines, place_lines
from search.text.lexicon import parse
from tests.search.datasets import entry, found

ROWS = Path(__file__).parents[3] / "demo" / "data" / "noi-vu" / "don-vi-hanh-chinh.csv"


def place_names() -> list[str]:
    with ROWS.open(encoding="utf-8", newline="") as file:
        return list(place_lines(AdministrativeUnits(csv.DictReader(file))))


@pytest.fixture
def catalogue(index: SearchBackend, tmp_path: Path) -> SearchBackend:
    bodies = [
        ("Sở Nông nghiệp và Môi trường", ["Sở Tài nguyên và Môi trường", "Sở"]),
        ("Sở Y tế", []),
    ]
    names = tmp_path / "names.txt"
    names.write_text(
        "\n".join([*place_names(), *agency_lines(bodies)]), encoding="utf-8"
    )
    index.apply(
        [
            entry("new", "Giá đất phường Hạc Thành"),
            entry("old", "Giá đất phường Trường Thi năm 2020"),
            entry("split", "Giá đất xã Nga Sơn"),
            entry("money", "Tỷ giá đồng tiền"),
            entry("heir", "Đất đai xã Đồng Tiến"),
            entry("agency", "Quan trắc của Sở Tài nguyên và Môi trường"),
            entry("agency-now", "Quan trắc của Sở Nông nghiệp và Môi trường"),
            entry("parts", "Trường học, thi cử ở phường"),
        ]
    )
    return index


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        # What says it just so comes first.
        ("giá đất phường Trường Thi", ["old", "new"]),
        ("gia dat phuong truong thi cu", ["new", "old"]),
        ("giá đất Trường Thi", ["old", "new"]),
        ("giá đất phường Hạc Thành", ["new", "old"]),  # and the reverse
        ("giá đất thị trấn Nga Sơn cũ", ["split"]),
        ("giá đất huyện Nga Sơn", ["split"]),
        # A bare name without diacritics is no synonym of anything.
        ("dong tien", ["money", "heir"]),
        ("quan trắc sở tài nguyên và môi trường", ["agency", "agency-now"]),
        ("quan trac so nong nghiep va moi truong", ["agency-now", "agency"]),
    ],
)
def test_either_name_finds_both(
    catalogue: SearchBackend, q: str, wanted: list[str]
) -> None:
    assert found(catalogue, q) == wanted


def test_no_syllable_alone_is_a_synonym() -> None:
    lines = place_names()
    lexicon, problems = parse(
        [
            (
                "names",
                "\n".join(
                    [*lines, *agency_lines([("Sở A", ["B", 'Ban "C" > D = E, F'])])]
                ),
            )
        ]
    )
    assert problems == ()
    assert all(len(key) > 1 for key in (*lexicon.others, *lexicon.spelled))
    every = [
        other
        for ways in lexicon.others.values()
        for others in ways.values()
        for other in others
    ]
    assert all(len(other) > 1 for other in every)
    assert len(dict.fromkeys(lines)) == len(lines)
