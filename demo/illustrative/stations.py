"""D13: monitoring stations and hourly measurements, as files dropped day by day in
mixed encodings.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from demo.illustrative.seed import LAST_DAY, VIETNAM, Rows, keep, random_for
from schemas import catalog


@dataclass(frozen=True, slots=True)
class Station:
    """A monitoring station in the middle of a commune, and what it measures."""

    code: str
    kind: str
    commune: str
    parameters: tuple[str, ...]


STATIONS = (
    Station("KK001", "không khí", "14797", ("PM25", "PM10", "SO2", "NO2")),
    Station("KK002", "không khí", "16645", ("PM25", "PM10", "SO2", "CO")),
    Station("KK003", "không khí", "14812", ("PM25", "PM10", "NO2", "O3")),
    Station("NM001", "nước mặt", "15499", ("pH", "DO", "COD", "nhiet_do")),
    Station("NM002", "nước mặt", "14923", ("pH", "DO", "TSS", "NH4")),
    Station("NT001", "nước thải", "16531", ("pH", "COD", "TSS", "luu_luong")),
    Station("MU001", "mưa, mực nước", "14845", ("muc_nuoc_cm", "mua_mm", "nhiet_do")),
    Station("MU002", "mưa, mực nước", "16279", ("muc_nuoc_cm", "mua_mm", "nhiet_do")),
)
USUAL = {
    "PM25": (24, 6, 1),
    "PM10": (48, 9, 1),
    "SO2": (22, 5, 1),
    "NO2": (31, 7, 1),
    "CO": (900, 150, 0),
    "O3": (62, 11, 1),
    "pH": (7.2, 0.15, 2),
    "DO": (6.4, 0.4, 2),
    "COD": (10.5, 1.4, 1),
    "TSS": (42, 8, 1),
    "NH4": (0.16, 0.03, 3),
    "luu_luong": (215, 18, 1),
    "nhiet_do": (21.5, 1.8, 1),
    "muc_nuoc_cm": (318, 14, 1),
    "mua_mm": (2.6, 0.7, 2),
}
"""Mean, spread and digits of each parameter."""
LATE_STATION = "KK003"
STATION_FIELDS = (
    "ma_tram",
    "ten",
    "loai",
    "ma_xa",
    "lat",
    "lon",
    "ma_dn",
    "bat_dau",
    "ket_thuc",
)
MEASURE_FIELDS = (
    "ma_tram",
    "thoi_diem",
    "thong_so",
    "gia_tri",
    "don_vi",
    "co",
    "vuot_nguong",
    "quy_chuan",
)


def write_stations(
    folder: Path, units: Iterable[Mapping[str, str]], last: date = LAST_DAY
) -> tuple[Path, ...]:
    """Write tram.csv, three day files and one late file below `folder`; return them in
    that order.

    tram.csv is Windows-1258, the second day UTF-16, the third UTF-8 with a mark and
    CRLF: real drops mix encodings. The station LATE_STATION misses in the first day and
    comes in the late file.
    """
    day_files = folder / "so-lieu"
    days = [last - timedelta(days=back) for back in (2, 1, 0)]
    first = measurements(days[0])
    late = [row for row in first if row["ma_tram"] == LATE_STATION]
    in_time = [row for row in first if row["ma_tram"] != LATE_STATION]
    drops = (
        (day_files / f"{days[0]}.csv", in_time, "utf-8", "\n"),
        (day_files / f"{days[1]}.csv", measurements(days[1]), "utf-16", "\n"),
        (day_files / f"{days[2]}.csv", measurements(days[2]), "utf-8-sig", "\r\n"),
        (day_files / f"{days[0]}-bo-sung.csv", late, "utf-8", "\n"),
    )
    station_text = _csv_text(STATION_FIELDS, station_rows(units), "\n")
    files = [keep(folder / "tram.csv", windows_1258(station_text))]
    for path, rows, encoding, line_end in drops:
        text = _csv_text(MEASURE_FIELDS, rows, line_end)
        files.append(keep(path, text.encode(encoding)))
    return tuple(files)


def station_rows(units: Iterable[Mapping[str, str]]) -> Rows:
    """The stations in our own field names; each stands at the centre of its commune."""
    communes = {
        row["ma_dvhc"]: row
        for row in units
        if row["cap"] == "3" and not row["ngay_hhl"]
    }
    return [
        _station_row(number, station, communes[station.commune])
        for number, station in enumerate(STATIONS, 1)
    ]


def _station_row(
    number: int, station: Station, commune: Mapping[str, str]
) -> dict[str, str]:
    """One station, in our own field names."""
    return {
        "ma_tram": station.code,
        "ten": f"Trạm {station.kind} {commune['ten']} (minh họa)",
        "loai": station.kind,
        "ma_xa": station.commune,
        "lat": commune["lat"],
        "lon": commune["lon"],
        "ma_dn": "2899990001" if station.kind == "nước thải" else "",
        "bat_dau": f"2023-{number:02d}-01",
        "ket_thuc": "",
    }


def measurements(day: date) -> Rows:
    """Every hour of a day at every station, by station, parameter and hour, in our own
    field names.
    """
    return [
        row
        for station in STATIONS
        for parameter in station.parameters
        for row in _day_of_hours(station, parameter, day)
    ]


def _day_of_hours(
    station: Station, parameter: str, day: date
) -> Iterator[dict[str, str]]:
    """One parameter of a station for a day; an hour may be missing."""
    random = random_for("d13", station.code, parameter, day)
    mean, spread, digits = USUAL[parameter]
    upper, standard = _limit(station.code[:2], parameter)
    for hour in range(24):
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=VIETNAM)
        # Both are drawn for every hour, also for one that is missing: otherwise one gap
        # would change all values behind it.
        missing = random.random() < 0.006
        value = max(0.0, round(random.gauss(mean, spread), digits))
        if (station.code, parameter, day, hour) == ("NM001", "COD", LAST_DAY, 14):
            value = 18.4  # the one exceedance on purpose
        exceeds = "" if upper is None or missing else str(value > upper).lower()
        yield {
            "ma_tram": station.code,
            "thoi_diem": moment.isoformat(),
            "thong_so": parameter,
            "gia_tri": "" if missing else f"{value:.{digits}f}",
            "don_vi": _units_of_measure()[parameter],
            "co": "thieu" if missing else "hop_le",
            "vuot_nguong": exceeds,
            "quy_chuan": standard,
        }


@cache  # the descriptor is copied each time that it is asked for
def _units_of_measure() -> Mapping[str, str]:
    check = next(
        check for check in catalog.get("D13/so-lieu").checks if check["id"] == "units"
    )
    units: Mapping[str, str] = check["units"]
    return units


def _limit(kind: str, parameter: str) -> tuple[float | None, str]:
    """The upper limit that an hourly value is held against, and its standard; (None,
    "") where there is none.
    """
    for row in catalog.get("D13/gioi-han").rows():
        same = (row["loai_tram"], row["thong_so"]) == (kind, parameter)
        # Limits of a day or a year are for means, not for what an hour says.
        if same and row["thoi_gian_tb"] in ("1h", "tuc_thoi"):
            upper = row["gioi_han_tren"]
            return (float(upper) if upper else None), row["quy_chuan"]
    return None, ""


TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")


def windows_1258(text: str) -> bytes:
    """Vietnamese as old Windows programs write it: base letters in one byte, tones as
    combining bytes after them.
    """
    # Code page 1258 has â, ê, ô, ă, ơ, ư and đ as letters of their own, but tones only
    # as combining signs; Python's codec does not take letters apart by itself.
    parts = (
        unicodedata.normalize("NFD", letter)
        for letter in unicodedata.normalize("NFC", text)
    )
    return "".join(
        _base(part) + "".join(mark for mark in part if mark in TONES) for part in parts
    ).encode("cp1258")


def _base(decomposed: str) -> str:
    return unicodedata.normalize(
        "NFC", "".join(mark for mark in decomposed if mark not in TONES)
    )


def _csv_text(
    fields: Sequence[str], rows: Iterable[Mapping[str, str]], ending: str
) -> str:
    """Rows as CSV with a header, in the order of the fields."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, lineterminator=ending)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
