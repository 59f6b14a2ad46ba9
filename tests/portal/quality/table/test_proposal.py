"""Proposed schemas: codes stay texts, Vietnamese dates and decimals are seen, and the
table obeys its own proposal.
"""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portal.quality.checks import schema_check
from portal.quality.table import proposal
from portal.quality.table.check import check_table
from portal.reading import ReadOptions
from portal.reading.opening import open_table
from schemas import catalog
from schemas.record import Content, ContentPart


def table_of(folder: Path, text: str) -> Any:
    path = folder / "bang.csv"
    path.write_text(text, encoding="utf-8")
    return open_table(
        Content((ContentPart.of(path),)), format="CSV", options=ReadOptions()
    )


def proposed(folder: Path, text: str, **options: bool) -> proposal.Proposal:
    return proposal.propose(table_of(folder, text), **options)


def column(folder: Path, label: str, *cells: str) -> dict[str, Any]:
    quoted = "".join(f'"{cell}",x\n' for cell in cells)
    made = dict(proposed(folder, f"{label},khac\n{quoted}").schema["fields"][0])
    return {
        key: value
        for key, value in made.items()
        if key not in ("name", "title", "pd", "treatment")
    }


@pytest.mark.parametrize(
    ("label", "cells", "expected"),
    [
        (
            "Mã xã",
            ("14758", "14761"),
            {
                "type": "string",
                "constraints": {"required": True, "pattern": "^[0-9]{5}$"},
            },
        ),
        (
            "stt",
            ("01", "02"),
            {
                "type": "string",
                "constraints": {"required": True, "pattern": "^[0-9]{2}$"},
            },
        ),
        (
            "Số lượng",
            ("1", "20"),
            {"type": "integer", "constraints": {"required": True}},
        ),
        ("Số lượng", ("1", "-"), {"type": "integer"}),
        (
            "Diện tích",
            ("1,5", "20"),
            {"type": "number", "decimalChar": ",", "constraints": {"required": True}},
        ),
        (
            "Vốn",
            ("1.234,5", "20"),
            {
                "type": "number",
                "decimalChar": ",",
                "groupChar": ".",
                "constraints": {"required": True},
            },
        ),
        (
            "Ngày",
            ("31/12/2026", "01/02/2026"),
            {"type": "date", "format": "%d/%m/%Y", "constraints": {"required": True}},
        ),
        (
            "Ngày",
            ("12/31/2026", "01/02/2026"),
            {"type": "string", "constraints": {"required": True}},
        ),
        ("Ngày", ("2026-12-31", ""), {"type": "date"}),
        ("Năm", ("2025", "2026"), {"type": "year", "constraints": {"required": True}}),
        (
            "Còn dùng",
            ("Có", "Không"),
            {
                "type": "boolean",
                "trueValues": ["Có"],
                "falseValues": ["Không"],
                "constraints": {"required": True},
            },
        ),
        ("Tên", ("An", "Bình"), {"type": "string", "constraints": {"required": True}}),
        ("Trống", ("", "-"), {"type": "string"}),
    ],
)
def test_a_column_becomes_a_field(
    tmp_path: Path, label: str, cells: tuple[str, ...], expected: dict[str, Any]
) -> None:
    assert column(tmp_path, label, *cells) == expected


def test_titles_keys_lists_and_persons_are_proposed(tmp_path: Path) -> None:
    rows = "".join(
        f"{n:05},{'A' if n % 2 else 'B'},0912 345 6{n:02}\n" for n in range(40)
    )
    made = proposed(tmp_path, f"Mã số,Nhóm,Điện thoại\n{rows}", ascii_names=True)
    names = [(each["name"], each["title"]) for each in made.schema["fields"]]
    assert names == [("ma_so", "Mã số"), ("nhom", "Nhóm"), ("dien_thoai", "Điện thoại")]
    assert made.schema["primaryKey"] == ["ma_so"]
    assert made.schema["fields"][1]["constraints"]["enum"] == ["A", "B"]
    assert (made.schema["fields"][2]["pd"], made.schema["fields"][2]["treatment"]) == (
        "basic",
        "drop",
    )
    assert any("phone" in note["en"] for note in made.notes)
    ambiguous = proposed(tmp_path, "Dân số\n28.717\n")
    assert any("28.717" in note["vi"] for note in ambiguous.notes)


cell = st.one_of(
    st.sampled_from(
        [
            "",
            "-",
            "0",
            "00012",
            "12",
            "-3",
            "1,5",
            "1.234",
            "1.234,5",
            "31/12/2026",
            "2026-01-02",
            "Có",
        ]
    ),
    st.text(alphabet="aăâbđ01,. /-", max_size=6),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example([("", "0"), ("", " ")], "Mã")
@given(
    st.lists(st.tuples(cell, cell), min_size=1, max_size=12),
    st.sampled_from(["Mã", "Số", "Năm", "Ngày"]),
)
def test_a_table_obeys_its_own_proposal(
    tmp_path: Path, rows: list[tuple[str, str]], label: str
) -> None:
    body = "".join(f'"{a}","{b}","x"\n' for a, b in rows)
    table = table_of(tmp_path, f"{label},Cột hai,Cuối\n{body}")
    made = proposal.propose(table)
    assert [
        p.en for p in schema_check.check(made.schema) if p.severity == "error"
    ] == []
    report = check_table(table, made.schema, checks=False)
    assert [
        (each.check, each.field, each.row)
        for each in report.findings
        if each.severity == "error"
    ] == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "JSON object"),
        ({"fields": "x"}, "list of fields"),
        ({"fields": [{"type": "string"}]}, "has no name"),
        ({"fields": [{"name": "a", "type": "strange"}]}, "Frictionless refuses"),
        ({"fields": [{"name": "a"}, {"name": "a"}]}, "repeated"),
        ({"fields": [{"name": "ma_xa", "type": "integer"}]}, "leading zeros"),
        (
            {"fields": [{"name": "a", "constraints": {"pattern": "("}}]},
            "regular expression",
        ),
        (
            {"fields": [{"name": "a", "constraints": {"minimum": 2, "maximum": 1}}]},
            "larger",
        ),
        ({"fields": [{"name": "a", "constraints": []}]}, "is an object"),
        ({"fields": [{"name": "a", "pd": "secret"}]}, "pd takes"),
        ({"fields": [{"name": "a"}], "primaryKey": "b"}, "primary key"),
        ({"fields": [{"name": "a"}], "foreignKeys": [{"fields": "b"}]}, "foreign key"),
        ({"fields": [{"name": "a"}], "missingValues": 1}, "missingValues"),
    ],
)
def test_a_bad_schema_is_told_what_is_wrong(given: object, words: str) -> None:
    errors = [
        problem.en
        for problem in schema_check.check(given)
        if problem.severity == "error"
    ]
    assert any(words in text for text in errors), errors


def test_versions_are_told_apart_and_every_schema_of_the_catalogue_is_usable() -> None:
    assert schema_check.version({"fields": []}) == "v1"
    assert (
        schema_check.version(
            {"$schema": "https://datapackage.org/profiles/2.0/tableschema.json"}
        )
        == "v2"
    )
    for table in catalog.tables():
        assert [p.en for p in schema_check.check(table.descriptor)] == [], table.name
