"""The doctor: what was acknowledged and nobody is about to do is found, named and
handed to the workers again.
"""

import io
from dataclasses import replace
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from sqlalchemy import delete, update

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.cli import portal as command
from portal.db import outbox
from portal.domain.base import now
from portal.domain.datasets import Tag
from portal.domain.events import LOAD, RENDER, GivenUp, OutboxRow
from portal.domain.people import Group
from portal.pipeline import (
    doctor,
    index,
    load,
    publish,
    rendering,
    score,
    validation_runs,
)
from portal.runtime import Portal
from schemas.record import Upload
from tests.portal.pipeline.conftest import leaving_loads

GUARDS = (
    "portal.cli.doctor",
    "portal.cli.files",
    "portal.health.parts",
)


def call(portal: Portal, action: str, /, **data: Any) -> Any:
    return orjson.loads(orjson.dumps(registry.call(portal, SYSTEM, action, data)))


def upload(portal: Portal, name: str) -> str:
    call(portal, "package_create", name=name, title=name, owner_org="so-y-te")
    file = Upload(
        stream=io.BytesIO(f"ma,ten\n1,{name}\n".encode()),
        name="t.csv",
        media_type="text/csv",
    )
    return str(call(portal, "resource_create", package_id=name, upload=file)["id"])


@pytest.fixture
def quiet(portal: Portal) -> Portal:
    """A portal whose writes index nothing by themselves, and whose requests load
    nothing.
    """
    call(portal, "organization_create", name="so-y-te", title="Sở Y tế")
    return replace(
        leaving_loads(portal),
        after_write=lambda *_: None,
        before_search=lambda *_: None,
    )


def lose(portal: Portal) -> None:
    """Take every outbox row away, as a copy of the database that was put back may."""
    with portal.work() as uow:
        uow.session.execute(delete(OutboxRow))
        uow.commit()


def work(portal: Portal) -> None:
    index.drain(portal)
    load.drain(portal)
    validation_runs.drain(portal)
    publish.drain(portal)
    score.drain(portal)
    index.drain(portal)


def found(portal: Portal, **how: bool) -> dict[str, tuple[str, ...]]:
    return {each.kind: each.ids for each in doctor.examine(portal, **how).findings}


def test_what_is_queued_is_lost_by_nobody(quiet: Portal) -> None:
    upload(quiet, "cho")
    assert found(quiet) == {}
    work(quiet)
    examined = doctor.examine(quiet)
    assert (examined.findings, examined.healthy, examined.backlog) == ((), True, {})


def test_what_nobody_holds_is_found_and_mended(quiet: Portal) -> None:
    key = upload(quiet, "mat")
    lose(quiet)
    dataset = call(quiet, "package_show", id="mat")["id"]
    assert found(quiet) == {"index": (dataset,), "load": (key,), "quality": (dataset,)}
    assert not doctor.examine(quiet).healthy
    assert doctor.examine(quiet, mend=True).healthy
    assert found(quiet) == {}, "it is queued now"
    work(quiet)
    assert call(quiet, "datapusher_status", resource_id=key)["status"] == "complete"
    assert call(quiet, "datastore_search", resource_id=key)["total"] == 1
    assert found(quiet) == {}


def test_datasets_that_say_what_is_no_more_are_found_and_rendered_anew(
    quiet: Portal,
) -> None:
    """Their RENDER rows are gone: an owner's title, a group's, a relative that appears,
    a vocabulary that goes.
    """
    call(quiet, "organization_create", name="so-khac", title="Sở khác")
    call(quiet, "group_create", name="y-te", title="Y tế")
    vocabulary = call(
        quiet, "vocabulary_create", name="loai", tags=[{"name": "mot"}, {"name": "hai"}]
    )
    groups, tags = (
        [{"name": "y-te"}],
        [{"name": "mot", "vocabulary_id": vocabulary["id"]}],
    )
    keys = {
        "co-quan": call(quiet, "package_create", name="co-quan", owner_org="so-y-te")[
            "id"
        ],
        "nhom": call(
            quiet, "package_create", name="nhom", owner_org="so-khac", groups=groups
        )["id"],
        "the": call(
            quiet, "package_create", name="the", owner_org="so-khac", tags=tags
        )["id"],
        "yen": call(quiet, "package_create", name="yen", owner_org="so-khac")["id"],
    }
    work(quiet)
    assert found(quiet) == {}
    tag = next(each for each in vocabulary["tags"] if each["name"] == "mot")
    with quiet.work() as uow:
        uow.session.execute(
            update(Group)
            .where(Group.name == "so-y-te")
            .values(title="Sở Y tế Thanh Hóa")
        )
        uow.session.execute(
            update(Group).where(Group.name == "y-te").values(title="Sức khỏe")
        )
        uow.session.execute(update(Tag).where(Tag.id == tag["id"]).values(name="ba"))
        uow.commit()
    outdated = tuple(sorted(keys[name] for name in ("co-quan", "nhom", "the")))
    assert found(quiet) == {"render": outdated}
    assert doctor.examine(quiet, mend=True).healthy
    assert found(quiet) == {}, "it is queued now"
    rendering.drain(quiet)
    work(quiet)
    assert found(quiet) == {}
    assert (
        call(quiet, "package_show", id="co-quan")["organization"]["title"]
        == "Sở Y tế Thanh Hóa"
    )
    assert call(quiet, "package_show", id="nhom")["groups"][0]["title"] == "Sức khỏe"
    assert call(quiet, "package_show", id="the")["tags"][0]["name"] == "ba"


