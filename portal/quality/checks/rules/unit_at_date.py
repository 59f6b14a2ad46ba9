"""Administrative units, and whether their code was in force at the day of the row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portal.quality.checks.declared import Example, NotLoaded, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.parameters import (
    DAYS,
    ColumnName,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References
from schemas.administrative import AdministrativeUnits

UNITS = "noi-vu/don-vi-hanh-chinh"
CODE, DAY = "_code", "_day"


class Asks(Parameters):
    """A column of units' codes, and the column of their day."""

    field = ColumnName(required=True)
    date = ColumnName(kinds=DAYS, required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Codes that no unit had on that day."""
    columns = references(UNITS)
    if columns is None:
        raise NotLoaded(UNITS)
    names = list(columns)
    rows = zip(*(columns[name] for name in names), strict=True)
    units = AdministrativeUnits(
        dict(zip(names, (cell or "" for cell in row), strict=True)) for row in rows
    )
    code, day = frame.text(asked["field"]), frame.day(asked["date"])
    pairs = frame.data.with_columns(code.alias(CODE), day.alias(DAY))
    pairs = pairs.drop_nulls([CODE, DAY])
    # A table names few units and days, however many rows it has.
    different = pairs.select(CODE, DAY).unique().iter_rows()
    unknown = [pair for pair in different if units.find(*pair) is None]
    lost = pl.DataFrame(unknown, {CODE: pl.String, DAY: pl.Date}, orient="row")
    broken = pairs.join(lost, on=[CODE, DAY], how="semi")
    note = pl.format("{}, {}", CODE, DAY).alias(NOTE)
    yield from hits(broken.with_columns(note), asked["field"])


CHECK = RuleCheck(
    id="unit-at-date",
    severity="warning",
    message=Message(
        "Dòng {row}, “{field}”: không có đơn vị hành chính mang mã này tại "
        "thời điểm đó ({note}).",
        "Row {row}, '{field}': no administrative unit had this code at that "
        "time ({note}).",
        "Dùng mã có hiệu lực tại ngày của dòng.",
        "Use the code in force at the date of the row.",
    ),
    holds=Text(
        "mã đơn vị có hiệu lực tại ngày",
        "the unit's code was in force that day",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"ma": "string", "ngay": "date"},
            parameters={"field": "ma", "date": "ngay"},
            references={
                UNITS: {
                    "ma_dvhc": ["00001", "00002"],
                    "ten": ["Cũ", "Mới"],
                    "loai": ["Xã", "Xã"],
                    "cap": ["3", "3"],
                    "ngay_hl": ["2000-01-01", "2025-07-01"],
                    "ngay_hhl": ["2025-06-30", None],
                }
            },
            right="00001,2025-06-30\n00002,2025-07-01\n,2025-01-01\n",
            wrong="00001,2025-06-30\n00001,2025-07-01\n00002,2025-06-30\n",
            rows=(3, 4),
        ),
    ),
)
