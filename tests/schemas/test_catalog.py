"""The catalogue of table schemas: every one is sound, complete in both languages, and
found by its names.
"""

import json
import re
import unicodedata
from pathlib import Path

import pytest
from frictionless import Resource, Schema

from portal.quality.checks import documented
from schemas import catalog
from schemas.vocabularies import ACCESS_KINDS, FREQUENCIES

GUARDS = (
    "schemas.tabletypes",
    "schemas.units",
    "schemas.vocabularies",
)
REPOSITORY = Path(__file__).parents[2]
MISSING = ["", "NA", "N/A", "-", "...", "…", "không có", "KXĐ", "null"]
FREE = "^[^ ].*$"
"""The pattern of a code that may be any text (a unit of measure)."""
every_table = pytest.mark.parametrize(
    "table", catalog.tables(), ids=lambda table: table.code
)


def fields(table: catalog.TableSchema) -> dict[str, dict]:
    return {field["name"]: field for field in table.descriptor["fields"]}


def verdict(
    descriptor: dict, *rows: dict[str, str]
) -> list[tuple[int | None, str | None, str]]:
    """What Frictionless says about rows of text, foreign keys aside: (row, field,
    code).
    """
    descriptor.pop("foreignKeys", None)
    names = [field["name"] for field in descriptor["fields"]]
    data = [names, *([row.get(name, "") for name in names] for row in rows)]
    report = Resource(data=data, schema=Schema.from_descriptor(descriptor)).validate()
    return [
        tuple(error) for error in report.flatten(["rowNumber", "fieldName", "type"])
    ]


@every_table
def test_frictionless_accepts_the_descriptor(table: catalog.TableSchema) -> None:
    report = Schema.validate_descriptor(table.descriptor)
    assert report.flatten(["type", "note"]) == []


@every_table
def test_the_file_stands_where_its_name_says(table: catalog.TableSchema) -> None:
    assert table.path == catalog.FOLDER / f"{table.name}.json"
    assert table.sector == table.name.split("/")[0]
    assert re.fullmatch(r"[a-z0-9-]+(/[a-z0-9-]+){1,2}", table.name)
    assert re.fullmatch(r"\d+\.\d+\.\d+", table.version)


@every_table
def test_the_common_rules_hold(table: catalog.TableSchema) -> None:
    assert table.descriptor["missingValues"] == MISSING
    assert table.access_kind in ACCESS_KINDS
    assert table.frequency in FREQUENCIES
    key = table.descriptor["primaryKey"]
    names = [key] if isinstance(key, str) else key
    assert set(names) <= set(fields(table))
    assert all(fields(table)[name]["constraints"].get("required") for name in names)


@every_table
def test_every_text_is_there_in_both_languages_and_nfc(
    table: catalog.TableSchema,
) -> None:
    text = table.path.read_text(encoding="utf-8")
    assert unicodedata.is_normalized("NFC", text)
    for shape in (table.descriptor, *table.descriptor["fields"]):
        assert all(
            shape[word].strip()
            for word in ("title", "title_en", "description", "description_en")
        )


@every_table
def test_names_are_ascii_snake_case_and_tagged(table: catalog.TableSchema) -> None:
    for name, field in fields(table).items():
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
        assert field["pd"] in ("none", "basic", "sensitive")
        assert field["treatment"] in ("keep", "drop", "generalise", "consent")
        assert (field["pd"] == "none") == (field["treatment"] == "keep")


@every_table
def test_codes_are_texts_with_a_pattern(table: catalog.TableSchema) -> None:
    for name, field in fields(table).items():
        if name == "ma" or name.startswith(("ma_", "vsic_c", "vsic_1")):
            assert field["type"] == "string", name
            free = name == "ma_cha" and table.code == "D01"
            assert free or "pattern" in field["constraints"], name


