"""portal validate on files, packages and addresses, for people and for programs."""

from pathlib import Path

import orjson
from click.testing import CliRunner

from portal.cli.validation import validate_file


def run(*arguments: str, code: int = 0) -> str:
    """Run `portal validate …`, expect an exit code, and return what it printed."""
    done = CliRunner().invoke(validate_file, arguments)
    assert done.exit_code == code, done.output
    return done.output


def test_files_packages_and_programs(tmp_path: Path) -> None:
    good, bad, fields = tmp_path / "t.csv", tmp_path / "bad.csv", tmp_path / "schema.json"
    good.write_text("ma,tinh\n01,38\n02,40\n", encoding="utf-8")
    bad.write_text("ma,tinh\n01,38\n01,40\n", encoding="utf-8")
    (tmp_path / "tinh.csv").write_text("ma\n38\n", encoding="utf-8")
    key = {"fields": ["tinh"], "reference": {"resource": "tinh", "fields": ["ma"]}}
    schema = {"fields": [{"name": "ma", "type": "string"}, {"name": "tinh", "type": "string"}], "primaryKey": ["ma"]}
    fields.write_bytes(orjson.dumps(schema))
    package = tmp_path / "datapackage.json"
    resources = [
        {"name": "t", "path": "t.csv", "schema": {**schema, "foreignKeys": [key]}},
        {"name": "tinh", "path": "tinh.csv", "schema": {"fields": [{"name": "ma", "type": "string"}]}},
    ]
    package.write_bytes(orjson.dumps({"name": "p", "resources": resources}))

    assert "HỢP LỆ: 2 dòng" in run(str(good))
    listed = run(str(bad), "--schema", str(fields), "--csv", code=1).splitlines()
    assert listed[0].startswith("resource,part,row,field,check")
    assert listed[1].startswith("bad.csv,,3,ma,primary-key,error")
    whole = orjson.loads(run(str(package), "--json", code=1))
    assert [each["valid"] for each in whole["resources"]] == [False, True]
    assert [f["check"] for f in whole["resources"][0]["findings"] if f["severity"] == "error"] == ["foreign-key"]
    theirs = orjson.loads(run(str(package), "--report", "frictionless", code=1))
    assert [task["errors"][0]["type"] for task in theirs["tasks"] if task["errors"]] == ["foreign-key"]
    (tmp_path / "page.csv").write_text("<html></html>", encoding="utf-8")
    run(str(tmp_path / "page.csv"), code=2)
    assert "no file" in run(str(tmp_path / "nothing.csv"), code=2)
    assert "portal: http://127.0.0.1:9" in run("http://127.0.0.1:9/t.csv", code=2)
