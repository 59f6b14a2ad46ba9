"""Two versions of a schema: what changed, and for whom it breaks."""

from typing import Any

import pytest

from schemas import catalog
from schemas.compare import compare, summary

BASE: dict[str, Any] = {
    "fields": [
        {
            "name": "ma",
            "type": "string",
            "constraints": {"required": True, "pattern": "^[0-9]{5}$"},
        },
        {"name": "so", "type": "number", "constraints": {"minimum": 0}},
        {"name": "loai", "type": "string", "constraints": {"enum": ["a", "b"]}},
    ],
    "primaryKey": ["ma"],
    "missingValues": ["", "-"],
}


def changed(index: int, **keys: Any) -> dict[str, Any]:
    fields = [dict(each) for each in BASE["fields"]]
    fields[index] |= keys
    return {**BASE, "fields": fields}


@pytest.mark.parametrize(
    ("new", "field", "what", "breaks"),
    [
        ({**BASE, "fields": BASE["fields"][:2]}, "loai", "removed", "readers"),
        (
            {**BASE, "fields": [*BASE["fields"], {"name": "moi", "type": "string"}]},
            "moi",
            "added",
            "publishers",
        ),
        (
            {
                **BASE,
                "fieldsMatch": "subset",
                "fields": [*BASE["fields"], {"name": "moi", "type": "string"}],
            },
            "moi",
            "added",
            "",
        ),
        (changed(1, type="integer"), "so", "type", "publishers, readers"),
        (changed(1, decimalChar=","), "so", "decimalChar", "publishers, readers"),
        (changed(1, constraints={"minimum": 1}), "so", "minimum", "publishers"),
        (changed(1, constraints={"minimum": -1}), "so", "minimum", ""),
        (
            changed(1, constraints={"minimum": 0, "required": True}),
            "so",
            "required",
            "publishers",
        ),
        (changed(1, constraints={}), "so", "minimum", ""),
        (changed(2, constraints={"enum": ["a"]}), "loai", "enum", "publishers"),
        (changed(2, constraints={"enum": ["a", "b", "c"]}), "loai", "enum", ""),
        (changed(2, constraints={}), "loai", "enum", "readers"),
        (changed(0, pd="basic", treatment="drop"), "ma", "pd", "readers"),
        (changed(0, title="Mã"), "ma", "title", ""),
        ({**BASE, "primaryKey": ["ma", "loai"]}, "", "primaryKey", "publishers"),
        ({**BASE, "missingValues": [""]}, "", "missingValues", "publishers"),
        ({**BASE, "fields": BASE["fields"][::-1]}, "", "order", "publishers"),
        (
            {
                **BASE,
                "foreignKeys": [
                    {"fields": "ma", "reference": {"resource": "x", "fields": "ma"}}
                ],
            },
            "ma",
            "foreignKey",
            "publishers",
        ),
    ],
)
def test_a_change_is_named_with_whom_it_breaks(
    new: dict[str, Any], field: str, what: str, breaks: str
) -> None:
    found = [
        (change.field, change.what, change.breaks) for change in compare(BASE, new)
    ]
    assert found == [(field, what, breaks)]
    told = summary(compare(BASE, new))
    assert told["breaking"] is bool(breaks)
    assert told["bump"] == (
        "major" if breaks else "patch" if what == "title" else "minor"
    )
    assert all(change["vi"] and change["en"] for change in told["changes"])


def test_a_schema_equals_itself() -> None:
    for table in catalog.tables():
        assert summary(compare(table.descriptor, table.descriptor)) == {
            "breaking": False,
            "bump": "none",
            "changes": [],
        }
