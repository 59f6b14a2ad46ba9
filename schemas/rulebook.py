"""The rules that a table schema may ask for in its "checks": their parameters and what
they say, in both languages.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """One kind of check; `takes` shows it as a schema writes it, without its id."""

    id: str
    takes: str
    vi: str
    en: str


RULEBOOK: tuple[Rule, ...] = (
    Rule(
        "order",
        '"fields": [a, b, …], "strict"?',
        "a ≤ b ≤ … trong một dòng",
        "a ≤ b ≤ … within a row",
    ),
    Rule(
        "range",
        '"field", "minimum"?, "maximum"?',
        "giá trị trong khoảng",
        "the value lies between",
    ),
    Rule(
        "units",
        '"parameter", "field", "units"',
        "đơn vị đúng với thông số",
        "the unit that the parameter has",
    ),
    Rule("count", '"where", "equals"', "đúng bấy nhiêu dòng", "exactly so many rows"),
    Rule(
        "target",
        '"where", "minimum"',
        "ít nhất bấy nhiêu dòng (cho biết)",
        "at least so many rows (information)",
    ),
    Rule(
        "person-code",
        '"field"',
        "không phải mã 12 chữ số của cá nhân",
        "no person's code of 12 digits",
    ),
    Rule(
        "required-when",
        '"when", "equals"?, "field"',
        "bắt buộc khi ô khác có giá trị",
        "required when another cell is",
    ),
    Rule(
        "small-cell",
        '"field", "minimum"',
        "số đếm không quá nhỏ để công bố",
        "a count not too small to publish",
    ),
    Rule(
        "row-formula",
        '"field", "formula", "tolerance"?',
        "giá trị bằng công thức của dòng",
        "equals a formula of its row",
    ),
    Rule(
        "row-formula",
        '"indicator", "value", "by", "formulas", "list"?, "tolerance"?',
        "chỉ tiêu bằng công thức của các chỉ tiêu khác cùng đơn vị, cùng kỳ; công "
        "thức của `list` được dùng trước",
        "an indicator equals a formula of others of the same unit and period; "
        "formulas of the `list` come first",
    ),
    Rule(
        "formula",
        '"field"',
        "ô chứa công thức tính được",
        "the cell holds a formula that can be computed",
    ),
    Rule(
        "indicator-bounds",
        '"field", "indicator", "list"',
        "giá trị theo ràng buộc (`rang_buoc`) của chỉ tiêu",
        "the value keeps the bounds (`rang_buoc`) of its indicator",
    ),
    Rule(
        "period-kind",
        '"field", "indicator", "list"',
        "kỳ đúng loại kỳ của chỉ tiêu",
        "a period of the indicator's kind",
    ),
    Rule(
        "sum-of-parts",
        '"field", "part", "whole", "by", "parts", "tolerance"?',
        "giá trị của `whole` không nhỏ hơn tổng các phần, và bằng tổng khi đủ `parts` "
        "phần",
        "the value of `whole` is no less than the sum of its parts, and equal to it "
        "where all `parts` are there",
    ),
    Rule(
        "months-after",
        '"fields": [a, b], "months"',
        "b = a cộng số tháng (± 1 ngày)",
        "b = a plus months (± 1 day)",
    ),
    Rule(
        "code-parts",
        '"field", "pattern" (?P<x>…), "formula", "equals", "tolerance"?',
        "các phần của mã khớp nhau hoặc khớp ô khác; ngày được tính là năm của nó",
        "parts of a code agree with each other or with other cells; a day counts as "
        "its year",
    ),
    Rule(
        "coarse",
        '"fields", "decimals"',
        "không quá bấy nhiêu chữ số thập phân",
        "no more decimals than these",
    ),
    Rule(
        "jump",
        '"key", "order_by", "field", "percent"',
        "không nhảy quá phần trăm",
        "no jump of more than so many per cent",
    ),
    Rule(
        "unit-slip",
        '"key", "field", "factor"?',
        "không lệch đơn vị (×1000)",
        "no slip of the unit (×1000)",
    ),
    Rule(
        "stuck",
        '"key", "order_by", "field", "times"',
        "giá trị không đứng yên",
        "the value does not stand still",
    ),
    Rule(
        "gap",
        '"key", "order_by", "minutes"',
        "không thiếu số liệu",
        "no values are missing",
    ),
    Rule(
        "non-decreasing",
        '"key", "order_by", "field", "within"?',
        "lũy kế không giảm",
        "a running total does not fall",
    ),
    Rule(
        "distinct-coordinates",
        '"fields": [lat, lon]',
        "không trùng tọa độ",
        "no coordinates twice",
    ),
    Rule(
        "limit",
        '"parameter", "field", "limits"',
        "không vượt giới hạn",
        "no value above its legal limit",
    ),
    Rule(
        "inside",
        '"fields": [lat, lon], "commune"?',
        "tọa độ trong tỉnh, và trong xã của dòng khi đã nạp `noi-vu/ranh-gioi-xa`",
        "the place lies in the province, and in the row's commune once "
        "`noi-vu/ranh-gioi-xa` is loaded",
    ),
    Rule(
        "unit-at-date",
        '"field", "date"',
        "mã đơn vị có hiệu lực tại ngày",
        "the unit's code was in force that day",
    ),
)


def markdown() -> str:
    """The section of the rules in docs/schemas.md."""
    lines = [
        "\n## Quy tắc trong `checks` / Rules in `checks`\n",
        'Mỗi mục là `{"id": …, tham số}`; `?` là tùy chọn. Quy tắc nào cũng nhận '
        "`severity` (error, warning, info); "
        'nhiều quy tắc nhận `where` (ô bằng giá trị, hoặc một trong danh sách; `""` '
        "là ô trống). Công thức có "
        "+ − * /, ngoặc, số, tên cột và so sánh.",
        'An entry is `{"id": …, parameters}`; `?` is optional. Every rule takes '
        "`severity`; many take `where` (a cell "
        'is a value, or one of a list; `""` is a missing one). Formulas have + − * /, '
        "parentheses, numbers, names of "
        "columns, and comparisons.\n",
        "| id | tham số / parameters | nghĩa | what holds |",
        "|---|---|---|---|",
        *(
            f"| `{rule.id}` | `{rule.takes}` | {rule.vi} | {rule.en} |"
            for rule in RULEBOOK
        ),
    ]
    return "\n".join(lines) + "\n"
