"""The report in Frictionless' own shape: equal to Frictionless' report, key by key, its
timings aside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from frictionless import Resource, Schema, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.quality.table import frictionless_report

GUARDS = ("portal.quality.findings.frictionless_texts",)
SCHEMA: dict[str, Any] = {
    "fields": [
        {
            "name": "ma",
            "type": "string",
            "constraints": {"pattern": "[0-9]{5}", "required": True},
        },
        {
            "name": "so",
            "type": "integer",
            "constraints": {"minimum": 0, "unique": True},
        },
        {"name": "ngay", "type": "date"},
    ],
    "primaryKey": ["ma"],
}
GOOD = "ma,so,ngay\n" + "".join(
    f"{n:05},{n},2026-01-0{n % 9 + 1}\n" for n in range(1, 300)
)
FILES: dict[str, bytes] = {
    "good.csv": GOOD.encode(),
    "bad-cells.csv": (
        GOOD + "1,x,2026-13-01\n00001,5,\n,,\n\n00400,400\n00401,401,2026-01-01,more\n"
    ).encode(),
    "no-rows.csv": b"ma,so,ngay\n",
    "empty.csv": b"",
    "header.csv": b"ma,,so\n00001,2,3\n",
    "wrong-order.csv": b"so,ma,ngay\n1,00001,2026-01-01\n",
    "repeated.csv": b"ma,ma,ngay\n00001,1,2026-01-01\n",
    "semicolon.csv": GOOD.replace(",", ";").encode(),
    "spaced.csv": GOOD.replace(",", ", ").encode(),
    "tab.tsv": GOOD.replace(",", "\t").encode(),
    "crlf.csv": GOOD.replace("\n", "\r\n").encode(),
    "bom.csv": GOOD.encode("utf-8-sig"),
    "utf16.csv": GOOD.encode("utf-16"),
    "cp1258.csv": "ma,so,ngay\n00001,1,Đông Sơn\n".encode("cp1258", "ignore"),
    "vietnamese.csv": "ma,so,ngay\nĐông Sơn,1,hôm nay\n00002,1,2026-01-01\n".encode(),
    "quotes.csv": b'ma,so,ngay\n"00001","1",""\n"a""b",2,x\n"open,3,4\n',
    "table.json": b'[["ma", "so", "ngay"], ["00001", 1, "2026-01-01"], ["2", "x", null]]',
    "many.csv": b"ma,so,ngay\n" + b"1,x,2026-13-01\n" * 900,
}


def timeless(value: Any) -> Any:
    """The same without what a clock says."""
    if isinstance(value, dict):
        return {
            key: timeless(entry) for key, entry in value.items() if key != "seconds"
        }
    return [timeless(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("large", [0, 10**9], ids=["rows spared", "whole"])
@pytest.mark.parametrize("schema", [SCHEMA, None], ids=["schema", "inferred"])
@pytest.mark.parametrize("name", FILES)
def test_equal_to_frictionless_key_by_key(
    name: str, schema: Any, large: int, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    options = {"schema": Schema.from_descriptor(schema)} if schema else {}
    theirs = validate(Resource(name, basepath=str(tmp_path), **options)).to_dict()
    assert timeless(
        frictionless_report.judge(tmp_path, name, schema, large=large)
    ) == timeless(theirs)


CELLS = st.sampled_from(
    [
        "00001",
        "00002",
        "1",
        "-1",
        "x",
        "",
        "2026-01-05",
        "2026-1-5",
        "ă",
        'say "a"',
        "a,b",
        "a\nb",
    ]
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.lists(CELLS, max_size=5), max_size=12),
    limit=st.sampled_from([1, 2, 3, 1000]),
)
def test_random_rows_give_equal_reports(
    tmp_path: Path, rows: list[list[str]], limit: int
) -> None:
    lines = [
        ",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows
    ]
    (tmp_path / "t.csv").write_text("\n".join(["ma,so,ngay", *lines]), encoding="utf-8")
    theirs = validate(
        Resource(
            "t.csv", basepath=str(tmp_path), schema=Schema.from_descriptor(SCHEMA)
        ),
        limit_errors=limit,
    ).to_dict()
    assert timeless(
        frictionless_report.judge(tmp_path, "t.csv", SCHEMA, limit=limit, large=0)
    ) == timeless(theirs)
