"""The demo's organizations and themes, and the sectors that point to them."""

import re
import unicodedata

from demo import places
from schemas import catalog


def test_there_are_twelve_national_themes() -> None:
    assert len({group.name for group in places.groups()}) == 12


def test_names_are_ckan_names_and_titles_are_there_in_both_languages() -> None:
    for place in (*places.organizations(), *places.groups()):
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,99}", place.name)
        assert place.title
        assert place.title_en.isascii() or "Thanh Hóa" in place.title_en
        assert unicodedata.is_normalized("NFC", place.title)


def test_every_sector_maps_to_a_theme() -> None:
    themes = {group.name for group in places.groups()}
    sectors = catalog.get("DC/linh-vuc").rows()
    assert {row["mo_ta"].removeprefix("Chủ đề quốc gia: ") for row in sectors} <= themes
