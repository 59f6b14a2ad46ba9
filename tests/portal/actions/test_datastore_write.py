"""Writing rows through the API: what DataPusher, ckanr and ckanapi send, and everything
that is refused.
"""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.actions import registry
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.quality.findings import report_formats
from portal.runtime import Portal
from tests.portal.actions.people import call, make_actor, make_org

GUARDS = (
    "portal.actions._shared.row_writes",
    "portal.db.datastore",
    "portal.domain.datastore",
    "portal.tabular.versions.records",
    "portal.tabular.versions.upserting",
)
Json = dict[str, Any]


@pytest.fixture
def package(portal: Portal) -> Json:
    org = make_org(portal, "so-y-te")
    return dict(
        call(
            portal,
            SYSTEM,
            "package_create",
            name="thuoc",
            title="Thuốc",
            owner_org=org["id"],
        )
    )


def create(portal: Portal, package: Json, **params: Any) -> Json:
    made = call(
        portal,
        SYSTEM,
        "datastore_create",
        resource={"package_id": package["id"], "name": "bảng"},
        **params,
    )
    return dict(made)


def rows(portal: Portal, table: Json, **params: Any) -> list[Any]:
    answer = call(
        portal,
        ANONYMOUS,
        "datastore_search",
        resource_id=table["resource_id"],
        records_format="lists",
        **params,
    )
    return list(answer["records"])


def upsert(portal: Portal, table: Json, records: list[Json], **params: Any) -> Json:
    return dict(
        call(
            portal,
            SYSTEM,
            "datastore_upsert",
            resource_id=table["resource_id"],
            records=records,
            **params,
        )
    )


def refused(portal: Portal, name: str, **params: Any) -> Json:
    with pytest.raises(Invalid) as problem:
        registry.call(portal, SYSTEM, name, params)
    return dict(problem.value.errors)


def test_a_table_is_made_guessed_altered_and_described(
    portal: Portal, package: Json
) -> None:
    table = create(
        portal,
        package,
        fields=[
            {"id": "ma", "info": {"label": "Mã", "notes": "số đăng ký"}},
            {"id": "gia", "type": "numeric"},
        ],
        records=[
            {
                "ma": "00123",
                "gia": "12.50",
                "so": "7",
                "ngay": "2026-11-20",
                "them": {"a": [1]},
            },
            {"ma": "00124", "gia": 3, "so": "", "them": None},
        ],
        primary_key="ma",
        aliases=["thuoc_gia"],
        indexes=["gia"],
    )
    assert [(f["id"], f["type"]) for f in table["fields"]] == [
        ("ma", "text"), ("gia", "numeric"), ("so", "int4"), ("ngay", "timestamp"), ("them", "json")
    ]  # fmt: skip
    assert table["primary_key"] == ["ma"] and "records" not in table
    assert rows(portal, table) == [
        [1, "00123", 12.5, 7, "2026-11-20T00:00:00.000", {"a": [1]}],
        [2, "00124", 3, None, None, None],
    ]
    shown = call(portal, ANONYMOUS, "resource_show", id=table["resource_id"])
    assert shown["datastore_active"] and shown["url"].endswith(
        f"/datastore/dump/{table['resource_id']}"
    )
    assert (
        call(portal, ANONYMOUS, "datastore_search", resource_id="thuoc_gia")[
            "resource_id"
        ]
        == table["resource_id"]
    )
    altered = call(
        portal, SYSTEM, "datastore_create", resource_id=table["resource_id"], delete_fields=True, include_records=True,
        fields=[{"id": "ma"}, {"id": "gia"}, {"id": "moi", "type": "bool"}],
        records=[{"ma": "00125", "moi": "t"}], calculate_record_count=True,
    )  # fmt: skip
    assert altered["total"] == 3 and altered["records"] == [{"ma": "00125", "moi": "t"}]
    assert rows(portal, table) == [
        [1, "00123", 12.5, None],
        [2, "00124", 3, None],
        [3, "00125", None, True],
    ]
    info = call(portal, ANONYMOUS, "datastore_info", id="thuoc_gia")
    assert (
        info["meta"]["count"] == 3
        and info["meta"]["aliases"] == ["thuoc_gia"]
        and info["meta"]["version"] == 2
    )
    assert info["fields"][1]["info"] == {"label": "Mã", "notes": "số đăng ký"}
    assert rows(portal, table, q="00125") and not rows(portal, table, q="2026")


