"""Whom the demo harvests: every source with its settings, the files it needs, and what
the sample gateway answers.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from demo import places
from demo.gateway import Service
from demo.generate import UNITS
from demo.illustrative import enterprises, indicators, prices, stations
from demo.illustrative.seed import Rows
from schemas import catalog
from schemas.administrative import AdministrativeUnits

QUARTER = date(2026, 10, 1)
FAULTY_QUARTER = date(2026, 7, 1)
LABEL = "dữ liệu minh họa"
"""The tag, and the words in the notes, of everything that is not real."""

ENTERPRISE_COLUMNS = {
    "MaSoDN": "ma_dn",
    "TenDN": "ten",
    "TenVietTat": "ten_viet_tat",
    "Nhom": "nhom",
    "TrongDiem": "trong_diem",
    "NganhChinh": "vsic_chinh",
    "PhienBanVSIC": "vsic_phien_ban",
    "MaXa": "ma_xa",
    "DiaChi": "dia_chi",
    "NamThanhLap": "nam_thanh_lap",
    "VonDieuLe": "von_dieu_le_trd",
    "SoLaoDong": "so_lao_dong",
    "QuyMo": "quy_mo",
    "LinhVuc": "linh_vuc",
    "Website": "website",
    "TrangThai": "trang_thai",
    "NgayCapNhat": "ngay_cap_nhat",
}
"""Columns that are kept. NguoiDaiDien and DienThoai are personal and stand in no list:
they are dropped on reading.
"""
PRICE_COLUMNS = {
    "NgayKhaoSat": "ngay",
    "MaHang": "ma_mat_hang",
    "TenHang": "ten_mat_hang",
    "MaDiem": "ma_diem",
    "MaXa": "ma_xa",
    "LoaiGia": "loai_gia",
    "DonViTinh": "don_vi_tinh",
    "Gia": "gia",
    "GiaThap": "gia_thap",
    "GiaCao": "gia_cao",
    "Nguon": "nguon",
}


@dataclass(frozen=True, slots=True)
class DemoSource:
    """A harvest source, in the words of harvest_source_create; `owner` is an
    organization's name.
    """

    name: str
    title: str
    kind: str
    url: str
    frequency: str
    owner: str
    config: Mapping[str, Any]


def units(data: Path) -> Rows:
    """The shipped rows of D01."""
    with (data / UNITS).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def prepare(data: Path, work: Path) -> None:
    """Write the files below `work` that file and database sources read: stations,
    measurements, indicators.

    What already holds the same is not touched, so a second run finds no change.
    """
    stations.write_stations(work / "quan-trac", units(data))
    indicators.write_cube(work / "chi-tieu.sqlite")


def demo_sources(gateway_url: str, data: Path, work: Path) -> tuple[DemoSource, ...]:
    """Every source of the demo, in the order in which they are harvested: what others
    refer to comes first.
    """
    return (
        _units_source(data),
        _enterprise_source(gateway_url),
        _price_source(gateway_url),
        _station_source(work),
        _indicator_source(work),
        _package_source(data, "gdp", "GDP các nước (Data Package, PDDL)"),
        _package_source(
            data, "cpi", "Chỉ số giá tiêu dùng các nước (Data Package, CC BY)"
        ),
    )


def gateway_services(data: Path) -> dict[str, Service]:
    """What the sample gateway serves: two answers of the enterprise service (the second
    is faulty), and the prices, whose first call fails inside an HTTP 200.
    """
    known = AdministrativeUnits(units(data))
    return {
        "/doanhnghiepso/1.0.0/danhsach": Service(
            enterprises.enterprises(known, QUARTER)
        ),
        "/doanhnghiepso/1.0.0/quytruoc": Service(
            enterprises.faulty_enterprises(known, FAULTY_QUARTER)
        ),
        "/gianongsan/1.0.0/hangngay": Service(
            prices.farm_prices(), "xml", frozenset({1})
        ),
    }


def _units_source(data: Path) -> DemoSource:
    """D01, the only real table of the portal's own schemas."""
    return DemoSource(
        "don-vi-hanh-chinh",
        "Danh mục đơn vị hành chính",
        "files",
        str(data / UNITS.parent),
        "WEEKLY",
        places.NOI_VU.name,
        {
            "dataset": _described("D01", real=True) | {"groups": ["dia-phuong"]},
            "resources": [
                {
                    "name": "don-vi-hanh-chinh",
                    "pattern": UNITS.name,
                    "schema_name": "D01",
                }
            ],
        },
    )


