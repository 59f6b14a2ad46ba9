"""Made-up tables for the look at personal data: planted kinds in any spelling, and
innocents that resemble them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.personal_values import (
    COMMUNES,
    FILLERS,
    IDENTITY,
    ILLNESSES,
    NAMES,
    NOTHING,
    STREETS,
    SURE_NAMES,
    Cells,
    Dice,
    any_citizen,
    as_number,
    birth,
    certificate,
    citizen,
    digits_of,
    file_number,
    home,
    iso_moment,
    latitude,
    longitude,
    mail,
    mobile,
    moment,
    name,
    nested,
    number_between,
    one_of,
    plate,
    position,
    random_id,
    sentence,
)


@dataclass(frozen=True)
class Made:
    """A table: what was planted in it ("" for an innocent one), and the verdicts that
    are right.
    """

    kind: str
    right: frozenset[str]
    labels: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


ERROR, HELD, STAYS = (
    frozenset({"error"}),
    frozenset({"hold", "error"}),
    frozenset({"", "warn"}),
)
EITHER = frozenset({"", "warn", "hold"})
Plan = tuple[str, frozenset[str], tuple[str, ...], Cells, tuple[str, ...]]
"""Kind, right verdicts, labels to choose from, cells, and labels of the name beside
(none: no name).
"""
PLANTED: tuple[Plan, ...] = (
    ("citizen-id", ERROR, IDENTITY, any_citizen, ()),
    ("citizen-id", ERROR, IDENTITY, as_number, ()),
    ("citizen-id", HELD, NOTHING, any_citizen, ()),
    ("citizen-id", ERROR, NOTHING, citizen, SURE_NAMES),
    ("citizen-id", ERROR, (*NOTHING, "ghi_chu"), sentence, ()),
    ("citizen-id", ERROR, ("thong_tin", "nguoi", "du_lieu"), nested, ()),
    ("citizen-id", ERROR, ("mst", "Mã số thuế", "tax_code"), citizen, ()),
    (
        "old-citizen-id",
        ERROR,
        ("so_cmnd", "CMND", "Số chứng minh nhân dân", "cmt", "CMTND"),
        digits_of(9),
        (),
    ),
    (
        "passport",
        ERROR,
        ("ho_chieu", "Số hộ chiếu", "passport_no", "Passport"),
        digits_of(8, "B"),
        (),
    ),
    (
        "driving-licence",
        ERROR,
        ("gplx", "Số giấy phép lái xe", "bang_lai_xe", "driving_licence"),
        digits_of(12),
        (),
    ),
    (
        "health-insurance",
        ERROR,
        ("so_the_bhyt", "Mã thẻ BHYT", "bao_hiem_y_te"),
        digits_of(15, "GD438"),
        (),
    ),
    (
        "social-insurance",
        ERROR,
        ("so_bhxh", "Mã số BHXH", "social_insurance_no"),
        digits_of(10),
        (),
    ),
    (
        "phone",
        HELD,
        (
            "sdt",
            "Số điện thoại",
            "dienThoai",
            "mobile",
            "Di động",
            "lien_he",
            "phone_number",
            "Zalo",
        ),
        mobile,
        NAMES,
    ),
    ("email", HELD, ("email", "E-mail", "thu_dien_tu", "lien_he", "mail"), mail, NAMES),
    (
        "plate",
        HELD,
        ("bien_so", "Biển số xe", "BKS", "plate_no", "bien_kiem_soat"),
        plate,
        NAMES,
    ),
    (
        "bank-account",
        HELD,
        ("stk", "Số tài khoản", "so_tk", "account_number", "taiKhoan"),
        digits_of(13),
        NAMES,
    ),
    (
        "person-tax-code",
        HELD,
        ("mst_ca_nhan", "Mã số thuế cá nhân", "mst", "MST TNCN"),
        digits_of(10, "8"),
        NAMES,
    ),
    (
        "birth-date-with-name",
        HELD,
        (
            "ngay_sinh",
            "Năm sinh",
            "dob",
            "date_of_birth",
            "NTNS",
            "ngaySinh",
            "sinh_ngay",
        ),
        birth,
        NAMES,
    ),
    (
        "home-address",
        HELD,
        ("noi_o", "Địa chỉ", "thuong_tru", "Hộ khẩu", "dia_chi_nha", "address", "c9"),
        home,
        NAMES,
    ),
    (
        "health",
        ERROR,
        (
            "chan_doan",
            "Bệnh",
            "tinh_trang_suc_khoe",
            "Dạng khuyết tật",
            "diagnosis",
            "c8",
        ),
        one_of(*ILLNESSES),
        NAMES,
    ),
    (
        "sex-with-name",
        HELD,
        ("gioi_tinh", "Giới tính", "sex", "Nam/Nữ"),
        one_of("Nam", "Nữ"),
        NAMES,
    ),
    (
        "origin",
        HELD,
        ("dan_toc", "Tôn giáo", "ethnicity", "religion"),
        one_of("Mường", "Thái", "Kinh", "H'Mông"),
        NAMES,
    ),
    ("home-coordinates", HELD, ("toa_do", "Tọa độ", "location"), position, SURE_NAMES),
)
OFFICES = one_of(
    "Sở Y tế",
    "UBND xã Nga Sơn",
    "Công ty TNHH Một",
    "Trường THPT Hai",
    "HTX Ba",
    "Sở Tài chính",
)
Innocent = tuple[frozenset[str], tuple[tuple[tuple[str, ...], Cells], ...]]
INNOCENT: tuple[Innocent, ...] = (
    (
        STAYS,
        (
            (("ten_dn", "doanh_nghiep", "Tên công ty"), OFFICES),
            (("mst", "ma_so_thue"), digits_of(10, "28")),
        ),
    ),
    (
        STAYS,
        (
            (("ten_dn", "cong_ty"), OFFICES),
            (("mst", "Mã số thuế"), digits_of(10, "03")),
        ),
    ),
    (
        STAYS,
        (
            (("co_quan", "Đơn vị"), OFFICES),
            (("hotline", "duong_day_nong", "dien_thoai"), digits_of(11, "0237")),
        ),
    ),
    (STAYS, ((("co_quan",), OFFICES), (("hotline", "dien_thoai"), mobile))),
    (
        STAYS,
        (
            (("co_quan", "don_vi"), OFFICES),
            (
                ("email", "thu_dien_tu"),
                one_of("sotc@thanhhoa.gov.vn", "vp@vidu.gov.vn"),
            ),
        ),
    ),
    (
        STAYS,
        (
            (("mat_hang", "san_pham"), one_of("Gạo", "Thép")),
            (("gia", "so_tien", "Thành tiền"), number_between(10**8, 10**11)),
        ),
    ),
    (
        STAYS,
        (
            (("tram",), one_of("T1", "T2")),
            (("vi_do", "lat"), latitude),
            (("kinh_do", "lon"), longitude),
        ),
    ),
    (
        STAYS,
        (
            (
                ("t", "thoi_diem", "timestamp"),
                lambda d: str(1_700_000_000_000 + d.randint(0, 10**9)),
            ),
            (("v",), number_between(1, 99)),
        ),
    ),
    (
        STAYS,
        (
            (("sp",), one_of("A", "B")),
            (("ma_vach", "barcode", "ean"), digits_of(13, "893")),
        ),
    ),
    (
        STAYS,
        (
            (("duong", "Tên đường", "street"), one_of(*STREETS)),
            (("chieu_dai",), number_between(100, 4000)),
        ),
    ),
    (
        STAYS,
        (
            (("truong", "Tên trường"), one_of("THCS A", "Tiểu học B")),
            (("dia_chi", "Địa chỉ"), home),
        ),
    ),
    (STAYS, ((("hang",), one_of("Gạo", "Thép")), (("ma_hs",), digits_of(8)))),
    (
        STAYS,
        (
            (("co_quan",), OFFICES),
            (("ma_dinh_danh",), one_of("000.00.00.H56", "H56.1.2", "000.12.05.H56")),
        ),
    ),
    (
        STAYS,
        (
            (("xa",), one_of(*COMMUNES)),
            (("nam_sinh",), number_between(1950, 2020)),
            (("so_nguoi",), number_between(1, 999)),
        ),
    ),
    (
        STAYS,
        (
            (("benh", "Tên bệnh"), one_of(*ILLNESSES)),
            (("so_ca",), number_between(1, 99)),
            (("nam",), number_between(2015, 2025)),
        ),
    ),
    (
        STAYS,
        (
            (("tram",), one_of("T1", "T2")),
            (("gia_tri", "muc_nuoc"), lambda d: f"{d.random() * 10:.12f}"),
        ),
    ),
    (
        STAYS,
        (
            (("co_quan", "Đơn vị"), OFFICES),
            (("nguoi_dung_dau", "Giám đốc", "Người đại diện"), name),
        ),
    ),
    (STAYS, ((("xa",), one_of(*COMMUNES)), (("so_gcn", "Số GCN"), certificate))),
    (STAYS, ((("bat_dau",), moment), (("ket_thuc",), iso_moment))),
    (
        STAYS,
        ((("ma_ho_so",), file_number), (("linh_vuc",), one_of("Đất đai", "Hộ tịch"))),
    ),
    (
        STAYS,
        (
            (("don_vi",), OFFICES),
            (("so_van_ban", "so_hieu"), lambda d: f"{d.randint(1, 9999)}/QĐ-UBND"),
        ),
    ),
    (STAYS, ((("id", "uuid"), random_id), (("v",), number_between(1, 9)))),
    (
        EITHER,
        (
            (("lo",), one_of("A", "B")),
            (
                ("so_lo", "so_ho_so", "serial"),
                lambda d: f"0{d.randint(10**9, 9 * 10**10):011d}"[:12],
            ),
        ),
    ),
    (EITHER, ((("ten_dn",), OFFICES), (("ma_so_thue",), digits_of(10, "8")))),
    (EITHER, ((("tuyen",), one_of("01", "02")), (("bien_so",), plate))),
    (
        EITHER,
        (
            (("noi_dung",), one_of("Chi thường xuyên", "Chi đầu tư")),
            (("tai_khoan",), digits_of(6)),
        ),
    ),
)


def planted(plan: Plan, dice: Dice) -> Made:
    """A table with one kind planted in it; now and then in one cell of many only."""
    kind, right, labels, cells, beside = plan
    columns: list[tuple[str, Cells]] = dice.sample(FILLERS, dice.randint(1, 3))
    rows = dice.choice((2, 5, 20, 200))
    rare = rows == 200 and not beside and kind == "citizen-id"
    lonely = dice.randrange(rows)
    bearer: list[tuple[str, Cells]] = [(dice.choice(labels), cells)]
    bearer += [(dice.choice(beside), name)] if beside else []
    mixed = [*columns, *bearer]
    dice.shuffle(mixed)
    made = []
    for row in range(rows):
        made.append(
            tuple(
                "" if rare and cell is cells and row != lonely else cell(dice)
                for _, cell in mixed
            )
        )
    return Made(kind, right, tuple(label for label, _ in mixed), tuple(made))


def innocent(plan: Innocent, dice: Dice) -> Made:
    """A table that resembles personal data and holds none."""
    right, columns = plan
    chosen = [(dice.choice(labels), cells) for labels, cells in columns]
    taken = {label for label, _ in chosen}
    fillers = [each for each in dice.sample(FILLERS, 2) if each[0] not in taken]
    chosen += fillers if dice.random() < 0.5 else []
    rows = tuple(
        tuple(cells(dice) for _, cells in chosen)
        for _ in range(dice.choice((2, 10, 60)))
    )
    return Made("", right, tuple(label for label, _ in chosen), rows)


def corpus(seed: int, each: int) -> Iterator[Made]:
    """So many tables of every kind and of every sort of innocents, always the same ones
    for a seed.
    """
    dice = Dice(seed)
    for _ in range(each):
        yield from (planted(plan, dice) for plan in PLANTED)
        yield from (innocent(plan, dice) for plan in INNOCENT)
