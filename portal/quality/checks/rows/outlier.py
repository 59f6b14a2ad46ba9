"""Values of a series that plainly stand out, in tables without a schema."""

from __future__ import annotations

from collections.abc import Iterator

from portal.quality.checks.declared import Batch, Example, RowCheck, RowFinding, View
from portal.quality.checks.series import Series, is_bare
from portal.quality.findings.messages import Message


class Outliers:
    """Takes in series of times and numbers."""

    def __init__(self, view: View) -> None:
        self._series = Series(view.table.labels)

    def batch(self, rows: Batch) -> Iterator[RowFinding]:
        """Take in; a series is seen when it is whole."""
        self._series.batch(rows.frame, rows.part)
        yield from ()

    def finish(self) -> Iterator[RowFinding]:
        """Tell what stands out, stands still or slips by a thousand."""
        for check, hit in self._series.hits():
            yield RowFinding(hit.row, hit.part, hit.field, note=hit.note, check=check)


def watch(view: View) -> Outliers | None:
    """A schema that says what its columns are asks for such checks itself."""
    return Outliers(view) if is_bare(view.schema) else None


def _days(*values: int) -> str:
    """Rows of CSV with one value a day."""
    return "".join(
        f"2026-{nth // 28 + 1:02}-{nth % 28 + 1:02},{value}\n"
        for nth, value in enumerate(values)
    )


CHECK = RowCheck(
    id="outlier",
    severity="warning",
    message=Message(
        "Dòng {row}, “{field}”: giá trị khác thường trong chuỗi ({note}).",
        "Row {row}, '{field}': an unusual value in its series ({note}).",
        "Kiểm tra giá trị, dấu thập phân và đơn vị tính; nếu đúng thì giữ nguyên.",
        "Check the value, its decimal sign and its unit; keep it if it is right.",
    ),
    watch=watch,
    examples=(
        Example(
            fields={"ngay": "string", "gia": "string"},
            right=_days(*range(100, 150)),
            wrong=_days(*range(100, 149), 9000),
            rows=(51,),
        ),
    ),
)