def test_upsert_insert_update_and_their_refusals(portal: Portal, package: Json) -> None:
    first = [{"ma": f"{n:05}", "gia": n, "ten": f"thuốc {n}"} for n in range(1, 6)]
    table = create(portal, package, records=first, primary_key=["ma"])
    upsert(
        portal,
        table,
        [
            {"ma": "00002", "gia": 20},
            {"ma": "00009", "gia": 9},
            {"ma": "00002", "ten": "hai"},
        ],
    )
    assert rows(portal, table, filters={"ma": ["00002", "00009"]}) == [
        [2, "00002", 20, "hai"],
        [6, "00009", 9, None],
    ]
    upsert(portal, table, [{"_id": 1, "ten": "một"}], method="update")
    upsert(portal, table, [{"ma": "00003", "ten": "ba"}], method="update")
    upsert(portal, table, [{"ma": "00010"}], method="insert")
    assert [row[3] for row in rows(portal, table)] == [
        "một",
        "hai",
        "ba",
        "thuốc 4",
        "thuốc 5",
        None,
        None,
    ]
    before = rows(portal, table)
    key = table["resource_id"]
    for records, method, wrong in (
        ([{"ma": "00011"}, {"ma": "00001"}], "insert", {"records", "records_row"}),
        ([{"ma": "00011"}, {"ma": "00011"}], "insert", {"records", "records_row"}),
        ([{"ma": "00011", "zz": 1}], "insert", {"records", "records_row"}),
        (
            [{"ma": "00011"}, {"ma": "00012", "gia": "một"}],
            "upsert",
            {"records", "records_row"},
        ),
        ([{"ma": "00011", "gia": 2**31}], "upsert", {"records", "records_row"}),
        ([{"gia": 1}], "upsert", {"key", "records_row"}),
        ([{"ma": "00099", "gia": 1}], "update", {"key", "records_row"}),
        ([{"_id": 99, "gia": 1}], "upsert", {"key", "records_row"}),
        ([{"ma": "00011", "zz": 1}], "upsert", {"fields", "records_row"}),
        ([{"ma": "00011"}], "merge", {"method"}),
        ("x", "upsert", {"records"}),
    ):
        errors = refused(
            portal, "datastore_upsert", resource_id=key, records=records, method=method
        )
        assert set(errors) == wrong, (records, errors)
    assert (
        refused(
            portal,
            "datastore_upsert",
            resource_id=key,
            records=[{"ma": "1"}, {"gia": 1}],
        )["records_row"]
        == 2
    )
    upsert(portal, table, [{"ma": "00012"}], dry_run=True)
    assert rows(portal, table) == before
    assert call(portal, SYSTEM, "datastore_info", id=key)["meta"]["version"] == 5
    keyless = create(portal, package, records=[{"a": 1}])
    assert "table" in refused(
        portal,
        "datastore_upsert",
        resource_id=keyless["resource_id"],
        records=[{"a": 1}],
    )


def test_decimals_stay_exact_and_grow(portal: Portal, package: Json) -> None:
    table = create(
        portal, package, fields=[{"id": "a", "type": "numeric"}], records=[{"a": "1.5"}]
    )
    upsert(portal, table, [{"a": "0.123456789012345678"}], method="insert")
    page = registry.call(
        portal,
        ANONYMOUS,
        "datastore_search",
        {"resource_id": table["resource_id"], "records_format": "csv"},
    )
    assert [Decimal(line.split(",")[1]) for line in page["records"].split()] == [
        Decimal("1.5"), Decimal("0.123456789012345678")
    ]  # fmt: skip


