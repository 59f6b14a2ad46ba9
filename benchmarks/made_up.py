"""Synthetic datasets with titles as a Vietnamese province writes them: any number, the
same ones each time.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

import orjson

_TOPICS = """cơ sở y tế|trường mầm non|trường tiểu học|trường trung học cơ sở|trường trung học phổ thông
giá nông sản|giá vật liệu xây dựng|bảng giá đất|dự án đầu tư công|dự án khu công nghiệp
cụm công nghiệp|doanh nghiệp đăng ký mới|doanh nghiệp công nghệ số|hợp tác xã nông nghiệp
hộ kinh doanh|sản phẩm OCOP|vùng trồng cây ăn quả|cơ sở chăn nuôi|dịch bệnh gia súc|tàu cá
nuôi trồng thủy sản|rừng phòng hộ|công trình thủy lợi|hồ chứa nước|đê điều|trạm khí tượng thủy văn
lượng mưa|mực nước sông|chất lượng không khí|chất lượng nước mặt|giám sát nước thải|điểm thu gom rác
tuyến xe buýt|bến xe khách|đường tỉnh|cầu đường bộ|đăng kiểm phương tiện|giấy phép lái xe|cảng biển
kho bãi logistics|cửa hàng xăng dầu|chợ|siêu thị|cắt điện theo kế hoạch|điện thương phẩm
cấp nước sạch|trạm phát sóng di động|điểm bưu điện văn hóa xã|wifi công cộng|dịch vụ công trực tuyến
thủ tục hành chính|hồ sơ một cửa|cán bộ công chức|dân số và lao động|hộ nghèo và cận nghèo
người có công|bảo hiểm y tế|bảo hiểm xã hội|việc làm|đào tạo nghề|ngân sách nhà nước
thu thuế nội địa|nợ công|tín dụng ngân hàng|cơ sở lưu trú du lịch|khu du lịch|di tích lịch sử
lễ hội truyền thống|thư viện|nhà văn hóa thôn|vận động viên|nhà thuốc|tiêm chủng mở rộng
ngộ độc thực phẩm|tai nạn giao thông|phòng cháy chữa cháy|quy hoạch xây dựng|giấy phép xây dựng
nhà ở xã hội|mỏ khoáng sản|đất công nghiệp|sở hữu trí tuệ|đề tài khoa học|đo lường chất lượng
chỉ tiêu kinh tế xã hội"""
_FORMS = """danh sách|danh mục|thống kê|số liệu|kết quả|báo cáo|bảng tổng hợp|mạng lưới|tình hình|kế hoạch
hiện trạng|bản đồ"""
_TIMES = (
    "năm|quý I năm|quý II năm|quý III năm|quý IV năm|6 tháng đầu năm|giai đoạn 5 năm "
    "đến"
)
_NOTES = """bộ dữ liệu|cập nhật định kỳ|theo quyết định|của Ủy ban nhân dân tỉnh|phục vụ|công khai minh bạch
quản lý nhà nước|người dân và doanh nghiệp|khai thác|sử dụng|thông tin|mã định danh|tên đơn vị
địa chỉ|tọa độ|ngày cấp|thời hạn|diện tích|số lượng|tỷ lệ|đơn vị tính|ghi chú|nguồn số liệu
cơ quan chủ trì|kiểm tra|xác nhận|chuẩn hóa|liên thông|chia sẻ|trục tích hợp|kho dữ liệu dùng chung
văn bản|hướng dẫn|biểu mẫu|hằng tháng|hằng quý"""
_FORMATS = ("CSV", "XLSX", "JSON", "GeoJSON", "PDF", "XML", "SHP", "API")
_LICENCES = (
    ("cc-by", "Creative Commons Attribution"),
    ("odc-pddl", "Open Data Commons PDDL"),
    ("notspecified", ""),
)
_INITIALS = "b c ch d đ g h kh l m n ng nh ph q s t th tr v x".split(" ")  # noqa: SIM905 - a row of sounds
_RHYMES = (  # noqa: SIM905 - a row of sounds
    "a ai am an ang anh ao ân âu e en êm ên i ia iên in inh o oan oi ong ô ôn ông ơi "
    "ơn u uân ui ung ư ương ưu"
).split(" ")
_TONES = ("", "\u0301", "\u0300", "\u0309", "\u0303", "\u0323")
_BEGAN = datetime(2016, 1, 1)  # noqa: DTZ001 - CKAN's datetimes name no zone
ORGANIZATIONS = 40


class MadeUp:
    """Datasets by number; words are frequent and rare as in a language (Zipf), over
    some 9,000 syllables and names.
    """

    def __init__(self) -> None:
        chance = random.Random(20_260_701)
        syllables = list(dict.fromkeys(_syllable(chance) for _ in range(9_000)))
        self.places = [
            f"{chance.choice(('xã', 'phường'))} {a.title()} {b.title()}"
            for a, b in _pairs(syllables, 166)
        ]
        self.topics = _TOPICS.replace("\n", "|").split("|")
        self._forms, self._times = (
            _FORMS.replace("\n", "|").split("|"),
            _TIMES.split("|"),
        )
        self._notes = [*_NOTES.replace("\n", "|").split("|"), *self.topics, *syllables]
        self._notes_weights = list(
            accumulate(1 / (place + 2) ** 0.9 for place in range(len(self._notes)))
        )
        self._topic_weights = list(
            accumulate(1 / (place + 3) ** 0.7 for place in range(len(self.topics)))
        )
        self.organizations = [f"co-quan-{number:02}" for number in range(ORGANIZATIONS)]
        self._organization_weights = list(
            accumulate(1 / (place + 1) for place in range(ORGANIZATIONS))
        )

    def title(self, chance: random.Random) -> str:
        """ "Danh sách trường mầm non phường Hạc Thành năm 2024", with a rare word now
        and then.
        """
        topic = chance.choices(self.topics, cum_weights=self._topic_weights)[0]
        rare = (
            f" {chance.choices(self._notes, cum_weights=self._notes_weights)[0]}"
            if chance.random() < 0.5
            else ""
        )
        time = (
            f" {chance.choice(self._times)} {chance.randrange(2016, 2027)}"
            if chance.random() < 0.7
            else ""
        )
        said = (
            f"{chance.choice(self._forms)} {topic}{rare} "
            f"{chance.choice(self.places)}{time}"
        )
        return said[0].upper() + said[1:]

    def package(self, number: int) -> dict[str, Any]:
        """The package dict of dataset `number`, with the keys that package_show
        answers.
        """
        chance = random.Random(number)
        key = f"{number:08x}-0000-4000-8000-{number:012x}"
        created = _BEGAN + timedelta(minutes=chance.randrange(10 * 365 * 1440))
        changed = created + timedelta(minutes=chance.randrange(300 * 1440))
        organization = chance.choices(
            self.organizations, cum_weights=self._organization_weights
        )[0]
        licence, licence_title = chance.choice(_LICENCES)
        tags = sorted(
            set(chance.choices(self.topics, cum_weights=self._topic_weights, k=5))
        )
        title = self.title(chance)
        resources = [
            _resource(chance, key, place, title)
            for place in range(chance.randrange(1, 5))
        ]
        return {
            "author": None, "author_email": None, "creator_user_id": None, "id": key, "isopen": licence != "",
            "license_id": licence, "license_title": licence_title, "maintainer": None, "maintainer_email": None,
            "metadata_created": created.isoformat(timespec="microseconds"),
            "metadata_modified": changed.isoformat(timespec="microseconds"),
            "name": f"bo-du-lieu-{number}",
            "notes": " ".join(chance.choices(self._notes, cum_weights=self._notes_weights, k=35)),
            "num_resources": len(resources), "num_tags": len(tags),
            "organization": {"id": organization_id(organization), "name": organization, "type": "organization",
                             "title": f"Cơ quan {organization[-2:]}", "is_organization": True, "state": "active"},
            "owner_org": organization_id(organization), "private": False, "state": "active", "title": title,
            "type": "dataset", "url": None, "version": None,
            "extras": [{"key": "update_frequency", "value": chance.choice(("daily", "monthly", "quarterly"))}],
            "groups": [], "resources": resources,
            "tags": [{"name": tag, "display_name": tag, "id": tag, "state": "active", "vocabulary_id": None}
                     for tag in tags],
            "relationships_as_subject": [], "relationships_as_object": [],
        }  # fmt: skip

    def payloads(self, first: int, end: int) -> Iterator[bytes]:
        """Rendered package dicts, in the order of their ids."""
        return (orjson.dumps(self.package(number)) for number in range(first, end))

    def question(self, chance: random.Random) -> str:
        """One to three neighbouring pieces of a title, half of them typed without
        diacritics.
        """
        words = self.title(chance).split()
        at = chance.randrange(len(words))
        asked = " ".join(words[at : at + chance.randrange(2, 6)])
        return _bare(asked) if chance.random() < 0.5 else asked

    def beginning(self, chance: random.Random) -> str:
        """What is in a search field after a few keys: a word or two, the last
        unfinished.
        """
        words = self.title(chance).split()
        at = chance.randrange(max(1, len(words) - 1))
        asked = " ".join(words[at : at + chance.randrange(1, 4)])
        asked = asked[: max(2, len(asked) - chance.randrange(3))]
        return _bare(asked) if chance.random() < 0.5 else asked


def organization_id(name: str) -> str:
    """The identifier of an organization."""
    return f"{name[-2:]:0>8}-0000-4000-9000-{0:012}"


def _resource(
    chance: random.Random, key: str, place: int, title: str
) -> dict[str, Any]:
    kind = chance.choices(_FORMATS, (8, 6, 4, 1, 2, 2, 1, 1))[0]
    return {
        "id": f"{key[:24]}{place:012x}", "package_id": key, "name": f"{title} ({kind})", "format": kind,
        "url": f"https://du-lieu.example.vn/{key}/{place}.{kind.lower()}", "description": None, "position": place,
        "datastore_active": False, "hash": "", "mimetype": None, "resource_type": None, "size": None,
        "state": "active", "url_type": None,
    }  # fmt: skip


def _syllable(chance: random.Random) -> str:
    initial, rhyme, tone = (
        chance.choice(_INITIALS),
        chance.choice(_RHYMES),
        chance.choice(_TONES),
    )
    vowels = [place for place, letter in enumerate(rhyme) if letter in "aăâeêioôơuư"]
    at = vowels[0 if vowels[-1] == len(rhyme) - 1 else -1]  # máu, tiền
    return unicodedata.normalize(
        "NFC", initial + rhyme[: at + 1] + tone + rhyme[at + 1 :]
    )


def _pairs(syllables: list[str], count: int) -> list[tuple[str, str]]:
    return [(syllables[place * 7], syllables[place * 11 + 5]) for place in range(count)]


def _bare(text: str) -> str:
    return "".join(
        letter
        for letter in unicodedata.normalize("NFD", text)
        if not unicodedata.combining(letter)
    ).translate(str.maketrans("đĐ", "dD"))
