"""Made-up values of persons and of what resembles them: nobody's numbers, names put
together from common parts.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import date, timedelta


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split("|"))


FAMILY = _split(
    "Nguyễn|Trần|Lê|Phạm|Hoàng|Phan|Vũ|Đặng|Bùi|Đỗ|Hồ|Ngô|Dương|Lý|Trịnh|Mai|Hà|Lương|Cao|Đinh|Quách|Lưu|Tống"
)
MIDDLE = _split(
    "Văn|Thị|Hữu|Đức|Minh|Xuân|Ngọc|Thanh|Quốc|Công|Thu|Hồng|Bá|Thế|Kim|Anh"
)
GIVEN = _split(
    "An|Bình|Cường|Dung|Giang|Hà|Hạnh|Hùng|Khoa|Lan|Linh|Long|Mai|Nam|Nga|Oanh|Phúc|Quân|Sơn|Tâm|Thảo|Tuấn|Vinh|Yến"
)
COMMUNES = (
    "Nga Sơn",
    "Hạc Thành",
    "Sầm Sơn",
    "Thọ Xuân",
    "Yên Định",
    "Hoằng Hóa",
    "Tĩnh Gia",
    "Vĩnh Lộc",
    "Ngọc Lặc",
)
STREETS = (
    "Lê Lai",
    "Trần Phú",
    "Nguyễn Trãi",
    "Hàng Đồng",
    "Cao Thắng",
    "Bà Triệu",
    "Quang Trung",
    "Lê Hoàn",
)
PROVINCES = ("001", "038", "036", "040", "079", "031", "022", "092", "014", "045")
SIGNS = (
    " ",
    ".",
    "-",
    "/",
    "\u00a0",
    "\u2009",
    "_",
    "·",
    " - ",
    "\u200b",
    "–",
    "'",
    ":",
)
DIGITS = ("０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९")
ILLNESSES = _split(
    "HIV dương tính|Lao phổi|Tâm thần phân liệt|Ung thư vú|Khuyết tật vận động|Đái "
    "tháo đường|Viêm gan B"
)
Dice = random.Random
Cells = Callable[[Dice], str]


def name(dice: Dice) -> str:
    """A name of two to four words, in one of the ways that offices write names."""
    words = [
        dice.choice(FAMILY),
        *dice.sample(MIDDLE, dice.choice((1, 1, 1, 2))),
        dice.choice(GIVEN),
    ]
    said = " ".join(words)
    return dice.choice(
        (said, said, said, said.upper(), f"{dice.choice(('Ông', 'Bà'))} {said}")
    )


def citizen(dice: Dice) -> str:
    """Twelve digits built like a citizen number of somebody who could live."""
    year = dice.randint(1935, 2024)
    sex = 2 * (year >= 2000) + dice.randint(0, 1)
    return f"{dice.choice(PROVINCES)}{sex}{year % 100:02d}{dice.randint(0, 999999):06d}"


def parted(digits: str, dice: Dice) -> str:
    """Digits in groups, with one sign between."""
    groups, rest = [], digits
    while rest:
        size = min(dice.choice((2, 3, 3, 3, 4, 6)), len(rest))
        groups.append(rest[:size])
        rest = rest[size:]
    return dice.choice(SIGNS).join(groups)


def foreign(digits: str, dice: Dice) -> str:
    """Digits of another script."""
    return digits.translate(str.maketrans("0123456789", dice.choice(DIGITS)))


def mobile(dice: Dice) -> str:
    """A mobile number as people write it."""
    digits = dice.choice(
        (
            "032",
            "035",
            "038",
            "056",
            "070",
            "077",
            "081",
            "085",
            "090",
            "091",
            "097",
            "098",
        )
    )
    rest = f"{dice.randint(0, 9999999):07d}"
    return dice.choice(
        (
            digits + rest,
            f"{digits}{rest[0]} {rest[1:4]} {rest[4:]}",
            f"{digits}{rest[0]}.{rest[1:4]}.{rest[4:]}",
            f"+84 {digits[1:]}{rest}",
            f"84{digits[1:]}{rest}",
            f"({digits}{rest[0]}) {rest[1:4]}-{rest[4:]}",
            digits[1:] + rest,
        )
    )


def birth(dice: Dice) -> str:
    """A day of birth, or a year."""
    day = date(1940, 1, 1) + timedelta(days=dice.randint(0, 30_000))
    return dice.choice(
        (
            f"{day:%d/%m/%Y}",
            day.isoformat(),
            f"{day:%d-%m-%Y}",
            str(day.year),
            f"{day:%d.%m.%Y}",
        )
    )


def home(dice: Dice) -> str:
    """An address where somebody could live."""
    return dice.choice(
        (
            f"Số {dice.randint(1, 300)} ngõ {dice.randint(1, 90)} "
            f"{dice.choice(STREETS)}",
            f"Thôn {dice.randint(1, 12)}, xã {dice.choice(COMMUNES)}",
            f"{dice.randint(1, 300)} đường {dice.choice(STREETS)}, phường "
            f"{dice.choice(COMMUNES)}",
            f"Tổ {dice.randint(1, 20)}, phố {dice.choice(STREETS)}, P. "
            f"{dice.choice(COMMUNES)}",
        )
    )


def mail(dice: Dice) -> str:
    """A private address."""
    host = dice.choice(("gmail.com", "yahoo.com.vn", "example.com", "outlook.com"))
    return f"{dice.choice('abcdefgh')}.{dice.choice(('nguyen', 'tran', 'le'))}{dice.randint(1, 99)}@{host}"


def plate(dice: Dice) -> str:
    """A plate of a car or a motorcycle."""
    series = dice.choice(("A", "B", "C", "B1", "AA", "F5"))
    number = f"{dice.randint(0, 99999):05d}"
    return dice.choice(
        (
            f"36{series}-{number[:3]}.{number[3:]}",
            f"36{series}-{number}",
            f"36-{series} {number[:3]}.{number[3:]}",
        )
    )


def digits_of(count: int, first: str = "") -> Cells:
    """Cells of so many random digits."""
    return lambda dice: (
        first + "".join(dice.choice("0123456789") for _ in range(count - len(first)))
    )


def one_of(*values: str) -> Cells:
    """Cells that are one of these."""
    return lambda dice: dice.choice(values)


def number_between(low: int, high: int) -> Cells:
    """Cells of whole numbers."""
    return lambda dice: str(dice.randint(low, high))


IDENTITY = _split(
    "so_cccd|CCCD|Số CCCD/CMND|soCccd|can_cuoc_cong_dan|Căn cước công dân|SỐ ĐỊNH "
    "DANH CÁ NHÂN|citizen_id|"
    "National ID|so-cccd|Số căn cước|cccd_chu_ho|Số CC|idCard|giay_to_tuy_than"
)
NAMES = _split(
    "ho_ten|Họ và tên|hoTen|HỌ TÊN|full_name|chu_ho|Tên chủ hộ|Họ tên học "
    "sinh|nguoi_nop|ten|Tên công dân|"
    "chu_xe|Người được cấp|ten_nguoi_dan|hovaten|c1|cot_2"
)
SURE_NAMES = NAMES[:9]
NOTHING = (
    "ghi_chu_2",
    "c3",
    "so",
    "gia_tri_khac",
    "Thông tin",
    "noi_dung",
    "F7",
    "cot_4",
    "truong_1",
)
FILLERS: tuple[tuple[str, Cells], ...] = (
    ("stt", number_between(1, 999)),
    ("xa", one_of(*COMMUNES)),
    ("ma_xa", number_between(14000, 16999)),
    ("dien_tich", lambda dice: f"{dice.random() * 900:.1f}"),
    ("loai", one_of("A", "B", "C")),
    ("trang_thai", one_of("Đã duyệt", "Chờ", "Từ chối")),
    ("ngay_cap", lambda dice: f"2025-0{dice.randint(1, 9)}-1{dice.randint(0, 9)}"),
)


def sentence(dice: Dice) -> str:
    """A citizen number in a sentence that names its paper."""
    number = dice.choice((citizen(dice), parted(citizen(dice), dice)))
    return dice.choice(
        (
            f"Công dân {name(dice)}, CCCD số {number} xin cấp giấy",
            f"Họ tên: {name(dice)}; CCCD: {number}; SĐT: {mobile(dice)}",
            f"CCCD:{number}",
            f"căn cước công dân {number}",
            f"{number} (CCCD)",
            f"Chủ hộ có số định danh {number}, đã nộp đủ",
            f"Citizen ID {number}",
            f"CMND/CCCD: {number} cấp ngày 12/05/2021",
        )
    )


def any_citizen(dice: Dice) -> str:
    """A citizen number in any spelling."""
    number = citizen(dice)
    return dice.choice(
        (
            number,
            parted(number, dice),
            foreign(number, dice),
            f"\u200b{number}",
            f" {number} ",
            f"'{number}",
        )
    )


def as_number(dice: Dice) -> str:
    """A citizen number as spreadsheets and programs leave it."""
    number = citizen(dice)[1:].rjust(11, "3")
    while number[0] == "0":
        number = citizen(dice)[1:]
    return dice.choice(
        (number, f"{number}.0", f"{number[0]}.{number[1:]}E+10", f"{number}.00")
    )


def nested(dice: Dice) -> str:
    """A citizen number in a record inside a cell."""
    number = citizen(dice)
    return dice.choice(
        (
            f'{{"cccd": "{number}"}}',
            f'[{{"giay_to": {{"so_cccd": "{number}"}}}}]',
            f'{{"soCanCuoc": {number[1:] if number[1] != "0" else 38095012345}}}',
        )
    )


def latitude(dice: Dice) -> str:
    """Where a station stands."""
    return f"19.{dice.randint(10000, 99999)}"


def longitude(dice: Dice) -> str:
    """The other half of it."""
    return f"105.{dice.randint(10000, 99999)}"


def position(dice: Dice) -> str:
    """Both in one cell."""
    return f"{latitude(dice)}, {longitude(dice)}"


def random_id(dice: Dice) -> str:
    """A UUID."""
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def moment(dice: Dice) -> str:
    """A day and a time, as people write them: twelve digits."""
    return f"0{dice.randint(1, 9)}/0{dice.randint(1, 9)}/2025 0{dice.randint(6, 9)}:30"


def iso_moment(dice: Dice) -> str:
    """The same as programs write it."""
    return f"2025-0{dice.randint(1, 9)}-11T17:{dice.randint(10, 59)}:00+07:00"


def file_number(dice: Dice) -> str:
    """A number of a file, with the identifier of its office."""
    return f"000.12.05.H56-25{dice.randint(1000, 9999)}-{dice.randint(1000, 9999)}"


def certificate(dice: Dice) -> str:
    """A serial of a land certificate."""
    return f"{dice.choice(('CS', 'BK', 'DA'))} {dice.randint(100000, 999999)}"