def test_deleting_rows_and_tables(portal: Portal, package: Json) -> None:
    table = create(
        portal,
        package,
        records=[{"ma": f"m{n}", "so": n} for n in range(10)],
        aliases="b1",
    )
    key = table["resource_id"]
    gone = call(
        portal, SYSTEM, "datastore_records_delete", id=key, filters={"so": {"gte": 7}}
    )
    assert gone["filters"] == {"so": {"gte": 7}} and len(rows(portal, table)) == 7
    shown = call(
        portal,
        SYSTEM,
        "datastore_delete",
        id=key,
        filters={"so": 0},
        include_deleted_records=True,
    )
    assert [record["so"] for record in shown["deleted_records"]] == [0]
    upsert(portal, table, [{"ma": "x", "so": 5}], method="insert")
    # A number is never given twice.
    assert [row[0] for row in rows(portal, table)] == [2, 3, 4, 5, 6, 7, 11]
    for filters in ([1], "x", {"zz": 1}):
        assert "filters" in refused(portal, "datastore_delete", id=key, filters=filters)
    assert "filters" in refused(portal, "datastore_records_delete", id=key)
    call(portal, SYSTEM, "datastore_delete", id=key, filters={})
    assert rows(portal, table) == []
    call(portal, SYSTEM, "datastore_delete", id=key)
    for name in (key, "b1"):
        with pytest.raises(NotFound):
            call(portal, SYSTEM, "datastore_search", id=name)
    with pytest.raises(NotFound):
        call(portal, SYSTEM, "datastore_delete", id=key)
    assert call(portal, SYSTEM, "resource_show", id=key)["datastore_active"] is False


def test_what_cannot_be_a_table(portal: Portal, package: Json) -> None:
    resource = {"package_id": package["id"]}
    for params, wrong in (
        ({"fields": [{"id": "_x"}]}, "fields"),
        ({"fields": [{"id": 'a"b'}]}, "fields"),
        ({"fields": [{"id": "a" * 64}]}, "fields"),
        ({"fields": [{"id": "a"}, {"id": "a"}]}, "fields"),
        ({"fields": [{"id": "ma"}, {"id": "MA"}]}, "fields"),
        ({"fields": [{"id": "a", "type": "blob"}]}, "fields"),
        ({"fields": [{"id": "a"}], "primary_key": "b"}, "primary_key"),
        ({"records": [{"a": True}, {"a": "maybe"}]}, "records"),
        ({"records": [{"a": "1"}, {"a": "1"}], "primary_key": "a"}, None),
        ({"records": "[1]"}, "records"),
        ({"aliases": ['x"y']}, "alias"),
        ({"triggers": [{"function": "f"}]}, "triggers"),
        ({"zz": 1}, "__extras"),
    ):
        if wrong is None:
            create(portal, package, **params)  # the second record updates the first
            continue
        errors = refused(portal, "datastore_create", resource=resource, **params)
        assert wrong in errors, (params, errors)
    # Nothing half made.
    assert len(call(portal, SYSTEM, "package_show", id=package["id"])["resources"]) == 1
    table = create(portal, package, records=[{"a": 1}, {"a": 1}], aliases=["ten"])
    assert "constraints" in refused(
        portal, "datastore_create", resource_id=table["resource_id"], primary_key=["a"]
    )
    assert "alias" in refused(
        portal, "datastore_create", resource=resource, records=[], aliases=["ten"]
    )
    assert "resource_id" in refused(portal, "datastore_create", records=[])


def test_rights_read_only_and_personal_data(portal: Portal, package: Json) -> None:
    linked = call(
        portal,
        SYSTEM,
        "resource_create",
        package_id=package["id"],
        url="http://127.0.0.1:9/a.csv",
    )
    assert "read-only" in refused(
        portal, "datastore_create", resource_id=linked["id"], records=[{"a": 1}]
    )
    with pytest.raises(NotFound):
        # As DataPusher first does.
        call(portal, SYSTEM, "datastore_delete", id=linked["id"], force=True)
    for start in (0, 250):
        call(
            portal, SYSTEM, "datastore_create", resource_id=linked["id"], force=True, calculate_record_count=True,
            fields=[{"id": "a", "type": "numeric"}], records=[{"a": n} for n in range(start, start + 250)],
        )  # fmt: skip
    assert (
        call(portal, ANONYMOUS, "datastore_search", id=linked["id"], limit=0)["total"]
        == 500
    )
    member = make_actor(
        portal, "xem", "member", call(portal, SYSTEM, "organization_show", id="so-y-te")
    )
    for actor in (ANONYMOUS, member):
        with pytest.raises(NotAuthorized):
            call(
                portal,
                actor,
                "datastore_upsert",
                resource_id=linked["id"],
                records=[],
                force=True,
            )
    errors = refused(
        portal,
        "datastore_upsert",
        resource_id=linked["id"],
        force=True,
        method="insert",
        records=[{"a": "038090000001"}],
    )
    assert "citizen" in errors["records"][0]
    call(portal, SYSTEM, "package_patch", id=package["id"], private=True)
    call(
        portal, SYSTEM, "datastore_create", resource_id=linked["id"], force=True,
        fields=[{"id": "a"}, {"id": "so", "type": "text"}], records=[{"so": "038090000001"}],
    )  # fmt: skip
    # A way round would be a leak.
    assert refused(portal, "package_patch", id=package["id"], private=False)
    call(portal, SYSTEM, "resource_delete", id=linked["id"])
    with pytest.raises(NotFound):
        call(portal, ANONYMOUS, "datastore_search", id=linked["id"])


