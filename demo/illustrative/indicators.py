"""D18: the indicator cube, as a SQLite file that stands for a sector database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from demo.illustrative.seed import Rows, keep, random_for
from demo.illustrative.stations import STATIONS
from schemas import catalog

INDICATORS = (
    ("DTC01", "Kế hoạch vốn đầu tư công", "triệu đồng", "thang", "", "dung_chung"),
    ("DTC02", "Giải ngân vốn đầu tư công", "triệu đồng", "thang", "", "dung_chung"),
    (
        "DTC03",
        "Tỷ lệ giải ngân vốn đầu tư công",
        "%",
        "thang",
        "DTC02 / DTC01 * 100",
        "mo",
    ),
    ("TTHC01", "Hồ sơ tiếp nhận", "hồ sơ", "thang", "", "dung_chung"),
    ("TTHC02", "Hồ sơ đã giải quyết", "hồ sơ", "thang", "", "dung_chung"),
    ("TTHC03", "Hồ sơ giải quyết đúng hạn", "hồ sơ", "thang", "", "dung_chung"),
    (
        "TTHC04",
        "Tỷ lệ hồ sơ giải quyết đúng hạn",
        "%",
        "thang",
        "TTHC03 / TTHC02 * 100",
        "mo",
    ),
    ("TTHC05", "Hồ sơ nộp trực tuyến", "hồ sơ", "thang", "", "dung_chung"),
    ("TTHC06", "Tỷ lệ hồ sơ trực tuyến", "%", "thang", "TTHC05 / TTHC01 * 100", "mo"),
    ("AS05", "Tỷ lệ chi trả không dùng tiền mặt", "%", "thang", "", "mo"),
    ("KTS01", "Tỷ trọng kinh tế số trong GRDP", "%", "nam", "", "mo"),
)
MONTHS = tuple(f"2026{month:02d}" for month in range(1, 11))
COMMUNES_IN_CUBE = (
    *(station.commune for station in STATIONS),
    "15061",
    "15865",
    "16012",
    "16093",
)


def indicator_rows() -> Rows:
    """Rows of the table chi_tieu."""
    return [
        {
            "ma": code,
            "ten": name,
            "don_vi_tinh": unit,
            "ky_loai": period,
            "cong_thuc": formula,
            "rang_buoc": "0 <= gia_tri <= 100" if unit == "%" else "gia_tri >= 0",
            "co_quan_chu_tri": "Sở Tài chính"
            if code.startswith("DTC")
            else "Văn phòng UBND tỉnh",
            "nguon_csdl": "CSDL chỉ tiêu tổng hợp (minh họa)",
            "muc_chia_se": sharing,
            "ngay_hl": "2026-01-01",
            "ngay_hhl": "",
            "trang_thai": "hieu_luc",
        }
        for code, name, unit, period, formula, sharing in INDICATORS
    ]


def indicator_values() -> list[dict[str, Any]]:
    """Rows of the table gia_tri; derived indicators equal their formula, rounded to two
    digits.
    """
    rows = [
        row
        for place in ("38", *COMMUNES_IN_CUBE)
        for month in MONTHS
        for row in _cube_month(place, month)
    ]
    yearly = (("2024", 14.8), ("2025", 16.9))
    return rows + [
        _value("KTS01", "38", year, share, f"{int(year) + 1}-02-15")
        for year, share in yearly
    ]


def _cube_month(place: str, month: str) -> Iterator[dict[str, Any]]:
    """All monthly indicators of a place, on the fifth of the month that follows."""
    random = random_for("d18", place, month)
    scale = 100 if place == "38" else 1
    plan = random_for("d18", place).randint(20, 90) * 1000.0 * scale
    spent = round(plan * (int(month[4:]) * 0.08 + random.uniform(0, 0.04)), 1)
    received = random.randint(180, 900) * scale
    # Each number is part of the one before, so that no share comes above 100 %.
    solved = received - random.randint(0, received // 12)
    on_time = solved - random.randint(0, solved // 25)
    online = random.randint(received * 6 // 10, received * 95 // 100)
    found = {
        "DTC01": plan,
        "DTC02": spent,
        "DTC03": round(spent / plan * 100, 2),
        "TTHC01": received,
        "TTHC02": solved,
        "TTHC03": on_time,
        "TTHC04": round(on_time / solved * 100, 2),
        "TTHC05": online,
        "TTHC06": round(online / received * 100, 2),
        "AS05": round(random.uniform(55, 98), 2),
    }
    reported = f"{month[:4]}-{int(month[4:]) + 1:02d}-05"
    return (
        _value(code, place, month, value, reported) for code, value in found.items()
    )


def _value(
    code: str, place: str, period: str, value: float, day: str
) -> dict[str, Any]:
    """One row of gia_tri."""
    return {
        "ma_chi_tieu": code,
        "ma_don_vi": place,
        "ky": period,
        "gia_tri": value,
        "nguon": "he_thong",
        "thoi_diem": f"{day}T08:00:00+07:00",
    }


def write_cube(path: Path) -> Path:
    """Write the cube as a SQLite file with the tables chi_tieu and gia_tri; one that
    holds the same stays as it is.
    """
    with TemporaryDirectory() as folder:
        # Made beside it and compared: a file that is written anew has a new time, and
        # the next harvest would look at it again.
        fresh = Path(folder) / path.name
        _fill(fresh)
        return keep(path, fresh.read_bytes())


def _fill(path: Path) -> None:
    """Make a new SQLite file with both tables."""
    metadata = sa.MetaData()
    tables = (
        _sql_table(metadata, "chi_tieu", "D18/chi-tieu", ("ma",)),
        _sql_table(
            metadata, "gia_tri", "D18/gia-tri", ("ma_chi_tieu", "ma_don_vi", "ky")
        ),
    )
    # Without a pool: a connection that stays open would keep the file that is read
    # next.
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    try:
        metadata.create_all(engine)
        with engine.begin() as connection:
            for table, rows in zip(
                tables, (indicator_rows(), indicator_values()), strict=True
            ):
                connection.execute(
                    table.insert(),
                    # Nothing is NULL in a database; the same rows as CSV would have
                    # empty cells.
                    [{k: v if v != "" else None for k, v in r.items()} for r in rows],
                )
    finally:
        engine.dispose()


def _sql_table(
    metadata: sa.MetaData, name: str, schema: str, key: tuple[str, ...]
) -> sa.Table:
    """A table with the columns of a schema: numbers as floats, all else as text."""
    fields = catalog.get(schema).descriptor["fields"]
    columns = [
        sa.Column(
            field["name"],
            sa.Float if field["type"] == "number" else sa.Text,
            primary_key=field["name"] in key,
        )
        for field in fields
    ]
    return sa.Table(name, metadata, *columns)
