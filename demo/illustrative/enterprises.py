"""D02: the register of digital enterprises, as an LGSP service words it, once sound and
once with faults.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from demo.illustrative.seed import Rows, random_for, vietnamese
from schemas.administrative import AdministrativeUnits

GROUPS = (
    ("A", "phan_cung"),
    ("B", "phan_mem"),
    ("C", "noi_dung_so"),
    ("D", "dich_vu_cntt"),
    ("B", "ai"),
)
ACTIVITIES = {
    "phan_cung": "2610",
    "phan_mem": "6201",
    "noi_dung_so": "5820",
    "dich_vu_cntt": "6202",
    "ai": "6209",
}
FORMS = ("Công ty TNHH", "Công ty Cổ phần", "Công ty TNHH MTV")
WORDS = (
    "Sông Mã",
    "Hàm Rồng",
    "Lam Kinh",
    "Đông Sơn",
    "Sao Mai",
    "Biển Xanh",
    "Hồng Đức",
    "Thanh Số",
    "Tre Việt",
)
TRADES = {
    "phan_cung": "Thiết bị số",
    "phan_mem": "Phần mềm",
    "noi_dung_so": "Nội dung số",
    "dich_vu_cntt": "Dịch vụ CNTT",
    "ai": "Trí tuệ nhân tạo",
}
SIZES = (("sieu_nho", 3, 9), ("nho", 10, 49), ("vua", 50, 150), ("lon", 201, 600))
STATES = ("dang_hoat_dong",) * 17 + ("tam_ngung", "cho_giai_the", "giai_the")


def enterprises(units: AdministrativeUnits, quarter: date, count: int = 180) -> Rows:
    """Rows of the enterprise service on the first day of a quarter, in its own column
    names.

    Two columns are personal (NguoiDaiDien, DienThoai): whoever harvests must not keep
    them.
    """
    return [
        _enterprise(random_for("d02", number), units, number, quarter)
        for number in range(1, count + 1)
    ]


def _enterprise(
    random: Random, units: AdministrativeUnits, number: int, quarter: date
) -> dict[str, str]:
    """One made-up enterprise, in the service's own column names."""
    group, field = random.choice(GROUPS)
    size, least, most = random.choices(SIZES, weights=(50, 35, 12, 3))[0]
    commune = random.choice(units.current())
    short = f"{random.choice(WORDS)} {number:03d}"
    return {
        "MaSoDN": f"2899{number * 37:06d}",
        "TenDN": f"{random.choice(FORMS)} {TRADES[field]} {short} (minh họa)",
        "TenVietTat": short,
        "Nhom": group,
        "TrongDiem": "true" if number % 12 == 0 else "false",
        "NganhChinh": ACTIVITIES[field],
        "PhienBanVSIC": "2025",
        "MaXa": commune.code,
        "DiaChi": f"{commune.kind} {commune.name}, tỉnh Thanh Hóa",
        "NamThanhLap": str(random.randint(2008, 2025)),
        "VonDieuLe": vietnamese(
            random.randint(5, 400) * 50 + random.choice((0, 0.5)), 1
        ),
        "SoLaoDong": str(random.randint(least, most)),
        "QuyMo": size,
        "LinhVuc": field,
        "Website": f"https://dn{number:03d}.vidu.vn",
        "TrangThai": random.choice(STATES),
        "NgayCapNhat": (quarter - timedelta(days=random.randint(1, 80))).strftime(
            "%d/%m/%Y"
        ),
        "NguoiDaiDien": f"Người Đại Diện {number:03d}",
        "DienThoai": f"0900{number:06d}",
    }


def faulty_enterprises(units: AdministrativeUnits, quarter: date) -> Rows:
    """The same register with faults on purpose: bad codes, a person's code, bad dates,
    unknown communes, a twin.
    """
    rows = enterprises(units, quarter)
    # Twelve digits: a citizen's id in place of an enterprise code.
    rows[3]["MaSoDN"] = "38" + "0" * 6 + "1234"
    rows[10]["MaSoDN"] = "289900"
    rows[25]["MaSoDN"] = "DN-2899-25"
    rows[40]["NgayCapNhat"] = "31/02/2026"
    rows[41]["NgayCapNhat"] = "quý 2"
    rows[60]["MaXa"] = "99999"
    rows[61]["MaXa"] = "1479"
    rows[80]["Nhom"] = "E"
    rows[100]["VonDieuLe"] = "khoảng 5 tỷ"
    rows[120]["TenDN"] = ""
    rows[141]["MaSoDN"] = rows[140]["MaSoDN"]
    return rows