def _enterprise_source(gateway_url: str) -> DemoSource:
    """D02 twice, in one source: as it is, and a quarter with faults."""
    described = _described("D02") | {"groups": ["cong-nghe"]}
    faulty = {
        "name": f"{described['name']}-quy-truoc",
        "title": f"{described['title']}, quý trước (có lỗi để thử)",
    }
    now = _service(
        "/doanhnghiepso/1.0.0/danhsach", "json", "D02", ENTERPRISE_COLUMNS, described
    )
    before = _service(
        "/doanhnghiepso/1.0.0/quytruoc",
        "json",
        "D02",
        ENTERPRISE_COLUMNS,
        described | faulty,
    )
    return _lgsp(
        "lgsp-doanh-nghiep-so",
        "LGSP: doanh nghiệp công nghệ số",
        gateway_url,
        places.KHCN,
        now,
        before,
    )


def _price_source(gateway_url: str) -> DemoSource:
    """D09, which comes as XML."""
    described = _described("D09") | {"groups": ["nong-nghiep"]}
    service = _service(
        "/gianongsan/1.0.0/hangngay", "xml", "D09", PRICE_COLUMNS, described
    )
    return _lgsp(
        "lgsp-gia-nong-san", "LGSP: giá nông sản", gateway_url, places.NNMT, service
    )


def _described(code: str, *, real: bool = False) -> dict[str, Any]:
    """What the catalogue says of the dataset of a schema; illustrative data says so in
    its notes and tags.
    """
    table = catalog.get(code)
    note = "" if real else f" Đây là {LABEL}, không phải số liệu thật."
    return {
        "name": table.name.split("/")[1],
        "title": table.title,
        "notes": table.description + note,
        "tags": [] if real else [LABEL],
        "license_id": "dlm-vn",
        "profile": {
            "sector": table.sector,
            **({} if real else {"data_label": LABEL}),
            "access_kind": table.access_kind,
            "frequency": table.frequency,
            "title_translated": {"vi": table.title, "en": table.title_en},
            "notes_translated": {
                "vi": table.description + note,
                "en": table.description_en,
            },
        },
    }


def _service(
    path: str,
    kind: str,
    schema: str,
    columns: Mapping[str, str],
    dataset: Mapping[str, Any],
) -> dict[str, Any]:
    """How an LGSP service answers: names in its own words, dd/MM/yyyy, dot for
    thousands and comma for decimals.
    """
    return {
        "path": path,
        "kind": kind,
        "schema_name": schema,
        "fields": dict(columns),
        "date_format": "dd/MM/yyyy",
        "decimal": ",",
        "thousands": ".",
        "dataset": dict(dataset),
    }


def _lgsp(
    name: str, title: str, url: str, owner: places.Place, *services: Mapping[str, Any]
) -> DemoSource:
    """A source behind the sample gateway, with its services."""
    auth = {
        "kind": "oauth2_cc",
        "token_url": f"{url}/token",
        "client_id": "demo",
        "secret": "LGSP_DEMO",
    }
    return DemoSource(
        name,
        title,
        "lgsp",
        url,
        "DAILY",
        owner.name,
        {"auth": auth, "services": list(services)},
    )


def _station_source(work: Path) -> DemoSource:
    """D13, as files dropped day by day."""
    described = _described("D13/so-lieu") | {
        "title": "Quan trắc môi trường tự động",
        "groups": ["moi-truong"],
    }
    resources = [
        {
            "name": "tram",
            "pattern": "tram.csv",
            "schema_name": "D13/tram",
            "encoding": "windows-1258",
        },
        {
            "name": "so-lieu",
            "pattern": "so-lieu/*.csv",
            "schema_name": "D13/so-lieu",
            "mode": "append",
        },
    ]
    return DemoSource(
        "quan-trac-moi-truong",
        "Tệp quan trắc môi trường thả theo ngày",
        "files",
        str(work / "quan-trac"),
        "HOURLY",
        places.NNMT.name,
        {"dataset": described, "resources": resources, "settle_seconds": 0},
    )


def _indicator_source(work: Path) -> DemoSource:
    """D18, from a database of SQLite."""
    described = _described("D18/gia-tri") | {
        "title": "Bộ chỉ tiêu kinh tế - xã hội tổng hợp",
        "groups": ["kinh-te-thuong-mai"],
    }
    resources = [
        {
            "name": "chi-tieu",
            "query": "SELECT * FROM chi_tieu ORDER BY ma",
            "schema_name": "D18/chi-tieu",
        },
        {
            "name": "gia-tri",
            "query": "SELECT * FROM gia_tri ORDER BY ma_chi_tieu, ma_don_vi, ky",
            "schema_name": "D18/gia-tri",
        },
    ]
    url = f"sqlite:///{(work / 'chi-tieu.sqlite').resolve()}"
    title = "Cơ sở dữ liệu chỉ tiêu tổng hợp"
    config = {"dataset": described, "resources": resources}
    return DemoSource(
        "chi-tieu-tong-hop", title, "sql", url, "MONTHLY", places.VAN_PHONG.name, config
    )


def _package_source(data: Path, name: str, title: str) -> DemoSource:
    url = str(data / "packages" / name / "datapackage.json")
    return DemoSource(
        f"goi-{name}", title, "datapackage", url, "MANUAL", places.THONG_KE.name, {}
    )
