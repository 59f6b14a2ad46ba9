"""What the checks say that a schema asks for between cells, parts of codes, wholes and
lists of indicators.
"""

from __future__ import annotations

from portal.quality.findings.messages import Check, Message

ASKED: tuple[Check, ...] = (
    Check(
        "months-after",
        "warning",
        Message(
            "Dòng {row}, “{field}”: thời hạn không đúng số tháng quy định ({note}).",
            "Row {row}, '{field}': the term has not the prescribed number of months "
            "({note}).",
            "Tính lại ngày hết hiệu lực từ ngày công nhận.",
            "Compute the last day again from the first.",
        ),
    ),
    Check(
        "code-parts",
        "warning",
        Message(
            "Dòng {row}, “{field}”: các phần của mã không khớp nhau hoặc không khớp ô "
            "khác ({note}).",
            "Row {row}, '{field}': the parts of the code do not agree with each other "
            "or with other cells ({note}).",
            "Kiểm tra năm và số thứ tự trong mã.",
            "Check the year and the number inside the code.",
        ),
    ),
    Check(
        "coarse",
        "error",
        Message(
            "Dòng {row}, “{field}”: tọa độ quá chi tiết để công bố (số chữ số thập "
            "phân {note}).",
            "Row {row}, '{field}': the place is too exact to be published (decimals "
            "{note}).",
            "Làm tròn tọa độ của hộ kinh doanh, cá nhân về mức xã.",
            "Round the coordinates of households and persons to the commune.",
        ),
    ),
    Check(
        "sum-of-parts",
        "warning",
        Message(
            "Dòng {row}, “{field}”: giá trị chung không khớp tổng các đơn vị ({note}).",
            "Row {row}, '{field}': the whole does not agree with the sum of its parts "
            "({note}).",
            "Kiểm tra giá trị của tỉnh và của từng xã trong cùng kỳ.",
            "Check the values of the province and of its communes in this period.",
        ),
    ),
    Check(
        "formula",
        "error",
        Message(
            "Dòng {row}, “{field}”: công thức không tính được ({note}).",
            "Row {row}, '{field}': the formula cannot be computed ({note}).",
            "Chỉ dùng mã chỉ tiêu, số, + - × / và ngoặc, ví dụ DTC02 / DTC01 × 100.",
            "Use codes of indicators, numbers, + - × / and parentheses, as in DTC02 / "
            "DTC01 × 100.",
        ),
    ),
    Check(
        "indicator-bounds",
        "warning",
        Message(
            "Dòng {row}, “{field}”: vi phạm ràng buộc của chỉ tiêu ({note}).",
            "Row {row}, '{field}': breaks what the list says of the indicator "
            "({note}).",
            "Kiểm tra giá trị và đơn vị tính của chỉ tiêu.",
            "Check the value and the unit of the indicator.",
        ),
    ),
    Check(
        "period-kind",
        "error",
        Message(
            "Dòng {row}, “{field}”: kỳ không đúng loại kỳ của chỉ tiêu ({note}).",
            "Row {row}, '{field}': the period is not of the indicator's kind ({note}).",
            "Tháng ghi 6 chữ số (202607), quý 5 chữ số (20263), năm 4 chữ số (2026).",
            "Write a month with six digits (202607), a quarter with five (20263), a "
            "year with four (2026).",
        ),
    ),
)
