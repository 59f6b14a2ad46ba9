"""The sweep, and what is forgotten at once: no copy of rows outlives the version that
it was made of.
"""

import io
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import update

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.domain.datasets import TableVersion
from portal.pipeline import load, publish, sweep
from portal.runtime import Portal
from schemas.record import Upload
from tests.portal.pipeline.conftest import leaving_loads


@pytest.fixture
def portal(portal: Portal) -> Portal:
    """A portal whose uploads wait for the worker."""
    return leaving_loads(portal)


NO_GRACE = timedelta(seconds=0)


def call(portal: Portal, action: str, /, **data: Any) -> Any:
    return orjson.loads(orjson.dumps(registry.call(portal, SYSTEM, action, data)))


@pytest.fixture(autouse=True)
def owner(portal: Portal) -> None:
    call(portal, "organization_create", name="so-y-te", title="Sở Y tế")


def table(portal: Portal, name: str, text: str) -> str:
    """A dataset with a table whose downloads are rendered; its resource's id."""
    call(portal, "package_create", name=name, title=name, owner_org="so-y-te")
    body = io.BytesIO(f"ma,ten\n1,{text}\n".encode())
    upload = Upload(stream=body, name="t.csv", media_type="text/csv")
    key = call(portal, "resource_create", package_id=name, upload=upload)["id"]
    assert load.drain(portal) == 1
    publish.drain(portal)
    return str(key)


def copies(portal: Portal) -> list[Path]:
    return [
        path
        for path in (portal.settings.data_dir / "tables").rglob("*")
        if path.is_file()
    ]


def holding(portal: Portal, text: str) -> list[Path]:
    paths = [
        path
        for path in portal.settings.data_dir.rglob("*")
        if path.is_file() and "portal.db" not in path.name
    ]
    return [path for path in paths if text.encode() in path.read_bytes()]


def aged(portal: Portal) -> None:
    """Let two days pass for the files."""
    old = time.time() - 2 * 86_400
    for path in portal.settings.data_dir.rglob("*"):
        if "portal.db" not in path.name:
            os.utime(path, (old, old))


def test_after_a_purge_no_copy_of_the_rows_is_left(portal: Portal) -> None:
    table(portal, "mat", "khong-ai-duoc-thay")
    table(portal, "con", "con-lai")
    assert holding(portal, "khong-ai-duoc-thay")
    call(portal, "package_delete", id="mat")
    call(portal, "dataset_purge", id="mat")
    assert sweep.forget(portal) == 1
    assert not [
        path for path in holding(portal, "khong-ai-duoc-thay") if "tables" in path.parts
    ], "at once"
    aged(portal)
    sweep.sweep(portal)
    assert holding(portal, "khong-ai-duoc-thay") == [], (
        "and the file itself with the sweep"
    )
    assert len(copies(portal)) == 2


def test_rows_that_another_table_shows_keep_their_copies(portal: Portal) -> None:
    table(portal, "mot", "giong-nhau")
    table(portal, "hai", "giong-nhau")
    before = copies(portal)
    call(portal, "dataset_purge", id="mot")
    assert sweep.forget(portal) == 1
    assert copies(portal) == before != []


def test_deleted_rows_take_their_copies_along(portal: Portal) -> None:
    key = table(portal, "bang", "bi-rut")
    call(portal, "datastore_delete", resource_id=key, force=True)
    assert sweep.forget(portal) == 1
    assert copies(portal) == []


def test_copies_of_versions_that_are_forgotten_go_with_them(portal: Portal) -> None:
    key = table(portal, "gia", "ban-cu")
    call(
        portal,
        "datastore_upsert",
        resource_id=key,
        records=[{"ma": "2", "ten": "ban-moi"}],
        method="insert",
        force=True,
    )
    publish.drain(portal)
    assert len(copies(portal)) == 4
    with portal.work() as uow:
        uow.session.execute(
            update(TableVersion).where(TableVersion.number == 1).values(number=-99)
        )
        uow.session.query(TableVersion).filter_by(number=-99).delete()
        uow.commit()
    sweep.sweep(portal)
    assert len(copies(portal)) == 2
    assert call(portal, "datastore_search", resource_id=key)["total"] == 2


def test_what_killed_processes_left_is_removed(portal: Portal) -> None:
    data = portal.settings.data_dir
    left = [
        data / "tables" / f"{kind}-x" / "f"
        for kind in ("part", "download", "hot", "export")
    ]
    left += [
        data / "work" / "link-x" / "f",
        data / "work" / "rows.csv",
        data / "tables" / "spill" / "duckdb_temp.tmp",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path.parent, (1e9, 1e9))
        os.utime(path, (1e9, 1e9))
    fresh = data / "work" / "under-way"
    fresh.mkdir()
    assert sweep.sweep(portal) == len(left)
    assert [path.exists() for path in left] == [False] * len(left)
    assert fresh.exists()


def test_a_step_that_fails_holds_up_no_other(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(portal, "mat", "bi-xoa")
    call(portal, "dataset_purge", id="mat")

    def broken(*_: object) -> None:
        raise OSError("damaged")

    monkeypatch.setattr(portal.files, "keys", broken)
    assert sweep.sweep(portal, NO_GRACE) >= 2
    assert copies(portal) == []


def test_what_is_uploaded_again_amid_a_sweep_keeps_its_bytes(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep has listed old files when the same bytes are acknowledged again."""
    table(portal, "cu", "tai-len-lai")
    call(portal, "dataset_purge", id="cu")
    aged(portal)
    keys = portal.files.keys

    def listing(older_than: float = 0.0) -> list[str]:
        found = list(keys(older_than))
        table(portal, "moi", "tai-len-lai")
        return found

    with monkeypatch.context() as amid:
        amid.setattr(portal.files, "keys", listing)
        sweep.sweep(portal)
    resource = call(portal, "package_show", id="moi")["resources"][0]
    assert call(portal, "datastore_search", resource_id=resource["id"])["total"] == 1
    assert (
        list(portal.files.find_damaged()) == []
        and len(holding(portal, "tai-len-lai")) >= 3
    )
