"""Our own checks: what each finds, where, and that no message of it ever shows a
person's data.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from portal.quality import personal
from portal.quality.checks.catalogue import CHECKS, MESSAGES
from portal.quality.findings.messages import ERRORS
from portal.quality.findings.report import Report
from portal.quality.table.check import check_table
from portal.reading import read_table
from schemas import catalog
from schemas.record import Content, ContentPart

GUARDS = (
    "portal.quality.checks.code_columns",
    "portal.quality.checks.declared",
    "portal.quality.checks.documented",
    "portal.quality.checks.formula",
    "portal.quality.checks.frame",
    "portal.quality.checks.parameters",
    "portal.quality.checks.registry",
    "portal.quality.checks.rows.ambiguous_number",
    "portal.quality.checks.rows.code_float",
    "portal.quality.checks.rows.code_length",
    "portal.quality.checks.rows.duplicate_row",
    "portal.quality.checks.rows.outlier",
    "portal.quality.checks.rows.personal_column",
    "portal.quality.checks.rows.personal_data",
    "portal.quality.checks.rows.repeated_header",
    "portal.quality.checks.rows.total_row",
    "portal.quality.checks.rules.coarse",
    "portal.quality.checks.rules.code_parts",
    "portal.quality.checks.rules.count",
    "portal.quality.checks.rules.distinct_coordinates",
    "portal.quality.checks.rules.formula",
    "portal.quality.checks.rules.gap",
    "portal.quality.checks.rules.indicator_bounds",
    "portal.quality.checks.rules.inside",
    "portal.quality.checks.rules.jump",
    "portal.quality.checks.rules.limit",
    "portal.quality.checks.rules.months_after",
    "portal.quality.checks.rules.non_decreasing",
    "portal.quality.checks.rules.order",
    "portal.quality.checks.rules.period_kind",
    "portal.quality.checks.rules.person_code",
    "portal.quality.checks.rules.range",
    "portal.quality.checks.rules.required_when",
    "portal.quality.checks.rules.row_formula",
    "portal.quality.checks.rules.small_cell",
    "portal.quality.checks.rules.stuck",
    "portal.quality.checks.rules.sum_of_parts",
    "portal.quality.checks.rules.target",
    "portal.quality.checks.rules.unit_at_date",
    "portal.quality.checks.rules.unit_slip",
    "portal.quality.checks.rules.units",
    "portal.quality.checks.running",
    "portal.quality.checks.schema_check",
    "portal.quality.checks.timeline",
    "portal.quality.findings.collector",
    "portal.quality.findings.messages",
    "portal.quality.findings.report",
    "portal.quality.table.own_checks",
)
TEXT = {"type": "string"}


def checked(folder: Path, text: str, schema: dict[str, Any], **options: Any) -> Report:
    path = folder / "a.csv"
    path.write_text(text, encoding="utf-8")
    return check_table(
        read_table(Content((ContentPart.of(path),), dialect={"delimiter": ","})),
        schema,
        **options,
    )


def fields(**kinds: Any) -> list[dict[str, Any]]:
    return [
        {"name": name, **({"type": kind} if isinstance(kind, str) else kind)}
        for name, kind in kinds.items()
    ]


def found(report: Report) -> list[tuple[str, int | None]]:
    return [(finding.check, finding.row) for finding in report.findings]


def test_a_person_in_a_code_column_is_an_error_without_its_number(
    tmp_path: Path,
) -> None:
    schema = {
        "fields": fields(ma_dn="string"),
        "checks": [{"id": "person-code", "field": "ma_dn"}],
    }
    report = checked(tmp_path, "ma_dn\n2800123456\n038190001234\n", schema)
    assert not report.valid
    assert ("person-code", 3) in found(report)
    assert "038190001234" not in json.dumps(report.to_dict(), ensure_ascii=False)


def test_findings_of_personal_fields_hold_no_cells(tmp_path: Path) -> None:
    secret = "0912345678x"
    schema = {
        "fields": fields(
            so=TEXT
            | {
                "pd": "basic",
                "treatment": "drop",
                "constraints": {"pattern": r"\d+", "unique": True},
            },
            b="string",
        ),
        "primaryKey": ["so"],
        "foreignKeys": [
            {"fields": ["so"], "reference": {"resource": "other", "fields": ["so"]}}
        ],
    }
    report = checked(
        tmp_path,
        f"so,b\n{secret},1\n{secret},2\n",
        schema,
        references={"other": {"so": ["1"]}}.get,
    )
    assert {code for code, _ in report.counts} >= {
        "constraint-error",
        "unique-error",
        "primary-key",
        "foreign-key",
    }
    assert secret not in json.dumps(report.to_dict(), ensure_ascii=False)


def test_codes_that_became_numbers_and_lost_zeros(tmp_path: Path) -> None:
    schema = {
        "fields": fields(ma=TEXT | {"constraints": {"pattern": r"^\d{5}$"}}, b="string")
    }
    report = checked(
        tmp_path, "ma,b\n14755,a\n14755.0,b\n4755,c\n14758,d\n14759.0,e\n", schema
    )
    own = {
        f.check: (f.row, f.message.en) for f in report.findings if f.severity != "error"
    }
    assert own["code-float"][0] == 3 and "2 values" in own["code-float"][1]
    assert own["code-length"][0] == 4


def test_codes_of_several_lengths_that_the_pattern_allows_are_no_slip(
    tmp_path: Path,
) -> None:
    schema = {
        "fields": fields(
            ky=TEXT | {"constraints": {"pattern": r"^20\d{2}(0[1-9]|1[0-2])?$"}},
            b="string",
        )
    }
    assert found(checked(tmp_path, "ky,b\n202601,a\n202602,b\n2026,c\n", schema)) == []


def test_thousands_and_decimals_that_cannot_be_told_apart(tmp_path: Path) -> None:
    schema = {"fields": fields(n="number", b="string")}
    assert "ambiguous-number" in dict(
        found(checked(tmp_path, "n,b\n20696,a\n28.717,b\n", schema))
    )
    assert "ambiguous-number" in dict(
        found(checked(tmp_path, 'n,b\n20696,a\n"28,717",b\n', schema))
    )
    assert "ambiguous-number" not in dict(
        found(checked(tmp_path, "n,b\n1.5,a\n28.717,b\n20696,c\n", schema))
    )


def test_repeated_rows_and_headers(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        "a,b\n1,x\n2,y\n1,x\na,b\n1,x\n",
        {"fields": fields(a="string", b="string")},
    )
    assert found(report) == [
        ("duplicate-row", 4),
        ("repeated-header", 5),
        ("duplicate-row", 6),
    ]
    assert report.valid


def test_reading_notes_become_findings(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        "TIÊU ĐỀ,\na,b\n1,T\ufffdnh\nTổng cộng,5\n",
        {"fields": fields(a="string", b="string")},
    )
    assert {code for code, _ in found(report)} == {
        "title-rows",
        "replacement-character",
        "total-row",
    }


def test_personal_data_is_counted_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Họ và tên,Ngày sinh,CCCD,Điện thoại,Ghi chú,Số tài khoản,Biển số,mã\n"
        "Nguyễn Văn A,1990-01-02,038090001234,0912 345 678,gửi "
        "a.b@example.com,19001234567,36A-123.45,14758\n"
        "Lê Thị B,,038190001235,02373852123,,,,14759\n",
        encoding="utf-8",
    )
    counts = {(c.label, c.kind): c.cells for c in personal.scan(read_table(path))}
    assert counts == {
        ("Họ và tên", "name"): 2,
        ("Ngày sinh", "birth-date-with-name"): 1,
        ("CCCD", "citizen-id"): 2,
        ("Điện thoại", "phone"): 2,
        ("Ghi chú", "email"): 1,
        ("Số tài khoản", "bank-account"): 1,
        ("Biển số", "plate"): 1,
    }


def test_fields_to_be_dropped_are_named() -> None:
    schema = catalog.get("D02").descriptor
    labels = [field["name"] for field in schema["fields"]]
    assert personal.fields_to_drop(labels, schema) == (
        "nguoi_dai_dien",
        "dien_thoai_nguoi_dai_dien",
    )
    assert personal.fields_to_drop(["ma_dn"], schema) == ()


def test_counts_are_complete_where_the_list_is_cut(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        "a,b\n" + "x,1\n" * 50,
        {"fields": fields(a="integer", b="string")},
        limit=3,
        checks=False,
    )
    assert (len(report.findings), report.counts) == (3, {("type-error", "a"): 50})
    assert [finding.row for finding in report.findings] == [2, 3, 4]


def test_a_schema_that_cannot_be_used_is_a_finding(tmp_path: Path) -> None:
    for constraint in ({"pattern": "("}, {"minimum": "x"}):
        kind = "string" if "pattern" in constraint else "integer"
        report = checked(
            tmp_path,
            "a\n1\n",
            {"fields": fields(a={"type": kind, "constraints": constraint})},
        )
        assert [code for code, _ in report.counts] == ["schema-error"]


def test_a_schema_made_of_bad_labels_blames_the_header(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        "a,,a\n1,2,3\n",
        {"fields": [{"name": name, "type": "string"} for name in ("a", "", "a")]},
    )
    assert (report.rows, {code for code, _ in report.counts}) == (
        1,
        {"blank-label", "duplicate-label"},
    )


def test_unique_lists_are_judged_where_frictionless_fails(tmp_path: Path) -> None:
    schema = {
        "fields": fields(
            a={"type": "array", "constraints": {"unique": True}}, b="string"
        )
    }
    report = checked(
        tmp_path, 'a,b\n"[1, 2]",x\n"[1,2]",y\n[3],z\n', schema, checks=False
    )
    assert found(report) == [("unique-error", 3)]


def test_an_unknown_reference_is_a_warning(tmp_path: Path) -> None:
    key = {"fields": ["a"], "reference": {"resource": "elsewhere", "fields": ["a"]}}
    report = checked(
        tmp_path,
        "a,b\n1,2\n",
        {"fields": fields(a="string", b="string"), "foreignKeys": [key]},
    )
    assert (report.valid, found(report)) == (True, [("foreign-key-unchecked", None)])


def test_every_message_is_in_both_languages_with_a_hint() -> None:
    assert len(MESSAGES) == len(CHECKS)
    for message in (*ERRORS.values(), *MESSAGES.values()):
        assert all(message) and message.vi != message.en


def test_every_check_of_our_schemas_has_columns_that_exist() -> None:
    for table in catalog.tables():
        names = {field["name"] for field in table.descriptor["fields"]}
        for check in table.checks:
            assert set(check.get("fields", ())) <= names, (table.name, check)