def test_the_report_of_a_private_table_of_persons_can_be_downloaded(
    portal: Portal, package: Json
) -> None:
    call(portal, SYSTEM, "package_patch", id=package["id"], private=True)
    written = create(
        portal,
        package,
        fields=[{"id": "so", "type": "text"}],
        records=[{"so": "038090000001"}],
    )
    shown = call(
        portal, SYSTEM, "resource_validation_show", resource_id=written["resource_id"]
    )
    line = report_formats.table(shown["report"], "en").splitlines()[1]
    assert "personal-data" in line and "cannot become public" in line
    assert report_formats.for_strangers(shown["report"])["report"]["findings"]


def test_a_report_that_was_stored_without_cells_can_be_downloaded() -> None:
    text = {"vi": "a", "en": "a"}
    finding = {"check": "personal-data", "severity": "warning", "resource": "r"}
    finding |= {"field": "so", "row": None, "note": "", "message": text, "hint": text}
    body = {"valid": True, "report": {"findings": [finding]}}
    assert len(report_formats.table(body, "en").splitlines()) == 2
    assert report_formats.for_strangers(body)["report"]["findings"][0]["cell"] == ""


def test_writers_of_one_table_lose_nothing(portal: Portal, package: Json) -> None:
    table = create(
        portal,
        package,
        fields=[{"id": "ma"}, {"id": "so", "type": "int4"}],
        primary_key=["ma"],
    )

    def write(number: int) -> None:
        for turn in range(4):
            upsert(
                portal,
                table,
                [
                    {"ma": f"m{number}-{turn}", "so": number},
                    {"ma": "chung", "so": number},
                ],
            )

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    found = rows(portal, table, limit=100)
    assert len(found) == 13 and len({row[0] for row in found}) == 13
    assert (
        call(portal, SYSTEM, "datastore_info", id=table["resource_id"])["meta"]["count"]
        == 13
    )


def test_an_open_table_has_no_columns_that_its_schema_tags_as_personal(
    portal: Portal, package: Json
) -> None:
    person = {"name": "chu_ho", "type": "string", "pd": "basic", "treatment": "drop"}
    schema = {"fields": [{"name": "ma", "type": "string"}, person]}
    described = {"package_id": package["id"], "name": "hộ", "schema": schema}
    with_person = {"records": [{"ma": "01", "chu_ho": "An"}], "primary_key": "ma"}
    errors = refused(portal, "datastore_create", resource=described, **with_person)
    assert "chu_ho" in errors["fields"][0] and "An" not in str(errors)
    assert (
        "chu_ho"
        in refused(
            portal, "datastore_create", resource=described, fields=[{"id": "chu_ho"}]
        )["fields"][0]
    )
    table = call(
        portal,
        SYSTEM,
        "datastore_create",
        resource=described,
        records=[{"ma": "01"}],
        primary_key="ma",
    )
    key = table["resource_id"]
    assert (
        "chu_ho"
        in refused(portal, "datastore_create", resource_id=key, **with_person)[
            "fields"
        ][0]
    )
    upsert(portal, table, [{"ma": "02"}])
    assert rows(portal, table) == [[1, "01"], [2, "02"]]
    call(portal, SYSTEM, "package_patch", id=package["id"], private=True)
    call(portal, SYSTEM, "datastore_create", resource_id=key, **with_person)
    upsert(portal, table, [{"ma": "02", "chu_ho": "Bình"}])
    with pytest.raises(Invalid):
        call(portal, SYSTEM, "package_patch", id=package["id"], private=False)
    call(
        portal,
        SYSTEM,
        "resource_patch",
        id=key,
        schema={"fields": schema["fields"][:1]},
    )
    call(portal, SYSTEM, "package_patch", id=package["id"], private=False)
    errors = refused(portal, "resource_patch", id=key, schema=schema)
    assert "chu_ho" in str(errors)
    upsert(portal, table, [{"ma": "03", "chu_ho": "Chi"}])
