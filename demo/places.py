"""Who publishes and under which theme: the demo's organizations and the twelve national
themes, as data.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """An organization or a group of the demo; `name` is its CKAN name."""

    name: str
    title: str
    title_en: str
    description: str = ""


NOI_VU = Place("so-noi-vu", "Sở Nội vụ", "Department of Home Affairs")
KHCN = Place(
    "so-khoa-hoc-va-cong-nghe",
    "Sở Khoa học và Công nghệ",
    "Department of Science and Technology",
    "Chủ trì chuyển đổi số của tỉnh; kế thừa Sở Thông tin và Truyền thông.",
)
NNMT = Place(
    "so-nong-nghiep-va-moi-truong",
    "Sở Nông nghiệp và Môi trường",
    "Department of Agriculture and Environment",
    "Kế thừa Sở Nông nghiệp và Phát triển nông thôn và Sở Tài nguyên và Môi trường.",
)
VAN_PHONG = Place(
    "van-phong-ubnd-tinh",
    "Văn phòng UBND tỉnh",
    "Office of the Provincial People's Committee",
)
THONG_KE = Place(
    "thong-ke-tinh", "Thống kê tỉnh Thanh Hóa", "Thanh Hóa Statistics Office"
)


def organizations() -> tuple[Place, ...]:
    """The agencies that own the demo's sources."""
    return (NOI_VU, KHCN, NNMT, VAN_PHONG, THONG_KE)


def groups() -> tuple[Place, ...]:
    """The twelve themes of the national portal, which the portal's own sectors map
    to.
    """
    return (
        Place("nong-nghiep", "Nông nghiệp", "Agriculture"),
        Place("kinh-te-thuong-mai", "Kinh tế, thương mại", "Economy and trade"),
        Place("giao-duc", "Giáo dục", "Education"),
        Place("y-te", "Y tế", "Health"),
        Place("lao-dong", "Lao động", "Labour"),
        Place("moi-truong", "Môi trường", "Environment"),
        Place("tai-chinh", "Tài chính", "Finance"),
        Place("nang-luong", "Năng lượng", "Energy"),
        Place("co-so-ha-tang", "Cơ sở hạ tầng", "Infrastructure"),
        Place("xa-hoi", "Xã hội", "Society"),
        Place("cong-nghe", "Công nghệ", "Technology"),
        Place("dia-phuong", "Địa phương", "Localities"),
    )
