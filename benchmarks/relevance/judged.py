"""Questions as people type them, each with what it is about and where: the grades
follow from that.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from benchmarks.relevance.sample import PLACES, PROVINCE, TOPICS
from schemas.administrative import AdministrativeUnits
from search.backend import SearchBackend, SearchRequest
from search.text.former_names import place_lines

DEPTH = 10
UNITS = Path(__file__).parents[2] / "demo" / "data" / "noi-vu" / "don-vi-hanh-chinh.csv"


@dataclass(frozen=True, slots=True)
class Question:
    """What was typed, how (a kind to report by), which topic it means and, where it
    says so, which place.
    """

    kind: str
    typed: str
    topic: str
    place: str = ""

    def grade(self, found: str) -> int:
        """3: just this; 2: the topic in one commune where none was named; 1: its kin,
        or the whole province's data.

        Another commune than the one asked for is no help: 0.
        """
        topic, _, place = found.partition(".")
        if topic != self.topic:
            return int(
                topic in TOPICS[self.topic].kin and place == (self.place or PROVINCE)
            )
        if not self.place:
            return 3 if place == PROVINCE else 2
        return 3 if place == self.place else int(place == PROVINCE)


_ASKED = """
accented|cơ sở y tế|co-so-y-te
accented|bệnh viện|co-so-y-te
accented|trường mầm non Sầm Sơn|mam-non|sam-son
accented|giá nông sản|gia-nong-san
accented|bảng giá đất xã Thọ Xuân|gia-dat|tho-xuan
accented|đơn vị hành chính|don-vi-hanh-chinh
accented|lượng mưa Mường Lát|mua-lu|muong-lat
accented|tuyến xe buýt|xe-buyt
accented|di tích Hàm Rồng|di-tich|ham-rong
accented|khách sạn Sầm Sơn|du-lich|sam-son
accented|nước thải Bỉm Sơn|nuoc-thai|bim-son
accented|dân số|dan-so
unaccented|benh vien|co-so-y-te
unaccented|nha thuoc nghi son|nha-thuoc|nghi-son
unaccented|truong mam non hac thanh|mam-non|hac-thanh
unaccented|gia dat nga son|gia-dat|nga-son
unaccented|gia nong san|gia-nong-san
unaccented|chat luong khong khi|quan-trac
unaccented|du an khu cong nghiep|du-an
unaccented|ngan sach nha nuoc hau loc|ngan-sach|hau-loc
unaccented|diem dung xe buyt|xe-buyt
unaccented|wifi cong cong|wifi
unaccented|san pham ocop ngoc lac|ocop|ngoc-lac
unaccented|tiem chung quan son|tiem-chung|quan-son
abbreviation|TTHC|tthc
abbreviation|tthc ubnd phường Hạc Thành|tthc|hac-thanh
abbreviation|ĐVHC|don-vi-hanh-chinh
abbreviation|trường THPT Yên Định|thpt|yen-dinh
abbreviation|BV Bỉm Sơn|co-so-y-te|bim-son
abbreviation|dự án KCN|du-an
abbreviation|DN đăng ký|doanh-nghiep
abbreviation|NSNN Hà Trung|ngan-sach|ha-trung
question|danh sách các trường mầm non ở Sầm Sơn|mam-non|sam-son
question|cho tôi biết giá nông sản hôm nay|gia-nong-san
question|có bao nhiêu bệnh viện ở Nghi Sơn|co-so-y-te|nghi-son
question|gia dat o phuong dong son la bao nhieu|gia-dat|dong-son
question|xe buýt chạy qua Sầm Sơn mấy giờ|xe-buyt|sam-son
question|tìm dữ liệu về chất lượng không khí tại Nghi Sơn|quan-trac|nghi-son
question|số liệu dân số xã Nga Sơn năm 2026|dan-so|nga-son
question|tỷ lệ hồ sơ đúng hạn của xã Hậu Lộc|tthc|hau-loc
question|thong ke so doanh nghiep moi thanh lap|doanh-nghiep
question|ở đâu có wifi miễn phí tại Sầm Sơn|wifi|sam-son
typo|benh vein|co-so-y-te
typo|truong man non|mam-non
typo|gia nong xan|gia-nong-san
typo|khach san sam sonn|du-lich|sam-son
typo|chat luong khong khii|quan-trac
typo|doanh nghiep dang ki|doanh-nghiep
typo|di tich licsh su|di-tich
typo|nuoc thaii bim son|nuoc-thai|bim-son
typo|don vi hanh chin|don-vi-hanh-chinh
unfinished|bệnh việ|co-so-y-te
unfinished|cong khai ngan sa|ngan-sach
unfinished|mang luoi duon|duong-bo
unfinished|quan trac chat luong khong k|quan-trac
unfinished|truong trung hoc pho th|thpt
unfinished|san pham oco|ocop
synonym|mẫu giáo Hạc Thành|mam-non|hac-thanh
synonym|cấp 3|thpt
synonym|hiệu thuốc|nha-thuoc
synonym|khách sạn|du-lich
synonym|hồ sơ một cửa|tthc
synonym|lũ lụt|mua-lu
renamed|trường mầm non phường Trường Thi|mam-non|hac-thanh
renamed|gia dat phuong truong thi|gia-dat|hac-thanh
renamed|giá đất xã Xuân Hồng cũ|gia-dat|tho-xuan
renamed|dân số thị trấn Nga Sơn|dan-so|nga-son
renamed|wifi phường Điện Biên|wifi|hac-thanh
renamed|sản phẩm ocop Sở Nông nghiệp và Phát triển nông thôn|ocop
english|hospital|co-so-y-te
english|air quality|quan-trac
english|land price|gia-dat
english|bus routes|xe-buyt
english|population|dan-so
english|budget|ngan-sach
english|kindergarten|mam-non
english|enterprises|doanh-nghiep
"""


def questions() -> list[Question]:
    """Every judged question."""
    return [Question(*line.split("|")) for line in _ASKED.strip().splitlines()]


def ndcg(question: Question, found: list[str]) -> float:
    """How near the order comes to the best there is, by what stands in the first ten: 1
    is perfect.
    """
    everywhere = [
        question.grade(f"{topic}.{place}")
        for topic in TOPICS
        for place in (PROVINCE, *PLACES)
    ]
    best = _gain(sorted(everywhere, reverse=True)[:DEPTH])
    return _gain([question.grade(each) for each in found[:DEPTH]]) / best


def _gain(grades: list[int]) -> float:
    return sum(
        (2.0**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades)
    )


def names_file(folder: Path) -> Path:
    """A lexicon of the old and new names of the province's communes, as a portal with
    D01 writes it.
    """
    with UNITS.open(encoding="utf-8", newline="") as file:
        lines = list(place_lines(AdministrativeUnits(csv.DictReader(file))))
    path = folder / "names.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def measured(index: SearchBackend) -> dict[Question, float]:
    """nDCG@10 of every question, asked as package_search asks."""
    asked = {
        question: SearchRequest(
            q=question.typed, rows=DEPTH, relax_below=1, labels=frozenset({"public"})
        )
        for question in questions()
    }
    return {
        question: ndcg(question, [hit.id for hit in index.search(r).hits])
        for question, r in asked.items()
    }