@every_table
def test_patterns_cover_the_whole_cell(table: catalog.TableSchema) -> None:
    """Frictionless wraps a pattern as ^{p}$ without a group, so an alternation must
    bring its own.
    """
    for field in table.descriptor["fields"]:
        pattern = field.get("constraints", {}).get("pattern", FREE)
        if pattern != FREE:
            assert not re.search(f"^{pattern}$", f"!{field['example']}")
            assert not re.search(f"^{pattern}$", f"{field['example']}!")


@every_table
def test_foreign_keys_name_a_table_and_field_of_the_catalogue(
    table: catalog.TableSchema,
) -> None:
    for key in table.descriptor.get("foreignKeys", []):
        target = catalog.get(key["reference"]["resource"])
        assert target.name == key["reference"]["resource"]
        assert set(key["reference"]["fields"]) <= set(fields(target))
        assert set(key["fields"]) <= set(fields(table))


@every_table
def test_checks_name_fields_of_the_table(table: catalog.TableSchema) -> None:
    known = set(fields(table))
    for check in table.checks:
        single = [
            check[key]
            for key in ("field", "order_by", "parameter", "when", "indicator", "value")
            if key in check
        ]
        several = [
            *check.get("fields", ()),
            *check.get("key", ()),
            *check.get("by", ()),
            *check.get("where", ()),
        ]
        assert {*single, *several} <= known, check


@every_table
def test_the_row_of_examples_is_right(table: catalog.TableSchema) -> None:
    row = {name: field["example"] for name, field in fields(table).items()}
    assert verdict(table.descriptor, row) == []


@every_table
def test_a_required_cell_may_not_be_missing(table: catalog.TableSchema) -> None:
    right = {name: field["example"] for name, field in fields(table).items()}
    for name, field in fields(table).items():
        if field.get("constraints", {}).get("required"):
            found = verdict(table.descriptor, right | {name: "KXĐ"})
            assert (2, name, "constraint-error") in found, name


@every_table
def test_one_broken_cell_is_found_in_its_field(table: catalog.TableSchema) -> None:
    right = {name: field["example"] for name, field in fields(table).items()}
    for name, field in fields(table).items():
        wrong = broken(field)
        if wrong is not None:
            assert {
                found
                for _, found, _ in verdict(table.descriptor, right | {name: wrong})
            } == {name}, name


def broken(field: dict) -> str | None:
    """A cell that this field must refuse; None for free text."""
    if field["type"] != "string":
        return "31/02/2026 khoảng"
    limits = field.get("constraints", {})
    refused = (
        "enum" in limits or "format" in field or limits.get("pattern", FREE) != FREE
    )
    return "không hợp lệ !" if refused else None


@every_table
def test_the_public_shape_has_nothing_to_drop(table: catalog.TableSchema) -> None:
    dropped = {
        name for name, field in fields(table).items() if field["treatment"] == "drop"
    }
    assert {field["name"] for field in table.public["fields"]} == set(
        fields(table)
    ) - dropped
    assert Schema.validate_descriptor(table.public).valid


def test_columns_to_drop_may_be_absent_but_no_required_one() -> None:
    table = catalog.get("D02")
    row = {field["name"]: field["example"] for field in table.public["fields"]}
    schema = Schema.from_descriptor({**table.descriptor, "foreignKeys": []})
    assert (
        Resource(data=[list(row), list(row.values())], schema=schema).validate().valid
    )
    del row["ma_xa"]
    report = Resource(data=[list(row), list(row.values())], schema=schema).validate()
    assert report.flatten(["type", "fieldName"])[0] == ["missing-label", "ma_xa"]
    match = {t.code for t in catalog.tables() if t.descriptor.get("fieldsMatch")}
    assert match == {
        t.code
        for t in catalog.tables()
        if len(t.public["fields"]) < len(t.descriptor["fields"])
    }


def test_eighteen_datasets_and_the_shared_lists() -> None:
    numbers = {table.code.split("/")[0] for table in catalog.tables()}
    assert numbers == {f"D{number:02d}" for number in range(1, 19)} | {"DC"}