def test_a_change_that_is_queued_or_given_up_is_not_called_lost(quiet: Portal) -> None:
    dataset = call(quiet, "package_create", name="xep-hang", owner_org="so-y-te")["id"]
    work(quiet)
    with quiet.work() as uow:
        uow.session.execute(
            update(Group).where(Group.name == "so-y-te").values(title="Sở")
        )
        uow.later(RENDER, dataset)
        uow.commit()
    assert found(quiet) == {}
    with quiet.work() as uow:
        uow.session.execute(delete(OutboxRow))
        uow.session.add(
            GivenUp(topic=RENDER, entity_id=dataset, error="broken", attempts=5)
        )
        uow.commit()
    assert set(found(quiet)) == {"given-up"}


def test_a_run_and_downloads_that_nobody_holds_are_found(quiet: Portal) -> None:
    key = upload(quiet, "chay")
    work(quiet)
    run = call(quiet, "resource_validation_run", resource_id=key)["id"]
    index.drain(quiet)
    score.drain(quiet)
    lose(quiet)
    for path in (quiet.settings.data_dir / "tables").glob("??/*.csv"):
        path.unlink()
    assert found(quiet) == {"validate": (run,), "publish": (key,)}
    assert doctor.examine(quiet, mend=True).healthy
    validation_runs.drain(quiet)
    index.drain(quiet)
    assert found(quiet) == {}
    assert (
        call(quiet, "resource_validation_show", resource_id=key)["status"] == "success"
    )


def test_what_was_given_up_is_told_and_tried_again_when_somebody_says_so(
    quiet: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = upload(quiet, "hong")

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as damaged:
        damaged.setattr(load, "load_resource", broken)
        for _ in range(quiet.settings.outbox_tries):
            with quiet.work() as uow:
                uow.session.execute(
                    update(OutboxRow).where(OutboxRow.topic == LOAD).values(due=now())
                )
                uow.commit()
            load.drain(quiet)
    assert found(quiet)["given-up"] == (f"load {key}: Input/output error",)
    assert set(found(quiet, retry=True)) == {"given-up"}
    with quiet.read() as uow:
        assert outbox.waits(uow.session, LOAD, key)
    work(quiet)
    assert found(quiet) == {}


def test_the_command_says_it_in_words_and_for_machines(
    quiet: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = upload(quiet, "lenh")
    lose(quiet)
    monkeypatch.setenv("PORTAL_DATA_DIR", str(quiet.settings.data_dir))
    monkeypatch.setenv("PORTAL_DATABASE_URL", quiet.settings.database_url)
    told = CliRunner().invoke(command, ["doctor"])
    assert told.exit_code == 1
    assert (
        "load: 1 resources that wait to be loaded" in told.output and key in told.output
    )
    asked = CliRunner().invoke(command, ["doctor", "--mend", "--json"])
    assert asked.exit_code == 0
    body = orjson.loads(asked.output)
    assert {each["kind"] for each in body["findings"]} == {"index", "load", "quality"}
    assert body["outbox"]["load"]["waiting"] == 1
    work(quiet)
    assert "Nothing is lost" in CliRunner().invoke(command, ["doctor"]).output
    assert CliRunner().invoke(command, ["sweep"]).output.endswith("things removed.\n")
