"""What is personal and what is not: any spelling of what persons have, and innocents
that resemble it.
"""

from __future__ import annotations

import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.personal_corpus import corpus
from benchmarks.personal_data import NUMBERED, scored
from portal.quality.personal import Scan, scan_text, scan_value, strictest
from portal.quality.personal.files import of_rows
from schemas.texttable import ROW, RaggedRow, TextBatch

GUARDS = (
    "portal.quality.findings.masking",
    "portal.quality.personal",
    "portal.quality.personal.beside",
    "portal.quality.personal.cells",
    "portal.quality.personal.findings",
    "portal.quality.personal.folding",
    "portal.quality.personal.kinds",
    "portal.quality.personal.names",
    "portal.quality.personal.nested",
    "portal.quality.personal.numbers",
    "portal.quality.personal.people",
    "portal.quality.personal.scan",
    "portal.quality.personal.tags",
    "portal.quality.personal.texts",
)
HELD_OUT = 20_261_130
"""A seed that nothing was made with."""
NUMBER = "038095012345"
PROVINCES = st.sampled_from(["001", "010", "020", "038", "040", "079", "096"])
CITIZENS = st.tuples(
    PROVINCES, st.integers(0, 3), st.integers(10, 25), st.integers(0, 999_999)
).map(lambda parts: f"{parts[0]}{parts[1]}{parts[2]:02d}{parts[3]:06d}")
SIGNS = st.sampled_from(
    [
        " ",
        ".",
        "-",
        "/",
        "_",
        "\u00a0",
        "\u202f",
        "\u200b",
        "\u2060",
        " - ",
        "·",
        "–",
        "*",
        "'",
        "|",
    ]
)
AROUND = st.sampled_from(
    ["{}", " {} ", "{}.", "({})", "'{}", "số {}", "x {} y", "{} x", "\u200f{}", "№{}"]
)


def verdict_of(labels: list[str], *rows: list[str]) -> str | None:
    return strictest(of_rows(labels, rows))


@st.composite
def spelt(draw: st.DrawFn) -> str:
    """A citizen number with any one sign between any groups, within something or
    alone.
    """
    digits = draw(CITIZENS)
    cuts = sorted(draw(st.sets(st.integers(1, 11), max_size=6)) - {1})
    groups = [digits[a:b] for a, b in zip([0, *cuts], [*cuts, 12], strict=True)]
    return draw(AROUND).format(draw(SIGNS).join(groups))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(cell=spelt())
def test_any_spelling_of_a_citizen_number_is_held(cell: str) -> None:
    assert verdict_of(["ma", "ghi_chu_2"], ["1", cell]) in ("hold", "error")
    assert verdict_of(["ma", "so_cccd"], ["1", cell]) == "error"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    digits=CITIZENS,
    script=st.sampled_from(
        ["０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"]
    ),
)
def test_digits_of_any_script_are_digits(digits: str, script: str) -> None:
    cell = digits.translate(str.maketrans("0123456789", script))
    assert verdict_of(["ma", "so"], ["1", cell]) == "hold"


@pytest.mark.parametrize(
    "cell",
    [
        "38095012345",
        "38095012345.0",
        "3.8095012345E+10",
        "3.8095E+10",
        "3,8095012345e10",
    ],
)
def test_a_number_that_lost_its_zero_is_found_under_its_label(cell: str) -> None:
    assert verdict_of(["ma", "so_cccd"], ["1", cell]) == "error"


@pytest.mark.parametrize(
    "label",
    [
        "so_cccd",
        "soCCCD",
        "SỐ CCCD",
        "Căn cước công dân",
        "citizen-id",
        "cmnd_cccd",
        "CMTND",
    ],
)
def test_a_label_says_the_same_however_it_is_written(label: str) -> None:
    assert verdict_of(["ma", label], ["1", NUMBER]) == "error"


def test_one_number_among_many_cells_counts() -> None:
    cells = ["điều chỉnh"] * 60_000
    cells[41_234] = f"đã trả cho công dân, số {NUMBER}"
    scan = Scan(["stt", "ghi_chu"])
    for start in range(0, len(cells), 20_000):
        part = cells[start : start + 20_000]
        scan.batch(
            TextBatch(
                pl.DataFrame({"0": ["1"] * len(part), "1": part, ROW: range(len(part))})
            )
        )
    (found,) = scan.result()
    assert (found.label, found.kind, found.cells, found.filled) == (
        "ghi_chu",
        "citizen-id",
        1,
        60_000,
    )


def test_more_different_cells_than_are_read_are_judged_by_their_shape() -> None:
    cells = [f"0380{number:08d}"[:12] for number in range(10_050_000, 10_074_000)]
    cells[-1] = "038 095 012 345"
    scan = Scan(["stt", "so_cccd"])
    scan.batch(
        TextBatch(
            pl.DataFrame({"0": ["1"] * len(cells), "1": cells, ROW: range(len(cells))})
        )
    )
    (found,) = scan.result()
    assert (found.kind, found.verdict, found.cells) == ("citizen-id", "error", 24_000)