def test_nothing_open_shows_personal_data() -> None:
    bare = [
        (table.code, field["name"])
        for table in catalog.tables()
        if table.access_kind == "open"
        for field in table.public["fields"]
        if field["pd"] != "none" and field["treatment"] not in ("generalise", "consent")
    ]
    assert bare == []


@pytest.mark.parametrize(
    "table",
    [t for t in catalog.tables() if t.is_code_list],
    ids=lambda table: table.code,
)
def test_a_shipped_code_list_obeys_its_own_schema(table: catalog.TableSchema) -> None:
    assert table.rows()
    assert verdict(table.descriptor, *table.rows()) == []
    assert list(table.rows()[0]) == [
        field["name"] for field in table.descriptor["fields"]
    ]


def test_code_lists_have_the_columns_of_the_dictionary() -> None:
    lists = [t for t in catalog.tables() if t.is_code_list and t.code != "D13/gioi-han"]
    columns = [
        "ma",
        "ten",
        "ma_cha",
        "mo_ta",
        "thu_tu",
        "ngay_hl",
        "ngay_hhl",
        "trang_thai",
    ]
    assert lists
    assert all(
        [field["name"] for field in table.descriptor["fields"]] == columns
        for table in lists
    )


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("noi-vu/don-vi-hanh-chinh", "D01"),
        ("don-vi-hanh-chinh", "D01"),
        ("d02", "D02"),
        ("KHCN/Doanh-Nghiep-Cong-Nghe-So", "D02"),
        ("D13/so-lieu", "D13/so-lieu"),
        ("quan-trac-moi-truong/tram", "D13/tram"),
        (" /d09/ ", "D09"),
    ],
)
def test_a_table_answers_to_its_names_and_code(name: str, code: str) -> None:
    assert catalog.get(name).code == code


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("don-vi-hanh-chin", "noi-vu/don-vi-hanh-chinh"),
        ("D13", "nnmt/quan-trac-moi-truong/so-lieu"),
        ("D18/giatri", "vp-ubnd/chi-tieu-kinh-te-xa-hoi/gia-tri"),
    ],
)
def test_an_unknown_name_suggests_near_ones(name: str, near: str) -> None:
    with pytest.raises(catalog.UnknownTable) as caught:
        catalog.get(name)
    assert isinstance(caught.value, KeyError)
    assert near in caught.value.near
    assert near in str(caught.value)


@pytest.mark.parametrize("name", ["", "/", "hoàn toàn khác"])
def test_a_name_that_is_like_nothing_is_refused_without_a_guess(name: str) -> None:
    with pytest.raises(catalog.UnknownTable):
        catalog.get(name)


def test_a_descriptor_is_a_copy_that_nobody_else_sees() -> None:
    catalog.get("D01").descriptor["fields"].clear()
    assert catalog.get("D01").descriptor["fields"]


def test_leading_zeros_and_the_person_code_are_guarded() -> None:
    right = {
        name: field["example"] for name, field in fields(catalog.get("D02")).items()
    }
    assert verdict(catalog.get("D02").descriptor, right | {"ma_dn": "0100109106"}) == []
    wrong = verdict(catalog.get("D02").descriptor, right | {"ma_dn": "038090001234"})
    assert wrong == [(2, "ma_dn", "constraint-error")]


def test_the_page_in_docs_is_the_generated_one() -> None:
    written = (REPOSITORY / "docs" / "schemas.md").read_text(encoding="utf-8")
    assert written == catalog.markdown(documented.markdown()), (
        "run: python -m demo.generate --page"
    )


def test_schema_files_are_written_one_way() -> None:
    for table in catalog.tables():
        text = table.path.read_text(encoding="utf-8")
        assert (
            text == json.dumps(json.loads(text), ensure_ascii=False, indent=2) + "\n"
        ), table.name
