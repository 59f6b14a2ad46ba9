"""D09: daily farm prices, as an LGSP data service words them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from demo.illustrative.seed import LAST_DAY, Rows, random_for, vietnamese
from schemas import catalog

BASE_PRICES = {
    "LU001": 8200, "LU002": 9600, "LU003": 16500, "LU004": 32000, "NG001": 7400,
    "NG002": 46000, "CN001": 1150000, "CN002": 1950000, "RA001": 12000, "RA002": 18000,
    "RA003": 14500, "QU001": 38000, "QU002": 35000, "QU003": 6500, "GS001": 61000,
    "GS002": 86000, "GC001": 118000, "GC002": 17000, "GC003": 3200, "TS001": 132000,
    "TS002": 19500,
}  # fmt: skip
STORM, STORM_FACTOR = ("RA001", "DK08", 2), 1.55
"""Good, point and days before the last one of the one jump, and how high it is."""
KINDS_OF_PRICE = {"tại ruộng": "tai_ruong", "bán buôn": "ban_buon", "bán lẻ": "ban_le"}


def farm_prices(days: int = 30, last: date = LAST_DAY) -> Rows:
    """Rows of the price service: every good at every point for `days` days, in its own
    column names.

    Numbers have dots for thousands, dates are dd/MM/yyyy. One price jumps by more than
    40 % on the last day but two (a storm): worth a flag, not a refusal.
    """
    points = catalog.get("D09/diem-khao-sat").rows()
    series = []
    for good in catalog.get("D09/mat-hang").rows():
        series += [list(_price_series(good, point, days, last)) for point in points]
    # The service answers day by day, not good by good.
    return [row for day in zip(*series, strict=True) for row in day]


def _price_series(
    good: Mapping[str, str], point: Mapping[str, str], days: int, last: date
) -> Iterator[dict[str, str]]:
    """The price of a good at one point, day by day, the oldest first."""
    random = random_for("d09", good["ma"], point["ma"])
    unit, kind = good["mo_ta"].split("; ")
    level = BASE_PRICES[good["ma"]] * random.uniform(0.93, 1.07)
    for back in range(days - 1, -1, -1):
        # The upper step makes up for the lower one (1/0.98), so that prices do not
        # drift.
        level *= random.uniform(0.98, 1.0205)
        is_storm = (good["ma"], point["ma"], back) == STORM
        factor = STORM_FACTOR if is_storm else 1.0
        # The storm is no part of the level: the price falls back the day after.
        price = max(100, round(level * factor / 100) * 100)
        spread = max(50, round(price * 0.03 / 50) * 50)
        day = last - timedelta(days=back)
        yield {
            "NgayKhaoSat": day.strftime("%d/%m/%Y"),
            "MaHang": good["ma"],
            "TenHang": good["ten"],
            "MaDiem": point["ma"],
            "MaXa": point["ma_cha"],
            "LoaiGia": KINDS_OF_PRICE[kind],
            "DonViTinh": unit,
            "Gia": vietnamese(price),
            "GiaThap": vietnamese(price - spread),
            "GiaCao": vietnamese(price + spread),
            "Nguon": "Khảo sát minh họa",
        }