def test_a_row_of_a_wrong_width_is_looked_at() -> None:
    scan = Scan(["a", "b"])
    empty = pl.DataFrame(schema={"0": pl.String, "1": pl.String, ROW: pl.Int64})
    scan.batch(TextBatch(empty, ragged=(RaggedRow(2, ("1", "x", f"CCCD {NUMBER}")),)))
    (found,) = scan.result()
    assert (found.label, found.verdict) == ("", "error")


def test_no_finding_repeats_a_value() -> None:
    labels = [f"CCCD {NUMBER}", "Nguyễn Văn An", "x"]
    found = of_rows(labels, [[NUMBER, "Trần Văn Bình", f"0912345678, {NUMBER}"]])
    scan = Scan(labels)
    scan.batch(
        TextBatch(
            pl.DataFrame(
                {"0": [NUMBER], "1": ["Trần Văn Bình"], "2": ["0912345678"], ROW: [2]}
            )
        )
    )
    told = repr(
        (
            found,
            scan.result(),
            scan_text(f"CCCD {NUMBER}", "notes"),
            scan_value({NUMBER: NUMBER}),
        )
    )
    assert strictest(found) == "error"
    assert [
        each for each in (NUMBER, "Bình", "0912345678", "Nguyễn") if each in told
    ] == []


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        ({"nguoi": {"ten": "A", "cccd": NUMBER}}, "error"),
        ({"a": [{"b": {"so_can_cuoc": 38095012345}}]}, "error"),
        ([{"ho_ten": "Nguyễn Văn An", "ngay_sinh": "1990-01-02"}], "hold"),
        ({"ho_ten": "Nguyễn Văn An", "chan_doan": "Lao phổi"}, "error"),
        ({NUMBER: 1}, "hold"),
        (
            {
                "features": [
                    {
                        "ten": "Trạm 1",
                        "geometry": {"coordinates": [105.71234, 19.81234]},
                    }
                ]
            },
            None,
        ),
        (
            {
                "co_quan": "Sở A",
                "dia_chi": "Số 1 Lê Lai",
                "nguoi_dung_dau": "Nguyễn Văn An",
            },
            "warn",
        ),
    ],
)
def test_nested_values_are_looked_at_under_their_keys(
    value: object, verdict: str | None
) -> None:
    assert strictest(scan_value(value)) == verdict
    assert (
        strictest(of_rows(["a", "du_lieu"], [["x", orjson.dumps(value).decode()]]))
        == verdict
    )


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (f"Công dân Nguyễn Văn A, CCCD {NUMBER}", "error"),
        (f"Dữ liệu của {NUMBER}", "hold"),
        ("Ông Nguyễn Văn An, điện thoại 0912345678", "hold"),
        ("Nguyễn Văn An, sinh ngày 01/02/1990, thường trú tại Nga Sơn", "hold"),
        ("Bệnh nhân Nguyễn Văn An nhiễm HIV", "error"),
        ("Liên hệ Sở Y tế, hotline 19001234, 0237.3852.123", None),
        (
            "Quyết định 1234/QĐ-UBND ngày 01/02/2024; từ 01/01/2020 đến 31/12/2024, "
            "tọa độ 105.776543, 19.801234",
            None,
        ),
        (
            "Số liệu bệnh nhân HIV theo huyện; đường Nguyễn Trãi, Trường THPT Lê Lợi",
            None,
        ),
        (
            "Mã 1.000123.000.00.00.H56, 9f1c2d3e-0123-4567-8901-234567890123, phiên "
            "bản 1.2.3",
            None,
        ),
    ],
)
def test_texts_are_looked_at_line_by_line(text: str, verdict: str | None) -> None:
    assert strictest(scan_text(text)) == verdict


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    cell=st.one_of(
        st.integers(1_000_000_000_000, 1_900_000_000_000).map(str),
        st.floats(0, 1000, allow_nan=False).map(lambda number: f"{number:.10f}"),
        st.datetimes().map(lambda moment: moment.strftime("%d/%m/2025 %H:%M")),
        st.datetimes().map(lambda moment: moment.replace(year=2025).isoformat()),
        st.uuids().map(str),
        st.integers(0, 10**9).map(lambda number: f"893{number:010d}"),
        st.integers(0, 10**6).map(lambda number: f"{number}/QĐ-UBND"),
    )
)
def test_moments_measures_and_serials_are_nothing_personal(cell: str) -> None:
    assert verdict_of(["ma", "gia_tri_do"], ["1", cell]) in (None, "warn")


def test_precision_and_recall_on_tables_that_nothing_was_made_with() -> None:
    score = scored(corpus(HELD_OUT, 2))
    kinds = [kind for kind in score.planted if kind]
    low = {kind: (score.recall(kind), score.precision(kind)) for kind in kinds}
    bound = {kind: 0.98 if kind in NUMBERED else 0.9 for kind in kinds}
    wrong = {kind: each for kind, each in low.items() if min(each) < bound[kind]}
    assert wrong == {}, [
        (made.labels, verdict, mentions) for made, verdict, mentions in score.misjudged
    ]
    assert score.right[""] / score.planted[""] >= 0.98
