"""The command line, as a person types it: each command in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

GUARDS = (
    "portal.cli.harvest",
    "portal.cli.index",
)
Environment = dict[str, str]


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")
    }
    return {
        **clean,
        "PORTAL_DATA_DIR": str(tmp_path / "var"),
        "PORTAL_HARVEST_ROOTS": str(tmp_path),
        "PORTAL_LOG_LEVEL": "WARNING",
    }


def portal(environment: Environment, *arguments: str, code: int = 0) -> str:
    """Run `portal …`, expect an exit code, and return what it printed."""
    command = [sys.executable, "-m", "portal.cli", *arguments]
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.mark.timeout(400)  # twenty processes, one after the other
def test_from_nothing_to_a_harvested_dataset(
    environment: Environment, tmp_path: Path
) -> None:
    assert "portal db upgrade" in portal(environment, "harvest", "list", code=1)
    assert "is at revision 00" in portal(environment, "db", "upgrade")
    assert "created" in portal(
        environment, "org", "create", "so-y-te", "--title", "Sở Y tế"
    )
    assert "already exists" in portal(environment, "org", "create", "so-y-te", code=1)
    portal(
        environment, "user", "create", "an", "--email", "an@example.vn", "--sysadmin"
    )
    token = portal(environment, "token", "create", "an").splitlines()[-1]
    assert len(token) > 30
    assert "User not found" in portal(environment, "token", "create", "nobody", code=1)
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "benh-vien.csv").write_text("ma,ten\n00001,Bệnh viện\n", encoding="utf-8")
    make_source(environment, folder)
    assert "added          benh-vien" in portal(
        environment, "harvest", "dry-run", "drop"
    )
    assert "0 datasets" in portal(environment, "index", "check")
    assert "1 added" in portal(environment, "harvest", "run", "drop")
    assert "not modified" in portal(environment, "harvest", "dry-run", "drop")
    job = orjson.loads(portal(environment, "harvest", "run", "drop", "--json"))["job"]
    assert (job["status"], job["stats"]["not modified"]) == ("Finished", 1)
    assert "drop" in portal(environment, "harvest", "list")
    (folder / "hong.csv").write_text("<html></html>", encoding="utf-8")
    assert "refused" in portal(environment, "harvest", "dry-run", "drop")
    assert "1 refused" in portal(environment, "harvest", "run", "drop", code=1)
    assert (
        orjson.loads(portal(environment, "index", "check", "--json"))["missing"] == []
    )
    assert "2 datasets" in portal(environment, "index", "rebuild")
    assert "not found" in portal(environment, "harvest", "run", "nothing", code=1)


def make_source(environment: Environment, folder: Path) -> None:
    script = (
        "import sys;from portal.bootstrap import build_portal;from portal.settings "
        "import load;"
        "from portal.access.identity import SYSTEM;from portal.actions import "
        "registry;p=build_portal(load());"
        "registry.call(p,SYSTEM,'harvest_source_create',{'name':'drop','url':sys.argv[1],'source_type':'files',"
        "'owner_org':'so-y-te','config':{'each':True,'pattern':'*.csv','settle_seconds':0}});p.close()"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        env=environment,
        check=True,
        timeout=60,
    )


def test_a_file_is_checked_in_both_languages(
    environment: Environment, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    header = "ma,ten,ma_cha,mo_ta,thu_tu,ngay_hl,ngay_hhl,trang_thai"
    good.write_text(f"{header}\nVN001,Lúa,,,1,2020-01-01,,\n", encoding="utf-8")
    bad.write_text("ma_dn,ten\n123,\n", encoding="utf-8")
    told = portal(environment, "validate", str(bad), "--schema", "D02", code=1)
    assert "KHÔNG HỢP LỆ" in told
    assert "Cách sửa" in told
    assert "NOT VALID" in portal(
        environment, "validate", str(bad), "--schema", "D02", "--lang", "en", code=1
    )
    report = orjson.loads(
        portal(environment, "validate", str(bad), "--schema", "d02", "--json", code=1)
    )
    assert report["valid"] is False
    assert "did you mean" in portal(
        environment, "validate", str(bad), "--schema", "D99", code=2
    )
    assert "Usage" in portal(environment, "validate", code=2)


def test_a_wrong_setting_is_named(environment: Environment) -> None:
    told = portal({**environment, "PORTAL_ROWS_MAX": "many"}, "db", "upgrade", code=1)
    assert told.startswith("portal: PORTAL_ROWS_MAX takes a whole number")


def test_help_is_there(environment: Environment) -> None:
    told = portal(environment, "--help")
    for command in (
        "demo",
        "serve",
        "worker",
        "db",
        "harvest",
        "validate",
        "index",
        "user",
        "token",
        "org",
    ):
        assert command in told


def test_a_flipped_bit_and_a_lost_file_are_named(
    environment: Environment, tmp_path: Path
) -> None:
    portal(environment, "db", "upgrade")
    script = (
        "from portal.bootstrap import build_portal;from portal.settings import load;"
        "from portal.access.identity import SYSTEM;from portal.actions import "
        "registry;p=build_portal(load());"
        "call=lambda "
        "act,**data:registry.call(p,SYSTEM,act,data);call('organization_create',name='so-y-te');"
        "call('package_create',name='bang',owner_org='so-y-te');"
        "make=lambda "
        "n:call('datastore_create',resource={'package_id':'bang'},records=[{'a':n}]);make(1);make(2);"
        "p.close()"
    )
    subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, timeout=60
    )
    assert "2 files in use, 0 damaged, 0 missing" in portal(
        environment, "files", "check"
    )
    stored = sorted(
        (tmp_path / "var" / "files").glob("??/*"), key=lambda path: path.stat().st_size
    )
    first, second = stored[-2:]  # the biggest: those with rows
    body = bytearray(first.read_bytes())
    body[len(body) // 2] ^= 1
    first.write_bytes(bytes(body))
    second.unlink()
    told = portal(environment, "files", "check", code=1)
    assert f"damaged: {first.name} (in use)" in told
    assert f"missing: {second.name}" in told
