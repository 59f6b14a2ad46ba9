"""Table schemas through their actions and the command line."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.cli.base import portal as command
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.pipeline import load
from portal.runtime import Portal
from schemas import catalog
from schemas.record import Upload
from tests.portal.actions.people import call, make_actor, make_org

GUARDS = ("portal.cli.schema",)


def test_schemas_by_api(portal: Portal) -> None:
    assert len(call(portal, ANONYMOUS, "schema_list")) == len(catalog.tables())
    assert call(portal, ANONYMOUS, "schema_show", id="d02")["code"] == "D02"
    assert call(portal, ANONYMOUS, "schema_show", id="linh-vuc")["rows"]
    with pytest.raises(NotFound, match="did you mean"):
        call(portal, ANONYMOUS, "schema_show", id="D99")
    checked = call(
        portal,
        ANONYMOUS,
        "schema_check",
        schema={"fields": [{"name": "ma_xa", "type": "integer"}]},
    )
    assert (checked["valid"], checked["version"], checked["problems"][0]["field"]) == (
        False,
        "v1",
        "ma_xa",
    )
    assert (
        call(portal, ANONYMOUS, "schema_compare", old="D02", new="D03")["breaking"]
        is True
    )
    with pytest.raises(Invalid, match="fields"):
        call(portal, ANONYMOUS, "schema_compare", old={"x": 1}, new="D02")
    editor = make_actor(portal, "editor", "editor", make_org(portal, "org"))
    made = call(portal, editor, "schema_propose", text="Mã,Ngày\n00001,31/12/2026\n")
    assert [field["type"] for field in made["schema"]["fields"]] == ["string", "date"]
    call(portal, editor, "package_create", name="xx", owner_org="org", private=True)
    file = Upload("a.csv", io.BytesIO("Mã\n00001\n".encode()))
    resource = call(portal, editor, "resource_create", package_id="xx", upload=file)
    assert call(portal, editor, "schema_propose", resource_id=resource["id"])["schema"][
        "primaryKey"
    ] == ["Mã"]
    with pytest.raises(NotAuthorized):
        call(
            portal,
            make_actor(portal, "other"),
            "schema_propose",
            resource_id=resource["id"],
        )
    with pytest.raises(Invalid):
        call(portal, SYSTEM, "schema_propose", text="")


def test_a_proposed_schema_is_taken_over(portal: Portal) -> None:
    editor = make_actor(portal, "editor", "editor", make_org(portal, "org"))
    call(portal, editor, "package_create", name="xx", owner_org="org", private=True)
    text = 'Mã xã,Ngày,Giá\n00001,31/12/2026,"1.234,5"\n00002,01/02/2026,"2,25"\n'
    made = call(
        portal,
        editor,
        "resource_create",
        package_id="xx",
        upload=Upload("a.csv", io.BytesIO(text.encode())),
    )
    key = made["id"]
    load.drain(portal)

    def types() -> list[str]:
        return [
            field["type"]
            for field in call(portal, editor, "datastore_search", resource_id=key)[
                "fields"
            ]
        ]

    assert types() == ["int", "text", "text", "text"]
    with pytest.raises(NotAuthorized):
        call(portal, make_actor(portal, "other"), "schema_adopt", resource_id=key)
    adopted = call(portal, editor, "schema_adopt", resource_id=key)
    assert call(portal, editor, "resource_show", id=key)["schema"] == adopted["schema"]
    load.drain(portal)
    assert types() == ["int", "text", "date", "numeric"]
    rows = call(
        portal, editor, "datastore_search", resource_id=key, records_format="lists"
    )["records"]
    assert rows == [
        [1, "00001", "2026-12-31", 1234.5],
        [2, "00002", "2026-02-01", 2.25],
    ]
    for again in ({}, {"schema": {"fields": []}}):
        with pytest.raises(Invalid, match="declared already"):
            call(portal, editor, "schema_adopt", resource_id=key, **again)
    rows_only = call(
        portal, editor, "datastore_create", resource={"package_id": "xx"},
        records=[{"mã": "01", "ngày": "đầu năm"}, {"mã": "02", "ngày": "1/1"}],
    )["resource_id"]  # fmt: skip
    proposed = call(portal, editor, "schema_propose", resource_id=rows_only)["schema"][
        "fields"
    ]
    assert [(field["name"], field["type"]) for field in proposed] == [
        ("mã", "string"),
        ("ngày", "string"),
    ]
    with pytest.raises(Invalid, match="upload or a link"):
        call(portal, editor, "schema_adopt", resource_id=rows_only)
    other = call(
        portal,
        editor,
        "resource_create",
        package_id="xx",
        upload=Upload("b.csv", io.BytesIO(text.encode())),
    )
    with pytest.raises(Invalid, match="schema"):
        call(
            portal,
            editor,
            "schema_adopt",
            resource_id=other["id"],
            schema={"fields": [{"name": "a", "type": "x"}]},
        )


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["schema", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), (
        result.exception
    )
    return result.exit_code, result.output


def test_schemas_by_command(tmp_path: Path) -> None:
    assert "D07" in run("list", "--sector", "y-te")[1]
    assert len(json.loads(run("list", "--json")[1])) == len(catalog.tables())
    assert "ma_dn" in run("show", "D02", "--lang", "en")[1]
    assert json.loads(run("show", "D02", "--json")[1])["code"] == "D02"
    assert run("show", "D99")[0] == 1
    good, bad, table = (
        tmp_path / "good.json",
        tmp_path / "bad.json",
        tmp_path / "bang.csv",
    )
    good.write_text(json.dumps(catalog.get("D02").descriptor), encoding="utf-8")
    bad.write_text(
        '{"fields": [{"name": "ma_xa", "type": "integer"}]}', encoding="utf-8"
    )
    table.write_text('Mã xã,Diện tích\n00001,"1,5"\n', encoding="utf-8")
    assert run("check", str(good))[0] == 0
    code, text = run("check", str(bad))
    assert (code, "số 0 ở đầu" in text) == (1, True)
    assert json.loads(run("check", str(bad), "--json")[1])["valid"] is False
    out = tmp_path / "proposed.json"
    assert run("propose", str(table), "--out", str(out))[0] == 0
    fields: list[dict[str, Any]] = json.loads(out.read_text(encoding="utf-8"))["fields"]
    assert [(field["name"], field["type"]) for field in fields] == [
        ("Mã xã", "string"),
        ("Diện tích", "number"),
    ]
    assert run("compare", str(good), "D02")[0] == 0
    code, text = run("compare", "D02", str(out), "--lang", "en")
    assert (code, "BREAKING" in text) == (1, True)
    assert run("compare", "D02", str(bad))[0] == 1
    (tmp_path / "no.json").write_text("{", encoding="utf-8")
    assert run("check", str(tmp_path / "no.json"))[0] == 2


def test_a_schema_that_refers_to_something_outside_of_it_is_refused_when_it_is_saved(
    portal: Portal,
) -> None:
    editor = make_actor(portal, "editor", "editor", make_org(portal, "org"))
    call(portal, editor, "package_create", name="xx", owner_org="org", private=True)
    inside = {"$id": "http://127.0.0.1:1/", "properties": {"a": {"$ref": "ref.json"}}}
    schema = {
        "fields": [
            {"name": "o", "type": "object", "constraints": {"jsonSchema": inside}}
        ]
    }
    assert not call(portal, ANONYMOUS, "schema_check", schema=schema)["valid"]
    file = Upload("a.csv", io.BytesIO(b'o\n"{""a"": 1}"\n'))
    with pytest.raises(Invalid, match=r"ref\.json"):
        call(
            portal,
            editor,
            "resource_create",
            package_id="xx",
            upload=file,
            schema=json.dumps(schema),
        )
    inside["$defs"] = {"n": {"$id": "ref.json", "type": "integer"}}
    file = Upload("a.csv", io.BytesIO(b'o\n"{""a"": 1}"\n'))
    assert call(
        portal,
        editor,
        "resource_create",
        package_id="xx",
        upload=file,
        schema=json.dumps(schema),
    )["id"]
