"""portal validate on files, packages and addresses, for people and for programs."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from portal.cli.validation import validate_file
from tests.servers.web import Web, say

GUARDS = ("portal.cli.targets",)


def run(*arguments: str, code: int = 0) -> str:
    """Run `portal validate …`, expect an exit code, and return what it printed."""
    done = CliRunner().invoke(validate_file, arguments)
    assert done.exit_code == code, done.output
    return done.output


def test_files_packages_and_programs(tmp_path: Path) -> None:
    good, bad, fields = (
        tmp_path / "t.csv",
        tmp_path / "bad.csv",
        tmp_path / "schema.json",
    )
    good.write_text("ma,tinh\n01,38\n02,40\n", encoding="utf-8")
    bad.write_text("ma,tinh\n01,38\n01,40\n", encoding="utf-8")
    (tmp_path / "tinh.csv").write_text("ma\n38\n", encoding="utf-8")
    key = {"fields": ["tinh"], "reference": {"resource": "tinh", "fields": ["ma"]}}
    schema = {
        "fields": [
            {"name": "ma", "type": "string"},
            {"name": "tinh", "type": "string"},
        ],
        "primaryKey": ["ma"],
    }
    fields.write_bytes(orjson.dumps(schema))
    package = tmp_path / "datapackage.json"
    resources = [
        {"name": "t", "path": "t.csv", "schema": {**schema, "foreignKeys": [key]}},
        {
            "name": "tinh",
            "path": "tinh.csv",
            "schema": {"fields": [{"name": "ma", "type": "string"}]},
        },
    ]
    package.write_bytes(orjson.dumps({"name": "p", "resources": resources}))

    assert "HỢP LỆ: 2 dòng" in run(str(good))
    listed = run(str(bad), "--schema", str(fields), "--csv", code=1).splitlines()
    assert listed[0].startswith("resource,part,row,field,check")
    assert listed[1].startswith("bad.csv,,3,ma,primary-key,error")
    whole = orjson.loads(run(str(package), "--json", code=1))
    assert [each["valid"] for each in whole["resources"]] == [False, True]
    assert [
        f["check"]
        for f in whole["resources"][0]["findings"]
        if f["severity"] == "error"
    ] == ["foreign-key"]
    theirs = orjson.loads(run(str(package), "--report", "frictionless", code=1))
    assert [
        task["errors"][0]["type"] for task in theirs["tasks"] if task["errors"]
    ] == ["foreign-key"]
    (tmp_path / "page.csv").write_text("<html></html>", encoding="utf-8")
    run(str(tmp_path / "page.csv"), code=2)
    assert "no file" in run(str(tmp_path / "nothing.csv"), code=2)
    assert "portal: http://127.0.0.1:9" in run("http://127.0.0.1:9/t.csv", code=2)
    assert "leave --schema out" in run(str(package), "--schema", "D02", code=2)


def _package(url: str, **more: object) -> bytes:
    fields = [{"name": "ma", "type": "string"}, {"name": "so", "type": "integer"}]
    far = {"name": "far", "path": f"{url}/far/t.csv", "schema": {"fields": fields}}
    resources = [{"name": "t", "path": "data/t.csv", "schema": "schema.json"}, far]
    return orjson.dumps({"name": "p", "resources": resources, **more})


def test_addresses_keep_to_the_limits_of_harvesting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schema = orjson.dumps(
        {"fields": [{"name": "ma", "type": "string"}], "primaryKey": ["ma"]}
    )
    pages = {
        "/t.csv": say(200, b"ma,so\n01,1\n02,x\n"),
        "/": say(200, b"ma\n01\n", Content_Type="text/csv; charset=utf-8"),
        "/big.csv": say(200, b"ma\n" + b"0\n" * 600_000),
        "/p/data/t.csv": say(200, b"ma\n01\n01\n"),
        "/p/schema.json": say(200, schema),
        "/far/t.csv": say(200, b"ma,so\n01,x\n"),
        "/moved.csv": say(302, Location="/t.csv"),
    }
    with Web(pages) as web:
        pages["/p/datapackage.json"] = say(200, _package(web.url))
        pages["/profile/datapackage.json"] = say(
            200, _package(web.url, profile=f"{web.url}/profile.json")
        )
        pages["/out/datapackage.json"] = say(
            200, orjson.dumps({"resources": [{"name": "x", "path": "../t.csv"}]})
        )
        assert "private" in run(f"{web.url}/t.csv", code=2)
        assert web.asked == []
        monkeypatch.setenv("PORTAL_HARVEST_ALLOW", "127.0.0.1")
        monkeypatch.setenv("PORTAL_MAX_RESOURCE_SIZE", "1")
        assert "2 dòng" in run(f"{web.url}/t.csv")
        assert "2 dòng" in run(f"{web.url}/moved.csv")
        assert "1 dòng" in run(f"{web.url}/..")
        assert "more than 1 MB" in run(f"{web.url}/big.csv", code=2)
        assert "answered 404" in run(f"{web.url}/none.csv?token=geheim", code=2)
        assert "geheim" not in run(f"{web.url}/none.csv?token=geheim", code=2)
        single = orjson.loads(run(f"{web.url}/t.csv", "--report", "frictionless"))
        assert single["tasks"][0]["place"] == f"{web.url}/t.csv"

        whole = f"{web.url}/p/datapackage.json"
        ours = orjson.loads(run(whole, "--json", code=1))
        theirs = orjson.loads(run(whole, "--report", "frictionless", code=1))
        assert [
            [f["check"] for f in each["findings"]] for each in ours["resources"]
        ] == [[error["type"] for error in task["errors"]] for task in theirs["tasks"]]
        assert [task["place"] for task in theirs["tasks"]] == [
            f"{web.url}/p/data/t.csv",
            f"{web.url}/far/t.csv",
        ]
        assert "leave --schema out" in run(whole, "--schema", "D02", code=2)
        for outside in ("out", "profile"):
            assert "portal: " in run(
                f"{web.url}/{outside}/datapackage.json",
                "--report",
                "frictionless",
                code=2,
            )
        assert "/profile.json" not in web.asked
