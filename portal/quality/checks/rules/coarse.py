"""Places that are told to a square of a kilometre, not to a door."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import Frame, Hit, hits
from portal.quality.checks.parameters import (
    NUMERIC,
    ColumnNames,
    Conditions,
    Number,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """Columns of coordinates, and how many decimals they may have."""

    fields = ColumnNames(kinds=NUMERIC, required=True)  # type: ignore[assignment]
    decimals = Number(whole=True, least=0, required=True)
    where = Conditions()


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Numbers with more; zeros at the end tell nothing."""
    rows = frame.data.filter(frame.where(asked.get("where", {})))
    for name in asked["fields"]:
        # The lazy group leaves the zeros at the end to what follows it.
        written = frame.text(name).str.extract(r"[.,]([0-9]*?)0*\s*$")
        # A number without decimals is null here, and no comparison with null keeps a
        # row.
        exact = rows.filter(written.str.len_chars() > asked["decimals"])
        yield from hits(exact, name, f"> {asked['decimals']}")


CHECK = RuleCheck(
    id="coarse",
    severity="error",
    message=Message(
        "Dòng {row}, “{field}”: tọa độ quá chi tiết để công bố (số chữ số thập "
        "phân {note}).",
        "Row {row}, '{field}': the place is too exact to be published "
        "(decimals {note}).",
        "Làm tròn tọa độ của hộ kinh doanh, cá nhân về mức xã.",
        "Round the coordinates of households and persons to the commune.",
    ),
    holds=Text(
        "không quá bấy nhiêu chữ số thập phân",
        "no more decimals than these",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"k": "string", "lat": "number", "lon": "number"},
            parameters={
                "where": {"k": ["ho", "nguoi"]},
                "fields": ["lat", "lon"],
                "decimals": 2,
            },
            right="ho,19.80,105.7800\nhtx,19.8067,105.7852\n",
            wrong="ho,19.80,105.7800\nho,19.8067,105.78\n",
            rows=(3,),
        ),
    ),
)
