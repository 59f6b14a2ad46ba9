"""Consent and coarser cells: who did not say yes is in no public row, and what is to be
coarse tells of nobody.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from portal.quality.personal.treatments import (
    apply_treatments,
    coarsen,
    is_consent,
    treat_frame,
)
from schemas import catalog
from schemas.texttable import ROW, TextBatch, TextTable

NO = ("không", "Không", "KHÔNG", "khong", "ko", "k", "K", "no", "No", "N", "0", "false", "FALSE", "chưa", "Chưa đồng ý",
      "", " ", "từ chối", "không đồng ý", "-", "?", "NA", "null", "0.0", "hết hạn", "đã rút")  # fmt: skip
YES = (
    "có",
    "Có",
    "CÓ",
    "co",
    "yes",
    "YES",
    "y",
    "1",
    "1.0",
    "true",
    "True",
    "đồng ý",
    "Đồng  ý",
    "x",
    "X",
)
LABELS = ("ten", "dong_y")
SCHEMA: dict[str, Any] = {
    "fields": [
        {
            "name": "ten",
            "type": "string",
            "pd": "basic",
            "treatment": "consent",
            "consent_field": "dong_y",
        },
        {"name": "dong_y", "type": "string"},
    ]
}


def table(labels: tuple[str, ...], *rows: tuple[str, ...]) -> TextTable:
    columns = {str(i): [row[i] for row in rows] for i in range(len(labels))}
    frame = pl.DataFrame({**columns, ROW: list(range(2, len(rows) + 2))})
    return TextTable(labels, lambda: iter([TextBatch(frame)]))


def kept(shown: TextTable) -> list[str]:
    return [cell for batch in shown.batches() for cell in batch.frame["0"].to_list()]


def test_only_a_clear_yes_is_consent() -> None:
    assert [each for each in NO if is_consent(each)] == []
    assert [each for each in YES if not is_consent(each)] == []


@pytest.mark.parametrize("said", NO)
def test_who_did_not_agree_is_in_no_row(said: str) -> None:
    rows = table(LABELS, ("Người Một", said), ("Người Hai", "Có"))
    assert kept(apply_treatments(rows, SCHEMA)) == ["Người Hai"]


def test_a_table_without_the_column_of_consent_has_no_rows() -> None:
    assert kept(apply_treatments(table(("ten",), ("Người Một",)), SCHEMA)) == []


def test_the_schema_of_advisers_is_obeyed() -> None:
    schema = catalog.get("D05").descriptor
    rows = table(
        ("ten", "dong_y_cong_khai"), ("Người Một", "ko"), ("Người Hai", "true")
    )
    assert kept(apply_treatments(rows, schema)) == ["Người Hai"]


@pytest.mark.parametrize(
    ("field", "cell", "coarse"),
    [
        ({"name": "ngay_sinh", "type": "date"}, "1990-02-13", "1990-01-01"),
        ({"name": "ngay_sinh"}, "13/02/1990", "1990"),
        ({"name": "tuoi", "type": "string"}, "47", "40-49"),
        ({"name": "tuoi", "type": "integer"}, "47", "40"),
        ({"name": "lat", "type": "number"}, "19.80671", "19.80"),
        ({"name": "toa_do"}, "19.80671, 105.78523", "19.80, 105.78"),
        (
            {"name": "dia_chi"},
            "Số 12 ngõ 5 Lê Lai, phường Hạc Thành, tỉnh Thanh Hóa",
            "phường Hạc Thành, tỉnh Thanh Hóa",
        ),
        ({"name": "noi_o"}, "Thôn 3, xã Nga Sơn", "xã Nga Sơn"),
        ({"name": "noi_o"}, "Số 12 ngõ 5 Lê Lai", ""),
        ({"name": "dien_thoai"}, "0912 345 678", ""),
        ({"name": "chu_the"}, "Hộ kinh doanh Nguyễn Văn A", "Hộ kinh doanh"),
        ({"name": "chu_the"}, "Nguyễn Văn A", "(đã khái quát)"),
        ({"name": "chu_the"}, "Công ty TNHH Nga Sơn", "Công ty TNHH Nga Sơn"),
        ({"name": "chu_the"}, "", ""),
    ],
)
def test_cells_become_coarser(field: dict[str, Any], cell: str, coarse: str) -> None:
    assert coarsen(cell, field) == coarse


def test_a_condition_decides_which_rows_become_coarser() -> None:
    schema = catalog.get("nnmt/san-pham-ocop").descriptor
    labels = ["chu_the", "loai_chu_the"]
    rows = pl.DataFrame(
        {
            "0": ["Nguyễn Văn A", "HTX Nguyễn Văn A"],
            "1": ["ho_kinh_doanh", "hop_tac_xa"],
            ROW: [2, 3],
        }
    )
    assert treat_frame(rows, labels, schema)["0"].to_list() == [
        "(đã khái quát)",
        "HTX Nguyễn Văn A",
    ]
