"""Columns that an open table must not have."""

from __future__ import annotations

from collections.abc import Iterator

from portal.quality import personal
from portal.quality.checks.declared import Batch, Example, RowCheck, RowFinding, View
from portal.quality.findings.messages import Message


class Columns:
    """Knows the columns that must be dropped."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def batch(self, rows: Batch) -> Iterator[RowFinding]:
        """No row decides."""
        yield from ()

    def finish(self) -> Iterator[RowFinding]:
        """Tell every one."""
        for name in self._names:
            yield RowFinding(field=name, verdict="error")


def watch(view: View) -> Columns | None:
    """Tables that are not open may have them."""
    if view.schema.get("access_kind", "open") != "open":
        return None
    names = tuple(personal.fields_to_drop(view.table.labels, view.schema))
    return Columns(names) if names else None


CHECK = RowCheck(
    id="personal-column",
    severity="info",
    message=Message(
        "Cột “{field}” là dữ liệu cá nhân phải bỏ khỏi bảng dữ liệu mở.",
        "The column '{field}' is personal data that must be dropped from an "
        "open table.",
        "Xóa cột này trước khi công bố.",
        "Remove the column before publishing.",
    ),
    watch=watch,
    examples=(
        Example(
            fields={
                "a": "string",
                "dai_dien": {"type": "string", "pd": "basic", "treatment": "keep"},
            },
            right="x,y\n",
            wrong=None,
        ),
        Example(
            fields={
                "a": "string",
                "dai_dien": {"type": "string", "pd": "basic", "treatment": "drop"},
            },
            right=None,
            wrong="x,y\n",
            rows=(None,),
        ),
    ),
)
