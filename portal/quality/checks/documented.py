"""The checks that a schema may ask for, as docs/schemas.md shows them."""

from __future__ import annotations

from portal.quality.checks.parameters import takes
from portal.quality.checks.registry import RULE_CHECKS


def markdown() -> str:
    """The section of that page: each check, its parameters and what holds."""
    lines = [
        "\n## Quy tắc trong `checks` / Rules in `checks`\n",
        'Mỗi mục là `{"id": …, tham số}`; `?` là tùy chọn. Quy tắc nào cũng nhận '
        "`severity` (error, warning, info); "
        'nhiều quy tắc nhận `where` (ô bằng giá trị, hoặc một trong danh sách; `""` '
        "là ô trống). Giá trị được đọc theo kiểu của cột, như trong ô. Công thức có "
        "+ − * /, ngoặc, số và tên cột.",
        'An entry is `{"id": …, parameters}`; `?` is optional. Every rule takes '
        "`severity`; many take `where` (a cell "
        'is a value, or one of a list; `""` is a missing one). Values are read by the '
        "type of their column, as its cells are. Formulas have + − * /, parentheses, "
        "numbers and names of columns.\n",
        "| id | tham số / parameters | nghĩa | what holds |",
        "|---|---|---|---|",
        *(
            f"| `{check.id}` | `{takes(check.parameters)}` | {check.holds.vi} "
            f"| {check.holds.en} |"
            for check in RULE_CHECKS
        ),
    ]
    return "\n".join(lines) + "\n"
