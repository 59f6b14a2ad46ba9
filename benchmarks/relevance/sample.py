"""The sample catalogue: every topic for the whole province and for sixteen communes,
made the same way each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from search.backend import IndexEntry
from search.text.folding import fold

PROVINCE = "tinh"
PLACES = {
    fold(said.partition(" ")[2]).replace(" ", "-"): said
    for said in (
        "phường Hạc Thành", "phường Hàm Rồng", "phường Đông Sơn", "phường Sầm Sơn", "phường Bỉm Sơn", "phường Nghi Sơn",
        "phường Tĩnh Gia", "xã Ngọc Lặc", "xã Hà Trung", "xã Nga Sơn", "xã Hậu Lộc", "xã Thọ Xuân", "xã Quan Sơn",
        "xã Mường Lát", "xã Hồi Xuân", "xã Yên Định",
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Topic:
    """What several datasets are about; `kin` are topics that help a little with a
    question for this one.
    """

    title: str
    notes: str
    agency: str
    tags: tuple[str, ...]
    kin: tuple[str, ...] = ()


HEALTH, SCHOOLS, LAND = (
    "Sở Y tế",
    "Sở Giáo dục và Đào tạo",
    "Sở Nông nghiệp và Môi trường",
)
BUILDING, TRADE, MONEY = "Sở Xây dựng", "Sở Công Thương", "Sở Tài chính"
TOPICS = {
    "co-so-y-te": Topic("Cơ sở y tế", "Bệnh viện, phòng khám, trạm y tế được cấp phép, số giường bệnh", HEALTH,
                        ("y tế", "bệnh viện"), ("nha-thuoc", "tiem-chung")),
    "nha-thuoc": Topic("Nhà thuốc, quầy thuốc", "Cơ sở bán lẻ thuốc đạt GPP, giờ mở cửa", HEALTH, ("y tế", "thuốc"),
                       ("co-so-y-te",)),
    "tiem-chung": Topic("Tỷ lệ tiêm chủng mở rộng", "Trẻ dưới một tuổi tiêm đủ vắc xin theo quý", HEALTH, ("y tế",),
                        ("co-so-y-te",)),
    "mam-non": Topic("Trường mầm non", "Trường công lập, tư thục, số lớp, số trẻ, số giáo viên", SCHOOLS, ("giáo dục",),
                     ("thpt",)),
    "thpt": Topic("Trường trung học phổ thông", "Trường công lập, chỉ tiêu tuyển sinh lớp 10", SCHOOLS,
                  ("giáo dục", "tuyển sinh"), ("mam-non", "diem-thi")),
    "diem-thi": Topic("Kết quả thi tốt nghiệp", "Phổ điểm theo môn, theo trường, không có tên thí sinh", SCHOOLS,
                      ("giáo dục",), ("thpt",)),
    "gia-nong-san": Topic("Giá nông sản", "Giá lúa, lợn hơi, rau quả hằng ngày tại chợ đầu mối", TRADE,
                          ("nông nghiệp", "giá cả"), ("ocop",)),
    "ocop": Topic("Sản phẩm OCOP", "Sản phẩm đạt ba sao trở lên, chủ thể, năm công nhận", LAND,
                  ("nông nghiệp", "mỗi xã một sản phẩm"), ("gia-nong-san",)),
    "quan-trac": Topic("Quan trắc chất lượng không khí", "Bụi PM2.5, nhiệt độ, chỉ số AQI từ trạm tự động", LAND,
                       ("môi trường",), ("nuoc-thai", "mua-lu")),
    "nuoc-thai": Topic("Giám sát nước thải", "Lưu lượng, COD, pH của các nguồn xả thải lớn", LAND, ("môi trường",),
                       ("quan-trac",)),
    "mua-lu": Topic("Lượng mưa và mực nước", "Số đo của trạm thủy văn, cảnh báo ngập lụt", LAND,
                    ("thiên tai", "môi trường"), ("quan-trac",)),
    "gia-dat": Topic("Bảng giá đất", "Giá đất ở, đất nông nghiệp theo tuyến đường và vị trí", LAND, ("đất đai",)),
    "don-vi-hanh-chinh": Topic("Danh mục đơn vị hành chính", "Mã, tên, ngày hiệu lực của xã, phường sau sắp xếp",
                               "Sở Nội vụ", ("danh mục dùng chung",)),
    "dan-so": Topic("Dân số và lao động", "Dân số trung bình, lực lượng lao động theo giới tính, nhóm tuổi",
                    "Thống kê tỉnh Thanh Hóa", ("dân số", "lao động")),
    "tthc": Topic("Kết quả giải quyết thủ tục hành chính", "Số hồ sơ một cửa tiếp nhận, đúng hạn, quá hạn theo tháng",
                  "Văn phòng Ủy ban nhân dân tỉnh", ("cải cách hành chính",)),
    "doanh-nghiep": Topic("Doanh nghiệp đăng ký thành lập", "Số doanh nghiệp mới, ngành nghề, vốn điều lệ", MONEY,
                          ("doanh nghiệp",), ("du-an",)),
    "du-an": Topic("Dự án trong khu công nghiệp", "Nhà đầu tư, diện tích, tiến độ dự án trong khu kinh tế",
                   "Ban Quản lý Khu kinh tế Nghi Sơn và các khu công nghiệp", ("đầu tư",), ("doanh-nghiep",)),
    "ngan-sach": Topic("Công khai ngân sách nhà nước", "Dự toán, quyết toán thu chi theo quý", MONEY, ("ngân sách",)),
    "xe-buyt": Topic("Tuyến xe buýt và điểm dừng", "Lộ trình, giờ chạy, giá vé, tọa độ điểm dừng", BUILDING,
                     ("giao thông",), ("duong-bo",)),
    "duong-bo": Topic("Mạng lưới đường bộ", "Đường tỉnh, đường xã, chiều dài, kết cấu mặt đường, cầu", BUILDING,
                      ("giao thông",), ("xe-buyt",)),
    "du-lich": Topic("Cơ sở lưu trú du lịch", "Khách sạn, nhà nghỉ, hạng sao, số phòng",
                     "Sở Văn hóa, Thể thao và Du lịch", ("du lịch",), ("di-tich",)),
    "di-tich": Topic("Di tích lịch sử - văn hóa", "Di tích được xếp hạng, cấp, địa điểm, lễ hội",
                     "Sở Văn hóa, Thể thao và Du lịch", ("văn hóa",), ("du-lich",)),
    "wifi": Topic("Điểm phát wifi công cộng", "Vị trí, nhà mạng, tốc độ", "Sở Khoa học và Công nghệ", ("viễn thông",)),
}  # fmt: skip


def entries() -> list[IndexEntry]:
    """Every dataset of the sample: identifiers are "topic.place"."""
    places = {PROVINCE: "tỉnh Thanh Hóa"} | PLACES
    return [
        _entry(name, topic, slug, said)
        for name, topic in TOPICS.items()
        for slug, said in places.items()
    ]


def _entry(name: str, topic: Topic, slug: str, place: str) -> IndexEntry:
    local = slug != PROVINCE
    agency = (
        f"Ủy ban nhân dân {place}"
        if local and name in ("tthc", "ngan-sach", "wifi")
        else topic.agency
    )
    org = fold(agency).replace(" ", "-").replace(",", "")
    package: dict[str, Any] = {
        "id": f"{name}.{slug}",
        "name": f"{name}-{slug}",
        "title": f"{topic.title} {'trên địa bàn ' if local else ''}{place}",
        "notes": f"{topic.notes}. Nguồn: {agency}; cập nhật định kỳ.",
        "state": "active",
        "private": False,
        "type": "dataset",
        "owner_org": org,
        "organization": {"id": org, "name": org, "title": agency},
        "metadata_created": "2026-01-01T00:00:00.000000",
        "metadata_modified": "2026-01-01T00:00:00.000000",
        "tags": [{"name": tag} for tag in topic.tags],
        "groups": [],
        "extras": [],
        "resources": [{"format": "CSV", "name": f"{topic.title} {place}"}],
    }
    return IndexEntry(
        str(package["id"]), package, orjson.dumps(package), frozenset({"public"}), 1
    )
