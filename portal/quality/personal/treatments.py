"""What a schema's tags ask for before anybody reads a table: rows without consent left
out, cells made coarser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from portal.quality.personal.folding import fold
from portal.quality.personal.labels import roles
from portal.quality.personal.names import is_name, mentions_person
from portal.quality.personal.texts import is_value
from schemas.texttable import TextBatch, TextTable

CONSENT, GENERALISE = "consent", "generalise"
YES = frozenset(
    {
        "true",
        "1",
        # What "1.0", a spreadsheet's 1, is folded to.
        "1 0",
        "co",
        "yes",
        "y",
        "x",
        "dong y",
        "co dong y",
        "da dong y",
        "ok",
        "t",
        "on",
        "agree",
    }
)
"""What counts as consent, without case and diacritics; whatever else stands there does
not.
"""
COARSE = "(đã khái quát)"
"""What stands for a name that was made coarser."""
DECIMALS = 2
"""Of coordinates: about one kilometre."""
YEARS = 10
"""Ages become bands as wide as this."""
_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?")
_DETAIL = re.compile(
    r"(?i)^\s*(?:số|so|ngõ|ngách|hẻm|nhà|tổ|thôn|xóm|bản|ấp|lô|căn|đường|phố|khu "
    r"phố|tdp|sn)\b|[0-9]"
)
_HOUSEHOLD = re.compile(
    r"(?i)^\s*((?:hộ )?(?:kinh doanh|gia đình|cá thể)|hộ|hkd|cơ sở)\b"
)
Json = Mapping[str, Any]


def is_consent(cell: str) -> bool:
    """Whether a cell clearly says yes; a blank, a question mark or any spelling of no
    does not.
    """
    return fold(cell) in YES


def asks(schema: Json) -> bool:
    """Whether a schema asks for consent or for coarser cells at all."""
    return any(
        field.get("treatment") in (CONSENT, GENERALISE) for field in _personal(schema)
    )


def key(schema: Json) -> str:
    """What a schema asks for, as a text that changes with it; empty where it asks for
    nothing.
    """
    told = [
        {
            name: field.get(name)
            for name in ("name", "type", "treatment", "consent_field", "when")
        }
        for field in _personal(schema)
        if field.get("treatment") in (CONSENT, GENERALISE)
    ]
    return json.dumps(told, sort_keys=True, ensure_ascii=False) if told else ""


def is_obeyed(table: TextTable, schema: Json) -> bool:
    """Whether a table is already as everybody may have it: treating it would change
    nothing.
    """
    if not asks(schema):
        return True
    labels = [label.strip() for label in table.labels]
    return all(
        # Treating leaves such rows out, so it would change something.
        not batch.ragged
        and treat_frame(batch.frame, labels, schema).equals(batch.frame)
        for batch in table.batches()
    )


def apply_treatments(table: TextTable, schema: Json) -> TextTable:
    """The table as everybody may have it: no row without consent, coarser cells where
    the schema says so.

    A schema that names a column of consent which the table lacks leaves no row: nobody
    has agreed. Rows keep their numbers; rows of a wrong width are left out, as nobody
    knows their columns.
    """
    if not asks(schema):
        return table
    labels = [label.strip() for label in table.labels]

    def batches() -> Iterator[TextBatch]:
        for batch in table.batches():
            yield replace(
                batch, frame=treat_frame(batch.frame, labels, schema), ragged=()
            )

    return replace(table, batches=batches)


def treat_frame(
    frame: pl.DataFrame, labels: Sequence[str], schema: Json
) -> pl.DataFrame:
    """One batch of rows of text (columns "0", "1", …) as everybody may have it."""
    places = {label: str(index) for index, label in enumerate(labels)}
    for field in _personal(schema):
        name = str(field.get("name"))
        if name not in places:
            continue
        asked = _where(frame, field, places)
        if field.get("treatment") == CONSENT:
            frame = frame.filter(~asked | _consented(frame, field, places))
        elif field.get("treatment") == GENERALISE:
            frame = _coarser(frame, places[name], field, asked)
    return frame


def _personal(schema: Json) -> list[Json]:
    """The fields that a schema tags as personal data."""
    return [
        each
        for each in schema.get("fields") or ()
        if str(each.get("pd") or "none") != "none"
    ]


def _where(frame: pl.DataFrame, field: Json, places: Mapping[str, str]) -> pl.Series:
    """The rows that a field's `when` names; all of them without one, or where its
    column is missing.
    """
    found = pl.repeat(True, frame.height, eager=True)
    for name, value in (field.get("when") or {}).items():
        if name in places:
            wanted = fold(str(value))
            # Each different text is folded once; a column of conditions has few.
            found &= _each(
                frame[places[name]],
                {text: fold(text) == wanted for text in _texts(frame[places[name]])},
            )
    return found


def _consented(
    frame: pl.DataFrame, field: Json, places: Mapping[str, str]
) -> pl.Series:
    """Which rows say a clear yes in the field's column of consent; none without that
    column.
    """
    column = places.get(str(field.get("consent_field") or ""))
    if column is None:
        return pl.repeat(False, frame.height, eager=True)
    return _each(
        frame[column], {text: is_consent(text) for text in _texts(frame[column])}
    )


def _texts(cells: pl.Series) -> list[str]:
    return list(cells.unique().to_list())


def _each(cells: pl.Series, judged: Mapping[str, bool]) -> pl.Series:
    return cells.replace_strict(judged, return_dtype=pl.Boolean)


def _coarser(
    frame: pl.DataFrame, column: str, field: Json, asked: pl.Series
) -> pl.DataFrame:
    """The frame with coarser cells in one column, in the rows that are asked for."""
    cells = frame[column].filter(asked)
    if not len(cells):
        return frame
    made = {text: coarsen(text, field) for text in _texts(cells)}
    # Without a default, cells of the rows that are not asked for would raise.
    said = frame[column].replace_strict(
        made, default=frame[column], return_dtype=pl.String
    )
    return frame.with_columns(
        pl.when(asked).then(said).otherwise(pl.col(column)).alias(column)
    )


def coarsen(cell: str, field: Json) -> str:
    """A cell of a field that is to be generalised; a blank where nothing of it may
    stay.

    Days become the first day of their year (in columns of days) or the year, ages bands
    of ten years, addresses their commune and what is above it, coordinates two
    decimals, names of households the word for them.
    """
    if not cell.strip():
        return cell
    meaning = roles(str(field.get("name") or "")) | roles(str(field.get("title") or ""))
    kind = str(field.get("type") or "string")
    # Before coordinates: a year of birth in a column of numbers is a year.
    if kind in ("date", "datetime") or "birth" in meaning:
        return _year(cell, kind)
    if "place" in meaning or kind == "number":
        return _NUMBER.sub(_rounded, cell)
    if meaning & {"home", "address"}:
        return _commune(cell)
    if is_value(cell) or meaning & {"phone", "email", "identity"}:
        return COARSE if is_name(cell) else ""
    return _household(cell)


def _year(cell: str, kind: str) -> str:
    """The year of a day, or the band of ten years of an age; empty where it is neither."""
    found = _YEAR.search(cell)
    if found:
        return f"{found[0]}-01-01" if kind == "date" else found[0]
    age = cell.strip()
    if kind == "date" or not age.isdigit() or len(age) > 3:
        return ""
    first = int(age) // YEARS * YEARS
    return (
        # A band is no number, and the column has to stay one: its lower end stands for
        # it.
        str(first) if kind in ("integer", "number") else f"{first}-{first + YEARS - 1}"
    )


def _rounded(match: re.Match[str]) -> str:
    """A number cut off after DECIMALS decimals, with its own decimal sign."""
    sign = "," if "," in match[0] else "."
    whole, _, decimals = match[0].partition(sign)
    kept = decimals[:DECIMALS]
    return f"{whole}{sign}{kept}" if kept else whole


def _commune(cell: str) -> str:
    """The parts of an address from its commune on; a blank where it has no part without
    a house or a street.
    """
    parts = [part.strip() for part in cell.split(",") if part.strip()]
    detailed = [index for index, part in enumerate(parts) if _DETAIL.search(part)]
    rest = parts[max(detailed, default=-1) + 1 :]
    # A part that stands alone may be a house or street which no word gives away.
    return ", ".join(rest) if len(parts) > 1 else ""


def _household(cell: str) -> str:
    """A household's text without the name of its person: the word for it, or COARSE."""
    if not (is_name(cell) or mentions_person(cell)):
        return cell
    found = _HOUSEHOLD.search(cell)
    return found[1] if found else COARSE
