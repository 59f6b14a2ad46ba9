"""Names of persons by what they look like: Vietnamese family names, capitals, and what
makes a name no person's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from portal.quality.personal.folding import fold

_FAMILY_NAMES = """
nguyen tran le pham hoang huynh phan vu vo dang bui do ho ngo duong ly dao doan vuong trinh truong dinh lam
phung mai to ha cao luu luong thai chau ta phi quach kieu nghiem tong lai la khong chu bach giap mac luc au
ong uong quan than khuc vi che lo lu giang hua van vien tieu tang ton ung doi dieu danh thach son kim cam sam
nong trieu dam ninh bang phu tu sung vang lau thao hang phuong trieu mua cu quang bac hac tao ngan lieu cung
an thieu que nham vien trang chu lac hung khieu tri tuong mong luu hoa loc nguy bien
"""
FAMILY_NAMES = frozenset(_FAMILY_NAMES.split())
_USUAL = """
nguyen tran le pham hoang huynh phan vu vo dang bui do ho ngo duong ly dao doan vuong trinh truong dinh lam
phung mai to ha cao luu luong thai chau ta quach kieu nghiem tong lai la chu bach mac
"""
USUAL = frozenset(_USUAL.split())
"""Family names that make a name of two words, anywhere in a text, a person's."""
_MIDDLE = """
van thi huu duc minh xuan ngoc thanh quoc dinh cong the hong thu kim ba viet tuan quang
"""
MIDDLE = frozenset(_MIDDLE.split())
_FAMOUS = """
Nguyễn Trãi|Lê Lợi|Lê Lai|Lê Thánh Tông|Lê Hoàn|Lê Đại Hành|Lê Hồng Phong|Lê Duẩn|Lê Quý Đôn|Lê Thánh Tôn
Lê Văn Hưu|Lê Thái Tổ|Lê Nhân Tông|Lê Ngọc Hân|Lê Chân|Lê Văn Tám|Lê Hữu Trác|Lê Hữu Lập|Lê Phụng Hiểu
Lê Tất Đắc|Lê Uy|Trần Hưng Đạo|Trần Phú|Trần Quốc Toản|Trần Nhân Tông|Trần Nguyên Hãn|Trần Cao Vân
Trần Nhật Duật|Trần Khát Chân|Trần Quang Khải|Trần Bình Trọng|Trần Khánh Dư|Trần Thủ Độ|Trần Oanh|Trần Xuân Soạn
Trần Mai Ninh|Trần Thái Tông|Quang Trung|Nguyễn Huệ|Nguyễn Du|Nguyễn Trường Tộ|Nguyễn Công Trứ|Nguyễn Bỉnh Khiêm
Nguyễn Đình Chiểu|Nguyễn Khuyến|Nguyễn Thái Học|Nguyễn Chí Thanh|Nguyễn Văn Trỗi|Nguyễn Tri Phương
Nguyễn Thị Minh Khai|Nguyễn Văn Cừ|Nguyễn Hiệu|Nguyễn Thị Định|Nguyễn Văn Linh|Nguyễn Hoàng|Nguyễn Chích
Nguyễn Viết Xuân|Nguyễn Phục|Nguyễn Tất Thành|Nguyễn Sơn|Nguyễn Trực|Nguyễn Cảnh Chân|Nguyễn Xiển|Nguyễn Tuân
Nguyễn Hữu Cảnh|Nguyễn Ái Quốc|Nguyễn Quỳnh|Nguyễn Bặc|Hồ Chí Minh|Hồ Xuân Hương|Hồ Quý Ly|Hồ Nguyên Trừng
Hồ Tùng Mậu|Hoàng Hoa Thám|Hoàng Văn Thụ|Hoàng Diệu|Hoàng Quốc Việt|Phan Bội Châu|Phan Chu Trinh|Phan Châu Trinh
Phan Đình Phùng|Phan Đình Giót|Phan Huy Chú|Phan Đăng Lưu|Phạm Ngũ Lão|Phạm Hồng Thái|Phạm Văn Đồng|Phạm Bành
Phạm Ngọc Thạch|Phạm Hùng|Phạm Văn Hinh|Đinh Tiên Hoàng|Đinh Công Tráng|Đinh Lễ|Đinh Bộ Lĩnh|Đinh Liệt
Đào Duy Từ|Đào Duy Anh|Đào Tấn|Đặng Thai Mai|Đặng Dung|Đặng Tất|Đặng Trần Côn|Đặng Thùy Trâm|Lý Thường Kiệt
Lý Thái Tổ|Lý Nam Đế|Lý Tự Trọng|Lý Nhân Tông|Lý Quốc Sư|Ngô Quyền|Ngô Sĩ Liên|Ngô Thì Nhậm|Ngô Gia Tự|Ngô Từ
Võ Nguyên Giáp|Võ Thị Sáu|Võ Văn Kiệt|Bùi Thị Xuân|Bùi Xuân Phái|Tống Duy Tân|Dương Đình Nghệ|Dương Văn Nga
Trịnh Khả|Trịnh Kiểm|Trịnh Công Sơn|Trương Định|Trương Hán Siêu|Tôn Đức Thắng|Tôn Thất Tùng|Tôn Thất Thuyết
Tô Hiến Thành|Tô Vĩnh Diện|Tô Hiệu|Tô Hoài|Tô Ngọc Vân|Cao Bá Quát|Cao Thắng|Cao Sơn|Mai Thúc Loan|Mai An Tiêm
Mai Xuân Thưởng|Mạc Đĩnh Chi|Chu Văn An|Lương Thế Vinh|Lương Đắc Bằng|Lương Ngọc Quyến|Hàm Nghi|Hàn Thuyên
Hàn Mặc Tử|Bà Triệu|Hai Bà Trưng|Triệu Quốc Đạt|Triệu Thị Trinh|Kim Đồng|Đội Cung|Đoàn Thị Điểm|Huỳnh Thúc Kháng
Phùng Hưng|Phùng Khắc Khoan|Vũ Trọng Phụng|Xuân Diệu|Cầm Bá Thước|Hà Văn Mao|Hà Nội|Hà Nam|Hà Tĩnh|Hà Giang
Hà Trung|Hà Long|Hà Đông|Lâm Đồng|Lâm Sơn|Cao Bằng|Thái Nguyên|Thái Bình|Đồng Tháp|Vĩnh Long|Tây Ninh|An Giang
Ninh Bình|Ninh Thuận|Quảng Ninh|Bắc Ninh|Bắc Giang|Tô Châu|Thạch Thành|Thạch Hà|Triệu Sơn|Lang Chánh|Quan Sơn
Quan Hóa|Mường Lát|Cẩm Thủy|Cẩm Phả|Nông Cống|Hoằng Hóa|Đông Sơn|Hà Tiên|Bạch Mai|Hồ Tây|Lạc Long Quân|Âu Cơ
An Dương Vương|Hùng Vương|Thánh Gióng|Yết Kiêu|Dã Tượng|Tản Đà|Tú Xương|Nam Cao|Tố Hữu|Thợ Nhuộm|Hàng Đào
Lạc Trung
"""
FAMOUS = frozenset(fold(name) for name in _FAMOUS.replace("\n", "|").split("|") if name)
"""Persons that streets and schools are named after, and places whose names begin like
names of families.
"""
ORGANIZED = re.compile(
    r"(?i)\b(?:công ty|cty|doanh nghiệp|dntn|htx|hợp tác xã|sở|ubnd|ủy ban|uỷ "
    r"ban|trường|thpt|thcs|tiểu học|mầm non|"
    r"trung tâm|bệnh viện|phòng|ban quản lý|chi cục|cục|hội|liên đoàn|viện|nhà máy|xí "
    r"nghiệp|ngân hàng|trạm|cơ sở|"
    r"chi nhánh|tổng|tập "
    r"đoàn|company|ltd|school|hospital|department|bank|office|tnhh|cp|jsc|hkd|đội|kho "
    r"bạc|"
    r"cửa hàng|siêu thị|khách sạn|nhà hàng|quầy thuốc|nhà thuốc|đại lý|ủy viên|đảng "
    r"ủy|xã|phường|huyện|thị trấn|tỉnh)\b"
)
_TITLE = re.compile(
    r"^(?:(?:hộ "
    r")?(?:ông|bà)|anh|chị|cháu|em|cụ|mr|mrs|ms|miss|ong|ba|gs|pgs|ts|ths|bs|bsckii?|dr|cn|ks|đ/c|đc)[. "
    r":]+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
_PERSON = re.compile(
    r"(?i)\b(?:ông|bà|anh|chị|em|cháu|cụ|công dân|bệnh nhân|họ và tên|họ tên|chủ "
    r"hộ|học sinh|sinh viên|"
    r"người tên|tên là|"
    r"đồng chí|đ/c|mr|mrs|ms|hộ|bị cáo|bị can|đối tượng|khách hàng|nạn nhân|chủ "
    r"xe|người dân|người nộp|người bệnh)\b"
)
_PLACES = """
đường phố trường thpt thcs cầu chợ ngõ phường xã quận huyện tỉnh thôn làng đền chùa công-viên tượng street
road khu bệnh-viện hồ giải đoạn tuyến số thị trấn quảng viện học
"""
_PLACED = frozenset(_PLACES.split())
_NO_FAMILY = frozenset(
    (
        "trường",
        "đường",
        "phố",
        "chợ",
        "cầu",
        "tổng",
        "hội",
        "công",
        "đoàn",
        "hàng",
        "lễ",
        "bệnh",
    )
)
"""Words that only look like names of families without their diacritics."""
_LONGEST = 60
MOST_WORDS = 6


def is_name(text: str) -> bool:
    """Whether a cell looks like the name of one Vietnamese person."""
    cell = _TITLE.sub("", text.strip())
    if not 3 <= len(cell) <= _LONGEST or any(sign.isdigit() for sign in cell):
        return False
    # A dot may part initials without a blank.
    words = cell.replace(".", " ").split()
    if not 2 <= len(words) <= MOST_WORDS or not all(_is_word(word) for word in words):
        return False
    is_family = fold(words[0]) in FAMILY_NAMES and words[0].lower() not in _NO_FAMILY
    return is_family and not ORGANIZED.search(cell)


def is_family_name(text: str) -> bool:
    """Whether a cell looks like a family name, alone or with the words between it and
    the given name.
    """
    words = text.split()
    return (
        1 <= len(words) <= 3 and fold(words[0]) in USUAL and all(map(_is_word, words))
    )


def _is_word(word: str) -> bool:
    """Whether a word is written as in a name: capitalised, or all in capitals."""
    return (
        word[0].isupper()
        and word.isalpha()
        and (word.isupper() or word[1:].islower() or len(word) == 1)
    )


def is_wordy(text: str) -> bool:
    """Whether a cell could be somebody's name at all: words without digits, and no
    organization's.
    """
    cell = text.strip()
    return (
        bool(_WORD.search(cell))
        and not any(s.isdigit() for s in cell)
        and not ORGANIZED.search(cell)
    )


def share_of_names(cells: Iterable[str]) -> float:
    """Which part of these cells looks like names of persons; none where most are famous
    ones, as those of streets.
    """
    listed = list(cells)
    named = [cell for cell in listed if is_name(cell)]
    famous = sum(fold(cell) in FAMOUS for cell in named)
    return (
        0.0
        if not listed or 2 * famous >= len(named)
        else (len(named) - famous) / len(listed)
    )


def mentions_person(text: str) -> bool:
    """Whether a text names a person: a full name after a word for persons, or one with
    a usual family name.
    """
    words = list(_WORD.finditer(text))
    index = 0
    while index < len(words):
        length = _name_length(text, words, index)
        if length >= 2 and _is_person(text, words, index, length):
            return True
        index += 1
    return False


def _name_length(text: str, words: list[re.Match[str]], first: int) -> int:
    """How many words, one blank apart, could be one name from this word on."""
    length = 0
    while first + length < len(words) and length < MOST_WORDS:
        word = words[first + length]
        if not _is_word(word[0]) or (
            length
            and text[words[first + length - 1].end() : word.start()] not in (" ", "  ")
        ):
            break
        length += 1
    return length


def _is_person(text: str, words: list[re.Match[str]], first: int, length: int) -> bool:
    """Whether `length` words from `first` on name a person, by the words before and the
    family name.
    """
    names = [fold(word[0]) for word in words[first : first + length]]
    before = text[max(0, words[first].start() - 24) : words[first].start()]
    spoken = [match.end() for match in _PERSON.finditer(before)]
    # The word counts only right before the name, with nothing but signs between.
    introduced = bool(spoken) and not before[spoken[-1] :].strip(" :.,-")
    if words[first][0].lower() in _NO_FAMILY:
        return False
    if names[0] in FAMILY_NAMES and introduced:
        return True
    if names[0] not in USUAL or " ".join(names) in FAMOUS:
        return False
    place = words[first - 1][0].lower() if first else ""
    # Two capitalised words are too little, unless the second is a usual middle name or
    # an initial: many places and things are written so.
    return place not in _PLACED and (
        length >= 3 or names[1] in MIDDLE or len(words[first + 1][0]) == 1
    )
